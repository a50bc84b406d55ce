//! The name of a request: the caller's, if it is sane, else a new one.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it, both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest name taken from a caller, in bytes.
const BYTES_MAX: usize = 128;

/// Hands out names: a random prefix of the worker and a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: u64,
    next: AtomicU64,
}

/// The name of one request.
#[derive(Clone, Debug)]
pub(crate) struct RequestTag(pub(crate) HeaderValue);

impl RequestTag {
    /// As text for bodies and logs.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl RequestIds {
    /// `prefix` is a random number.
    pub(crate) fn new(prefix: u64) -> Self {
        Self { prefix, next: AtomicU64::new(0) }
    }

    /// The caller's name if it is 1 to 128 characters of `[A-Za-z0-9._:/+=-]`, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestTag {
        let given = headers.get(X_REQUEST_ID).filter(|value| is_sane(value.as_bytes()));
        RequestTag(given.cloned().unwrap_or_else(|| self.fresh()))
    }

    fn fresh(&self) -> HeaderValue {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'0'; 24];
        hex(self.prefix, &mut text[..16]);
        hex(n, &mut text[16..]);
        HeaderValue::from_bytes(&text).expect("hexadecimal digits are legal in a header")
    }
}

fn hex(mut value: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

fn is_sane(name: &[u8]) -> bool {
    (1..=BYTES_MAX).contains(&name.len())
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._:/+=-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_name_is_kept_and_others_are_replaced() {
        let ids = RequestIds::new(0xabc);
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("order-17"));
        assert_eq!(ids.of(&headers).as_str(), "order-17");
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("has space"));
        assert_eq!(ids.of(&headers).as_str(), "0000000000000abc00000000");
        assert_eq!(ids.of(&HeaderMap::new()).as_str(), "0000000000000abc00000001");
    }
}
