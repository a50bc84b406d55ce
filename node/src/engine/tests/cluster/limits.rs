//! Limits where records have copies.

use ringhold_model::{config::CacheConfig, wire::Fault};

use super::{calm::settled, world::World};
use crate::engine::{Outcome, tests::rig::unlimited};

fn limited(max_items: u64, max_memory: u64) -> World {
    World::calm_with(CacheConfig { max_items, max_memory, ..unlimited() })
}

fn items(world: &World, at: usize) -> u64 {
    world.nodes[at].engine.shared.total.items()
}

#[test]
fn a_primary_leaves_a_fiftieth_to_copies() {
    let mut world = limited(100, 0);
    for n in 0..150 {
        let key = world.key_in(0, n);
        world.put(0, &key, "1");
        world.check_limits();
    }
    assert_eq!((items(&world, 0), items(&world, 1)), (98, 98));
    world.assert_equal(0);
    assert_eq!(world.get(0, &world.key_in(0, 51)), Ok(None));
    assert_eq!(world.get(0, &world.key_in(0, 52)), Ok(Some("1".into())), "the last used stay");
}

#[test]
fn a_full_copy_refuses_and_the_primary_evicts_in_that_range() {
    let mut world = limited(10, 0);
    // Node 2 is primary of range 1 and copy of range 0: it is filled from both sides.
    for n in 0..8 {
        let key = world.key_in(1, n);
        world.put(1, &key, "1");
    }
    let mut stored = 0;
    for n in 0..8 {
        let key = world.key_in(0, n);
        let set = world.set(0, &key, "1");
        world.flow();
        stored += u32::from(matches!(settled(set), Outcome::Stored { copies: 2, .. }));
        world.check_limits();
    }
    assert_eq!(stored, 8);
    assert_eq!((items(&world, 0), items(&world, 1)), (2, 10));
    world.assert_equal(0);
    world.assert_equal(1);
}

#[test]
fn removals_that_follow_make_room_in_one_step() {
    let mut world = limited(0, 1_000);
    let keys: Vec<String> = (0..6).map(|n| world.key_in(0, n)).collect();
    world.put(0, &keys[0], "1");
    let mut waiting = Vec::new();
    for key in &keys[1..] {
        waiting.push(world.set(0, key, &"1".repeat(200)));
    }
    // What the copy is told at once fits only as a whole.
    assert!(world.send((0, 1), super::calm::WIDE));
    world.deliver((0, 1), true);
    world.check_limits();
    world.answer((0, 1));
    world.flow();
    for executed in waiting {
        let outcome = settled(executed);
        assert!(matches!(outcome, Outcome::Stored { .. } | Outcome::Failed(Fault::Overloaded)), "{outcome:?}");
    }
    world.check_limits();
    world.assert_equal(0);
}

#[test]
fn a_node_full_of_copies_asks_for_room() {
    let mut world = limited(10, 0);
    for n in 0..12 {
        let key = world.key_in(0, n);
        world.put(0, &key, "1");
    }
    assert_eq!(items(&world, 1), 10);
    let key = world.key_in(1, 0);
    let refused = settled(world.set(1, &key, "1"));
    assert!(matches!(refused, Outcome::Failed(Fault::Overloaded)), "{refused:?}");
    world.flow();
    world.put(1, &key, "1");
    world.check_limits();
    world.assert_equal(0);
    world.assert_equal(1);
}

#[test]
fn what_was_promoted_goes_in_the_order_of_its_last_use() {
    let mut world = limited(20, 0);
    for n in 0..10 {
        let key = world.key_in(0, n);
        world.mono_ms += 1;
        world.put(0, &key, "1");
    }
    world.down(0);
    world.act_all();
    world.flow();
    let first = world.key_in(0, 0);
    assert_eq!(world.get(1, &first), Ok(Some("1".into())), "used now");
    for n in 0..15 {
        let key = world.key_in(0, 100 + n);
        world.put(1, &key, "1");
    }
    assert_eq!(items(&world, 1), 20, "it has no copies any more");
    for (n, is_there) in [(0, true), (1, false), (5, false), (6, true), (9, true)] {
        let key = world.key_in(0, n);
        assert_eq!(world.get(1, &key).map(|value| value.is_some()), Ok(is_there), "{n}");
    }
}

#[test]
fn a_large_record_finds_room_among_thousands_of_small_ones() {
    let mut world = limited(0, 700_000);
    world.hand_over(1, 2);
    world.act_all();
    world.flow();
    // Node 2 holds copies alone, so that it is full before the primaries are.
    for n in 0..4_800 {
        let name = format!("key{n}");
        let primary = if world.key_range(&name) == 0 { 0 } else { 2 };
        drop(world.set(primary, &name, "1"));
        if n % 200 == 0 {
            world.flow();
        }
    }
    world.flow();
    let key = world.key_in(0, 3_000);
    let set = world.set(0, &key, &"1".repeat(300_000));
    for _ in 0..20 {
        world.flow();
        world.nudge_all();
    }
    assert!(matches!(settled(set), Outcome::Stored { copies: 2, .. }));
    world.check_limits();
    world.assert_equal(0);
    world.assert_equal(1);
}

#[test]
fn a_lowered_limit_takes_from_all_copies_alike() {
    let mut world = World::calm();
    for n in 0..40 {
        let key = world.key_in(0, n);
        world.put(0, &key, "1");
        let key = world.key_in(1, n);
        world.put(1, &key, "1");
    }
    world.limit(CacheConfig { max_items: 40, ..unlimited() });
    for _ in 0..20 {
        for at in 0..2 {
            while world.nodes[at].engine.step(world.now()) {}
        }
        world.flow();
    }
    assert!(items(&world, 1) <= 40 && items(&world, 1) > 30, "{}", items(&world, 1));
    assert_eq!(items(&world, 0) + items(&world, 2), items(&world, 1));
    world.assert_equal(0);
    world.assert_equal(1);
}
