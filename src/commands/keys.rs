//! `keys`.

use anyhow::Context;
use reqwest::Method;
use serde_json::value::RawValue;

use crate::{
    cli::{KeysArgs, Output},
    client::{Client, Path},
    failure::Failure,
    fields::Fields,
    output::{list, print, print_line},
};

const COLUMNS: &[&str] = &["key", "data_type", "size", "ttl", "access_count", "last_accessed", "created_at"];
/// Keys in a page of a walk; the most that the API gives.
const WALK_PAGE: u32 = 1_000;

/// Lists a page of keys, or all of them.
pub(super) async fn keys(arguments: &KeysArgs, client: &Client, output: Output) -> Result<(), Failure> {
    if arguments.all {
        return walk(arguments, client, output).await;
    }
    let path = path(arguments, arguments.limit).query("offset", Some(arguments.offset));
    let answer = client.call(Method::GET, &path).await?;
    answer.warn_of_gap();
    if output == Output::Json {
        return print_line(answer.text());
    }
    let keys = answer.list("keys")?;
    if !keys.is_empty() {
        print_line(&list(&keys, COLUMNS))?;
    }
    if let Some(total) = answer.fields().number("total_keys") {
        eprintln!("{} of {total} keys", keys.len());
    }
    Ok(())
}

/// Follows the cursor to the end.
async fn walk(arguments: &KeysArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let mut cursor = Some(String::new());
    while let Some(at) = cursor {
        let path = path(arguments, WALK_PAGE).query("cursor", Some(at));
        let answer = client.call(Method::GET, &path).await?;
        answer.warn_of_gap();
        let keys: Vec<&RawValue> =
            serde_json::from_str(answer.field("keys")?.get()).context("the list of keys cannot be read")?;
        let mut page = String::new();
        for raw in keys {
            match output {
                Output::Json => page.push_str(raw.get()),
                Output::Table => page.push_str(&Fields::of(raw).and_then(|key| key.text("key")).unwrap_or_default()),
            }
            page.push('\n');
        }
        print(&page)?;
        cursor = answer.fields().text("next_cursor");
    }
    Ok(())
}

fn path(arguments: &KeysArgs, limit: u32) -> Path {
    let path = Path::new("/api/cache/keys").query("pattern", arguments.pattern.as_deref()).query("limit", Some(limit));
    path.query("backend", arguments.target.backend.as_deref())
}
