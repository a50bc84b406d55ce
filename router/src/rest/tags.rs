//! Metadata and the tags in it.

use std::borrow::Cow;

use ringhold_model::key::{METADATA_BYTES_MAX, TAGS_MAX};

use super::{
    field::{FieldFault, Place},
    key, word,
};
use crate::json::{self, JsonKind, kind};

/// What an item without metadata gets.
const EMPTY: &[u8] = b"{}";

/// Metadata of a request: the compact text of an object (`None`: null) and the tags it names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metadata<'a> {
    pub(super) text: Option<Cow<'a, [u8]>>,
    pub(super) tags: Vec<Cow<'a, str>>,
}

impl Default for Metadata<'_> {
    fn default() -> Self {
        Self { text: Some(Cow::Borrowed(EMPTY)), tags: Vec::new() }
    }
}

/// Reads the field `metadata`; what is wrong with it goes to `faults`.
pub(super) fn metadata<'a>(raw: &'a str, place: &Place<'_>, faults: &mut Vec<FieldFault>) -> Metadata<'a> {
    const PATH: &[&str] = &["metadata"];
    match kind(raw) {
        JsonKind::Null => return Metadata { text: None, tags: Vec::new() },
        JsonKind::Object => {}
        _ => {
            faults.push(place.fault("dict_type", PATH, "Input should be a valid dictionary").with_raw(raw));
            return Metadata::default();
        }
    }
    let text = match json::compact(raw) {
        Ok(text) => text,
        Err(fault) => {
            faults.push(place.fault("value_error", PATH, word::capital(&fault.to_string())).with_raw(raw));
            return Metadata::default();
        }
    };
    if text.len() > METADATA_BYTES_MAX {
        let msg = format!("The metadata is {} bytes long; at most {METADATA_BYTES_MAX} are allowed", text.len());
        faults.push(place.fault("too_long", PATH, msg).with_raw(raw));
    }
    let tags = tags_in(raw, place, faults);
    Metadata { text: Some(text), tags }
}

fn tags_in<'a>(raw: &'a str, place: &Place<'_>, faults: &mut Vec<FieldFault>) -> Vec<Cow<'a, str>> {
    // The text was read before; it is an object.
    let Ok(fields) = json::object(raw, &["tags"]) else { return Vec::new() };
    let Some(tags) = fields.values[0] else { return Vec::new() };
    if fields.repeated[0] {
        faults.push(word::repeated(tags.get(), place, &["metadata", "tags"]));
    }
    tag_list(tags.get(), place, &["metadata", "tags"], faults)
}

/// Reads a list of distinct tags.
pub(super) fn tag_list<'a>(
    raw: &'a str,
    place: &Place<'_>,
    path: &[&str],
    faults: &mut Vec<FieldFault>,
) -> Vec<Cow<'a, str>> {
    let Ok((items, total)) = json::list(raw, TAGS_MAX) else {
        faults.push(place.fault("list_type", path, "Input should be a valid list").with_raw(raw));
        return Vec::new();
    };
    if total > TAGS_MAX {
        let msg = format!("List should have at most {TAGS_MAX} items after validation, not {total}");
        faults.push(place.fault("too_long", path, msg).with_raw(raw));
    }
    let mut tags: Vec<Cow<'a, str>> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let tag = word::string(item.get(), place, path).and_then(|tag| {
            key::tag(&tag, place, path)?;
            if tags.contains(&tag) {
                return Err(place.fault("value_error", path, "The tag is given more than once").with_text(&tag));
            }
            Ok(tag)
        });
        match tag {
            Ok(tag) => tags.push(tag),
            Err(mut fault) => {
                fault.loc.push(super::field::Step::Index(index));
                faults.push(fault);
            }
        }
    }
    tags
}
