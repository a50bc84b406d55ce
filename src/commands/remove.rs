//! `clear` and `invalidate`.

use reqwest::Method;

use crate::{
    cli::{ClearArgs, InvalidateArgs, Output},
    client::{Answer, Client, Path},
    failure::Failure,
    output::print_line,
};

/// Removes all items, or those that match a pattern.
pub(super) async fn clear(arguments: &ClearArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = Path::new("/api/cache/clear").query("pattern", arguments.pattern.as_deref());
    let path = path.query("backend", arguments.target.backend.as_deref());
    show(&client.call(Method::POST, &path).await?, output)
}

/// Removes items that carry one of the tags or match the pattern.
pub(super) async fn invalidate(arguments: &InvalidateArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let mut body = serde_json::Map::new();
    if !arguments.tags.is_empty() {
        body.insert("tags".to_owned(), arguments.tags.clone().into());
    }
    if let Some(pattern) = &arguments.pattern {
        body.insert("pattern".to_owned(), pattern.clone().into());
    }
    if let Some(backend) = &arguments.target.backend {
        body.insert("backend".to_owned(), backend.clone().into());
    }
    let body = serde_json::Value::Object(body).to_string();
    show(&client.call_with(Method::POST, &Path::new("/api/cache/invalidate"), body).await?, output)
}

fn show(answer: &Answer, output: Output) -> Result<(), Failure> {
    match output {
        Output::Json => print_line(answer.text()),
        Output::Table => {
            let count = answer.fields().number("deleted_count").unwrap_or_default();
            print_line(&format!("{count} removed"))
        }
    }
}
