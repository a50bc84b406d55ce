//! Drops insignificant whitespace from valid JSON text and leaves every other byte alone.

use std::borrow::Cow;

use memchr::memchr2;
use thiserror::Error;

/// Deepest nesting of arrays and objects that a value may have: what common parsers still read.
pub const DEPTH_MAX: usize = 128;

/// Why valid JSON text is refused as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// Arrays and objects are nested too deeply.
    #[error("the value is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// A `\u` escape names half of a surrogate pair, which is no character.
    #[error("the text holds an unpaired surrogate escape at byte {at}")]
    Surrogate {
        /// Position of the escape, in bytes from the start.
        at: usize,
    },
}

/// Returns `raw` without whitespace outside of strings, borrowing when there is none.
///
/// `raw` must be syntactically valid JSON (serde_json has read it). Number text, escapes, key order and repeated keys stay
/// as they are. One pass, no recursion.
pub fn compact(raw: &str) -> Result<Cow<'_, [u8]>, JsonFault> {
    let bytes = raw.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    let mut run = 0;
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(JsonFault::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.get_or_insert_with(|| Vec::with_capacity(bytes.len())).extend_from_slice(&bytes[run..at]);
                run = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(match out {
        None => Cow::Borrowed(bytes),
        Some(mut out) => {
            out.extend_from_slice(&bytes[run..]);
            Cow::Owned(out)
        }
    })
}

/// Position after the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, JsonFault> {
    let mut at = start + 1;
    while let Some(step) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += step;
        if bytes[at] == b'"' {
            return Ok(at + 1);
        }
        at = escape_end(bytes, at)?;
    }
    Ok(bytes.len())
}

/// Position after the escape (or pair of surrogate escapes) that begins at `at`.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, JsonFault> {
    if bytes.get(at + 1) != Some(&b'u') {
        return Ok(at + 2);
    }
    match unit(bytes, at) {
        Some(0xd800..=0xdbff) => match unit(bytes, at + 6) {
            Some(0xdc00..=0xdfff) => Ok(at + 12),
            _ => Err(JsonFault::Surrogate { at }),
        },
        Some(0xdc00..=0xdfff) => Err(JsonFault::Surrogate { at }),
        _ => Ok(at + 6),
    }
}

/// The UTF-16 unit of the `\uXXXX` escape at `at`; `None` when there is none.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") {
        return None;
    }
    std::str::from_utf8(&escape[2..]).ok().and_then(|hex| u16::from_str_radix(hex, 16).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compacted(raw: &str) -> String {
        String::from_utf8(compact(raw).unwrap().into_owned()).unwrap()
    }

    #[test]
    fn text_stays_and_only_whitespace_goes() {
        for same in [
            "12345678901234567890",
            "1.50",
            "1E5",
            "-0",
            r#"{"b":1,"a":2,"b":3}"#,
            r#""a b\u00e9 \"x\" \\""#,
            "\"\u{1f600} \u{fc}\"",
            r#""\ud83d\ude00""#,
            "null",
            "[]",
        ] {
            assert!(matches!(compact(same), Ok(Cow::Borrowed(_))), "{same}");
            assert_eq!(compacted(same), same);
        }
        assert_eq!(compacted("{ \"a b\" :\t[ 1 ,\r\n 2.0 ] }"), r#"{"a b":[1,2.0]}"#);
    }

    #[test]
    fn half_a_surrogate_pair_is_refused_wherever_it_stands() {
        for bad in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800x""#,
            r#""\ud800\u0041""#,
            r#""\ud800\ud800\udc00""#,
            r#"{"\uDFFF":1}"#,
            r#"["\\\ud83d"]"#,
        ] {
            assert!(matches!(compact(bad), Err(JsonFault::Surrogate { .. })), "{bad}");
        }
        assert_eq!(compacted(r#""\\ud800""#), r#""\\ud800""#);
    }

    #[test]
    fn nesting_is_bounded_without_recursion() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(compact(&deep(128)).is_ok());
        assert_eq!(compact(&deep(129)), Err(JsonFault::TooDeep));
        assert_eq!(compact(&deep(100_000)), Err(JsonFault::TooDeep));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(|text: String| text.into()),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((".*", inner), 0..6)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn pretty_text_compacts_to_what_serde_writes(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compacted(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
