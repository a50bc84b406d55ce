//! Small writers that all answers share.

use ringhold_model::Version;

use crate::json::{write_stamp, write_string};

/// Appends a piece of JSON text as it stands.
pub(super) fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a label and a number.
pub(super) fn number(out: &mut Vec<u8>, label: &str, value: u64) {
    raw(out, label);
    raw(out, itoa::Buffer::new().format(value));
}

/// Appends a label and a string.
pub(super) fn string(out: &mut Vec<u8>, label: &str, text: &str) {
    raw(out, label);
    write_string(out, text);
}

/// Appends a label and a string or null.
pub(super) fn optional_string(out: &mut Vec<u8>, label: &str, text: Option<&str>) {
    raw(out, label);
    match text {
        Some(text) => write_string(out, text),
        None => raw(out, "null"),
    }
}

/// Appends a label and a timestamp.
pub(super) fn stamp(out: &mut Vec<u8>, label: &str, ms: u64) {
    raw(out, label);
    out.push(b'"');
    write_stamp(out, ms);
    out.push(b'"');
}

/// Appends a label and a version, in quotes.
pub(super) fn version(out: &mut Vec<u8>, label: &str, version: Version) {
    raw(out, label);
    number(out, "\"", version.epoch.0);
    number(out, "-", version.seq);
    out.push(b'"');
}

/// Appends a label and the whole seconds that remain, rounded up; null: for ever. A living item never shows 0.
pub(super) fn ttl(out: &mut Vec<u8>, label: &str, ttl_ms: Option<u64>) {
    match ttl_ms {
        Some(ms) => number(out, label, ms.div_ceil(1_000).max(1)),
        None => {
            raw(out, label);
            raw(out, "null");
        }
    }
}

/// Appends a value of one of our own types; those cannot fail to be written.
pub(super) fn serde(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
