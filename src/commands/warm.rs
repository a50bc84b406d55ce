//! `warm`: many values from one JSON object, in batches that the API takes.

use reqwest::Method;

use super::{feed, progress};
use crate::{
    cli::{Output, WarmArgs},
    client::{Client, Path},
    failure::Failure,
    fields::Fields,
    output::{cell, print_line},
};

/// Values in one call; the API's default limit is 1,000.
const BATCH_ITEMS_MAX: usize = 500;
/// Bytes in one call, unless a single value is larger; the API's default limit is 8 MiB.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Failures that are named one by one.
const FAILURES_SHOWN_MAX: usize = 10;

/// Stores the values of a file.
pub(super) async fn warm(arguments: &WarmArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let text = feed::read_text(&arguments.file)?;
    let items: Fields<'_> = serde_json::from_str(&text).map_err(|error| {
        Failure::failed(format!("{} is no JSON object of keys and values: {error}", arguments.file.display()))
    })?;
    let bar = progress::bar("warm", Some(text.len() as u64));
    let (mut stored, mut failed) = (0, 0);
    for batch in batches(&items) {
        bar.inc(batch.len() as u64);
        let answer = client.call_with(Method::POST, &Path::new("/api/cache/warm"), batch).await?;
        stored += answer.fields().number("successful_count").unwrap_or_default();
        failed += answer.fields().number("failed_count").unwrap_or_default();
        for result in answer
            .list("results")
            .unwrap_or_default()
            .iter()
            .filter(|result| is_failed(result))
            .take(FAILURES_SHOWN_MAX)
        {
            let part = |name| result.get(name).map(cell).unwrap_or_default();
            eprintln!("{}: {}", part("key"), part("error"));
        }
    }
    bar.finish_and_clear();
    match output {
        Output::Json => print_line(&format!(
            "{{\"total_items\":{},\"successful_count\":{stored},\"failed_count\":{failed}}}",
            items.0.len()
        ))?,
        Output::Table => print_line(&format!("{stored} of {} stored", items.0.len()))?,
    }
    if failed == 0 { Ok(()) } else { Err(Failure::failed(format!("{failed} items could not be stored"))) }
}

fn is_failed(result: &Fields<'_>) -> bool {
    result.get("success").is_some_and(|success| success.get() == "false")
}

/// The items as JSON objects small enough for a call each.
fn batches(items: &Fields<'_>) -> Vec<String> {
    let mut batches = Vec::new();
    let mut batch = String::new();
    let mut count = 0;
    for (key, value) in &items.0 {
        let item = format!("{}:{}", serde_json::Value::from(key.as_ref()), value.get());
        if count == BATCH_ITEMS_MAX || (count > 0 && batch.len() + item.len() > BATCH_BYTES_MAX) {
            batches.push(format!("{{{batch}}}"));
            batch.clear();
            count = 0;
        }
        if count > 0 {
            batch.push(',');
        }
        batch.push_str(&item);
        count += 1;
    }
    if count > 0 {
        batches.push(format!("{{{batch}}}"));
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_sent_in_batches_that_the_api_takes() {
        let text = format!("{{{}}}", (0..1_201).map(|n| format!("\"k{n}\": {n}.0")).collect::<Vec<_>>().join(","));
        let batches = batches(&serde_json::from_str(&text).unwrap());
        let counts: Vec<_> =
            batches.iter().map(|batch| serde_json::from_str::<Fields<'_>>(batch).unwrap().0.len()).collect();
        assert_eq!(counts, [500, 500, 201]);
        assert!(batches[0].starts_with("{\"k0\":0.0,"));
    }

    #[test]
    fn a_large_value_goes_alone() {
        let text = format!("{{\"a\": 1, \"b\": \"{}\", \"c\": 1}}", "x".repeat(BATCH_BYTES_MAX));
        assert_eq!(batches(&serde_json::from_str(&text).unwrap()).len(), 3);
        assert!(batches(&Fields::default()).is_empty());
    }
}
