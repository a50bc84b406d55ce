//! What once went wrong, or would have: each test fails without the rule that it names.

use ringhold_model::{
    cluster::{Command, Reply},
    config::CacheConfig,
    wire::{Action, Fault, Selection},
};

use super::{
    calm::{WIDE, came_of, settled},
    world::World,
};
use crate::engine::{
    GatherLimits, Outcome,
    tests::rig::{New, unlimited},
};

/// One copy of each range: range 0 at node 0.
fn single() -> World {
    let mut world = World::with(unlimited(), 1, false, 300);
    world.flow();
    world
}

#[test]
fn effects_that_come_while_a_copy_begins_are_kept_for_it() {
    let mut world = World::calm();
    let keys: Vec<String> = (0..3).map(|n| world.key_in(0, n)).collect();
    world.plan_for(&[0, 1, 2]);
    world.add_pending(0, 2);
    world.act_all();
    assert!(world.send((0, 2), WIDE), "the beginning");
    for key in &keys {
        drop(world.set(0, key, "1"));
        world.exchange((0, 1));
    }
    world.flow();
    let changes = world.promotions(0);
    assert_eq!(changes.len(), 1);
    world.log.propose(Command::Promote { changes }).unwrap();
    world.act_all();
    world.nudge_all();
    world.assert_equal(0);
    assert_eq!(world.get_copy(2, &keys[0]), Ok(Some("1".into())));
}

#[test]
fn a_copy_is_not_promoted_before_it_holds_what_was_committed_without_it() {
    let mut world = single();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    world.add_pending(0, 2);
    world.act_all();
    while world.send((0, 2), GatherLimits { bytes_max: 1, ..WIDE }) {
        world.deliver((0, 2), true);
        let is_compared = world.has_compared((0, 2));
        if is_compared {
            break;
        }
        world.answer((0, 2));
    }
    // Committed at once, because the copy need not acknowledge yet.
    let set = world.set(0, &key, "2");
    assert!(set.commit.is_none());
    assert!(world.answer((0, 2)), "digests are equal");
    assert_eq!(world.promotions(0), []);
    world.exchange((0, 2));
    assert_eq!(world.promotions(0).len(), 1);
}

#[test]
fn what_was_told_on_a_lost_connection_is_told_again() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    drop(world.set(0, &key, "1"));
    world.exchange((0, 1));
    assert!(!world.send((0, 1), GatherLimits { tells_alone: false, ..WIDE }), "it waits while others are under way");
    assert!(world.send((0, 1), WIDE), "that it is committed");
    world.lose((0, 1));
    assert_eq!(world.get_copy(1, &key), Err(Fault::NotCommitted));
    world.flow();
    assert_eq!(world.get_copy(1, &key), Ok(Some("1".into())));
}

#[test]
fn a_range_opens_though_its_new_primary_holds_nothing_but_copies() {
    let mut world = World::calm_with(CacheConfig { max_items: 10, ..unlimited() });
    world.hand_over(1, 2);
    world.act_all();
    world.flow();
    for n in 0..5 {
        for (range, primary) in [(0, 0), (1, 2)] {
            let key = world.key_in(range, n);
            world.put(primary, &key, "1");
        }
    }
    let keys: Vec<String> = (5..8).map(|n| world.key_in(0, n)).collect();
    let mut sets: Vec<_> = keys.iter().map(|key| world.set(0, key, "1")).collect();
    world.hand_over(0, 1);
    world.act_all();
    world.flow();
    assert_eq!(came_of(&mut sets[0]).map(|came| came.lost), Some(vec![]));
    assert!(world.get(1, &keys[0]).is_ok(), "it is open");
    world.nudge_all();
    assert!(world.nodes[1].engine.shared.total.items() <= 10, "what was too much went at once");
    world.assert_equal(0);
    world.assert_equal(1);
}

#[test]
fn a_retry_over_a_loss_of_all_copies_is_unknown() {
    let mut world = single();
    let key = world.key_in(0, 0);
    let n = world.n();
    let set = || Action::Set { n, record: New::value(b"1").record() };
    assert!(matches!(settled(world.execute(0, &key, set(), false)), Outcome::Stored { .. }));
    world.nodes[0].set_lease(false);
    assert_eq!(world.begin_again(0, 1), Ok(Reply::Moved(1)));
    world.act_all();
    let again = settled(world.execute_as(1, &key, set(), false, true));
    assert!(matches!(again, Outcome::Failed(Fault::Unknown)), "{again:?}");
    assert_eq!(world.get(1, &key), Ok(None));
    world.put(1, &key, "2");
    world.mono_ms += 60_000;
    let late = world.n();
    let set = Action::Set { n: late, record: New::value(b"3").record() };
    assert!(matches!(settled(world.execute_as(1, &key, set, false, true)), Outcome::Stored { .. }));
}

