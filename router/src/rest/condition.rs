//! Conditions of a call: `if_absent` and `if_version` in a body, `If-Match` and `If-None-Match` in the headers (RFC 9110,
//! section 13.1).
//!
//! An entity tag is a version in quotes. Versions are opaque: a text that is none was never given out, so it matches
//! nothing, but is no fault. A header that is no list of entity tags is refused with 422 like any other parameter that does
//! not validate: to leave it out of account could overwrite what the client meant to protect.

use http::{HeaderMap, HeaderName, header};
use ringhold_model::{Version, wire::Condition};

use super::{
    body,
    fault::ApiError,
    field::{FieldFault, Place},
    word,
};

/// Most entity tags in one header.
pub const TAGS_MAX: usize = 64;

/// Reads the conditions in the headers of a call. No allocation without any.
pub fn in_headers(headers: &HeaderMap) -> Result<Vec<Condition>, ApiError> {
    let mut conditions = Vec::new();
    let mut faults = Vec::new();
    for (name, shown, any, of) in [
        (header::IF_MATCH, "If-Match", Condition::Present, Condition::OneOf as fn(Vec<Version>) -> Condition),
        (header::IF_NONE_MATCH, "If-None-Match", Condition::Absent, Condition::NoneOf),
    ] {
        // Strong comparison for If-Match, weak comparison for If-None-Match.
        let takes_weak = name == header::IF_NONE_MATCH;
        match tags(headers, &name, takes_weak) {
            None => {}
            Some(Ok(Tags::Any)) => conditions.push(any),
            Some(Ok(Tags::These(versions))) => conditions.push(of(versions)),
            Some(Err(msg)) => {
                let text = headers.get(&name).map_or_else(Default::default, |value| value.as_bytes().to_vec());
                let fault = FieldFault::new("value_error", &["header", shown], msg);
                faults.push(fault.with_text(&String::from_utf8_lossy(&text)));
            }
        }
    }
    body::verdict(faults).map(|()| conditions)
}

/// Reads the conditions in a set request.
pub(super) fn in_body(
    if_absent: Option<&str>,
    if_version: Option<&str>,
    place: &Place<'_>,
    faults: &mut Vec<FieldFault>,
) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(raw) = if_absent.filter(|raw| body::is_given(raw)) {
        match word::boolean(raw, place, &["if_absent"]) {
            Ok(true) => conditions.push(Condition::Absent),
            Ok(false) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if let Some(raw) = if_version.filter(|raw| body::is_given(raw)) {
        match word::string(raw, place, &["if_version"]) {
            Ok(text) => conditions.push(Condition::OneOf(text.parse().into_iter().collect())),
            Err(fault) => faults.push(fault),
        }
    }
    conditions
}

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<Version>),
}

/// The versions that a header names; `None`: it is not there.
fn tags(headers: &HeaderMap, name: &HeaderName, takes_weak: bool) -> Option<Result<Tags, String>> {
    if !headers.contains_key(name) {
        return None;
    }
    let mut lines = headers.get_all(name).iter();
    if let (Some(line), None) = (lines.next(), lines.next())
        && line.as_bytes().trim_ascii() == b"*"
    {
        return Some(Ok(Tags::Any));
    }
    let (mut versions, mut count) = (Vec::new(), 0);
    for line in headers.get_all(name) {
        if let Err(msg) = list(line.as_bytes(), takes_weak, &mut versions, &mut count) {
            return Some(Err(msg));
        }
    }
    Some(if count == 0 { Err("Input should be `*` or entity tags".to_owned()) } else { Ok(Tags::These(versions)) })
}

/// Reads one line: entity tags, commas between them, empty elements passed over (RFC 9110, section 5.6.1).
fn list(line: &[u8], takes_weak: bool, versions: &mut Vec<Version>, count: &mut usize) -> Result<(), String> {
    let mut rest = line;
    loop {
        while let Some((b' ' | b'\t' | b',', after)) = rest.split_first() {
            rest = after;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let (is_weak, opaque, after) = entity_tag(rest)
            .ok_or("Input should be `*` or entity tags: versions in double quotes, with commas between them")?;
        *count += 1;
        if *count > TAGS_MAX {
            return Err(format!("Input should have at most {TAGS_MAX} entity tags"));
        }
        let version: Option<Version> = std::str::from_utf8(opaque).ok().and_then(|text| text.parse().ok());
        versions.extend(version.filter(|_| takes_weak || !is_weak));
        rest = after.trim_ascii_start();
        if !matches!(rest.first(), None | Some(b',')) {
            return Err("Input should have commas between its entity tags".to_owned());
        }
    }
}

/// The tag that a text begins with: whether it is weak, what is between the quotes, and what follows.
fn entity_tag(text: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (is_weak, quoted) = match text.strip_prefix(b"W/") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let inner = quoted.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', inner)?;
    let is_opaque = inner[..end].iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..));
    is_opaque.then(|| (is_weak, &inner[..end], &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ringhold_model::Epoch;

    use super::*;

    fn version(seq: u64) -> Version {
        Version { epoch: Epoch(1), seq }
    }

    fn read(pairs: &[(&'static str, &str)]) -> Result<Vec<Condition>, ApiError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        in_headers(&headers)
    }

    #[test]
    fn lists_of_tags_are_read_as_rfc_9110_says() {
        let one_of = |seqs: &[u64]| Condition::OneOf(seqs.iter().map(|seq| version(*seq)).collect());
        let none_of = |seqs: &[u64]| Condition::NoneOf(seqs.iter().map(|seq| version(*seq)).collect());
        for (name, value, condition) in [
            ("if-match", "*", Condition::Present),
            ("if-none-match", " * ", Condition::Absent),
            ("if-match", "\"1-2\"", one_of(&[2])),
            ("if-match", ",\"1-2\" ,\t, \"1-3\",", one_of(&[2, 3])),
            ("if-match", "\"other\", \"a,b\", \"\", \"1-3\"", one_of(&[3])),
            ("if-match", "W/\"1-2\", \"1-4\"", one_of(&[4])),
            ("if-none-match", "W/\"1-2\", \"1-4\"", none_of(&[2, 4])),
            ("if-match", "\"*\"", one_of(&[])),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap(), [condition], "{name}: {value}");
        }
        assert_eq!(read(&[]).unwrap(), []);
        let both = read(&[("if-none-match", "\"1-1\""), ("if-match", "\"1-2\""), ("if-match", "\"1-3\"")]).unwrap();
        assert_eq!(both, [one_of(&[2, 3]), none_of(&[1])]);
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        let many = "\"1-1\",".repeat(TAGS_MAX + 1);
        for bad in [
            "",
            ",",
            "1-2",
            "\"1-2",
            "1-2\"",
            "\"a\" \"b\"",
            "\"a\"\"b\"",
            "w/\"1-2\"",
            "*, \"1-2\"",
            "**",
            "\"a b\"",
            &many,
        ] {
            for name in ["if-match", "if-none-match"] {
                assert_eq!(read(&[(name, bad)]).map_err(|error| error.status().as_u16()), Err(422), "{name}: {bad}");
            }
        }
        assert!(read(&[("if-match", "*"), ("if-match", "*")]).is_err());
        let Err(ApiError::Invalid(faults)) = read(&[("if-match", "x"), ("if-none-match", "y")]) else { panic!() };
        assert_eq!(faults.len(), 2, "every fault is listed");
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(value in "[ -~]{0,60}") {
            let _ = read(&[("if-match", &value)]);
        }
    }
}
