//! Items of an import: what an export wrote, back to a record.

use std::borrow::Cow;

use ringhold_model::wire::{Condition, History, NewRecord, Ttl};
use serde_json::value::RawValue;

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place},
    limits::Limits,
    set::{self, ItemFault, SetRequest},
    word,
};
use crate::json::{self, Fields, Piece, SplitFault, parse_stamp};

const NAMES: [&str; 11] = [
    "key",
    "value",
    "data_type",
    "ttl",
    "backend",
    "strategy",
    "metadata",
    "created_at",
    "accessed_at",
    "access_count",
    "coverage",
];

/// An item with its past.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportItem<'a> {
    /// What to store. Its TTL is what remained: null means for ever here.
    pub set: SetRequest<'a>,
    /// Its past, where the import names it.
    pub history: Option<History>,
}

impl ImportItem<'_> {
    /// The record to store.
    pub fn record(&self, if_absent: bool) -> NewRecord<'_> {
        let when = if if_absent { vec![Condition::Absent] } else { Vec::new() };
        NewRecord { history: self.history, when, ..self.set.record() }
    }
}

/// What a piece of an import turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportPiece<'a> {
    /// An item.
    Item(Box<ImportItem<'a>>),
    /// The last line of an ndjson export, which holds no item.
    Tail,
}

/// Reads a piece of an import. A piece that is wrong fails alone. `now_ms` is the past of items that name only part of it.
pub fn parse<'a>(piece: &Piece<'a>, limits: &Limits, now_ms: u64) -> Result<ImportPiece<'a>, ItemFault<'a>> {
    let without_key = |error| ItemFault { key: None, error };
    let (at, name, text) = match *piece {
        Piece::TooLarge { .. } => return Err(without_key(too_large(limits))),
        Piece::Item { at, name, text } => (at, name, text),
    };
    let place = Place::item(usize::try_from(at).unwrap_or(usize::MAX));
    let malformed = |what: String| without_key(ApiError::Malformed(format!("The item is not valid JSON: {what}")));
    let text = std::str::from_utf8(text).map_err(|_| malformed("not UTF-8".into()))?;
    let name = name.map(serde_json::from_slice::<&RawValue>).transpose();
    let name = name.map_err(|fault| malformed(fault.to_string()))?;
    let fields = json::object(text, &NAMES).map_err(|unfit| match unfit {
        json::Unfit::Malformed(what) => malformed(what),
        json::Unfit::Kind(_) => {
            let fault = place.fault("model_attributes_type", &[], "Input should be a valid object").with_raw(text);
            ItemFault { key: name.and_then(key_text), error: ApiError::invalid(fault) }
        }
    })?;
    if name.is_none() && fields.values[0].is_none() && fields.values[10].is_some() {
        return Ok(ImportPiece::Tail);
    }
    build(fields, name, text, &place, limits, now_ms).map(|item| ImportPiece::Item(Box::new(item)))
}

/// What a stream that cannot be cut further means to the client.
pub fn refusal(fault: SplitFault) -> ApiError {
    let at = Place::BODY;
    match fault {
        SplitFault::Malformed { .. } | SplitFault::Truncated => {
            ApiError::Malformed(format!("The body is not valid JSON: {fault}"))
        }
        SplitFault::NotObject => ApiError::invalid(at.fault("dict_type", &[], "Input should be a valid dictionary")),
        SplitFault::NoData => ApiError::invalid(at.fault("missing", &["data"], "Field required")),
        SplitFault::BadData => {
            ApiError::invalid(at.fault("dict_type", &["data"], "Input should be one valid dictionary"))
        }
    }
}

fn too_large(limits: &Limits) -> ApiError {
    ApiError::TooLarge(format!("The item is longer than {} bytes of JSON", limits.item_bytes()))
}

