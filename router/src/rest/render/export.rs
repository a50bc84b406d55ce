//! The pieces of a streamed export.
//!
//! ```text
//! json:    json_head  json_entry (is_first: true)  json_entry ...  json_tail
//! ndjson:             ndjson_entry ...                             ndjson_tail
//! ```
//! The tail says what the export covers. A stream that broke lacks it, and in the JSON form is no valid JSON.

use ringhold_model::{config::Backend, wire::ItemRef};

use super::{
    super::coverage::Coverage,
    item::cache_item,
    splice::{number, raw, stamp, string},
};

/// What the end of an export says.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// Items written.
    pub items: u64,
    /// Wall clock at the start, milliseconds since 1970.
    pub exported_at_ms: u64,
    /// Who contributed.
    pub coverage: Coverage,
}

/// Begins the JSON form.
pub fn json_head(out: &mut Vec<u8>, namespace: &str, exported_at_ms: u64) {
    string(out, "{\"success\":true,\"format\":\"json\",\"namespace\":", namespace);
    stamp(out, ",\"exported_at\":", exported_at_ms);
    raw(out, ",\"data\":{");
}

/// One item of the JSON form.
pub fn json_entry(out: &mut Vec<u8>, is_first: bool, key: &str, item: &ItemRef<'_>, backend: Backend) {
    string(out, if is_first { "\n" } else { ",\n" }, key);
    out.push(b':');
    cache_item(out, key, item, backend);
}

/// Ends the JSON form.
pub fn json_tail(out: &mut Vec<u8>, tail: &Tail) {
    number(out, "\n},\"total_items\":", tail.items);
    tail.coverage.write_members(out);
    raw(out, "}\n");
}

/// One line with one item.
pub fn ndjson_entry(out: &mut Vec<u8>, key: &str, item: &ItemRef<'_>, backend: Backend) {
    cache_item(out, key, item, backend);
    out.push(b'\n');
}

/// The last line.
pub fn ndjson_tail(out: &mut Vec<u8>, namespace: &str, tail: &Tail) {
    string(out, "{\"success\":true,\"format\":\"ndjson\",\"namespace\":", namespace);
    stamp(out, ",\"exported_at\":", tail.exported_at_ms);
    number(out, ",\"total_items\":", tail.items);
    tail.coverage.write_members(out);
    raw(out, "}\n");
}
