//! Bodies made fit for snapshots: what differs from run to run is replaced by a word.

use serde_json::{Value, json};

/// Members that differ from run to run, and what stands for them.
const VOLATILE: &[(&str, &str)] = &[
    ("version", "[version]"),
    ("request_id", "[id]"),
    ("timestamp", "[time]"),
    ("created_at", "[time]"),
    ("accessed_at", "[time]"),
    ("last_accessed", "[time]"),
    ("exported_at", "[time]"),
    ("namespace", "[namespace]"),
    ("next_cursor", "[cursor]"),
    ("address", "[address]"),
    ("rpc", "[address]"),
    ("health", "[address]"),
];

/// `body` with the volatile members replaced; times must be RFC 3339 in UTC.
pub fn shown(body: &Value) -> Value {
    shown_but(body, &[])
}

/// The same with more members replaced.
pub fn shown_but(body: &Value, more: &[&str]) -> Value {
    match body {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), member(name, value, more))).collect()
        }
        Value::Array(items) => items.iter().map(|item| shown_but(item, more)).collect(),
        other => other.clone(),
    }
}

fn member(name: &str, value: &Value, more: &[&str]) -> Value {
    if more.contains(&name) {
        return json!(format!("[{name}]"));
    }
    match VOLATILE.iter().find(|(volatile, _)| *volatile == name) {
        Some((_, word)) if !value.is_null() && !value.is_object() => {
            assert!(*word != "[time]" || is_time(value), "{name} is no time: {value}");
            json!(word)
        }
        _ => shown_but(value, more),
    }
}

/// RFC 3339 in UTC, as `2026-01-31T12:00:00.000Z`.
pub fn is_time(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z" || shape == "0000-00-00T00:00:00.000000Z" || shape == "0000-00-00T00:00:00Z"
}
