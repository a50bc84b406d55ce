//! Items whose time is over: hidden at once, freed in bounded steps, whatever the wall clock does.

use ringhold_model::wire::Ttl;

use super::rig::{New, Rig, unlimited};
use crate::engine::{Options, charge};

/// Slots that one hold of a shard's lock may look at.
const LOOKS_PER_HOLD: u32 = 256;
/// Records that one call of `step` may free, at the most.
const FREED_PER_STEP: u64 = 4_096;

fn expiring<'a>(value: &'a [u8], ttl_ms: u64) -> New<'a> {
    New { ttl: Ttl::Millis(ttl_ms), ..New::value(value) }
}

/// The most slots looked at in one hold of any shard's lock, and the number of holds, since the last call.
fn looks(rig: &Rig) -> (u32, u32) {
    let looks = rig.engine.shards.iter().map(|shard| std::mem::take(&mut shard.lock().looks));
    looks.fold((0, 0), |all, one| (all.0.max(one.0), all.1 + one.1))
}

#[test]
fn items_that_expire_together_are_hidden_at_once_and_freed_in_bounded_steps() {
    const ITEMS: u64 = 100_000;
    let mut rig = Rig::with(Options::new(8), unlimited());
    for n in 0..ITEMS {
        rig.set(&format!("k{n}"), &expiring(b"1", 60_000 - n % 1_000));
    }
    rig.put("stays", b"1");
    rig.advance(60_000);
    assert_eq!(rig.keys(None, 100), ["stays"], "hidden before anything is freed");
    looks(&rig);
    let (mut left, mut steps) = (ITEMS + 1, 0);
    loop {
        let is_more = rig.engine.step(rig.now);
        let now_left = rig.engine.shared.total.items();
        assert!(left - now_left <= FREED_PER_STEP, "one step freed {}", left - now_left);
        left = now_left;
        steps += 1;
        if !is_more {
            break;
        }
    }
    let (most, holds) = looks(&rig);
    assert!(most <= LOOKS_PER_HOLD, "{most} slots in one hold");
    assert!(u64::from(holds) >= ITEMS / u64::from(LOOKS_PER_HOLD), "{holds} holds");
    assert!(steps >= ITEMS / FREED_PER_STEP, "{steps} steps");
    assert_eq!((left, rig.stats().expired), (1, ITEMS));
    assert_eq!(rig.stats().bytes, charge::allocated(40 + 5 + 1) + charge::SLOT_BYTES + charge::INDEX_BYTES);
}

#[test]
fn a_walk_over_many_keys_looks_at_few_in_one_hold() {
    const ITEMS: usize = 100_000;
    let mut rig = Rig::with(Options { shards: 4, ..Options::new(5) }, unlimited());
    for n in 0..ITEMS {
        rig.put(&format!("k{n}"), b"1");
    }
    looks(&rig);
    assert_eq!(rig.keys(None, 1_000).len(), ITEMS);
    let (most, _) = looks(&rig);
    assert!((1..=LOOKS_PER_HOLD).contains(&most), "{most} slots in one hold");
}

#[test]
fn steps_of_the_wall_clock_neither_end_items_nor_bring_them_back() {
    const YEAR_MS: u64 = 31_536_000_000;
    let mut rig = Rig::new(unlimited());
    rig.set("short", &expiring(b"1", 10_000));
    rig.set("long", &expiring(b"2", 100_000));
    rig.now.wall_ms += 20 * YEAR_MS;
    rig.settle();
    assert_eq!(rig.get("short").as_deref(), Some(&b"1"[..]), "a step forwards ends nothing");
    rig.now.mono_ms += 9_999;
    assert!(rig.get("short").is_some(), "one millisecond before its end");
    rig.now.mono_ms += 1;
    rig.now.wall_ms -= 40 * YEAR_MS;
    assert_eq!(rig.get("short"), None, "a step backwards brings nothing back");
    assert_eq!(rig.keys(None, 10), ["long"]);
    rig.settle();
    rig.now.wall_ms = 0;
    assert_eq!((rig.keys(None, 10), rig.get("short")), (vec!["long".to_owned()], None));
    rig.now.mono_ms += 90_000;
    assert!(rig.keys(None, 10).is_empty());
    rig.settle();
    assert_eq!((rig.stats().items, rig.stats().expired), (0, 2));
}

#[test]
fn a_time_to_live_beyond_what_a_slot_keeps_ends_no_item_early() {
    const TEN_YEARS_MS: u64 = 315_360_000_000;
    let mut rig = Rig::new(unlimited());
    rig.set("k", &expiring(b"1", TEN_YEARS_MS));
    rig.set("for ever", &expiring(b"1", u64::MAX / 2));
    rig.now.mono_ms += TEN_YEARS_MS - 1;
    rig.settle();
    assert!(rig.get("k").is_some() && rig.get("for ever").is_some());
    rig.now.mono_ms += 1;
    assert!(rig.get("k").is_none() && rig.get("for ever").is_some());
}
