//! Single writes: operation ids, expiry, what an item remembers.

use ringhold_model::{
    Version,
    config::{CacheConfig, Strategy},
    wire::{Action, Fault, History, PointOp, Ttl},
};

use super::rig::{EPOCH, New, Rig, unlimited};
use crate::engine::{Item, Outcome};

fn item(rig: &Rig, key: &str, action: Action<'_>) -> Item {
    match rig.run(key, action) {
        Outcome::Hit(item) => item,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_write_that_is_sent_again_is_applied_once() {
    let mut rig = Rig::new(unlimited());
    let set = |value| Action::Set { n: 5, record: New::value(value).record() };
    let Outcome::Stored { version, .. } = rig.send(rig.op("a", set(b"1")), false, 5) else { panic!("not stored") };
    rig.n = 5;
    rig.put("a", b"2");
    // `put` says that the answer to 5 has arrived only for the same router's range: ask with the old lowest open.
    let again = rig.send(rig.op("a", set(b"1")), true, 5);
    assert!(matches!(again, Outcome::Failed(Fault::Unknown)), "below the lowest open: {again:?}");
    let set = |n, value| Action::Set { n, record: New::value(value).record() };
    assert!(matches!(rig.send(rig.op("a", set(8, b"3")), false, 7), Outcome::Stored { .. }));
    assert!(matches!(rig.send(rig.op("a", set(9, b"4")), false, 7), Outcome::Stored { .. }));
    let Outcome::Stored { version: again, .. } = rig.send(rig.op("a", set(8, b"3")), true, 7) else {
        panic!("unknown")
    };
    assert!(again > version);
    assert_eq!(rig.get("a"), Some(b"4".to_vec()), "the retry changed nothing");
    assert_eq!(rig.stats().sets, 4);
    let delete = || rig.op("a", Action::Delete { n: 10, when: Vec::new() });
    assert!(matches!(rig.send(delete(), false, 7), Outcome::Deleted { found: true }));
    assert!(matches!(rig.send(delete(), true, 7), Outcome::Deleted { found: true }), "not `false`");
}

#[test]
fn a_retry_over_a_change_of_epoch_is_answered_by_the_table_or_done() {
    let mut rig = Rig::new(unlimited());
    let set = |n| Action::Set { n, record: New::value(b"1").record() };
    assert!(matches!(rig.send(rig.op("a", set(1)), false, 1), Outcome::Stored { .. }));
    let range = usize::from(rig.range_of("a").0);
    rig.state.ranges[range].epoch = ringhold_model::Epoch(9);
    rig.apply();
    for n in [1, 2] {
        let wrong = rig.send(rig.op("a", set(n)), true, 1);
        assert!(matches!(wrong, Outcome::Failed(Fault::WrongEpoch { .. })), "{wrong:?}");
    }
    let retry = |rig: &Rig, n| {
        let op = PointOp { epoch: ringhold_model::Epoch(9), ..rig.op("a", set(n)) };
        match rig.send(op, true, 1) {
            Outcome::Stored { version, .. } => version,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(retry(&rig, 1).epoch, EPOCH, "as it was answered the first time");
    assert_eq!(retry(&rig, 2), Version { epoch: ringhold_model::Epoch(9), seq: 2 }, "it never came, so it is done now");
}

#[test]
fn an_item_is_gone_at_its_millisecond() {
    let mut rig = Rig::new(CacheConfig { default_ttl: 2, ..unlimited() });
    rig.put("default", b"1");
    rig.set("never", &New { ttl: Ttl::Never, ..New::value(b"1") });
    rig.set("short", &New { ttl: Ttl::Millis(500), ..New::value(b"1") });
    rig.advance(499);
    assert_eq!(item(&rig, "short", Action::Get).ttl_ms, Some(1));
    assert_eq!(item(&rig, "default", Action::Get).ttl_ms, Some(1_501));
    rig.advance(1);
    assert_eq!(rig.stats().items, 2, "not counted, though nothing swept it");
    assert_eq!(rig.get("short"), None);
    rig.advance(1_500);
    assert_eq!(rig.get("default"), None);
    assert_eq!(item(&rig, "never", Action::Get).ttl_ms, None);
    assert_eq!(rig.stats().expired, 2);
    assert_eq!(rig.keys(None, 10), ["never"]);
}

#[test]
fn an_item_remembers_its_reads_and_an_import_its_past() {
    let mut rig = Rig::new(unlimited());
    rig.put("a", b"12");
    rig.advance(50);
    let read = item(&rig, "a", Action::Get);
    let info = read.full();
    assert_eq!(
        (info.access_count, info.accessed_at_ms, info.created_at_ms),
        (1, rig.now.wall_ms, rig.now.wall_ms - 50)
    );
    assert_eq!((info.size, info.value, info.strategy), (2, &b"12"[..], Strategy::Lru));
    assert_eq!(item(&rig, "a", Action::Peek).access_count, 1, "a peek is no access");
    let history = Some(History { created_at_ms: 7, accessed_at_ms: 9, access_count: 11 });
    let record = ringhold_model::wire::NewRecord { history, ..New::value(b"1").record() };
    rig.run("a", Action::Set { n: 100, record });
    let past = item(&rig, "a", Action::Peek);
    assert_eq!((past.access_count, past.accessed_at_ms, past.full().created_at_ms), (11, 9, 7));
    assert_eq!(item(&rig, "a", Action::Get).access_count, 12);
}

#[test]
fn rates_count_the_last_full_ten_seconds() {
    let mut rig = Rig::new(CacheConfig { max_items: 2, ..unlimited() });
    rig.now.mono_ms = 20_000;
    for at in 0..5 {
        rig.put(&format!("key{at}"), b"1");
    }
    assert_eq!((rig.stats().ops_10s, rig.stats().evictions_10s), (0, 0));
    rig.advance(10_000);
    assert_eq!((rig.stats().ops_10s, rig.stats().evictions_10s), (5, 3));
    rig.get("key4");
    assert_eq!((rig.stats().ops_10s, rig.stats().evictions_10s), (5, 3));
    rig.advance(10_000);
    assert_eq!((rig.stats().ops_10s, rig.stats().evictions_10s), (1, 0));
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let mut rig = Rig::new(unlimited());
    let long = "k".repeat(5_000);
    for key in ["", &long] {
        assert!(matches!(rig.set(key, &New::value(b"1")), Outcome::Failed(Fault::Malformed)), "{} bytes", key.len());
    }
    let tag = "t".repeat(129);
    let outcome = rig.set("a", &New { tags: vec![&tag], ..New::value(b"1") });
    assert!(matches!(outcome, Outcome::Failed(Fault::Malformed)));
    let record = ringhold_model::wire::NewRecord { strategy: Some(Strategy::WriteBehind), ..New::value(b"1").record() };
    assert!(matches!(rig.run("a", Action::Set { n: 1, record }), Outcome::Failed(Fault::Unsupported(_))));
}
