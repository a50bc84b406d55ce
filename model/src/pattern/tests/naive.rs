//! A matcher that is slow and obviously right: a table of which beginnings of the pattern match which of the key.

use proptest::{collection::vec, prelude::*, sample::select};

use super::pattern;

/// Follows the definition, character by character; independent of the real parser.
fn naive(pattern: &[char], key: &[char]) -> bool {
    match pattern {
        [] => key.is_empty(),
        ['*', rest @ ..] => (0..=key.len()).any(|at| naive(rest, &key[at..])),
        ['?', rest @ ..] => !key.is_empty() && naive(rest, &key[1..]),
        ['[', rest @ ..] => match class(rest) {
            Some((set, rest)) => key.first().is_some_and(|c| in_set(set, *c)) && naive(rest, &key[1..]),
            None => key.first() == Some(&'[') && naive(rest, &key[1..]),
        },
        [c, rest @ ..] => key.first() == Some(c) && naive(rest, &key[1..]),
    }
}

/// The inside of a class and what follows it, if it is closed.
fn class(rest: &[char]) -> Option<(&[char], &[char])> {
    let skip = usize::from(rest.first() == Some(&'!'));
    let skip = skip + usize::from(rest.get(skip) == Some(&']'));
    let close = skip + rest.get(skip..)?.iter().position(|c| *c == ']')?;
    Some((&rest[..close], &rest[close + 1..]))
}

fn in_set(set: &[char], c: char) -> bool {
    if set.first() == Some(&'!') {
        return !in_plain_set(&set[1..], c);
    }
    in_plain_set(set, c)
}

fn in_plain_set(set: &[char], c: char) -> bool {
    if set.len() >= 3 && set[1] == '-' {
        return (set[0] <= c && c <= set[2]) || in_plain_set(&set[3..], c);
    }
    !set.is_empty() && (set[0] == c || in_plain_set(&set[1..], c))
}

/// Few characters, so that patterns and keys meet.
fn text(alphabet: &'static [char], length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(select(alphabet), length).prop_map(|chars| chars.into_iter().collect())
}

const PATTERN_CHARS: &[char] = &['a', 'b', 'c', 'ü', '*', '*', '?', '[', ']', '!', '-', '日', ':'];
const LITERAL_CHARS: &[char] = &['a', 'b', '*', 'ü'];
const KEY_CHARS: &[char] = &['a', 'b', 'c', 'ü', '[', ']', '!', '-', '日', '月', ':'];

fn assert_agrees(text: &str, key: &str) {
    let (chars, key_chars): (Vec<char>, Vec<char>) = (text.chars().collect(), key.chars().collect());
    let pattern = pattern(text);
    let expected = naive(&chars, &key_chars);
    assert_eq!(pattern.matches(key), expected, "{text:?} on {key:?}");
    assert!(!expected || key.starts_with(pattern.literal_prefix()), "{text:?} on {key:?}");
    assert!(expected || !pattern.matches_all(), "{text:?} on {key:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_matcher_agrees_with_the_definition(text in text(PATTERN_CHARS, 1..12), key in text(KEY_CHARS, 0..10)) {
        assert_agrees(&text, &key);
    }

    #[test]
    fn literals_between_stars_agree_with_the_definition(
        text in text(LITERAL_CHARS, 1..10), key in text(LITERAL_CHARS, 0..10),
    ) {
        assert_agrees(&text, &key);
    }

    #[test]
    fn any_text_is_a_pattern_and_matches_without_a_panic(text in ".{1,200}", key in ".{0,200}") {
        let pattern = pattern(&text);
        pattern.matches(&key);
        prop_assert!(pattern.literal_prefix().len() <= text.len());
    }

    #[test]
    fn long_patterns_cross_the_words_of_the_automaton(
        head in text(&['a', '?', 'b'], 50..140), tail in text(&['a', '?', '*'], 0..4), cut in 0..140_usize,
    ) {
        // Keys that follow the pattern, and the same with one character changed.
        let text = head.clone() + &tail;
        let key: String = head.chars().map(|c| if c == '?' { 'x' } else { c }).collect();
        let mut changed: Vec<char> = key.chars().collect();
        if let Some(c) = changed.get_mut(cut) {
            *c = 'y';
        }
        assert_agrees(&text, &key);
        assert_agrees(&text, &changed.into_iter().collect::<String>());
    }
}
