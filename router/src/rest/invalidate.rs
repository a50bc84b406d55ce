//! The body of an invalidation.

use std::borrow::Cow;

use ringhold_model::config::Backend;
use serde_json::value::RawValue;

use super::{body, fault::ApiError, field::Place, key, tags, word};

/// What to remove: records that match the pattern or carry any of the tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidateRequest<'a> {
    /// Distinct tags.
    pub tags: Vec<Cow<'a, str>>,
    /// A pattern.
    pub pattern: Option<Cow<'a, str>>,
    /// `None`: every backend of the namespace.
    pub backend: Option<Backend>,
}

const NAMES: [&str; 3] = ["tags", "pattern", "backend"];

/// Reads the body.
pub fn parse(bytes: &[u8]) -> Result<InvalidateRequest<'_>, ApiError> {
    let place = Place::BODY;
    let fields = body::object(bytes, &NAMES)?;
    let mut faults = Vec::new();
    for (name, raw) in
        NAMES.iter().zip(fields.values).zip(fields.repeated).filter_map(|(pair, twice)| twice.then_some(pair))
    {
        faults.push(word::repeated(raw.map_or("null", RawValue::get), &place, &[name]));
    }
    let [tags, pattern, backend] = fields.values.map(|raw| raw.map(RawValue::get).filter(|raw| body::is_given(raw)));
    let mut request = InvalidateRequest::default();
    if let Some(raw) = tags {
        request.tags = tags::tag_list(raw, &place, &["tags"], &mut faults);
    }
    if let Some(raw) = pattern {
        let read = word::string(raw, &place, &["pattern"]).and_then(|text| key::pattern(&text, &place).map(|()| text));
        request.pattern = read.map_err(|fault| faults.push(fault)).ok();
    }
    if let Some(raw) = backend {
        let read = word::string(raw, &place, &["backend"]).and_then(|text| word::backend(&text, &place));
        request.backend = read.map_err(|fault| faults.push(fault)).ok();
    }
    if faults.is_empty() && request.tags.is_empty() && request.pattern.is_none() {
        let whole = std::str::from_utf8(bytes).unwrap_or_default().trim();
        faults.push(place.fault("value_error", &[], "Give `tags`, `pattern` or both").with_raw(whole));
    }
    body::verdict(faults).map(|()| request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_or_a_pattern_are_needed() {
        let request = parse(br#"{"tags": ["a", "b"], "pattern": "t:*", "backend": null, "more": 1}"#).unwrap();
        assert_eq!(request.tags, ["a", "b"]);
        assert_eq!(request.pattern.as_deref(), Some("t:*"));
        assert!(parse(br#"{"pattern": "*"}"#).is_ok());
        for bad in [
            r#"{}"#,
            r#"{"tags": []}"#,
            r#"{"tags": "a"}"#,
            r#"{"tags": [1]}"#,
            r#"{"tags": ["a", "a"]}"#,
            r#"{"tags": [""]}"#,
            r#"{"pattern": ""}"#,
            r#"{"pattern": 1}"#,
            r#"{"pattern": "*", "pattern": "*"}"#,
            r#"{"pattern": "*", "backend": "database"}"#,
            r#"["a"]"#,
        ] {
            assert_eq!(parse(bad.as_bytes()).map_err(|e| e.status().as_u16()), Err(422), "{bad}");
        }
        assert_eq!(parse(b"{\"tags\": [").map_err(|e| e.status().as_u16()), Err(400));
    }
}
