//! Text to values. `None`: the text is not what the variable's `expected` says.

/// A boolean as people write it.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A whole number of digits only: no sign, no blanks.
pub(crate) fn integer(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A host name or an IP address, as it may stand before a port.
pub(crate) fn host(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_host = bare.parse::<std::net::IpAddr>().is_ok() || (!bare.is_empty() && bare.bytes().all(is_name));
    is_host.then(|| bare.to_owned())
}

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn host_port(text: &str) -> Option<String> {
    let (name, port) = text.rsplit_once(':')?;
    let is_bracketed = name.starts_with('[');
    let is_fit = host(name)?.contains(':') == is_bracketed && !port.is_empty() && integer(port)? <= u64::from(u16::MAX);
    is_fit.then(|| text.to_owned())
}

/// Several, separated by commas; blanks around each are dropped.
pub(crate) fn list<T>(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
}

/// What browsers send as `Origin`: scheme, host and port without a path; or `*`.
pub(crate) fn origin(text: &str) -> Option<String> {
    if text == "*" {
        return Some(text.to_owned());
    }
    let (scheme, place) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let is_place = host_port(place).is_some() || host(place).is_some();
    (is_scheme && is_place).then(|| text.to_ascii_lowercase())
}

/// A URL of one of `schemes` with something behind it.
pub(crate) fn url(text: &str, schemes: &[&str]) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_fit =
        schemes.contains(&scheme) && !rest.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    is_fit.then(|| text.to_owned())
}

/// Text without control characters.
pub(crate) fn plain(text: &str) -> Option<String> {
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_words_and_nothing_else() {
        for (text, value) in
            [("true", true), ("TRUE", true), ("1", true), ("on", true), ("False", false), ("no", false)]
        {
            assert_eq!(boolean(text), Some(value), "{text}");
        }
        for text in ["", "2", "tru", " true"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_digits() {
        assert_eq!(integer("18446744073709551615"), Some(u64::MAX));
        for text in ["", "-1", "+1", "1.5", "1e3", "18446744073709551616", " 1", "1 "] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for text in ["127.0.0.1:7400", "node-1:7400", "[::1]:7400", "a_b.local:0"] {
            assert_eq!(host_port(text).as_deref(), Some(text));
        }
        for text in ["", "7400", ":7400", "node:", "node:70000", "::1:7400", "no de:1", "http://a:1"] {
            assert_eq!(host_port(text), None, "{text}");
        }
    }

    #[test]
    fn origins_have_no_path() {
        for text in ["*", "http://localhost:3000", "https://yourdomain.com", "app://x"] {
            assert_eq!(origin(text).as_deref(), Some(text));
        }
        for text in ["", "localhost", "http://a/", "http://a/b", "://a", "http://"] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn lists_forgive_blanks_and_a_last_comma() {
        assert_eq!(list("a, b,", host), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(list("a,b c", host), None);
    }
}