#[test]
fn a_long_history_comes_in_several_promises() {
    let mut world = World::calm();
    let keys: Vec<String> = (0..5).map(|n| world.key_in(0, n)).collect();
    let value = format!("\"{}\"", "x".repeat(700_000));
    let mut sets: Vec<_> = keys.iter().map(|key| world.set(0, key, &value)).collect();
    world.hand_over(0, 1);
    world.act_all();
    world.flow();
    for set in &mut sets {
        assert_eq!(came_of(set).map(|came| came.lost), Some(vec![]));
    }
    assert_eq!(world.get(1, &keys[4]), Ok(Some(value)));
    world.assert_equal(0);
}

#[test]
fn a_range_that_is_wiped_takes_nothing_before_the_end() {
    let mut world = single();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    world.nodes[0].set_lease(false);
    // It begins again at another node, and this one is to hold a copy of it: what it had goes first.
    world.begin_again(0, 1).unwrap();
    world.plan_for(&[1, 0]);
    world.add_pending(0, 0);
    world.act_all();
    world.put(1, &key, "2");
    world.flow();
    assert_eq!(world.nodes[0].engine.shared.total.items(), 1, "the old one");
    while world.nodes[0].engine.step(world.now()) {}
    world.nudge_all();
    let changes = world.promotions(1);
    world.log.propose(Command::Promote { changes }).unwrap();
    world.act_all();
    world.flow();
    world.assert_equal(0);
    assert_eq!(world.nodes[0].engine.shared.total.items(), 1, "the new one");
}

#[test]
fn an_eviction_is_shown_only_when_it_is_committed() {
    let mut world = World::calm_with(CacheConfig { max_items: 2, ..unlimited() });
    let keys: Vec<String> = (0..3).map(|n| world.key_in(0, n)).collect();
    world.put(0, &keys[0], "1");
    world.put(0, &keys[1], "1");
    let set = world.set(0, &keys[2], "1");
    assert_eq!(world.get(0, &keys[0]), Ok(Some("1".into())), "a copy may still answer it");
    assert_eq!(world.get_copy(1, &keys[0]), Ok(Some("1".into())));
    world.flow();
    assert!(matches!(settled(set), Outcome::Stored { copies: 2, .. }));
    assert_eq!(world.get(0, &keys[0]), Ok(None));
}

#[test]
fn a_clear_in_between_does_not_fill_a_copy_anew() {
    let mut world = single();
    for n in 0..4 {
        let key = world.key_in(0, n);
        world.put(0, &key, "1");
    }
    world.add_pending(0, 2);
    world.act_all();
    while !world.is_compare_under_way((0, 2)) {
        world.exchange_slowly((0, 2));
    }
    let (namespace, backend) = (world.log.namespaces()[0], World::backend());
    world.log.propose(Command::Clear { namespace, backend }).unwrap();
    let newest = world.log.now().applied;
    world.act(2, newest);
    world.deliver((0, 2), true);
    world.answer((0, 2));
    assert_eq!(world.promotions(0), [], "one of both still has the records");
    world.act(0, newest);
    world.nudge_all();
    assert_eq!(world.promotions(0).len(), 1);
    assert_eq!(world.nodes[0].engine.progress(world.now()).filled.records, 4, "once");
}

#[test]
fn a_range_opens_only_when_all_its_members_hold_its_history() {
    let mut world = World::with(unlimited(), 3, false, 300);
    world.flow();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    drop(world.set(0, &key, "2"));
    assert!(world.send((0, 1), WIDE) && world.deliver((0, 1), true), "the third member lacks it");
    world.down(0);
    world.act_all();
    // Both promises are here, but what node 2 has is not at node 3.
    world.send((1, 2), WIDE);
    world.deliver((1, 2), true);
    world.answer((1, 2));
    assert_eq!(world.get(1, &key), Err(Fault::Busy), "it knows neither what was before nor whether this stays");
    world.flow();
    assert_eq!(world.get(1, &key), Ok(Some("2".into())));
}

#[test]
fn copies_are_silent_while_their_space_is_cleared() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    world.nudge_all();
    let (namespace, backend) = (world.log.namespaces()[0], World::backend());
    world.log.propose(Command::Silence { namespace, backend }).unwrap();
    world.act_all();
    world.log.propose(Command::Clear { namespace, backend }).unwrap();
    world.act(0, world.log.now().applied);
    assert_eq!(world.get(0, &key), Ok(None));
    assert_eq!(world.get_copy(1, &key), Err(Fault::NotCommitted), "it has not heard of the clear");
}

