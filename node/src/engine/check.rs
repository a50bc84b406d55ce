//! The bounds of the protocol; routers check them first and answer better.

use ringhold_model::{
    key::{KEY_BYTES_LIMIT, METADATA_BYTES_MAX, TAG_BYTES_MAX, TAGS_MAX},
    wire::{CONDITIONS_MAX, Condition, Fault, NewRecord},
};

/// Of a record that is to be stored.
pub(super) fn check_record(key: &str, record: &NewRecord<'_>) -> Result<(), Fault> {
    let fits = (1..=KEY_BYTES_LIMIT).contains(&key.len())
        && record.metadata.is_none_or(|metadata| metadata.len() <= METADATA_BYTES_MAX)
        && record.tags.len() <= TAGS_MAX
        && record.tags.iter().all(|tag| (1..=TAG_BYTES_MAX).contains(&tag.len()));
    if fits { check_conditions(&record.when) } else { Err(Fault::Malformed) }
}

/// Of the conditions of a write.
pub(super) fn check_conditions(when: &[Condition]) -> Result<(), Fault> {
    if when.len() <= CONDITIONS_MAX { Ok(()) } else { Err(Fault::Malformed) }
}
