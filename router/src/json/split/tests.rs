use proptest::prelude::*;

use super::*;

type Found = Vec<(u64, Option<String>, Option<String>)>;

/// Feeds `bytes` in parts of the given sizes (repeated) and collects what comes out.
fn split(format: Format, max: usize, bytes: &[u8], sizes: &[usize]) -> (Found, Option<SplitFault>) {
    let mut splitter = Splitter::new(format, max);
    let mut found = Found::new();
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    loop {
        loop {
            match splitter.next() {
                Ok(Some(Piece::Item { at, name, text })) => {
                    let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    found.push((at, name.map(text_of), Some(text_of(text))));
                }
                Ok(Some(Piece::TooLarge { at })) => found.push((at, None, None)),
                Ok(None) => break,
                Err(fault) => return (found, Some(fault)),
            }
        }
        if splitter.window.is_ended() {
            return (found, None);
        }
        if rest.is_empty() {
            splitter.end();
            continue;
        }
        let (part, later) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        splitter.feed(part);
        rest = later;
    }
}

fn whole(format: Format, text: &str) -> (Found, Option<SplitFault>) {
    split(format, 1_000, text.as_bytes(), &[usize::MAX])
}

fn item(at: u64, name: Option<&str>, text: &str) -> (u64, Option<String>, Option<String>) {
    (at, name.map(Into::into), Some(text.into()))
}

const DOCUMENT: &str = "\u{20}{ \"success\" : true, \"x\": {\"data\": {\"no\": 1}}, \"s\": \"\\\"}\\\\\",\n\
    \"\\u0064ata\" : { \"a\\\"b\" : {\"value\": \"}\\\"]\", \"n\": [1, {}]} , \"c\":3 ,\"d\":\"x\\\\\"} ,\n \"coverage\":[1,2] } \n";
const LINES: &str = "{\"key\": \"a\", \"value\": {\"data\": {}}}\n\n  {\"key\":\"b\\n\"} \r\nnot json\n{\"key\":\"c\"}";

fn document_items() -> Found {
    vec![
        item(1, Some("\"a\\\"b\""), "{\"value\": \"}\\\"]\", \"n\": [1, {}]}"),
        item(2, Some("\"c\""), "3"),
        item(3, Some("\"d\""), "\"x\\\\\""),
    ]
}

fn line_items() -> Found {
    vec![
        item(1, None, "{\"key\": \"a\", \"value\": {\"data\": {}}}"),
        item(3, None, "  {\"key\":\"b\\n\"} \r"),
        item(4, None, "not json"),
        item(5, None, "{\"key\":\"c\"}"),
    ]
}

proptest! {
    #[test]
    fn parts_of_any_size_give_the_same_items(sizes in prop::collection::vec(1_usize..20, 1..20)) {
        for format in [Format::Auto, Format::Json] {
            prop_assert_eq!(split(format, 1_000, DOCUMENT.as_bytes(), &sizes), (document_items(), None));
        }
        for format in [Format::Auto, Format::Ndjson] {
            prop_assert_eq!(split(format, 1_000, LINES.as_bytes(), &sizes), (line_items(), None));
        }
    }

    #[test]
    fn every_truncation_of_a_document_is_reported(length in 0..DOCUMENT.trim_end().len(), size in 1_usize..9) {
        let (found, fault) = split(Format::Json, 1_000, &DOCUMENT.as_bytes()[..length], &[size]);
        prop_assert_eq!(fault, Some(SplitFault::Truncated));
        prop_assert!(document_items().starts_with(&found));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\d ata\n1".to_vec()), 0..60)) {
        for format in [Format::Auto, Format::Json, Format::Ndjson] {
            split(format, 10, &bytes, &[3]);
        }
    }
}

#[test]
fn items_that_are_too_large_are_skipped_with_flat_memory() {
    let big = "x".repeat(100_000);
    let document = format!("{{\"data\":{{\"a\":1,\"big\":{{\"v\":\"{big}\"}},\"c\":2}},\"more\":\"{big}\"}}");
    let lines = format!("{{\"key\":1}}\n{{\"key\":\"{big}\"}}\n{{\"key\":2}}\n");
    for (format, text) in [(Format::Json, &document), (Format::Ndjson, &lines)] {
        let (found, fault) = split(format, 50, text.as_bytes(), &[64]);
        assert_eq!(fault, None);
        let kept: Vec<_> = found.iter().map(|(at, _, text)| (*at, text.is_some())).collect();
        assert_eq!(kept, [(1, true), (2, false), (3, true)]);

        let mut splitter = Splitter::new(format, 50);
        for part in text.as_bytes().chunks(64) {
            splitter.feed(part);
            while splitter.next().unwrap().is_some() {}
            assert!(splitter.window.rest().is_empty() && splitter.window.marked() <= 64 + 50);
        }
    }
}

#[test]
fn documents_without_items_say_what_is_wrong() {
    for (text, fault) in [
        ("", SplitFault::Truncated),
        ("  ", SplitFault::Truncated),
        ("{", SplitFault::Truncated),
        ("{}", SplitFault::NoData),
        ("{\"success\":true}", SplitFault::NoData),
        ("{\"data\":[]}", SplitFault::BadData),
        ("{\"data\":{},\"data\":{}}", SplitFault::BadData),
        ("[1]", SplitFault::NotObject),
        ("null", SplitFault::NotObject),
        ("12", SplitFault::NotObject),
        ("hello", SplitFault::Malformed { at: 0 }),
        ("{\"data\":{}} x", SplitFault::Malformed { at: 12 }),
        ("{\"data\":{,}}", SplitFault::Malformed { at: 9 }),
        ("{data:1}", SplitFault::Malformed { at: 1 }),
        ("{\"data\":{\"a\":1,}}", SplitFault::Malformed { at: 15 }),
    ] {
        assert_eq!(whole(Format::Auto, text).1, Some(fault), "{text}");
    }
    assert_eq!(whole(Format::Auto, "{\"data\":{}}"), (vec![], None));
    assert_eq!(whole(Format::Ndjson, "\n \n"), (vec![], None));
}
