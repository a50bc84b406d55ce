//! Tests of patterns: Python's answers, a naive matcher, hostile input.

mod hostile;
mod naive;
mod table;

use super::{PATTERN_BYTES_MAX, Pattern, PatternFault};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[test]
fn patterns_have_a_length() {
    assert_eq!(Pattern::parse(""), Err(PatternFault::Empty));
    assert!(Pattern::parse(&"a".repeat(PATTERN_BYTES_MAX)).is_ok());
    assert_eq!(Pattern::parse(&"a".repeat(PATTERN_BYTES_MAX + 1)), Err(PatternFault::TooLong { bytes: 1_025 }));
    assert_eq!(Pattern::parse(&"ü".repeat(513)), Err(PatternFault::TooLong { bytes: 1_026 }), "bytes count");
}

#[test]
fn the_literal_prefix_ends_at_the_first_wildcard() {
    for (text, prefix, all, exact) in [
        ("*", "", true, None),
        ("***", "", true, None),
        ("user:*", "user:", false, None),
        ("user:?", "user:", false, None),
        ("üser:[ab]", "üser:", false, None),
        ("user:[a]:*", "user:a:", false, None),
        ("user:1", "user:1", false, Some("user:1")),
        ("100[*]", "100*", false, Some("100*")),
        ("[open", "[open", false, Some("[open")),
        ("?*", "", false, None),
    ] {
        let pattern = pattern(text);
        let found = (pattern.literal_prefix(), pattern.matches_all(), pattern.exact());
        assert_eq!(found, (prefix, all, exact), "{text}");
        assert_eq!(pattern.as_str(), text);
    }
}
