//! Conditions, increments, swaps and touches: what they change, and that a write that is sent again is done once.

use ringhold_model::{
    Version,
    config::{CacheConfig, DataType},
    wire::{Action, Condition, Conflict, Fault, NewRecord, Ttl},
};

use super::rig::{New, Rig, unlimited};
use crate::engine::{Item, Outcome, previous::KEPT_BYTES_MAX};

fn increment(n: u64, by: i64, initial: i64, ttl: Ttl) -> Action<'static> {
    let record = NewRecord { data_type: DataType::Number, ttl, ..New::value(b"").record() };
    Action::Increment { n, by, initial, record }
}

fn swap(n: u64, value: &[u8]) -> Action<'_> {
    Action::Swap { n, record: New::value(value).record() }
}

fn conflict(outcome: &Outcome) -> Conflict {
    match outcome {
        Outcome::Conflict(conflict) => *conflict,
        other => panic!("{other:?}"),
    }
}

fn peek(rig: &Rig, key: &str) -> Item {
    match rig.run(key, Action::Peek) {
        Outcome::Hit(item) => item,
        other => panic!("{other:?}"),
    }
}

fn version(rig: &Rig, key: &str) -> Version {
    peek(rig, key).info().version
}

#[test]
fn the_first_condition_that_does_not_hold_is_named_and_nothing_changes() {
    let mut rig = Rig::new(unlimited());
    rig.put("a", b"1");
    let there = version(&rig, "a");
    let stale = Version { seq: there.seq - 1, ..there };
    let when = vec![Condition::Present, Condition::OneOf(vec![stale]), Condition::Absent];
    let unmet = Conflict::Unmet { at: 1, version: Some(there) };
    let record = || NewRecord { when: when.clone(), ..New::value(b"2").record() };
    let Action::Increment { record: counted, .. } = increment(0, 1, 0, Ttl::Default) else { panic!() };
    let counted = NewRecord { when: when.clone(), ..counted };
    for action in [
        Action::Set { n: 10, record: record() },
        Action::Swap { n: 11, record: record() },
        Action::Increment { n: 12, by: 1, initial: 0, record: counted },
        Action::Delete { n: 13, when: when.clone() },
        Action::Touch { n: 14, ttl: Ttl::Never, when: when.clone() },
    ] {
        assert_eq!(conflict(&rig.run("a", action.clone())), unmet, "{action:?}");
    }
    assert_eq!((rig.get("a"), version(&rig, "a")), (Some(b"1".to_vec()), there));
    let nothing = rig.run("b", Action::Delete { n: 15, when: vec![Condition::Present] });
    assert_eq!(conflict(&nothing), Conflict::Unmet { at: 0, version: None });
    let met = vec![Condition::Present, Condition::OneOf(vec![stale, there]), Condition::NoneOf(vec![stale])];
    assert!(matches!(rig.run("a", Action::Delete { n: 16, when: met }), Outcome::Deleted { found: true }));
    let many = vec![Condition::Absent; 5];
    let refused = rig.run("a", Action::Delete { n: 17, when: many });
    assert!(matches!(refused, Outcome::Failed(Fault::Malformed)), "{refused:?}");
}

#[test]
fn a_refusal_is_remembered_so_that_a_late_first_attempt_does_nothing() {
    let mut rig = Rig::new(unlimited());
    rig.put("a", b"1");
    let set = || Action::Set { n: 5, record: New { if_absent: true, ..New::value(b"2") }.record() };
    let first = conflict(&rig.send(rig.op("a", set()), true, 2));
    assert!(matches!(rig.send(rig.op("a", Action::Delete { n: 6, when: vec![] }), false, 2), Outcome::Deleted { .. }));
    assert_eq!(conflict(&rig.send(rig.op("a", set()), false, 2)), first);
    assert_eq!(rig.get("a"), None);
}

