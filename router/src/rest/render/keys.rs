//! A page of a listing.

use ringhold_model::wire::ItemRef;

use super::{
    super::coverage::Coverage,
    splice::{number, optional_string, raw, stamp, string, ttl},
};

/// What a page says of itself.
#[derive(Clone, Copy, Debug)]
pub struct KeysPage<'a> {
    /// How many keys match in all; `None` after the first page of a walk.
    pub total_keys: Option<u64>,
    /// As asked.
    pub limit: u32,
    /// As asked; 0 in a walk.
    pub offset: u32,
    /// Where the walk goes on; `None`: it is over, or the page was asked by offset.
    pub next_cursor: Option<&'a str>,
    /// Who contributed.
    pub coverage: Coverage,
}

/// Answer of keys.
pub fn keys<'a>(out: &mut Vec<u8>, page: &KeysPage<'_>, entries: impl IntoIterator<Item = (&'a str, &'a ItemRef<'a>)>) {
    match page.total_keys {
        Some(total) => number(out, "{\"success\":true,\"total_keys\":", total),
        None => raw(out, "{\"success\":true,\"total_keys\":null"),
    }
    number(out, ",\"limit\":", u64::from(page.limit));
    number(out, ",\"offset\":", u64::from(page.offset));
    optional_string(out, ",\"next_cursor\":", page.next_cursor);
    raw(out, ",\"keys\":[");
    for (n, (key, item)) in entries.into_iter().enumerate() {
        string(out, if n > 0 { ",{\"key\":" } else { "{\"key\":" }, key);
        raw(out, ",\"data_type\":\"");
        raw(out, item.data_type.as_str());
        number(out, "\",\"size\":", item.size);
        ttl(out, ",\"ttl\":", item.ttl_ms);
        stamp(out, ",\"created_at\":", item.created_at_ms);
        number(out, ",\"access_count\":", item.access_count);
        stamp(out, ",\"last_accessed\":", item.accessed_at_ms);
        out.push(b'}');
    }
    out.push(b']');
    page.coverage.write_members(out);
    out.push(b'}');
}
