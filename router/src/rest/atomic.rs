//! Bodies of incr and touch. Both may be empty: every field has a default.

use std::borrow::Cow;

use ringhold_model::{
    config::{Backend, DataType, Strategy},
    wire::{NewRecord, Ttl},
};
use serde_json::value::RawValue;

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place},
    limits::Limits,
    set::{chosen, kept},
    tags::{self, Metadata},
    value, word,
};
use crate::json::Fields;

const INCR_NAMES: [&str; 6] = ["by", "initial", "ttl", "backend", "strategy", "metadata"];
const TOUCH_NAMES: [&str; 2] = ["ttl", "backend"];
const PLACE: Place<'static> = Place::BODY;

/// A valid incr request.
#[derive(Clone, Debug, PartialEq)]
pub struct IncrRequest<'a> {
    /// What to add.
    pub by: i64,
    /// To what, where nothing is there.
    pub initial: i64,
    /// Of an item that is made.
    pub ttl: Ttl,
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// Of an item that is made; `None`: the config's.
    pub strategy: Option<Strategy>,
    /// Of an item that is made: compact text of an object; `None`: null.
    pub metadata: Option<Cow<'a, [u8]>>,
    /// The tags in the metadata, distinct.
    pub tags: Vec<Cow<'a, str>>,
}

/// A valid touch request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TouchRequest {
    /// How long the item lives from now on.
    pub ttl: Ttl,
    /// `None`: the default backend.
    pub backend: Option<Backend>,
}

impl IncrRequest<'_> {
    /// The record to make where none is.
    pub fn record(&self) -> NewRecord<'_> {
        NewRecord {
            value: &[],
            metadata: self.metadata.as_deref(),
            tags: self.tags.iter().map(AsRef::as_ref).collect(),
            data_type: DataType::Number,
            strategy: self.strategy,
            ttl: self.ttl,
            history: None,
            when: Vec::new(),
        }
    }
}

/// Reads the body of an incr call.
pub fn incr<'a>(bytes: &'a [u8], limits: &Limits) -> Result<IncrRequest<'a>, ApiError> {
    let fields = body::object(given(bytes), &INCR_NAMES)?;
    let mut faults = repeated(&fields, &INCR_NAMES);
    let [by, initial, ttl, backend, strategy, metadata] = fields.values.map(|raw| raw.map(RawValue::get));
    let Metadata { text: metadata, tags } =
        metadata.map(|raw| tags::metadata(raw, &PLACE, &mut faults)).unwrap_or_default();
    let by = kept(integer(by, "by", 1), &mut faults);
    let initial = kept(integer(initial, "initial", 0), &mut faults);
    let ttl = kept(ttl.map_or(Ok(Ttl::Default), |raw| value::ttl(raw, &PLACE, limits)), &mut faults);
    let backend = kept(chosen(backend, &["backend"], &PLACE, word::backend), &mut faults);
    let strategy = kept(chosen(strategy, &["strategy"], &PLACE, word::strategy), &mut faults);
    match (by, initial, ttl, backend, strategy, faults.is_empty()) {
        (Some(by), Some(initial), Some(ttl), Some(backend), Some(strategy), true) => {
            Ok(IncrRequest { by, initial, ttl, backend, strategy, metadata, tags })
        }
        _ => Err(ApiError::Invalid(faults)),
    }
}

/// Reads the body of a touch call.
pub fn touch(bytes: &[u8], limits: &Limits) -> Result<TouchRequest, ApiError> {
    let fields = body::object(given(bytes), &TOUCH_NAMES)?;
    let mut faults = repeated(&fields, &TOUCH_NAMES);
    let [ttl, backend] = fields.values.map(|raw| raw.map(RawValue::get));
    let ttl = kept(ttl.map_or(Ok(Ttl::Default), |raw| value::ttl(raw, &PLACE, limits)), &mut faults);
    let backend = kept(chosen(backend, &["backend"], &PLACE, word::backend), &mut faults);
    match (ttl, backend, faults.is_empty()) {
        (Some(ttl), Some(backend), true) => Ok(TouchRequest { ttl, backend }),
        _ => Err(ApiError::Invalid(faults)),
    }
}

/// No body at all is an object without fields.
fn given(bytes: &[u8]) -> &[u8] {
    if bytes.is_empty() { b"{}" } else { bytes }
}

fn integer(raw: Option<&str>, name: &str, default: i64) -> Result<i64, FieldFault> {
    raw.filter(|raw| body::is_given(raw)).map_or(Ok(default), |raw| word::integer(raw, &PLACE, &[name]))
}

fn repeated<const N: usize>(fields: &Fields<'_, N>, names: &[&str; N]) -> Vec<FieldFault> {
    let twice = names.iter().zip(fields.values).zip(fields.repeated).filter(|(_, twice)| *twice);
    twice.map(|((name, raw), _)| word::repeated(raw.map_or("null", RawValue::get), &PLACE, &[name])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(body: &str) -> Result<IncrRequest<'_>, ApiError> {
        incr(body.as_bytes(), &Limits::default())
    }

    fn kinds<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Vec<&'static str> {
        match result {
            Err(ApiError::Invalid(faults)) => faults.into_iter().map(|fault| fault.kind).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_field_has_a_default() {
        for body in ["", "{}", r#"{"by":null,"initial":null,"ttl":null,"backend":null,"strategy":null}"#] {
            let request = counted(body).unwrap();
            assert_eq!((request.by, request.initial, request.ttl), (1, 0, Ttl::Default), "{body}");
        }
        let sliding = TouchRequest { ttl: Ttl::Default, backend: None };
        assert_eq!(touch(b"", &Limits::default()), Ok(sliding));
        assert_eq!(touch(br#"{"ttl":0}"#, &Limits::default()), Ok(TouchRequest { ttl: Ttl::Never, ..sliding }));
    }

    #[test]
    fn numbers_are_whole_and_fit_64_bits() {
        for (text, value) in [
            ("-9223372036854775808", i64::MIN),
            ("9223372036854775807", i64::MAX),
            ("-0", 0),
            ("2.0", 2),
            ("-1e3", -1_000),
        ] {
            let body = format!("{{\"by\":{text},\"initial\":{text}}}");
            let request = counted(&body).unwrap();
            assert_eq!((request.by, request.initial), (value, value), "{text}");
        }
        for (text, kind) in [
            ("9223372036854775808", "less_than_equal"),
            ("-9223372036854775809", "greater_than_equal"),
            ("1e99", "less_than_equal"),
            ("-1e99", "greater_than_equal"),
            ("0.5", "int_from_float"),
            ("-0.5", "int_from_float"),
            ("\"1\"", "int_type"),
            ("\"0\"", "int_type"),
            ("\"\"", "int_type"),
            ("true", "int_type"),
            ("[]", "int_type"),
        ] {
            assert_eq!(kinds(counted(&format!("{{\"by\":{text}}}"))), [kind], "{text}");
        }
    }

    #[test]
    fn every_fault_is_listed() {
        let body = r#"{"by":"x","initial":0.5,"ttl":-1,"backend":"database","strategy":"write_behind","metadata":[],"by":"y"}"#;
        let found = kinds(counted(body));
        assert_eq!(
            found,
            [
                "duplicate_field",
                "dict_type",
                "int_type",
                "int_from_float",
                "greater_than_equal",
                "not_available",
                "not_available"
            ]
        );
        assert_eq!(kinds(touch(br#"{"ttl":"1","backend":1}"#, &Limits::default())), ["int_type", "string_type"]);
    }
}
