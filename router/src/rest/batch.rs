//! Bodies with many items. Each item is read alone: one that does not validate never fails its neighbours.

use std::borrow::Cow;

use ringhold_model::wire::Ttl;

use super::{
    body,
    fault::ApiError,
    field::Place,
    key,
    limits::Limits,
    set::{self, ItemFault, SetRequest},
    tags::Metadata,
    value, word,
};
use crate::json;

/// An item that is to be stored, or why it cannot be.
pub type SetItem<'a> = Result<SetRequest<'a>, ItemFault<'a>>;
/// A key that is to be read, or why it cannot be.
pub type KeyItem<'a> = Result<Cow<'a, str>, ItemFault<'a>>;

/// Reads the body of set-batch: a list of set requests.
pub fn parse_set<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<SetItem<'a>>, ApiError> {
    let items = items(bytes, limits)?;
    Ok(items.iter().enumerate().map(|(n, item)| set::parse_item(item.get(), &Place::item(n), limits)).collect())
}

/// Reads the body of get-batch: a list of keys.
pub fn parse_get<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<KeyItem<'a>>, ApiError> {
    let read = |(n, raw): (usize, &&'a serde_json::value::RawValue)| {
        let place = Place::item(n);
        let text = word::string(raw.get(), &place, &[]).map_err(|fault| (None, fault));
        text.and_then(|key| match key::checked(&key, &place, &[], limits) {
            Ok(()) => Ok(key),
            Err(fault) => Err((Some(key), fault)),
        })
        .map_err(|(key, fault)| ItemFault { key, error: ApiError::invalid(fault) })
    };
    Ok(items(bytes, limits)?.iter().enumerate().map(read).collect())
}

/// Reads the body of warm: an object of keys and values. Repeated keys are served in order.
pub fn parse_warm<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<SetItem<'a>>, ApiError> {
    let text = body::text(bytes)?;
    let (members, total) = json::members(text, limits.batch_items)
        .map_err(|unfit| body::refusal(unfit, text, "dict_type", "Input should be a valid dictionary"))?;
    check_count(total, limits)?;
    Ok(members.iter().map(|(name, raw)| warm_item(name.get(), raw.get(), limits)).collect())
}

fn warm_item<'a>(name: &'a str, raw: &'a str, limits: &Limits) -> SetItem<'a> {
    let key = word::string(name, &Place::BODY, &[])
        .map_err(|fault| ItemFault { key: None, error: ApiError::invalid(fault) })?;
    let (value, metadata) = {
        let place = Place { part: "body", index: None, name: Some(&key) };
        let checked = key::checked(&key, &place, &[], limits);
        let value = value::value(raw, None, &place);
        let (faults, value) = match (checked, value) {
            (Ok(()), Ok(value)) => (Vec::new(), Some(value)),
            (Ok(()), Err(fault)) | (Err(fault), Ok(_)) => (vec![fault], None),
            (Err(first), Err(second)) => (vec![first, second], None),
        };
        let sized = match value {
            Some(value) => value::check_size(&value, limits).map(|()| value),
            None => Err(ApiError::Invalid(faults)),
        };
        (sized, Metadata::default())
    };
    match value {
        Err(error) => Err(ItemFault { key: Some(key), error }),
        Ok(value) => Ok(SetRequest {
            key,
            data_type: value::inferred(&value),
            value,
            ttl: Ttl::Default,
            backend: None,
            strategy: None,
            metadata: metadata.text,
            tags: Vec::new(),
            when: Vec::new(),
        }),
    }
}

fn items<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<&'a serde_json::value::RawValue>, ApiError> {
    let text = body::text(bytes)?;
    let (items, total) = json::list(text, limits.batch_items)
        .map_err(|unfit| body::refusal(unfit, text, "list_type", "Input should be a valid list"))?;
    check_count(total, limits)?;
    Ok(items)
}

