//! One set request: body or batch item to typed request.

use std::borrow::Cow;

use ringhold_model::{
    config::{Backend, DataType, Strategy},
    wire::{Condition, NewRecord, Ttl},
};
use serde_json::value::RawValue;

use super::{
    body, condition,
    fault::ApiError,
    field::{FieldFault, Place},
    key,
    limits::Limits,
    tags::{self, Metadata},
    value, word,
};
use crate::json::{self, Fields};

const NAMES: [&str; 9] =
    ["key", "value", "data_type", "ttl", "backend", "strategy", "metadata", "if_absent", "if_version"];

/// A valid set request. Borrows from the body whatever came without whitespace and escapes.
#[derive(Clone, Debug, PartialEq)]
pub struct SetRequest<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value: JSON text without insignificant whitespace.
    pub value: Cow<'a, [u8]>,
    /// Given and checked, or inferred.
    pub data_type: DataType,
    /// How long to keep it.
    pub ttl: Ttl,
    /// `None`: the default backend.
    pub backend: Option<Backend>,
    /// `None`: the config's.
    pub strategy: Option<Strategy>,
    /// Compact text of an object; `None`: null. Left out reads as `{}`.
    pub metadata: Option<Cow<'a, [u8]>>,
    /// The tags in the metadata, distinct.
    pub tags: Vec<Cow<'a, str>>,
    /// `if_absent` and `if_version`: all must hold.
    pub when: Vec<Condition>,
}

/// Its key.
impl AsRef<str> for SetRequest<'_> {
    fn as_ref(&self) -> &str {
        &self.key
    }
}

impl SetRequest<'_> {
    /// The record to store.
    pub fn record(&self) -> NewRecord<'_> {
        NewRecord {
            value: &self.value,
            metadata: self.metadata.as_deref(),
            tags: self.tags.iter().map(AsRef::as_ref).collect(),
            data_type: self.data_type,
            strategy: self.strategy,
            ttl: self.ttl,
            history: None,
            when: self.when.clone(),
        }
    }
}

/// Reads the body of a set call.
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<SetRequest<'a>, ApiError> {
    let fields = body::object(bytes, &NAMES)?;
    let whole = std::str::from_utf8(bytes).unwrap_or_default();
    build(&fields, whole, &Place::BODY, limits, None)
}

/// Reads the body of a getset call, whose key stands in the path; one in the body does not count.
pub fn parse_keyed<'a>(bytes: &'a [u8], key: Cow<'a, str>, limits: &Limits) -> Result<SetRequest<'a>, ApiError> {
    let fields = body::object(bytes, &NAMES)?;
    let whole = std::str::from_utf8(bytes).unwrap_or_default();
    build(&fields, whole, &Place::BODY, limits, Some(key))
}

/// Reads one item of a set-batch.
pub(super) fn parse_item<'a>(
    raw: &'a str,
    place: &Place<'_>,
    limits: &Limits,
) -> Result<SetRequest<'a>, ItemFault<'a>> {
    let Ok(fields) = json::object(raw, &NAMES) else {
        let fault = place.fault("model_attributes_type", &[], "Input should be a valid object").with_raw(raw);
        return Err(ItemFault { key: None, error: ApiError::invalid(fault) });
    };
    build(&fields, raw, place, limits, None).map_err(|error| ItemFault { key: key_of(&fields), error })
}

/// An item of a batch that does not validate. Its neighbours are not affected.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemFault<'a> {
    /// The key, where it had one.
    pub key: Option<Cow<'a, str>>,
    /// What is wrong.
    pub error: ApiError,
}

fn key_of<'a>(fields: &Fields<'a, 9>) -> Option<Cow<'a, str>> {
    word::string(fields.values[0]?.get(), &Place::BODY, &[]).ok()
}

pub(super) fn build<'a>(
    fields: &Fields<'a, 9>,
    whole: &str,
    place: &Place<'_>,
    limits: &Limits,
    path_key: Option<Cow<'a, str>>,
) -> Result<SetRequest<'a>, ApiError> {
    let mut faults = Vec::new();
    for (name, raw) in
        NAMES.iter().zip(fields.values).zip(fields.repeated).filter_map(|(pair, twice)| twice.then_some(pair))
    {
        faults.push(word::repeated(raw.map_or("null", RawValue::get), place, &[name]));
    }
    let [key, value, data_type, ttl, backend, strategy, metadata, if_absent, if_version] =
        fields.values.map(|raw| raw.map(RawValue::get));
    let key = match path_key {
        Some(key) => Ok(key),
        None => required(key, "key", whole, place).and_then(|raw| key::body_key(raw, place, &["key"], limits)),
    };
    let data_type = data_type.map(|raw| word::data_type(raw, place)).transpose();
    let ttl = ttl.map_or(Ok(Ttl::Default), |raw| value::ttl(raw, place, limits));
    let backend = chosen(backend, &["backend"], place, word::backend);
    let strategy = chosen(strategy, &["strategy"], place, word::strategy);
    let Metadata { text: metadata, tags } =
        metadata.map(|raw| tags::metadata(raw, place, &mut faults)).unwrap_or_default();
    let when = condition::in_body(if_absent, if_version, place, &mut faults);
    let value = required(value, "value", whole, place)
        .and_then(|raw| value::value(raw, *data_type.as_ref().unwrap_or(&None), place));

    let key = kept(key, &mut faults);
    let data_type = kept(data_type, &mut faults);
    let ttl = kept(ttl, &mut faults);
    let backend = kept(backend, &mut faults);
    let strategy = kept(strategy, &mut faults);
    let value = kept(value, &mut faults);
    let (Some(key), Some(data_type), Some(ttl), Some(backend), Some(strategy), Some(value), true) =
        (key, data_type, ttl, backend, strategy, value, faults.is_empty())
    else {
        return Err(ApiError::Invalid(faults));
    };
    value::check_size(&value, limits)?;
    let data_type = data_type.unwrap_or_else(|| value::inferred(&value));
    Ok(SetRequest { key, value, data_type, ttl, backend, strategy, metadata, tags, when })
}

fn required<'a>(raw: Option<&'a str>, name: &str, whole: &str, place: &Place<'_>) -> Result<&'a str, FieldFault> {
    raw.ok_or_else(|| place.fault("missing", &[name], "Field required").with_raw(whole.trim()))
}

/// An optional word: left out and null both mean the default.
pub(super) fn chosen<T>(
    raw: Option<&str>,
    path: &[&str],
    place: &Place<'_>,
    read: impl Fn(&str, &Place<'_>) -> Result<T, FieldFault>,
) -> Result<Option<T>, FieldFault> {
    match raw.filter(|raw| body::is_given(raw)) {
        None => Ok(None),
        Some(raw) => read(&word::string(raw, place, path)?, place).map(Some),
    }
}

pub(super) fn kept<T>(result: Result<T, FieldFault>, faults: &mut Vec<FieldFault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

#[cfg(test)]
mod tests;
