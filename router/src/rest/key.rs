//! Keys, patterns and tags as they come in: one rule in one place.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use ringhold_model::key::{KeyFault, TAG_BYTES_MAX, check_key};

use super::{
    fault::ApiError,
    field::{FieldFault, Place},
    limits::{Limits, PATTERN_BYTES_MAX},
    word,
};

/// The key in a path: what follows the route, still percent-encoded. It may hold `/`.
pub fn path_key<'a>(encoded: &'a str, limits: &Limits) -> Result<Cow<'a, str>, ApiError> {
    let place = Place { part: "path", index: None, name: Some("key") };
    let key = decoded(encoded, &place, &[]).map_err(ApiError::invalid)?;
    checked(&key, &place, &[], limits).map_err(ApiError::invalid)?;
    Ok(key)
}

/// Percent-decodes a text that must be UTF-8.
pub(super) fn decoded<'a>(encoded: &'a str, place: &Place<'_>, path: &[&str]) -> Result<Cow<'a, str>, FieldFault> {
    percent_decode_str(encoded).decode_utf8().map_err(|_| {
        place.fault("string_unicode", path, "The text is not UTF-8 once percent-decoded").with_text(encoded)
    })
}

/// A key in a body.
pub(super) fn body_key<'a>(
    raw: &'a str,
    place: &Place<'_>,
    path: &[&str],
    limits: &Limits,
) -> Result<Cow<'a, str>, FieldFault> {
    let key = word::string(raw, place, path)?;
    checked(&key, place, path, limits)?;
    Ok(key)
}

/// Checks a key's length and characters.
pub(super) fn checked(key: &str, place: &Place<'_>, path: &[&str], limits: &Limits) -> Result<(), FieldFault> {
    check_key(key, limits.key_bytes).map_err(|fault| {
        let kind = match fault {
            KeyFault::Empty => "string_too_short",
            KeyFault::TooLong { .. } => "string_too_long",
            KeyFault::Control { .. } => "string_pattern_mismatch",
        };
        place.fault(kind, path, word::capital(&fault.to_string())).with_text(key)
    })
}

/// Checks a pattern's length.
pub(super) fn pattern(text: &str, place: &Place<'_>) -> Result<(), FieldFault> {
    let (kind, msg) = match text.len() {
        0 => ("string_too_short", "The pattern is empty; leave it out or use `*`".to_owned()),
        1..=PATTERN_BYTES_MAX => return Ok(()),
        bytes => {
            ("string_too_long", format!("The pattern is {bytes} bytes long; at most {PATTERN_BYTES_MAX} are allowed"))
        }
    };
    Err(place.fault(kind, &["pattern"], msg).with_text(text))
}

/// Checks a tag's length.
pub(super) fn tag(text: &str, place: &Place<'_>, path: &[&str]) -> Result<(), FieldFault> {
    let (kind, msg) = match text.len() {
        0 => ("string_too_short", "The tag is empty".to_owned()),
        1..=TAG_BYTES_MAX => return Ok(()),
        bytes => ("string_too_long", format!("The tag is {bytes} bytes long; at most {TAG_BYTES_MAX} are allowed")),
    };
    Err(place.fault(kind, path, msg).with_text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_paths_are_decoded_and_checked() {
        let limits = Limits::default();
        for (path, key) in [
            ("user:1", "user:1"),
            ("a/b", "a/b"),
            ("a%2Fb", "a/b"),
            ("a%20b+c", "a b+c"),
            ("100%25", "100%"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%F0%9F%98%80", "\u{1f600}"),
            ("..%2f..%2fetc/passwd", "../../etc/passwd"),
        ] {
            assert_eq!(path_key(path, &limits).unwrap(), key);
        }
        let long = "x".repeat(251);
        for bad in ["", "%00", "a%0d%0ab", "%ff%fe", "%C2%85", "%ed%a0%80", &long] {
            assert_eq!(path_key(bad, &limits).map_err(|e| e.status().as_u16()), Err(422), "{bad}");
        }
    }
}
