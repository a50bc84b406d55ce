//! JSON strings: reading and writing.

use std::borrow::Cow;

use super::compact::{JsonFault, compact};

/// The text of a valid raw JSON string (with its quotes), borrowing when it holds no escape.
pub fn unescape(raw: &str) -> Result<Cow<'_, str>, JsonFault> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    compact(raw)?;
    // Syntax and surrogates were checked, nothing is left that could fail.
    serde_json::from_str::<String>(raw).map(Cow::Owned).map_err(|_| JsonFault::Surrogate { at: 0 })
}

/// Appends `text` as a JSON string with its quotes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut run = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[run..at]);
        run = at + 1;
        write_escape(out, byte);
    }
    out.extend_from_slice(&bytes[run..]);
    out.push(b'"');
}

#[cold]
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_writes_them_and_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            let raw = String::from_utf8(out).unwrap();
            prop_assert_eq!(&raw, &serde_json::to_string(&text).unwrap());
            prop_assert_eq!(unescape(&raw).unwrap(), text);
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut out = Vec::new();
        write_string(&mut out, "a\u{0}\n\"\\\u{1f}\u{7f}");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\u0000\\n\\\"\\\\\\u001f\u{7f}\"");
    }

    #[test]
    fn half_a_pair_is_no_text() {
        assert!(unescape(r#""\ud83d""#).is_err());
        assert_eq!(unescape(r#""\ud83d\ude00""#).unwrap(), "\u{1f600}");
    }
}