fn build<'a>(
    mut fields: Fields<'a, 11>,
    name: Option<&'a RawValue>,
    whole: &str,
    place: &Place<'_>,
    limits: &Limits,
    now_ms: u64,
) -> Result<ImportItem<'a>, ItemFault<'a>> {
    let own_key = fields.values[0];
    fields.values[0] = own_key.or(name);
    let key = fields.values[0].and_then(key_text);
    let mut faults = Vec::new();
    if let (Some(own), Some(name)) = (own_key, name)
        && key_text(own) != key_text(name)
    {
        faults.push(
            place.fault("value_error", &["key"], "The item names another key than `data` does").with_raw(own.get()),
        );
    }
    let history = history(&fields, place, now_ms, &mut faults);
    let [key_raw, value, data_type, ttl, backend, strategy, metadata, ..] = fields.values;
    let values = [key_raw, value, data_type, ttl, backend, strategy, metadata, None, None];
    let mut repeated = [false; 9];
    repeated[..7].copy_from_slice(&fields.repeated[..7]);
    match set::build(&Fields { values, repeated }, whole, place, limits, None) {
        Ok(mut set) if faults.is_empty() => {
            if ttl.is_some_and(|raw| !body::is_given(raw.get())) {
                set.ttl = Ttl::Never;
            }
            Ok(ImportItem { set, history })
        }
        Ok(_) => Err(ItemFault { key, error: ApiError::Invalid(faults) }),
        Err(ApiError::Invalid(mut all)) => {
            all.append(&mut faults);
            Err(ItemFault { key, error: ApiError::Invalid(all) })
        }
        Err(error) => Err(ItemFault { key, error }),
    }
}

fn history(fields: &Fields<'_, 11>, place: &Place<'_>, now_ms: u64, faults: &mut Vec<FieldFault>) -> Option<History> {
    let given = |n: usize| fields.values[n].map(RawValue::get).filter(|raw| body::is_given(raw));
    let [created, accessed, count] = [given(7), given(8), given(9)];
    if created.is_none() && accessed.is_none() && count.is_none() {
        return None;
    }
    let mut time = |raw: Option<&str>, name: &'static str| {
        let raw = raw?;
        stamp(raw, place, name).map_err(|fault| faults.push(fault)).ok()
    };
    let created = time(created, "created_at");
    let accessed = time(accessed, "accessed_at");
    let count = count.map(|raw| word::number(raw, place, &["access_count"], 0, u64::MAX));
    let access_count = match count {
        Some(Err(fault)) => {
            faults.push(fault);
            0
        }
        Some(Ok(count)) => count,
        None => 0,
    };
    let created_at_ms = created.or(accessed).unwrap_or(now_ms);
    Some(History { created_at_ms, accessed_at_ms: accessed.unwrap_or(created_at_ms), access_count })
}

fn stamp(raw: &str, place: &Place<'_>, name: &'static str) -> Result<u64, FieldFault> {
    let text = word::string(raw, place, &[name])?;
    parse_stamp(&text).ok_or_else(|| {
        let msg = "Input should be a valid datetime, as 2026-01-02T03:04:05.678Z";
        place.fault("datetime_parsing", &[name], msg).with_text(&text)
    })
}

fn key_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    word::string(raw.get(), &Place::BODY, &[]).ok()
}

#[cfg(test)]
mod tests {
    use ringhold_model::{
        Epoch, Version,
        config::{Backend, DataType, Strategy},
        wire::ItemRef,
    };

    use super::*;
    use crate::{
        json::{Format, Splitter},
        rest::{Coverage, render},
    };

    const ITEM: ItemRef<'static> = ItemRef {
        value: br#"{"b":1.50,"a":12345678901234567890}"#,
        size: 36,
        metadata: Some(br#"{"tags":["x"]}"#),
        data_type: DataType::Json,
        strategy: Strategy::Lru,
        ttl_ms: Some(59_001),
        created_at_ms: 1_767_323_045_678,
        accessed_at_ms: 1_767_323_046_000,
        access_count: 7,
        version: Version { epoch: Epoch(3), seq: 9 },
    };

