//! Limits hold at every moment, and everything adds up.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use ringhold_model::{
    RouterId,
    config::{Backend, CacheConfig},
    key::key_hash,
    wire::{Action, Fault, PointOp, PointRequest, Ttl},
};

use super::rig::{DEFAULT, EPOCH, New, Rig, unlimited};
use crate::engine::{Engine, Now, Options, Outcome};

const THREADS: u64 = 4;
const WRITES: u64 = 20_000;

/// One of several writers and readers, each a router of its own.
fn churn(engine: &Engine, seed: u64, me: u64) {
    let value = [b'1'; 700];
    let mut random = me.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for n in 1..=WRITES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let key = format!("key{}", random % 3_000);
        let now = Now { mono_ms: 1_000 + n / 16, wall_ms: n };
        let mut new = New::value(&value[..(random >> 32) as usize % 700]);
        new.tags = if random & 15 == 0 { vec!["some"] } else { vec![] };
        new.ttl = if random & 48 == 0 { Ttl::Millis(random % 100) } else { Ttl::Never };
        let action = match random >> 60 {
            0..=9 => Action::Set { n, record: new.record() },
            10..=13 => Action::Get,
            _ => Action::Delete { n, when: Vec::new() },
        };
        let op = PointOp { hash: key_hash(seed, DEFAULT, &key), epoch: EPOCH, key: &key, action };
        let (namespace, backend, router) = (DEFAULT, Backend::Memory, RouterId(me));
        let (retry, any_copy, ops) = (false, false, vec![op]);
        let request = PointRequest { view: 0, namespace, backend, router, lowest_open: n, retry, any_copy, ops };
        for outcome in engine.execute(&request, now).outcomes {
            assert!(!matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        }
    }
}

#[test]
fn limits_are_never_passed_by_concurrent_writers() {
    let config = CacheConfig { max_items: 500, max_memory: 200_000, ..unlimited() };
    let mut rig = Rig::with(Options { shards: 16, ..Options::new(6) }, config);
    let (engine, seed, done) = (&rig.engine, rig.state.hash_seed, AtomicBool::new(false));
    thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let (mut seen, mut most) = (0u64, (0, 0));
            while !done.load(SeqCst) {
                let (items, bytes) = (engine.shared.total.items(), engine.shared.total.bytes());
                assert!(items <= 500 && bytes <= 200_000, "{items} items, {bytes} bytes");
                most = (items.max(most.0), bytes.max(most.1));
                seen += 1;
            }
            (seen, most)
        });
        let writers: Vec<_> = (1..=THREADS).map(|me| scope.spawn(move || churn(engine, seed, me))).collect();
        writers.into_iter().for_each(|writer| writer.join().expect("a writer failed"));
        done.store(true, SeqCst);
        let (seen, (items, bytes)) = observer.join().expect("a limit was passed");
        println!("looked {seen} times; most: {items} items, {bytes} bytes");
        assert!(bytes > 150_000, "the limit was reached");
    });
    rig.advance(1_000_000);
    let stats = rig.stats();
    assert_eq!(stats.items, rig.keys(None, 100).len() as u64);
    assert!(stats.evictions > 0 && stats.expired > 0, "{stats:?}");
    let removed = rig.remove(Some("*"), &[]);
    assert_eq!(removed, stats.items);
    let counts = rig.engine.stats(None, rig.now);
    assert_eq!((counts.total_records, counts.total_bytes), (0, 0), "everything adds up to nothing");
    for shard in &rig.engine.shards {
        let shard = shard.lock();
        assert!(shard.parts.iter().all(|part| part.range.records() == 0));
        assert!(shard.spaces.iter().flatten().all(|space| space.tags.is_empty() && space.index.len() == 0));
        assert_eq!(shard.wheel.next_due_ms(), None);
    }
}

#[test]
fn an_item_that_never_fits_is_refused_and_evicts_nothing() {
    let mut rig = Rig::new(CacheConfig { max_memory: 1_000, ..unlimited() });
    rig.put("small", b"1");
    let outcome = rig.set("large", &New::value(&[b'1'; 1_000]));
    assert!(matches!(outcome, Outcome::Failed(Fault::TooLarge { bytes, max: 1_000 }) if bytes > 1_000), "{outcome:?}");
    let outcome = rig.set("small", &New::value(&[b'1'; 1_000]));
    assert!(matches!(outcome, Outcome::Failed(Fault::TooLarge { .. })), "{outcome:?}");
    assert_eq!(rig.peek("small"), Some(b"1".to_vec()));
    assert_eq!(rig.stats().evictions, 0);
}

#[test]
fn a_lowered_limit_evicts_in_bounded_steps_and_binds_new_writes_at_once() {
    let mut rig = Rig::new(unlimited());
    for at in 0..5_000 {
        rig.put(&format!("key{at}"), b"1");
    }
    rig.state.configs.get_mut(&(DEFAULT, Backend::Memory)).unwrap().config.max_items = 100;
    rig.apply();
    let before = rig.stats().items;
    assert!(rig.engine.step(rig.now), "there is more to do");
    let after = rig.stats().items;
    assert!(after < before && after > 100, "{before} -> {after}");
    rig.settle();
    assert_eq!(rig.stats().items, 100);
    for at in 4_900..5_000 {
        assert!(rig.peek(&format!("key{at}")).is_some(), "the last used stay");
    }
    rig.put("new", b"1");
    assert_eq!(rig.stats().items, 100);
    assert_eq!(rig.peek("key4900"), None);
}
