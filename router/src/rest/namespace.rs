//! The header `X-Cache-Namespace` and namespaces in paths.

use ringhold_model::key::{DEFAULT_NAMESPACE, is_namespace};

use super::{fault::ApiError, field::Place, key};

const RULE: &str = "A namespace is named by 1 to 64 letters, digits, dots, dashes or underscores";

/// The namespace of a request: the values of its `X-Cache-Namespace` headers, else `default`.
pub fn from_header<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<&'a str, ApiError> {
    let place = Place { part: "header", index: None, name: Some("X-Cache-Namespace") };
    let Some(first) = values.next() else { return Ok(DEFAULT_NAMESPACE) };
    if values.next().is_some() {
        return Err(ApiError::invalid(place.fault("duplicate_field", &[], "The header is given more than once")));
    }
    match std::str::from_utf8(first).ok().filter(|name| is_namespace(name)) {
        Some(name) => Ok(name),
        None => {
            let fault = place.fault("string_pattern_mismatch", &[], RULE);
            Err(ApiError::invalid(fault.with_text(&String::from_utf8_lossy(first))))
        }
    }
}

/// The namespace in a path, still percent-encoded.
pub fn from_path(encoded: &str) -> Result<String, ApiError> {
    let place = Place { part: "path", index: None, name: Some("namespace") };
    let name = key::decoded(encoded, &place, &[]).map_err(ApiError::invalid)?;
    if is_namespace(&name) {
        return Ok(name.into_owned());
    }
    Err(ApiError::invalid(place.fault("string_pattern_mismatch", &[], RULE).with_text(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_checked_and_defaults() {
        assert_eq!(from_header([].into_iter()), Ok("default"));
        assert_eq!(from_header([&b"team-a.1_x"[..]].into_iter()), Ok("team-a.1_x"));
        let long = [b'a'; 65];
        for bad in [&b""[..], b"a b", b"a/b", b"\xff", &long] {
            assert_eq!(from_header([bad].into_iter()).map_err(|e| e.status().as_u16()), Err(422), "{bad:?}");
        }
        assert!(from_header([&b"a"[..], b"a"].into_iter()).is_err());
        assert_eq!(from_path("team%2Da"), Ok("team-a".into()));
        assert!(from_path("a%20b").is_err());
    }
}