    fn read(stream: &[u8]) -> Vec<Result<ImportItem<'static>, ItemFault<'static>>> {
        let stream: &'static [u8] = stream.to_vec().leak();
        let limits = Limits::default();
        let splitter = Box::leak(Box::new(Splitter::new(Format::Auto, limits.item_bytes())));
        splitter.feed(stream);
        splitter.end();
        let mut items = Vec::new();
        while let Some(piece) = splitter.next().unwrap() {
            let Piece::Item { at, name, text } = piece else { panic!("{piece:?}") };
            let (name, text) = (name.map(|name| &*name.to_vec().leak()), &*text.to_vec().leak());
            match parse(&Piece::Item { at, name, text }, &limits, 5) {
                Ok(ImportPiece::Item(item)) => items.push(Ok(*item)),
                Ok(ImportPiece::Tail) => {}
                Err(fault) => items.push(Err(fault)),
            }
        }
        items
    }

    #[test]
    fn what_was_exported_is_read_back_in_both_forms() {
        let tail = render::Tail { items: 2, exported_at_ms: 1, coverage: Coverage::default() };
        let forever = ItemRef { ttl_ms: None, metadata: None, ..ITEM.clone() };
        let mut json = Vec::new();
        render::json_head(&mut json, "default", 1);
        render::json_entry(&mut json, true, "a\"\u{fc}", &ITEM, Backend::Memory);
        render::json_entry(&mut json, false, "b", &forever, Backend::Memory);
        render::json_tail(&mut json, &tail);
        serde_json::from_slice::<serde_json::Value>(&json).unwrap();
        let mut lines = Vec::new();
        render::ndjson_entry(&mut lines, "a\"\u{fc}", &ITEM, Backend::Memory);
        render::ndjson_entry(&mut lines, "b", &forever, Backend::Memory);
        render::ndjson_tail(&mut lines, "default", &tail);
        for stream in [json, lines] {
            let items: Vec<_> = read(&stream).into_iter().map(Result::unwrap).collect();
            let record = items[0].record(true);
            assert_eq!((&*items[0].set.key, items[0].set.backend), ("a\"\u{fc}", Some(Backend::Memory)));
            assert_eq!(record.value, ITEM.value);
            assert_eq!(record.metadata, ITEM.metadata);
            assert_eq!(record.tags, ["x"]);
            assert_eq!(record.ttl, Ttl::Millis(60_000));
            assert_eq!(record.when, [Condition::Absent]);
            let history =
                History { created_at_ms: ITEM.created_at_ms, accessed_at_ms: ITEM.accessed_at_ms, access_count: 7 };
            assert_eq!(record.history, Some(history));
            assert_eq!((items[1].set.ttl, items[1].set.metadata.is_none()), (Ttl::Never, true));
            assert_eq!(items.len(), 2);
        }
    }

    #[test]
    fn bad_items_fail_alone_with_their_key_and_line() {
        let lines = "{\"key\":\"a\",\"value\":1}\n{\"key\":\"b\"}\n{\"key\":\"c\",\nxx\n{\"key\":\"d\",\"value\":1,\"created_at\":\"x\",\"ttl\":-1}\n[]\n";
        let found = read(lines.as_bytes());
        let keys: Vec<_> =
            found.iter().map(|item| item.as_ref().err().and_then(|fault| fault.key.as_deref())).collect();
        assert_eq!(keys, [None, Some("b"), None, None, Some("d"), None]);
        assert!(found[0].is_ok());
        let ApiError::Invalid(faults) = &found[4].as_ref().unwrap_err().error else { panic!() };
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn a_document_names_items_by_their_member() {
        let found = read(br#"{"data":{"a":{"value":null},"b":{"key":"c","value":1},"d":5}}"#);
        let first = found[0].as_ref().unwrap();
        assert_eq!((&*first.set.key, first.set.ttl, first.history), ("a", Ttl::Default, None));
        assert_eq!(found[1].as_ref().unwrap_err().key.as_deref(), Some("c"));
        assert_eq!(found[2].as_ref().unwrap_err().key.as_deref(), Some("d"));
    }
}
