//! Where a request carries its credential: `X-API-Key`, or `Authorization: Bearer`. Either may hold a key or a token.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// Longest credential that is looked at, in bytes.
const BYTES_MAX: usize = 8 * 1024;
const SCHEME: &str = "bearer ";

/// The credential. `None`: there is none, several that may differ, or one that cannot be one.
pub(super) fn credential(headers: &HeaderMap) -> Option<&str> {
    let mut keys = headers.get_all("x-api-key").iter();
    let mut bearers = headers.get_all(AUTHORIZATION).iter();
    let text = match (keys.next(), bearers.next()) {
        (Some(key), None) => text(key)?,
        (None, Some(value)) => bearer(text(value)?)?,
        // Programs that send both send the same.
        (Some(key), Some(value)) => text(key).filter(|key| text(value).and_then(bearer) == Some(key))?,
        (None, None) => return None,
    };
    let is_one = keys.next().is_none() && bearers.next().is_none();
    (is_one && (1..=BYTES_MAX).contains(&text.len())).then_some(text)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        credential(&map).map(str::to_owned)
    }

    #[test]
    fn one_credential_in_either_header_is_taken() {
        assert_eq!(found(&[("x-api-key", "k")]).as_deref(), Some("k"));
        assert_eq!(found(&[("authorization", "Bearer k")]).as_deref(), Some("k"));
        assert_eq!(found(&[("authorization", "bearer  k")]).as_deref(), Some("k"));
        assert_eq!(found(&[("authorization", "Bearer k"), ("x-api-key", "k")]).as_deref(), Some("k"));
    }

    #[test]
    fn anything_else_is_none() {
        for headers in [
            &[][..],
            &[("x-api-key", "")],
            &[("authorization", "k")],
            &[("authorization", "Basic k")],
            &[("authorization", "Bearer ")],
            &[("x-api-key", "k"), ("x-api-key", "k")],
            &[("authorization", "Bearer k"), ("x-api-key", "l")],
            &[("authorization", "Basic k"), ("x-api-key", "k")],
        ] {
            assert_eq!(found(headers), None, "{headers:?}");
        }
    }
}