#[test]
fn a_clear_is_counted_once_whoever_leads_a_range_when_its_records_are_freed() {
    let mut world = World::calm();
    for n in 0..6 {
        let key = world.key_in(0, n);
        world.put(0, &key, "1");
    }
    let (namespace, backend) = (world.log.namespaces()[0], World::backend());
    world.log.propose(Command::Clear { namespace, backend }).unwrap();
    let cleared_at = world.log.now().applied;
    let removed_at = |world: &mut World, node: usize| {
        let selection = Selection { view: cleared_at, ..world.selection(node, 0) };
        world.nodes[node].engine.purge(&selection, world.now()).unwrap().removed
    };
    world.act(0, cleared_at);
    assert_eq!(removed_at(&mut world, 0), 6);
    // The next primary learns of both at once.
    world.hand_over(0, 1);
    world.act_all();
    world.flow();
    assert_eq!([0, 1, 2].map(|node| removed_at(&mut world, node)), [6, 0, 0]);
}

#[test]
fn what_was_there_before_a_clear_is_not_shown_after_it() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    let set = world.set(0, &key, "2");
    let (namespace, backend) = (world.log.namespaces()[0], World::backend());
    world.log.propose(Command::Clear { namespace, backend }).unwrap();
    world.act_all();
    assert_eq!(world.get(0, &key), Ok(None));
    world.flow();
    assert!(matches!(settled(set), Outcome::Stored { .. }));
    assert_eq!(world.get(0, &key), Ok(None));
    world.put(0, &key, "3");
    world.nudge_all();
    assert_eq!(world.get_copy(1, &key), Ok(Some("3".into())));
    world.assert_equal(0);
}

#[test]
fn a_copy_is_not_promoted_while_what_it_never_had_is_uncommitted() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    // Node 2 does not answer: nobody can ask the new copy for this one later, because its history begins after it.
    let mut set = world.set(0, &key, "1");
    world.plan_for(&[0, 1, 2]);
    world.add_pending(0, 2);
    world.act_all();
    while world.exchange((0, 2)) {}
    assert_eq!(world.promotions(0), []);
    world.flow();
    assert!(came_of(&mut set).is_some());
    assert_eq!(world.promotions(0).len(), 1);
}

#[test]
fn a_copy_that_is_complete_acknowledges_before_a_write_is_told() {
    let mut world = single();
    let key = world.key_in(0, 0);
    world.add_pending(0, 2);
    world.act_all();
    world.flow();
    let changes = world.promotions(0);
    assert_eq!(changes.len(), 1);
    let mut set = world.set(0, &key, "1");
    assert_eq!(came_of(&mut set), None, "the promotion may be on its way");
    world.log.propose(Command::Promote { changes }).unwrap();
    world.down(0);
    world.act_all();
    assert_eq!(came_of(&mut set).map(|came| came.lost), Some(vec![0]));
    world.flow();
    assert_eq!(world.get(2, &key), Ok(None));
}

#[test]
fn a_copy_that_was_filled_knows_what_was_done_before() {
    let mut world = single();
    let key = world.key_in(0, 0);
    let n = world.n();
    let add = || Action::Increment { n, by: 5, initial: 0, record: New::value(b"").record() };
    assert!(matches!(settled(world.execute(0, &key, add(), false)), Outcome::Counted { value: 5, .. }));
    world.plan_for(&[0, 1]);
    world.add_pending(0, 1);
    world.act_all();
    world.flow();
    let changes = world.promotions(0);
    world.log.propose(Command::Promote { changes }).unwrap();
    world.hand_over(0, 1);
    world.act_all();
    world.flow();
    let again = settled(world.execute_as(1, &key, add(), false, true));
    assert!(matches!(again, Outcome::Counted { value: 5, .. }), "{again:?}");
}

#[test]
fn a_chunk_that_comes_late_is_not_taken() {
    let mut world = single();
    let keys: Vec<String> = (0..6).map(|n| world.key_in(0, n)).collect();
    keys.iter().for_each(|key| world.put(0, key, "1"));
    world.add_pending(0, 1);
    world.act_all();
    world.exchange((0, 1));
    while world.promotions(0).is_empty() {
        // A chunk is on its way; what changes the records in it overtakes it.
        world.send((0, 1), GatherLimits { bytes_max: 1, ..WIDE });
        keys.iter().for_each(|key| drop(world.set(0, key, "2")));
        world.send((0, 1), WIDE);
        world.deliver_last((0, 1));
        while world.deliver((0, 1), true) {}
        while world.answer((0, 1)) {}
        world.flow();
    }
    let changes = world.promotions(0);
    world.log.propose(Command::Promote { changes }).unwrap();
    world.act_all();
    world.flow();
    world.assert_equal(0);
}

#[test]
fn what_a_deposed_primary_sent_is_refused() {
    let mut world = World::with(unlimited(), 3, false, 300);
    world.flow();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    drop(world.set(0, &key, "lost"));
    assert!(world.send((0, 2), WIDE), "it is still on its way when its sender is taken out");
    world.down(0);
    world.act_all();
    let late = world.bodies((0, 2));
    world.flow();
    let set = world.set(1, &key, "2");
    late.iter().for_each(|body| world.deliver_body(2, body));
    world.flow();
    assert!(matches!(settled(set), Outcome::Stored { copies: 2, .. }));
    world.assert_equal(0);
}