fn check_count(total: usize, limits: &Limits) -> Result<(), ApiError> {
    if total <= limits.batch_items {
        return Ok(());
    }
    let max = limits.batch_items;
    Err(ApiError::TooLarge(format!("The batch has {total} items; at most {max} are allowed (CACHE_MAX_BATCH_SIZE)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status<T: std::fmt::Debug>(result: Result<T, ApiError>) -> u16 {
        result.unwrap_err().status().as_u16()
    }

    #[test]
    fn a_bad_item_never_fails_its_neighbours() {
        let body =
            br#"[{"key":"a","value":1}, {"value":1}, 5, {"key":"b\u0000","value":1}, {"key":"c","value":"\ud800"},
            {"key":"d","value":1,"ttl":-1}, {"key":"a","value":2}]"#;
        let items = parse_set(body, &Limits::default()).unwrap();
        let seen: Vec<_> = items
            .iter()
            .map(|item| match item {
                Ok(request) => (true, Some(&*request.key)),
                Err(fault) => (false, fault.key.as_deref()),
            })
            .collect();
        let expected = [
            (true, Some("a")),
            (false, None),
            (false, None),
            (false, Some("b\0")),
            (false, Some("c")),
            (false, Some("d")),
            (true, Some("a")),
        ];
        assert_eq!(seen, expected);
        let ApiError::Invalid(faults) = &items[5].as_ref().unwrap_err().error else { panic!() };
        assert_eq!(format!("{:?}", faults[0].loc), r#"[Name("body"), Index(5), Name("ttl")]"#);
    }

    #[test]
    fn an_item_that_is_too_large_fails_alone() {
        let limits = Limits { value_bytes: 3, ..Limits::default() };
        let items = parse_set(br#"[{"key":"a","value":"xx"},{"key":"b","value":1}]"#, &limits).unwrap();
        assert_eq!(items[0].as_ref().unwrap_err().error.code(), "too_large");
        assert!(items[1].is_ok());
    }

    #[test]
    fn keys_are_checked_one_by_one() {
        let items = parse_get(br#"["a", 1, "", "a", "\ud800", "b/c"]"#, &Limits::default()).unwrap();
        let seen: Vec<_> = items.iter().map(|item| item.as_deref().map_err(|fault| fault.key.as_deref())).collect();
        assert_eq!(seen, [Ok("a"), Err(None), Err(Some("")), Ok("a"), Err(None), Ok("b/c")]);
    }

    #[test]
    fn warm_takes_values_as_they_are_and_serves_repeats_in_order() {
        let items =
            parse_warm(br#"{"a": {"x": 1.50}, "a": null, "": 1, "\udfff": 2, "n": 1E5}"#, &Limits::default()).unwrap();
        let first = items[0].as_ref().unwrap();
        assert_eq!((&*first.key, &*first.value), ("a", &br#"{"x":1.50}"#[..]));
        assert_eq!(items[1].as_ref().unwrap().value, &b"null"[..]);
        assert_eq!(items[2].as_ref().unwrap_err().key.as_deref(), Some(""));
        assert_eq!(items[3].as_ref().unwrap_err().key, None);
        assert_eq!(items[4].as_ref().unwrap().value, &b"1E5"[..]);
    }

    #[test]
    fn the_whole_body_is_refused_only_for_its_own_faults() {
        let limits = Limits { batch_items: 2, ..Limits::default() };
        assert_eq!(status(parse_set(b"[1,2,3]", &limits)), 413);
        assert_eq!(status(parse_get(b"[1,2,3]", &limits)), 413);
        assert_eq!(status(parse_warm(br#"{"a":1,"b":2,"c":3}"#, &limits)), 413);
        assert_eq!(status(parse_set(b"{}", &limits)), 422);
        assert_eq!(status(parse_get(b"null", &limits)), 422);
        assert_eq!(status(parse_warm(b"[]", &limits)), 422);
        assert_eq!(status(parse_set(b"[1,2,3", &limits)), 400);
        assert_eq!(status(parse_warm(b"{\"a\":}", &limits)), 400);
        assert!(parse_set(b"[]", &limits).unwrap().is_empty());
        assert!(parse_warm(b"{}", &limits).unwrap().is_empty());
        let many = format!("[{}0]", "0,".repeat(1_000_000));
        assert_eq!(status(parse_get(many.as_bytes(), &limits)), 413);
    }
}
