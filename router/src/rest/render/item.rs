//! A cache item, and the answers of get.

use ringhold_model::{config::Backend, wire::ItemRef};

use super::splice::{number, raw, stamp, string, ttl, version};

/// Room for labels, numbers and times of an item.
const ITEM_BYTES: usize = 384;

/// Answer of get when there is a live record.
pub fn hit(out: &mut Vec<u8>, key: &str, item: &ItemRef<'_>, backend: Backend) {
    raw(out, "{\"success\":true,\"found\":true,\"cache_item\":");
    cache_item(out, key, item, backend);
    out.push(b'}');
}

/// Answer of get when there is none.
pub fn miss(out: &mut Vec<u8>, key: &str) {
    string(out, "{\"success\":true,\"found\":false,\"message\":\"No such key\",\"key\":", key);
    out.push(b'}');
}

/// The item with everything that is known of it.
pub(super) fn cache_item(out: &mut Vec<u8>, key: &str, item: &ItemRef<'_>, backend: Backend) {
    let metadata = item.metadata.unwrap_or(b"null");
    out.reserve(ITEM_BYTES + key.len() + item.value.len() + metadata.len());
    string(out, "{\"key\":", key);
    raw(out, ",\"value\":");
    out.extend_from_slice(item.value);
    raw(out, ",\"data_type\":\"");
    raw(out, item.data_type.as_str());
    ttl(out, "\",\"ttl\":", item.ttl_ms);
    stamp(out, ",\"created_at\":", item.created_at_ms);
    stamp(out, ",\"accessed_at\":", item.accessed_at_ms);
    number(out, ",\"access_count\":", item.access_count);
    number(out, ",\"size\":", item.size);
    raw(out, ",\"metadata\":");
    out.extend_from_slice(metadata);
    version(out, ",\"version\":", item.version);
    raw(out, ",\"strategy\":\"");
    raw(out, item.strategy.as_str());
    raw(out, "\",\"backend\":\"");
    raw(out, backend.as_str());
    raw(out, "\"}");
}
