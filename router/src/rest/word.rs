//! Words that clients choose from, and single values of fields: raw JSON in, typed value or fault out.

use std::{borrow::Cow, str::FromStr};

use ringhold_model::{
    NodeId,
    config::{Backend, DataType, Strategy, is_backend_built, is_strategy_built},
};

use super::field::{FieldFault, Place};
use crate::json::{JsonKind, Whole, kind, unescape, whole};

/// Reads a string field.
pub(super) fn string<'a>(raw: &'a str, place: &Place<'_>, path: &[&str]) -> Result<Cow<'a, str>, FieldFault> {
    if kind(raw) != JsonKind::String {
        return Err(place.fault("string_type", path, "Input should be a valid string").with_raw(raw));
    }
    unescape(raw).map_err(|fault| place.fault("string_unicode", path, capital(&fault.to_string())).with_raw(raw))
}

/// Reads a boolean field.
pub(super) fn boolean(raw: &str, place: &Place<'_>, path: &[&str]) -> Result<bool, FieldFault> {
    match raw {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(place.fault("bool_type", path, "Input should be a valid boolean").with_raw(raw)),
    }
}

/// Reads a whole number within bounds.
pub(super) fn number(raw: &str, place: &Place<'_>, path: &[&str], min: u64, max: u64) -> Result<u64, FieldFault> {
    if kind(raw) != JsonKind::Number {
        return Err(place.fault("int_type", path, "Input should be a valid integer").with_raw(raw));
    }
    let (kind, msg) = match whole(raw) {
        Whole::Value(value) if value > max => {
            ("less_than_equal", format!("Input should be less than or equal to {max}"))
        }
        Whole::Value(value) if value >= min => return Ok(value),
        Whole::Value(_) | Whole::Negative => {
            ("greater_than_equal", format!("Input should be greater than or equal to {min}"))
        }
        Whole::TooLarge => ("less_than_equal", format!("Input should be less than or equal to {max}")),
        Whole::Fractional => {
            ("int_from_float", "Input should be a valid integer, got a number with a fractional part".into())
        }
    };
    Err(place.fault(kind, path, msg).with_raw(raw))
}

/// Reads a whole number of 64 bits, which may be negative.
pub(super) fn integer(raw: &str, place: &Place<'_>, path: &[&str]) -> Result<i64, FieldFault> {
    if kind(raw) != JsonKind::Number {
        return Err(place.fault("int_type", path, "Input should be a valid integer").with_raw(raw));
    }
    let (is_negative, digits) = match raw.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, raw),
    };
    let size = whole(digits);
    if let Whole::Value(size) = size
        && let Ok(value) = i64::try_from(if is_negative { -i128::from(size) } else { i128::from(size) })
    {
        return Ok(value);
    }
    let (kind, msg) = match (size, is_negative) {
        (Whole::Fractional, _) => {
            ("int_from_float", "Input should be a valid integer, got a number with a fractional part".to_owned())
        }
        (_, true) => ("greater_than_equal", format!("Input should be greater than or equal to {}", i64::MIN)),
        (_, false) => ("less_than_equal", format!("Input should be less than or equal to {}", i64::MAX)),
    };
    Err(place.fault(kind, path, msg).with_raw(raw))
}

/// Reads the name of a data type.
pub(super) fn data_type(raw: &str, place: &Place<'_>) -> Result<DataType, FieldFault> {
    let text = string(raw, place, &["data_type"])?;
    choice(&text, DataType::ALL.iter().map(|word| word.as_str()), place, &["data_type"])
}

/// Checks the name of a backend: known and built.
pub(super) fn backend(text: &str, place: &Place<'_>) -> Result<Backend, FieldFault> {
    backend_at(text, place, &["backend"])
}

/// Checks the name of a backend in a field of any name.
pub(super) fn backend_at(text: &str, place: &Place<'_>, path: &[&str]) -> Result<Backend, FieldFault> {
    let backend: Backend = choice(text, Backend::ALL.iter().map(|word| word.as_str()), place, path)?;
    if is_backend_built(backend) {
        return Ok(backend);
    }
    let msg = format!(
        "The backend `{backend}` (setting {}) is not built in this version; use another one",
        setting_of(backend)
    );
    Err(place.fault("not_available", path, msg).with_text(text))
}

/// Checks the name of a strategy: known and built.
pub(super) fn strategy(text: &str, place: &Place<'_>) -> Result<Strategy, FieldFault> {
    let strategy: Strategy = choice(text, Strategy::ALL.iter().map(|word| word.as_str()), place, &["strategy"])?;
    if is_strategy_built(strategy) {
        return Ok(strategy);
    }
    let built: Vec<_> =
        Strategy::ALL.iter().filter(|word| is_strategy_built(**word)).map(|word| word.as_str()).collect();
    let msg = format!(
        "The strategy `{strategy}` (setting CACHE_STRATEGY) is not built in this version; use one of {}",
        built.join(", ")
    );
    Err(place.fault("not_available", &["strategy"], msg).with_text(text))
}

/// One of the words, or a fault that lists them.
pub(super) fn choice<T: FromStr>(
    text: &str,
    words: impl Iterator<Item = &'static str>,
    place: &Place<'_>,
    path: &[&str],
) -> Result<T, FieldFault> {
    text.parse().map_err(|_| {
        let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
        let (last, first) = words.split_last().map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
        let list = if first.is_empty() { last.to_owned() } else { format!("{} or {last}", first.join(", ")) };
        place.fault("enum", path, format!("Input should be {list}")).with_text(text)
    })
}

/// The fault of a field that came twice.
pub(super) fn repeated(raw: &str, place: &Place<'_>, path: &[&str]) -> FieldFault {
    place.fault("duplicate_field", path, "The field is given more than once").with_raw(raw)
}

/// Text that begins with a capital letter, as pydantic's messages do.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// The fault of a field that names a backend which a node does not have.
pub fn unconfigured(backend: Backend, node: NodeId, field: &str) -> FieldFault {
    let msg = format!("The backend `{backend}` is not configured on node {node}; set {} there", setting_of(backend));
    Place::BODY.fault("not_available", &[field], msg).with_text(backend.as_str())
}

const fn setting_of(backend: Backend) -> &'static str {
    match backend {
        Backend::Memory => "CACHE_BACKEND",
        Backend::Redis => "REDIS_URL",
        Backend::Memcached => "MEMCACHED_URL",
        Backend::Database => "DATABASE_URL",
        Backend::File => "FILE_CACHE_PATH",
    }
}
