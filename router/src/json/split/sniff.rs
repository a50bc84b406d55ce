//! Tells the two forms of an export apart by their first object.

use super::{Format, document::is_data, scan::ValueScan};

/// The form of a stream that begins with `bytes`; `None`: more are needed.
///
/// Lines are told by a first object with a member `key` and none called `data`; everything else is read as a document,
/// which says what is wrong with it. At most one item is looked at.
pub(super) fn format(bytes: &[u8], is_ended: bool, item_bytes_max: usize) -> Option<Format> {
    match first_object(bytes) {
        Some(format) => Some(format),
        None if is_ended || bytes.len() > item_bytes_max => Some(Format::Json),
        None => None,
    }
}

fn first_object(bytes: &[u8]) -> Option<Format> {
    let mut rest = bytes.trim_ascii_start();
    if *rest.first()? != b'{' {
        return Some(Format::Json);
    }
    rest = rest[1..].trim_ascii_start();
    let mut has_key = false;
    while *rest.first()? == b'"' {
        let name;
        (name, rest) = rest.split_at(ValueScan::default().run(rest)?);
        rest = rest.trim_ascii_start();
        if is_data(name) || *rest.first()? != b':' {
            return Some(Format::Json);
        }
        has_key |= name == b"\"key\"";
        rest = rest[1..].trim_ascii_start();
        rest = rest[ValueScan::default().run(rest)?..].trim_ascii_start();
        if *rest.first()? == b',' {
            rest = rest[1..].trim_ascii_start();
        }
    }
    Some(if has_key && rest[0] == b'}' { Format::Ndjson } else { Format::Json })
}