#[test]
fn an_increment_keeps_what_the_record_is() {
    let mut rig = Rig::new(CacheConfig { default_ttl: 9, ..unlimited() });
    let counted = |rig: &Rig, n, by| match rig.run("n", increment(n, by, 40, Ttl::Millis(500))) {
        Outcome::Counted { value, version, ttl_ms, copies: 1 } => (value, version, ttl_ms),
        other => panic!("{other:?}"),
    };
    let (value, first, ttl_ms) = counted(&rig, 1, 2);
    assert_eq!((value, ttl_ms), (42, Some(500)), "it begins at `initial`");
    let made = peek(&rig, "n");
    assert_eq!((made.data_type(), made.full().value), (DataType::Number, &b"42"[..]));
    rig.advance(100);
    rig.get("n");
    let (value, second, ttl_ms) = counted(&rig, 2, -50);
    assert_eq!((value, ttl_ms), (-8, Some(400)), "the time that remains stays");
    assert!(second > first);
    let after = peek(&rig, "n");
    assert_eq!(
        (after.info().created_at_ms, after.access_count, after.full().version),
        (made.info().created_at_ms, 1, second)
    );
    rig.advance(400);
    assert_eq!(rig.get("n"), None);
    assert_eq!(counted(&rig, 3, 1).0, 41);
}

#[test]
fn metadata_and_tags_of_a_counter_stay() {
    let mut rig = Rig::new(unlimited());
    let record = NewRecord {
        metadata: Some(b"{\"tags\":[\"t\",\"u\"]}"),
        tags: vec!["t", "u"],
        data_type: DataType::Json,
        ..New::value(b"999").record()
    };
    rig.run("n", Action::Set { n: 1, record });
    rig.n = 1;
    assert!(matches!(rig.run("n", increment(2, 1, 0, Ttl::Never)), Outcome::Counted { value: 1_000, .. }));
    let item = peek(&rig, "n");
    assert_eq!((item.full().metadata, item.data_type()), (Some(&b"{\"tags\":[\"t\",\"u\"]}"[..]), DataType::Json));
    assert_eq!(item.block.tags().collect::<Vec<_>>(), ["t", "u"]);
    assert_eq!(rig.remove(None, &["u"]), 1);
}

#[test]
fn only_whole_numbers_of_64_bits_are_counted() {
    let mut rig = Rig::new(unlimited());
    for value in ["\"1\"", "1.0", "1e3", "null", "[1]", "9223372036854775808", "1 "] {
        rig.put("a", value.as_bytes());
        let there = version(&rig, "a");
        let n = rig.next();
        let refused = rig.run("a", increment(n, 1, 0, Ttl::Default));
        assert_eq!(conflict(&refused), Conflict::NotInteger { version: there }, "{value}");
    }
    rig.put("a", b"-9223372036854775808");
    let there = Some(version(&rig, "a"));
    assert_eq!(conflict(&rig.run("a", increment(90, -1, 0, Ttl::Default))), Conflict::Overflow { version: there });
    let nothing = rig.run("b", increment(91, i64::MAX, 1, Ttl::Default));
    assert_eq!(conflict(&nothing), Conflict::Overflow { version: None });
    assert!(matches!(rig.run("a", increment(92, i64::MAX, 0, Ttl::Default)), Outcome::Counted { value: -1, .. }));
    assert_eq!(rig.get("b"), None);
}

#[test]
fn an_increment_that_is_sent_again_counts_once() {
    let rig = Rig::new(unlimited());
    let send = |n, retry| match rig.send(rig.op("n", increment(n, 1, 0, Ttl::Default)), retry, 1) {
        Outcome::Counted { value, version, .. } => (value, version),
        other => panic!("{other:?}"),
    };
    let first = send(1, false);
    assert_eq!(send(2, false).0, 2);
    assert_eq!(send(1, true), first, "the remembered sum, not the present one");
    assert_eq!(send(1, false), first, "also on a connection that was given up");
    assert_eq!(rig.get("n"), Some(b"2".to_vec()));
    assert_eq!(rig.stats().sets, 2);
}

