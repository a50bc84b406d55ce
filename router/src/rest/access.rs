//! Bodies and paths of the calls about API keys.

use ringhold_model::{
    KeyId,
    cluster::{ACCESS_BOUNDS_MAX, AccessKey, Scopes},
    key::is_namespace,
};
use serde_json::value::RawValue;

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place, Step},
    key, word,
};
use crate::{
    auth,
    json::{self, Fields},
};

/// Longest name of a key, and longest pattern that it is bound to, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// See [`NAME_CHARS_MAX`].
pub const PATTERN_CHARS_MAX: usize = 256;
/// Longest life of a key that ends, in seconds: ten years of 365 days.
pub const EXPIRES_IN_MAX: u64 = 315_360_000;
/// How long the old text of a rotated key stays good when the call does not say, in seconds.
pub const OVERLAP_DEFAULT: u64 = 3_600;
/// Longest such time, in seconds: 30 days.
pub const OVERLAP_MAX: u64 = 2_592_000;

const PLACE: Place<'static> = Place::BODY;
const NAMES: [&str; 5] = ["name", "scopes", "namespaces", "key_patterns", "expires_in"];
const NAMESPACE_RULE: &str = "A namespace is named by 1 to 64 letters, digits, dots, dashes or underscores";

/// Reads the body of a new key, still without a text.
pub fn create(bytes: &[u8], now_ms: u64) -> Result<AccessKey, ApiError> {
    let fields = body::object(bytes, &NAMES)?;
    let mut faults = repeated(&fields, &NAMES);
    let mut kept = |result: Result<(), FieldFault>| faults.extend(result.err());
    let mut key = AccessKey { created_at_ms: now_ms, ..AccessKey::default() };
    kept(name(fields.values[0]).map(|name| key.name = name));
    kept(scopes(fields.values[1]).map(|scopes| key.scopes = scopes));
    kept(texts(fields.values[2], "namespaces", is_namespace, NAMESPACE_RULE).map(|names| key.namespaces = names));
    let is_pattern = |text: &str| (1..=PATTERN_CHARS_MAX).contains(&text.chars().count());
    let rule = format!("Such a pattern has 1 to {PATTERN_CHARS_MAX} characters");
    kept(texts(fields.values[3], "key_patterns", is_pattern, &rule).map(|patterns| key.patterns = patterns));
    kept(seconds(fields.values[4], "expires_in", 1, EXPIRES_IN_MAX).map(|seconds| {
        key.expires_at_ms = seconds.map(|seconds| now_ms + seconds * 1_000);
    }));
    if faults.is_empty() {
        // What is left is about fields together.
        faults.extend(key.check().err().map(|fault| PLACE.fault("value_error", &["scopes"], word::capital(&fault))));
    }
    body::verdict(faults).map(|()| key)
}

/// Reads the body of a rotation, which may be empty: for how long the old text stays good, in milliseconds.
pub fn overlap_ms(bytes: &[u8]) -> Result<u64, ApiError> {
    let names = ["overlap"];
    let fields = body::object(if bytes.is_empty() { b"{}" } else { bytes }, &names)?;
    let mut faults = repeated(&fields, &names);
    let overlap = seconds(fields.values[0], "overlap", 0, OVERLAP_MAX).map_err(|fault| faults.push(fault));
    body::verdict(faults)?;
    Ok(overlap.ok().flatten().unwrap_or(OVERLAP_DEFAULT) * 1_000)
}

/// The id of a key in a path, still percent-encoded.
pub fn id(encoded: Option<&str>) -> Result<KeyId, ApiError> {
    let place = Place { part: "path", index: None, name: Some("id") };
    let text = key::decoded(encoded.unwrap_or_default(), &place, &[]).map_err(ApiError::invalid)?;
    auth::parse_id(&text).ok_or_else(|| {
        let fault = place.fault("string_pattern_mismatch", &[], "The id of a key is 16 hexadecimal digits");
        ApiError::invalid(fault.with_text(&text))
    })
}

fn repeated<const N: usize>(fields: &Fields<'_, N>, names: &[&'static str; N]) -> Vec<FieldFault> {
    let all = names.iter().zip(fields.values).zip(fields.repeated);
    let twice = all.filter(|(_, is_repeated)| *is_repeated);
    twice.map(|((name, raw), _)| word::repeated(raw.map_or("null", RawValue::get), &PLACE, &[name])).collect()
}

fn missing(name: &str) -> FieldFault {
    PLACE.fault("missing", &[name], "Field required")
}

fn name(raw: Option<&RawValue>) -> Result<String, FieldFault> {
    let raw = raw.ok_or_else(|| missing("name"))?.get();
    let text = word::string(raw, &PLACE, &["name"])?;
    if (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.into_owned());
    }
    let rule = format!("A name has 1 to {NAME_CHARS_MAX} characters and no control characters");
    Err(PLACE.fault("string_pattern_mismatch", &["name"], rule).with_raw(raw))
}

