//! Answer of an import.

use super::{
    super::{coverage::Coverage, fault::ApiError},
    splice::{number, optional_string, raw},
};

/// What became of the items of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCount {
    /// Stored.
    pub imported: u64,
    /// Left alone, because the key was there (`on_conflict=skip`).
    pub skipped: u64,
    /// Not stored.
    pub failed: u64,
}

/// One item that was not stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportFault {
    /// Its place: the line, or the place in `data`, from 1.
    pub at: u64,
    /// Its key, where it had one.
    pub key: Option<String>,
    /// Why.
    pub error: ApiError,
}

/// Answer of import. `faults` are the first ones; the count tells of all.
pub fn imported(out: &mut Vec<u8>, count: &ImportCount, faults: &[ImportFault], coverage: &Coverage) {
    let total = count.imported + count.skipped + count.failed;
    number(out, "{\"success\":true,\"message\":\"Imported ", count.imported);
    number(out, " of ", total);
    number(out, " items\",\"total_items\":", total);
    number(out, ",\"successful_count\":", count.imported);
    number(out, ",\"skipped_count\":", count.skipped);
    number(out, ",\"failed_count\":", count.failed);
    raw(out, ",\"errors\":[");
    for (n, fault) in faults.iter().enumerate() {
        number(out, if n > 0 { ",{\"item\":" } else { "{\"item\":" }, fault.at);
        optional_string(out, ",\"key\":", fault.key.as_deref());
        raw(out, ",\"error\":");
        fault.error.write_item(out);
        out.push(b'}');
    }
    out.push(b']');
    coverage.write_members(out);
    out.push(b'}');
}
