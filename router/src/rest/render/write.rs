//! Answers of set, incr, getset, touch, delete, clear and invalidate.

use std::borrow::Cow;

use ringhold_model::{
    Version,
    config::{Backend, Strategy},
    wire::ItemRef,
};

use super::{
    super::coverage::Coverage,
    item::cache_item,
    splice::{number, optional_string, raw, string, ttl, version},
};
use crate::json::write_string;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes of the value as kept.
    pub size: u64,
    /// Milliseconds it will live; `None`: it does not expire.
    pub ttl_ms: Option<u64>,
    /// Where it is.
    pub backend: Backend,
    /// The strategy that governs it.
    pub strategy: Strategy,
    /// Its version.
    pub version: Version,
    /// How many copies hold it.
    pub copies: u8,
}

/// Answer of set.
pub fn stored(out: &mut Vec<u8>, key: &str, stored: &Stored) {
    string(out, "{\"success\":true,\"message\":\"Stored\",\"key\":", key);
    outcome(out, stored);
}

/// Answer of getset: that of set, and the item that was there.
pub fn swapped(out: &mut Vec<u8>, key: &str, stored: &Stored, previous: Option<&ItemRef<'_>>) {
    raw(out, "{\"success\":true,\"found\":");
    raw(out, if previous.is_some() { "true" } else { "false" });
    string(out, ",\"message\":\"Stored\",\"key\":", key);
    raw(out, ",\"cache_item\":");
    match previous {
        Some(item) => cache_item(out, key, item, stored.backend),
        None => raw(out, "null"),
    }
    outcome(out, stored);
}

fn outcome(out: &mut Vec<u8>, stored: &Stored) {
    number(out, ",\"size\":", stored.size);
    ttl(out, ",\"ttl\":", stored.ttl_ms);
    raw(out, ",\"backend\":\"");
    raw(out, stored.backend.as_str());
    raw(out, "\",\"strategy\":\"");
    raw(out, stored.strategy.as_str());
    version(out, "\",\"version\":", stored.version);
    number(out, ",\"copies\":", u64::from(stored.copies));
    out.push(b'}');
}

/// What became of an increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The sum.
    pub value: i64,
    /// Its version.
    pub version: Version,
    /// How many copies hold it.
    pub copies: u8,
    /// Milliseconds that remain; `None`: it does not expire.
    pub ttl_ms: Option<u64>,
}

/// Answer of incr.
pub fn counted(out: &mut Vec<u8>, key: &str, counted: &Counted) {
    string(out, "{\"success\":true,\"key\":", key);
    raw(out, ",\"value\":");
    raw(out, itoa::Buffer::new().format(counted.value));
    version(out, ",\"version\":", counted.version);
    number(out, ",\"copies\":", u64::from(counted.copies));
    ttl(out, ",\"ttl\":", counted.ttl_ms);
    out.push(b'}');
}

/// Answer of touch when there is an item: its version and the time that it has.
pub fn touched(out: &mut Vec<u8>, key: &str, item: Version, ttl_ms: Option<u64>) {
    string(out, "{\"success\":true,\"found\":true,\"message\":\"Touched\",\"key\":", key);
    ttl(out, ",\"ttl\":", ttl_ms);
    version(out, ",\"version\":", item);
    out.push(b'}');
}

/// Answer of delete.
pub fn deleted(out: &mut Vec<u8>, key: &str, found: bool) {
    raw(
        out,
        if found {
            "{\"success\":true,\"found\":true,\"message\":\"Deleted\",\"key\":"
        } else {
            "{\"success\":true,\"found\":false,\"message\":\"No such key\",\"key\":"
        },
    );
    write_string(out, key);
    out.push(b'}');
}

/// Answer of clear.
pub fn cleared(out: &mut Vec<u8>, deleted_count: u64, pattern: Option<&str>, coverage: &Coverage) {
    removed(out, "Cleared", deleted_count);
    optional_string(out, ",\"pattern\":", pattern);
    coverage.write_members(out);
    out.push(b'}');
}

/// Answer of invalidate.
pub fn invalidated(
    out: &mut Vec<u8>,
    deleted_count: u64,
    tags: &[Cow<'_, str>],
    pattern: Option<&str>,
    coverage: &Coverage,
) {
    removed(out, "Invalidated", deleted_count);
    raw(out, ",\"tags\":[");
    for (n, tag) in tags.iter().enumerate() {
        string(out, if n > 0 { "," } else { "" }, tag);
    }
    optional_string(out, "],\"pattern\":", pattern);
    coverage.write_members(out);
    out.push(b'}');
}

fn removed(out: &mut Vec<u8>, verb: &str, count: u64) {
    raw(out, "{\"success\":true,\"message\":\"");
    raw(out, verb);
    number(out, " ", count);
    raw(out, if count == 1 { " item\"" } else { " items\"" });
    number(out, ",\"deleted_count\":", count);
}
