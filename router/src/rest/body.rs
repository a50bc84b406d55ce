//! What all bodies share: the content type and the way from bytes to raw pieces.

use super::{
    fault::ApiError,
    field::{FieldFault, Place},
};
use crate::json::{self, Fields, Format, JsonKind, Unfit};

/// Refuses a body that is declared as something else than JSON. No declaration is taken as JSON.
pub fn check_content_type(content_type: Option<&[u8]>) -> Result<(), ApiError> {
    match media_type(content_type).as_deref() {
        None | Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        Some(other) => Err(not_json(other, "application/json")),
    }
}

/// The format of an import's body as its content type declares it. JSON may turn out to be lines.
pub fn import_format(content_type: Option<&[u8]>) -> Result<Format, ApiError> {
    match media_type(content_type).as_deref() {
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines") => {
            Ok(Format::Ndjson)
        }
        _ => check_content_type(content_type).map(|()| Format::Auto).map_err(|_| {
            not_json(&media_type(content_type).unwrap_or_default(), "application/json or application/x-ndjson")
        }),
    }
}

/// Type and subtype in lower case.
fn media_type(content_type: Option<&[u8]>) -> Option<String> {
    let text = String::from_utf8_lossy(content_type?).to_ascii_lowercase();
    Some(text.split(';').next().unwrap_or_default().trim().to_owned())
}

fn not_json(given: &str, wanted: &str) -> ApiError {
    let given: String = given.chars().take(100).collect();
    ApiError::NotJson(format!("The body must be {wanted}, not `{given}`"))
}

/// The body as text.
pub(super) fn text(body: &[u8]) -> Result<&str, ApiError> {
    json::utf8(body).map_err(|unfit| refusal(unfit, "", "", ""))
}

/// The fields of a body that is an object; others are ignored.
pub(super) fn object<'a, const N: usize>(body: &'a [u8], names: &[&'static str; N]) -> Result<Fields<'a, N>, ApiError> {
    let text = text(body)?;
    json::object(text, names)
        .map_err(|unfit| refusal(unfit, text, "model_attributes_type", "Input should be a valid object"))
}

/// What a body that cannot be cut means to the client.
pub(super) fn refusal(unfit: Unfit, text: &str, kind: &'static str, msg: &str) -> ApiError {
    match unfit {
        Unfit::Malformed(what) => ApiError::Malformed(format!("The body is not valid JSON: {what}")),
        Unfit::Kind(_) => ApiError::invalid(Place::BODY.fault(kind, &[], msg).with_raw(text.trim())),
    }
}

/// `Ok` without faults.
pub(super) fn verdict(faults: Vec<FieldFault>) -> Result<(), ApiError> {
    if faults.is_empty() { Ok(()) } else { Err(ApiError::Invalid(faults)) }
}

/// True for a field that is given and not null.
pub(super) fn is_given(raw: &str) -> bool {
    json::kind(raw) != JsonKind::Null
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_taken() {
        for good in
            [None, Some("application/json"), Some("Application/JSON; charset=utf-8"), Some("application/a+json")]
        {
            assert!(check_content_type(good.map(str::as_bytes)).is_ok(), "{good:?}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "", "json", "application/x-ndjson"] {
            assert_eq!(check_content_type(Some(bad.as_bytes())).map_err(|e| e.status().as_u16()), Err(415), "{bad}");
        }
        assert_eq!(import_format(Some(b"application/x-ndjson")), Ok(Format::Ndjson));
        assert_eq!(import_format(Some(b"application/json")), Ok(Format::Auto));
        assert!(import_format(Some(b"text/csv")).is_err());
    }
}
