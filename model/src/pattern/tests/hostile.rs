//! Patterns made to burn time. Steps are counted, never milliseconds.

use super::{PATTERN_BYTES_MAX, pattern};
use crate::key::KEY_BYTES_LIMIT;

/// Word steps that the longest pattern may cost on a key: 17 words a character.
fn allowed(key: &str) -> usize {
    key.chars().count() * (PATTERN_BYTES_MAX / 64 + 1)
}

fn cut(mut text: String) -> String {
    text.truncate(PATTERN_BYTES_MAX);
    text
}

#[test]
fn hostile_patterns_cost_a_bounded_number_of_steps() {
    let patterns = [
        cut("a*".repeat(1_000)),
        cut("*a".repeat(1_000)),
        cut("*?".repeat(1_000)),
        cut("*[ab]".repeat(1_000)),
        cut("*[!b]".repeat(1_000)),
        cut("?".repeat(1_022)) + "*b",
        cut("*".to_owned() + &"?".repeat(1_022)) + "b",
        cut("*".to_owned() + &"a".repeat(1_022)) + "b",
        cut("[".repeat(5_000)),
        cut("[a".repeat(1_000)),
        cut("[!".repeat(1_000)),
        "[".repeat(1_023) + "]",
        "[a-z".repeat(255) + "]",
        cut("[a]*[b]?".repeat(200)),
        cut("**/".repeat(1_000)),
        cut("{a,".repeat(400)),
    ];
    let keys = ["a".repeat(KEY_BYTES_LIMIT), "ab".repeat(KEY_BYTES_LIMIT / 2), "[".repeat(KEY_BYTES_LIMIT)];
    for text in &patterns {
        let pattern = pattern(text);
        for key in &keys {
            let mut steps = 0;
            pattern.matches_counting(key, || steps += 1);
            assert!(steps <= allowed(key), "{steps} steps for {:?}... on {:?}...", &text[..10], &key[..3]);
        }
    }
}

#[test]
fn a_plain_pattern_does_one_step_a_character() {
    let mut steps = 0;
    let key = "user:12345:profile";
    assert!(pattern("*:?????:profile").matches_counting(key, || steps += 1));
    assert_eq!(steps, key.len());
}

#[test]
fn the_longest_patterns_still_match() {
    let a_4096 = "a".repeat(KEY_BYTES_LIMIT);
    assert!(pattern(&"?".repeat(1_024)).matches(&"ü".repeat(1_024)));
    assert!(!pattern(&"?".repeat(1_024)).matches(&"ü".repeat(1_023)));
    assert!(pattern(&"*?".repeat(512)).matches(&a_4096));
    assert!(pattern(&"a*".repeat(512)).matches(&a_4096));
    assert!(pattern(&"[ab]*".repeat(200)).matches(&a_4096));
    assert!(pattern(&"[".repeat(1_024)).matches(&"[".repeat(1_024)));
    assert!(!pattern(&("*".to_owned() + &"a".repeat(1_022) + "b")).matches(&a_4096));
}
