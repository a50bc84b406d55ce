//! Values, their declared type and their TTL.

use std::borrow::Cow;

use ringhold_model::{config::DataType, wire::Ttl};

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place},
    limits::Limits,
    word,
};
use crate::json::{self, JsonKind, kind, unescape};

/// Compacts a value and checks it against its declared type.
pub(super) fn value<'a>(
    raw: &'a str,
    declared: Option<DataType>,
    place: &Place<'_>,
) -> Result<Cow<'a, [u8]>, FieldFault> {
    let fault = |kind: &'static str, msg: &str| place.fault(kind, &["value"], msg).with_raw(raw);
    let text = json::compact(raw).map_err(|cause| {
        let kind = if cause == json::JsonFault::TooDeep { "recursion_limit" } else { "string_unicode" };
        fault(kind, &word::capital(&cause.to_string()))
    })?;
    let (fits, word, msg) = match declared {
        None | Some(DataType::Json) => return Ok(text),
        Some(DataType::String) => (kind(raw) == JsonKind::String, "string_type", "a valid string"),
        Some(DataType::Number) => (kind(raw) == JsonKind::Number, "number_type", "a valid number"),
        Some(DataType::Boolean) => (kind(raw) == JsonKind::Boolean, "bool_type", "a valid boolean"),
        Some(DataType::List) => (kind(raw) == JsonKind::Array, "list_type", "a valid list"),
        Some(DataType::Dictionary) => (kind(raw) == JsonKind::Object, "dict_type", "a valid dictionary"),
        Some(DataType::Binary) => (is_base64_string(raw), "base64_type", "base64 text"),
    };
    if fits {
        return Ok(text);
    }
    let declared = declared.map_or("json", DataType::as_str);
    Err(fault(word, &format!("Input should be {msg}, because data_type is '{declared}'")))
}

/// The type of a value that was given none.
pub(super) fn inferred(compact: &[u8]) -> DataType {
    match compact.first() {
        Some(b'"') => DataType::String,
        Some(b'{') => DataType::Dictionary,
        Some(b'[') => DataType::List,
        Some(b't' | b'f') => DataType::Boolean,
        Some(b'n') | None => DataType::Json,
        Some(_) => DataType::Number,
    }
}

/// Refuses a value that is too large, with 413.
pub(super) fn check_size(value: &[u8], limits: &Limits) -> Result<(), ApiError> {
    if value.len() <= limits.value_bytes {
        return Ok(());
    }
    let (bytes, max) = (value.len(), limits.value_bytes);
    Err(ApiError::TooLarge(format!(
        "The value is {bytes} bytes long; at most {max} are allowed (CACHE_MAX_VALUE_SIZE)"
    )))
}

/// Reads the field `ttl` of a set request: whole seconds, 0 for ever, null for the config's.
pub(super) fn ttl(raw: &str, place: &Place<'_>, limits: &Limits) -> Result<Ttl, FieldFault> {
    if !body::is_given(raw) {
        return Ok(Ttl::Default);
    }
    Ok(match word::number(raw, place, &["ttl"], 0, limits.ttl_seconds)? {
        0 => Ttl::Never,
        seconds => Ttl::Millis(seconds.saturating_mul(1_000)),
    })
}

fn is_base64_string(raw: &str) -> bool {
    kind(raw) == JsonKind::String && unescape(raw).is_ok_and(|text| is_base64(text.as_bytes()))
}

/// Padded base64 of the standard alphabet (RFC 4648, section 4), canonical: unused bits are zero.
fn is_base64(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let unused = match text.len() - digits.len() {
        0 => 0,
        1 => 0b11,
        _ => 0b1111,
    };
    text.len().is_multiple_of(4)
        && digits.iter().all(|byte| sextet(*byte).is_some())
        && digits.last().and_then(|byte| sextet(*byte)).unwrap_or(0) & unused == 0
}

const fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn base64_is_what_the_library_reads(text in "[A-Za-z0-9+/=]{0,9}") {
            prop_assert_eq!(is_base64(text.as_bytes()), STANDARD.decode(&text).is_ok());
        }
    }
}
