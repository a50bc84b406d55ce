//! `import`: streams a file or standard input to the router.

use futures_util::TryStreamExt;
use reqwest::{Body, Method, header::CONTENT_TYPE};
use serde_json::value::RawValue;

use super::{feed::Source, progress};
use crate::{
    cli::{Conflict, ImportArgs, Output},
    client::{Answer, Client, Path},
    failure::Failure,
    fields::Fields,
    output::{list, print_line},
};

/// Loads what `export` wrote.
pub(super) async fn import(arguments: &ImportArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let unreadable = |error| anyhow::Error::new(error).context(format!("{} cannot be read", arguments.file.display()));
    let mut source = Source::open(&arguments.file)?;
    let bar = progress::bar("import", source.size);
    let first = source.first_piece().map_err(unreadable)?;
    let content_type = content_type(&first);
    let counter = bar.clone();
    let stream = source.into_stream(first).map_err(unreadable)?;
    let stream = stream.inspect_ok(move |piece| counter.inc(piece.len() as u64));

    let conflict = match arguments.on_conflict {
        Conflict::Replace => "replace",
        Conflict::Skip => "skip",
    };
    let path = Path::new("/api/cache/import").query("on_conflict", Some(conflict));
    let request = client.request(Method::POST, &path).header(CONTENT_TYPE, content_type);
    let call = client.answer(request.body(Body::wrap_stream(stream)));
    let answer = client.patiently(|| bar.position(), call).await;
    bar.finish_and_clear();
    let answer = answer?;
    match output {
        Output::Json => print_line(answer.text())?,
        Output::Table => print_line(&summary(&answer))?,
    }
    answer.warn_of_gap();
    match answer.fields().number("failed_count") {
        Some(0) | None => Ok(()),
        Some(count) => Err(Failure::failed(format!("{count} items could not be imported"))),
    }
}

/// What became of the items, and the first failures.
fn summary(answer: &Answer) -> String {
    let fields = answer.fields();
    let mut text = answer.message();
    if let Some(skipped) = fields.number("skipped_count").filter(|count| *count > 0) {
        text.push_str(&format!(", {skipped} were there already"));
    }
    let errors = answer.list("errors").unwrap_or_default();
    if errors.is_empty() { text } else { format!("{text}\n\n{}", list(&errors, &[])) }
}

/// An export in one document has its items under `data`; one item a line has nothing of the kind in its first line.
fn content_type(first: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(first);
    let line = text.trim_start().split('\n').next().unwrap_or_default();
    let is_line = serde_json::from_str::<&RawValue>(line)
        .ok()
        .and_then(Fields::of)
        .is_some_and(|line| line.get("data").is_none());
    // A line longer than the piece is an item as well, if it begins like one.
    let begins_as_item = !text.contains('\n') && text.trim_start().starts_with("{\"key\"");
    if is_line || begins_as_item { "application/x-ndjson" } else { "application/json" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_seen_in_the_first_piece() {
        for (text, expected) in [
            ("{\"key\": \"a\", \"value\": 1}\n{\"key\"", "application/x-ndjson"),
            ("{\"coverage\": \"3/3\"}\n", "application/x-ndjson"),
            ("{\"key\":\"a\",\"value\":\"long", "application/x-ndjson"),
            ("{\"success\": true, \"data\": {}}", "application/json"),
            ("{\"success\": true, \"data\": {\"a\": ", "application/json"),
            ("{\n  \"success\": true", "application/json"),
        ] {
            assert_eq!(content_type(text.as_bytes()), expected, "{text}");
        }
    }
}