fn scopes(raw: Option<&RawValue>) -> Result<Scopes, FieldFault> {
    let raw = raw.ok_or_else(|| missing("scopes"))?;
    let mut scopes = Scopes::default();
    let is_scope = |text: &str| matches!(text, "read" | "write" | "admin");
    let words = list(raw, "scopes", is_scope, "Input should be 'read', 'write' or 'admin'")?;
    for word in words {
        match word.as_str() {
            "read" => scopes.read = true,
            "write" => scopes.write = true,
            _ => scopes.admin = true,
        }
    }
    Ok(scopes)
}

/// A list that may be left out; null is as good as that. An empty one is refused: it would read as "none" and mean "all".
fn texts(
    raw: Option<&RawValue>,
    field: &str,
    is_fit: impl Fn(&str) -> bool,
    rule: &str,
) -> Result<Vec<String>, FieldFault> {
    match raw.filter(|raw| body::is_given(raw.get())) {
        Some(raw) => list(raw, field, is_fit, rule),
        None => Ok(Vec::new()),
    }
}

fn list(raw: &RawValue, field: &str, is_fit: impl Fn(&str) -> bool, rule: &str) -> Result<Vec<String>, FieldFault> {
    let raw = raw.get();
    let Ok((items, count)) = json::list(raw, ACCESS_BOUNDS_MAX) else {
        return Err(PLACE.fault("list_type", &[field], "Input should be a valid list").with_raw(raw));
    };
    if !(1..=ACCESS_BOUNDS_MAX).contains(&count) {
        let kind = if count == 0 { "too_short" } else { "too_long" };
        return Err(PLACE.fault(kind, &[field], format!("Give 1 to {ACCESS_BOUNDS_MAX} of them")).with_raw(raw));
    }
    let mut texts = Vec::new();
    for (nth, item) in items.into_iter().enumerate() {
        let at = |mut fault: FieldFault| {
            fault.loc.push(Step::Index(nth));
            fault
        };
        let text = word::string(item.get(), &PLACE, &[field]).map_err(at)?;
        if !is_fit(&text) {
            return Err(at(PLACE.fault("value_error", &[field], rule).with_raw(item.get())));
        }
        texts.push(text.into_owned());
    }
    Ok(texts)
}

fn seconds(raw: Option<&RawValue>, field: &str, min: u64, max: u64) -> Result<Option<u64>, FieldFault> {
    match raw.filter(|raw| body::is_given(raw.get())) {
        Some(raw) => word::number(raw.get(), &PLACE, &[field], min, max).map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<String> {
        match create(body.as_bytes(), 0) {
            Err(ApiError::Invalid(faults)) => {
                faults.iter().map(|fault| format!("{} {:?}", fault.kind, fault.loc)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_is_read() {
        let body = r#"{"name": "ci", "scopes": ["read", "write"], "namespaces": ["a"], "key_patterns": ["b*"], "expires_in": 60}"#;
        let key = create(body.as_bytes(), 5_000).unwrap();
        assert_eq!((key.name.as_str(), key.created_at_ms, key.expires_at_ms), ("ci", 5_000, Some(65_000)));
        assert_eq!(key.scopes, Scopes { read: true, write: true, admin: false });
        assert_eq!((key.namespaces, key.patterns), (vec!["a".to_owned()], vec!["b*".to_owned()]));
        let key = create(br#"{"name": "ops", "scopes": ["admin"], "namespaces": null}"#, 0).unwrap();
        assert!(key.scopes.admin && key.namespaces.is_empty() && key.expires_at_ms.is_none());
    }

    #[test]
    fn every_fault_is_named() {
        assert_eq!(faults("{}").len(), 2);
        assert_eq!(
            faults(r#"{"name": "", "scopes": [], "namespaces": [], "key_patterns": [""], "expires_in": 0}"#).len(),
            5
        );
        assert_eq!(
            faults(r#"{"name": 1, "scopes": "read", "namespaces": ["a b"], "key_patterns": "x", "expires_in": 1.5}"#)
                .len(),
            5
        );
        assert_eq!(faults(r#"{"name": "a", "name": "b", "scopes": ["read"]}"#).len(), 1);
        assert_eq!(faults(r#"{"name": "a", "scopes": ["read", "root"]}"#).len(), 1);
        assert_eq!(
            faults(r#"{"name": "a", "scopes": ["admin"], "namespaces": ["a"]}"#).len(),
            1,
            "for the whole cluster"
        );
    }

    #[test]
    fn an_overlap_is_an_hour_unless_said_otherwise() {
        for (body, ms) in
            [("", 3_600_000), ("{}", 3_600_000), (r#"{"overlap": null}"#, 3_600_000), (r#"{"overlap": 0}"#, 0)]
        {
            assert_eq!(overlap_ms(body.as_bytes()), Ok(ms), "{body}");
        }
        for body in [r#"{"overlap": -1}"#, r#"{"overlap": 2592001}"#, r#"{"overlap": "1"}"#, "[]"] {
            assert!(overlap_ms(body.as_bytes()).is_err(), "{body}");
        }
    }
}
