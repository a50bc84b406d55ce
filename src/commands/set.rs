//! `set`, and the body that `getset` shares with it.

use std::borrow::Cow;

use anyhow::{Context, anyhow};
use reqwest::Method;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::feed;
use crate::{
    cli::{Output, SetArgs},
    client::{Client, Path},
    failure::Failure,
    fields::Fields,
    output::print_line,
};

/// Body of a set request; what was not given is left out, so that the API's defaults hold.
#[derive(Debug, Serialize)]
struct Body<'a> {
    key: &'a str,
    value: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    if_absent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_version: Option<&'a str>,
}

/// Stores a value.
pub(super) async fn set(arguments: SetArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let body = body(&arguments)?;
    let answer = client.call_with(Method::POST, &Path::new("/api/cache/set"), body).await?;
    match output {
        Output::Json => print_line(answer.text()),
        Output::Table => print_line(&answer.message()),
    }
}

/// The body as the API takes it.
pub(super) fn body(arguments: &SetArgs) -> Result<String, Failure> {
    let text = match (&arguments.value, &arguments.file) {
        (Some(value), None) if value != "-" => Cow::Borrowed(value.as_str()),
        (_, Some(file)) => Cow::Owned(feed::read_text(file)?),
        _ => Cow::Owned(feed::read_text("-".as_ref())?),
    };
    let body = Body {
        key: &arguments.key,
        value: value(&text, arguments.string)?,
        data_type: arguments.data_type.as_deref(),
        ttl: arguments.ttl,
        backend: arguments.target.backend.as_deref(),
        strategy: arguments.strategy.as_deref(),
        metadata: metadata(arguments.metadata.as_deref(), &arguments.tags)?,
        if_absent: arguments.if_absent,
        if_version: arguments.if_version.as_deref(),
    };
    serde_json::to_string(&body).map_err(|error| Failure::Failed(error.into()))
}

/// JSON as it stands if it is JSON, else a string.
fn value(text: &str, is_string: bool) -> Result<Box<RawValue>, Failure> {
    if !is_string && let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
        return Ok(raw.to_owned());
    }
    to_raw_value(text).map_err(|error| Failure::Failed(error.into()))
}

/// `metadata` with the tags in it, its other fields untouched.
fn metadata(given: Option<&str>, tags: &[String]) -> Result<Option<Box<RawValue>>, Failure> {
    let fields: Fields<'_> = match given {
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("--metadata is no JSON object ({error}); give {{\"name\": value}}"))
        })?,
        None if tags.is_empty() => return Ok(None),
        None => Fields::default(),
    };
    if !tags.is_empty() && fields.get("tags").is_some() {
        return Err(Failure::Usage(anyhow!("give the tags with --tag or in --metadata, not in both")));
    }
    let tags = to_raw_value(tags).context("tags cannot be written as JSON")?;
    let mut parts = Vec::new();
    for (name, value) in &fields.0 {
        parts.push(format!("{}:{}", serde_json::Value::from(name.as_ref()), value.get()));
    }
    if fields.get("tags").is_none() && tags.get() != "[]" {
        parts.push(format!("\"tags\":{}", tags.get()));
    }
    let text = format!("{{{}}}", parts.join(","));
    Ok(Some(RawValue::from_string(text).context("metadata cannot be written as JSON")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_if_it_reads_as_json() {
        for (text, json) in [
            ("1.50", "1.50"),
            ("{\"b\":1, \"a\":2}", "{\"b\":1, \"a\":2}"),
            ("hello", "\"hello\""),
            ("\"x", "\"\\\"x\""),
        ] {
            assert_eq!(value(text, false).unwrap().get(), json);
        }
        assert_eq!(value("1.50", true).unwrap().get(), "\"1.50\"");
    }

    #[test]
    fn tags_join_the_metadata_which_keeps_its_text() {
        let tags = ["a".to_owned(), "b\"".to_owned()];
        let text = |given, tags| metadata(given, tags).unwrap().map(|raw| raw.get().to_owned());
        assert_eq!(text(None, &[]), None);
        assert_eq!(text(None, &tags).unwrap(), r#"{"tags":["a","b\""]}"#);
        assert_eq!(text(Some(r#"{"z": 1.0}"#), &tags).unwrap(), r#"{"z":1.0,"tags":["a","b\""]}"#);
        assert_eq!(text(Some(r#"{"tags": ["c"]}"#), &[]).unwrap(), r#"{"tags":["c"]}"#);
        assert!(matches!(metadata(Some(r#"{"tags": []}"#), &tags), Err(Failure::Usage(_))));
        assert!(matches!(metadata(Some("[]"), &[]), Err(Failure::Usage(_))));
    }
}
