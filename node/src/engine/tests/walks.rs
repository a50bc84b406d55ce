//! Walks over many records while others write.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use ringhold_model::wire::{Action, ScanContent, ScanRequest};

use super::rig::{New, Rig, unlimited};
use crate::engine::Outcome;

#[test]
fn a_cursor_walk_gives_each_stable_key_exactly_once_while_others_come_and_go() {
    let mut rig = Rig::new(unlimited());
    let stable: Vec<String> = (0..1_000).map(|at| format!("stable{at}")).collect();
    stable.iter().for_each(|key| rig.put(key, b"1"));
    let (mut seen, mut next, mut round) = (HashMap::<String, u32>::new(), Some(0), 0);
    while let Some(from) = next {
        let page = rig.page(None, from, 37);
        for item in &page.items {
            *seen.entry(item.block.key().to_string()).or_default() += 1;
        }
        next = page.next_hash;
        // Enough comes and goes for the index to grow and shrink again and again.
        for at in 0..1_500 {
            let key = format!("churn{at}");
            if round % 8 == 0 {
                rig.put(&key, b"2");
            } else if round % 8 == 4 {
                rig.delete(&key);
            }
        }
        round += 1;
    }
    for key in &stable {
        assert_eq!(seen.get(key), Some(&1), "{key}");
    }
    assert!(seen.values().all(|times| *times == 1), "each came and went at one place of the order");
}

#[test]
fn walks_and_writes_run_side_by_side() {
    let mut rig = Rig::new(unlimited());
    for at in 0..1_000 {
        rig.put(&format!("stable{at}"), b"1");
    }
    let done = AtomicBool::new(false);
    let (selection, now) = (rig.selection(Some("stable*")), rig.now);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut writes = 10_000;
            while !done.load(SeqCst) {
                writes += 1;
                let key = format!("churn{}", writes % 700);
                let set = Action::Set { n: writes, record: New::value(b"2").record() };
                let action = if writes / 700 % 2 == 0 { set } else { Action::Delete { n: writes, when: Vec::new() } };
                assert!(!matches!(rig.send(rig.op(&key, action), false, writes), Outcome::Failed(_)));
            }
            writes
        });
        for _ in 0..30 {
            let request = ScanRequest {
                selection: selection.clone(),
                from_hash: 0,
                records_max: u32::MAX,
                bytes_max: u32::MAX,
                content: ScanContent::Info,
            };
            assert_eq!(rig.engine.scan(&request, now).unwrap().items.len(), 1_000);
        }
        done.store(true, SeqCst);
        assert!(writer.join().unwrap() > 10_000);
    });
}

#[test]
fn a_page_stops_at_its_bytes_but_has_at_least_one_record() {
    let mut rig = Rig::new(unlimited());
    for at in 0..50 {
        rig.put(&format!("key{at}"), &[b'1'; 1_000]);
    }
    for (bytes_max, expected) in [(0, 1), (1, 1), (1_500, 2), (10_000, 10)] {
        let request = ScanRequest {
            selection: rig.selection(None),
            from_hash: 0,
            records_max: 1_000,
            bytes_max,
            content: ScanContent::Full,
        };
        assert_eq!(rig.engine.scan(&request, rig.now).unwrap().items.len(), expected, "{bytes_max}");
    }
}

#[test]
fn records_written_after_a_removal_began_survive_it() {
    let mut rig = Rig::new(unlimited());
    let new = New { tags: vec!["red"], ..New::value(b"1") };
    for at in 0..100 {
        rig.set(&format!("key{at}"), &new);
    }
    assert_eq!(rig.remove(None, &["blue"]), 0);
    assert_eq!(rig.remove(Some("key1"), &["red"]), 100);
    assert_eq!(rig.remove(Some("*"), &["red"]), 0, "repeating is safe");
}

#[test]
fn a_purge_answers_the_same_again_whoever_freed_the_records() {
    let mut rig = Rig::new(unlimited());
    for at in 0..1_000 {
        rig.put(&format!("key{at}"), b"1");
    }
    let generation = ringhold_model::Generation(rig.state.applied + 1);
    let namespace = rig.state.namespaces.get_mut(&rig.namespace).unwrap();
    namespace.generations.insert(ringhold_model::config::Backend::Memory, generation);
    rig.apply();
    assert_eq!(rig.keys(None, 10).len(), 0, "invisible at once");
    rig.put("key1", b"2");
    rig.settle();
    let selection = rig.selection(None);
    for _ in 0..2 {
        let purge = rig.engine.purge(&selection, rig.now).unwrap();
        assert_eq!((purge.removed, purge.generation), (1_000, generation));
    }
    assert_eq!(rig.stats().items, 1);
    assert_eq!(rig.peek("key1"), Some(b"2".to_vec()));
    assert_eq!(rig.clear(), 1);
}