#[test]
fn a_swap_that_is_sent_again_is_answered_with_what_it_replaced() {
    let mut rig = Rig::new(unlimited());
    let send = |rig: &Rig, n, value, retry, open| match rig.send(rig.op("a", swap(n, value)), retry, open) {
        Outcome::Swapped { previous, version, .. } => (previous.map(|item| item.full().value.to_vec()), version),
        other => panic!("{other:?}"),
    };
    let (nothing, _) = send(&rig, 1, b"1", false, 1);
    assert_eq!(nothing, None);
    let second = send(&rig, 2, b"2", false, 1);
    assert_eq!(second.0, Some(b"1".to_vec()));
    assert_eq!(send(&rig, 3, b"3", false, 1).0, Some(b"2".to_vec()));
    rig.run("a", Action::Delete { n: 4, when: vec![] });
    assert_eq!(send(&rig, 1, b"1", true, 1).0, None, "there was nothing");
    assert_eq!(send(&rig, 2, b"2", true, 1), second);
    assert_eq!(rig.get("a"), None, "a retry stores nothing");
    // The answers up to 3 have arrived, as any frame of the router tells.
    rig.n = 4;
    rig.get("b");
    assert_eq!(
        rig.engine.previous.recall(ringhold_model::OpId { router: ringhold_model::RouterId(77), n: 3 }).map(|_| ()),
        None
    );
}

#[test]
fn what_swaps_replaced_is_bounded_and_a_swap_beyond_is_refused_before_it_is_done() {
    let rig = Rig::new(unlimited());
    let large = vec![b'1'; KEPT_BYTES_MAX as usize * 3 / 8];
    let send = |n, open| rig.send(rig.op("a", swap(n, &large)), false, open);
    for n in 1..=3 {
        assert!(matches!(send(n, 1), Outcome::Swapped { .. }), "{n}");
    }
    let there = version(&rig, "a");
    let refused = send(4, 1);
    assert!(matches!(refused, Outcome::Failed(Fault::Overloaded)), "{refused:?}");
    assert_eq!(version(&rig, "a"), there);
    assert!(matches!(send(5, 3), Outcome::Swapped { .. }), "an answer made room");
}

#[test]
fn a_touch_changes_the_time_to_live_and_the_version_only() {
    let mut rig = Rig::new(CacheConfig { default_ttl: 2, ..unlimited() });
    rig.set("a", &New { tags: vec!["t"], ttl: Ttl::Millis(100), ..New::value(b"12") });
    rig.advance(60);
    rig.get("a");
    let before = peek(&rig, "a");
    let touch = |rig: &Rig, key, n, ttl| rig.run(key, Action::Touch { n, ttl, when: vec![] });
    let Outcome::Touched { version, ttl_ms: Some(100) } = touch(&rig, "a", 10, Ttl::Millis(100)) else { panic!() };
    let after = peek(&rig, "a");
    assert!(version > before.info().version);
    assert_eq!(after.full(), ringhold_model::wire::ItemRef { ttl_ms: Some(100), version, ..before.full() });
    rig.advance(99);
    assert!(rig.peek("a").is_some(), "it outlives its first deadline");
    assert!(matches!(touch(&rig, "a", 11, Ttl::Default), Outcome::Touched { ttl_ms: Some(2_000), .. }));
    assert!(matches!(touch(&rig, "a", 12, Ttl::Never), Outcome::Touched { ttl_ms: None, .. }));
    rig.advance(1_000_000);
    assert_eq!(rig.remove(None, &["t"]), 1);
    assert!(matches!(touch(&rig, "a", 13, Ttl::Never), Outcome::Miss));
    rig.put("a", b"1");
    let late = rig.send(rig.op("a", Action::Touch { n: 13, ttl: Ttl::Millis(1), when: vec![] }), true, 1);
    assert!(matches!(late, Outcome::Miss), "as it was answered the first time: {late:?}");
    let stats = rig.stats();
    assert_eq!((stats.items, stats.sets), (1, 5));
}

#[test]
fn a_touch_counts_as_a_use() {
    let mut rig = Rig::new(CacheConfig { max_items: 2, ..unlimited() });
    rig.put("a", b"1");
    rig.put("b", b"1");
    rig.run("a", Action::Touch { n: 50, ttl: Ttl::Never, when: vec![] });
    rig.n = 50;
    rig.put("c", b"1");
    assert_eq!((rig.peek("a").is_some(), rig.peek("b")), (true, None));
}
