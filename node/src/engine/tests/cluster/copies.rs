//! What copies are for, step by step.

use ringhold_model::{
    RangeId,
    cluster::{Command, SettingsPatch},
    wire::{Action, Condition, Conflict, Fault, NewRecord, Ttl},
};

use super::{
    calm::{came_of, settled},
    log::id,
    world::World,
};
use crate::{
    engine::{CommitOutcome, Outcome, Wish, tests::rig::New},
    replica::TAIL_MAX,
};

#[test]
fn a_write_is_told_and_shown_when_every_copy_holds_it() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    let mut second = world.set(0, &key, "2");
    let mut third = world.set(0, &key, "3");
    assert_eq!(came_of(&mut second), None);
    assert_eq!(world.get(0, &key), Ok(Some("1".into())), "as it was before");
    assert!(world.send((0, 1), super::calm::WIDE) && world.deliver((0, 1), true));
    assert_eq!(world.get_copy(1, &key), Err(Fault::NotCommitted));
    assert!(world.answer((0, 1)));
    assert_eq!(came_of(&mut second), Some(CommitOutcome { lost: vec![], held: vec![(0, 2)] }));
    assert_eq!(came_of(&mut third), Some(CommitOutcome { lost: vec![], held: vec![(0, 2)] }));
    assert_eq!(world.get(0, &key), Ok(Some("3".into())));
    assert_eq!(world.get_copy(1, &key), Err(Fault::NotCommitted), "it was not told yet");
    world.nudge_all();
    assert_eq!(world.get_copy(1, &key), Ok(Some("3".into())));
    assert!(matches!(world.get_copy(2, &key), Err(Fault::NotPrimary { .. })), "it is no member");
    world.assert_equal(0);
}

#[test]
fn removals_and_new_times_are_shown_when_they_are_committed() {
    let mut world = World::calm();
    let (a, b) = (world.key_in(0, 0), world.key_in(0, 1));
    world.put(0, &a, "1");
    world.put(0, &b, "1");
    let (first, second) = (world.n(), world.n());
    let deleted = world.execute(0, &a, Action::Delete { n: first, when: vec![] }, false);
    let touched = world.execute(0, &b, Action::Touch { n: second, ttl: Ttl::Millis(50), when: vec![] }, false);
    let n = world.n();
    let again = world.execute(0, &a, Action::Delete { n, when: vec![] }, false);
    assert!(again.commit.is_some(), "that there is nothing is known only when the removal is committed");
    world.mono_ms += 60;
    for key in [&a, &b] {
        assert_eq!(world.get(0, key), Ok(Some("1".into())), "{key}");
    }
    world.flow();
    assert!(matches!(settled(deleted), Outcome::Deleted { found: true }));
    assert!(matches!(settled(again), Outcome::Deleted { found: false }));
    assert!(matches!(settled(touched), Outcome::Touched { .. }));
    assert_eq!((world.get(0, &a), world.get(0, &b)), (Ok(None), Ok(None)));
    world.flow();
    world.nudge_all();
    assert_eq!((world.get_copy(1, &a), world.get_copy(1, &b)), (Ok(None), Ok(None)));
    world.assert_equal(0);
}

#[test]
fn a_copy_hides_what_is_due_and_frees_it_when_its_primary_says_so() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    let n = world.n();
    let record = New { ttl: Ttl::Millis(100), ..New::value(b"1") };
    let set = world.execute(0, &key, Action::Set { n, record: record.record() }, false);
    world.flow();
    world.nudge_all();
    settled(set);
    assert_eq!(world.get_copy(1, &key), Ok(Some("1".into())));
    world.mono_ms += 100;
    assert_eq!(world.get_copy(1, &key), Ok(None));
    while world.nodes[1].engine.step(world.now()) {}
    assert_eq!(world.nodes[1].engine.stats(None, world.now()).total_records, 1);
    while world.nodes[0].engine.step(world.now()) {}
    world.flow();
    assert_eq!(world.nodes[1].engine.stats(None, world.now()).total_records, 0);
    world.assert_equal(0);
}

#[test]
fn refusals_and_known_results_wait_for_what_they_rest_on() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    let n = world.n();
    let set = || Action::Set { n, record: New::value(b"1").record() };
    let first = world.execute(0, &key, set(), false);
    let again = world.execute_as(0, &key, set(), false, true);
    let other = world.n();
    let record = NewRecord { when: vec![Condition::Absent], ..New::value(b"2").record() };
    let refused = world.execute(0, &key, Action::Set { n: other, record }, false);
    assert!(again.commit.is_some() && refused.commit.is_some());
    let (elsewhere, n) = (world.key_in(0, 1), world.n());
    let free = world.execute(0, &elsewhere, Action::Delete { n, when: vec![] }, false);
    assert!(free.commit.is_none(), "another key has nothing to wait for");
    world.flow();
    let (Outcome::Stored { version: one, copies: 2, .. }, Outcome::Stored { version: two, .. }) =
        (settled(first), settled(again))
    else {
        panic!("not stored")
    };
    assert_eq!(one, two);
    assert!(
        matches!(settled(refused), Outcome::Conflict(Conflict::Unmet { at: 0, version: Some(there) }) if there == one)
    );
}

#[test]
fn a_handover_fails_nobody_and_the_next_primary_knows_what_was_done() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    let n = world.n();
    let add = || {
        let record = New::value(b"").record();
        Action::Increment { n, by: 5, initial: 0, record }
    };
    let mut first = world.execute(0, &key, add(), false);
    world.hand_over(0, 1);
    world.act_all();
    assert_eq!(came_of(&mut first), None, "its client waits on");
    assert_eq!(world.get(1, &key), Err(Fault::Busy), "it has no promise yet");
    world.flow();
    assert_eq!(came_of(&mut first), Some(CommitOutcome { lost: vec![], held: vec![(0, 2)] }));
    let again = settled(world.execute_as(1, &key, add(), false, true));
    assert!(matches!(again, Outcome::Counted { value: 5, .. }), "{again:?}");
    assert_eq!(world.get(1, &key), Ok(Some("5".into())));
    world.nudge_all();
    world.assert_equal(0);
}

#[test]
fn what_only_a_lost_primary_had_is_unknown_to_its_clients() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    let mut lost = world.set(0, &key, "2");
    world.down(0);
    world.act_all();
    assert_eq!(came_of(&mut lost), Some(CommitOutcome { lost: vec![0], held: vec![] }));
    world.flow();
    assert_eq!(world.get(1, &key), Ok(Some("1".into())));
    world.put(1, &key, "3");
    let stored = world.set(1, &key, "4");
    assert!(matches!(settled(stored), Outcome::Stored { copies: 1, .. }));
}

#[test]
fn a_copy_is_filled_while_writes_go_on_and_serves_when_it_is_promoted() {
    let mut world = World::calm();
    let keys: Vec<String> = (0..60).map(|n| world.key_in(0, n)).collect();
    keys.iter().for_each(|key| world.put(0, key, "1"));
    world.plan_for(&[0, 1, 2]);
    world.add_pending(0, 2);
    world.act_all();
    let mut rounds = 0;
    while world.promotions(0).is_empty() {
        let key = &keys[rounds % keys.len()];
        let n = world.n();
        match rounds % 3 {
            0 => drop(world.set(0, key, "2")),
            1 => drop(world.execute(0, key, Action::Delete { n, when: vec![] }, false)),
            _ => {}
        }
        world.exchange((0, 1));
        world.exchange((0, 2));
        rounds += 1;
    }
    assert!(rounds > 20, "chunks are small here: {rounds} rounds");
    let progress = world.nodes[0].engine.progress(world.now());
    assert_eq!((progress.filled.ranges, progress.fills.len()), (1, 0));
    assert!(matches!(world.get_copy(2, &keys[0]), Err(Fault::NotPrimary { .. })));
    let changes = world.promotions(0);
    world.log.propose(Command::Promote { changes }).unwrap();
    world.act_all();
    world.flow();
    world.nudge_all();
    for key in &keys {
        assert_eq!(world.get_copy(2, key), world.get(0, key), "{key}");
    }
    world.assert_equal(0);
}

#[test]
fn members_that_the_plan_does_not_want_are_retired_unless_moves_are_paused() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    world.nudge_all();
    let pause = |world: &mut World, moves_paused| {
        let patch = SettingsPatch { moves_paused: Some(moves_paused), ..SettingsPatch::default() };
        world.log.propose(Command::PatchSettings { patch }).unwrap();
        world.act_all();
        world.flow();
    };
    pause(&mut world, true);
    world.plan_for(&[0]);
    world.act_all();
    world.flow();
    assert_eq!(world.get_copy(1, &key), Ok(Some("1".into())));
    assert_eq!(world.nodes[0].engine.wishes(100), []);
    pause(&mut world, false);
    assert_eq!(world.get_copy(1, &key), Err(Fault::NotCommitted), "it serves no longer");
    let wishes = world.nodes[0].engine.wishes(100);
    let [Wish::Removed(change)] = wishes[..] else { panic!("{wishes:?}") };
    assert_eq!((change.range, change.member.node), (RangeId(0), id(1)));
}

#[test]
fn a_node_that_stops_retires_its_copies_and_knows_what_only_it_has() {
    let mut world = World::calm();
    let (zero, one) = (world.key_in(0, 0), world.key_in(1, 0));
    world.put(0, &zero, "1");
    world.put(1, &one, "1");
    world.nudge_all();
    let stops = &world.nodes[2].engine;
    assert_eq!(stops.sole_copies(), []);
    let changes = stops.retire_copies();
    assert_eq!(
        changes.iter().map(|change| (change.range, change.member.node)).collect::<Vec<_>>(),
        [(RangeId(1), id(2))]
    );
    assert_eq!(world.get_copy(2, &one), Err(Fault::NotCommitted));
    world.log.propose(Command::Removed { changes }).unwrap();
    world.act_all();
    assert_eq!(world.nodes[1].engine.sole_copies(), [RangeId(1)]);
    assert_eq!(world.nodes[1].engine.retire_copies().len(), 1, "of range 0");
    let progress = world.nodes[1].engine.progress(world.now());
    assert_eq!((progress.primaries, progress.copies, progress.pending, progress.taking_over), (1, 1, 0, 0));
    world.put(1, &one, "2");
    assert_eq!(world.nodes[1].engine.progress(world.now()).single_copy_writes, 1);
}

#[test]
fn fewer_copies_than_asked_for_refuse_writes_and_nothing_else() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    let patch = SettingsPatch { min_in_sync: Some(2), ..SettingsPatch::default() };
    world.log.propose(Command::PatchSettings { patch }).unwrap();
    world.act_all();
    world.put(0, &key, "2");
    world.down(1);
    world.act_all();
    let refused = settled(world.set(0, &key, "3"));
    assert!(matches!(refused, Outcome::Failed(Fault::NotEnoughCopies { have: 1, need: 2 })), "{refused:?}");
    assert_eq!(world.get(0, &key), Ok(Some("2".into())));
}

#[test]
fn without_a_lease_nothing_is_answered() {
    let mut world = World::calm();
    let key = world.key_in(0, 0);
    world.put(0, &key, "1");
    world.nudge_all();
    for node in [0, 1] {
        world.nodes[node].set_lease(false);
    }
    assert_eq!(world.get(0, &key), Err(Fault::NoLease));
    assert_eq!(world.get_copy(1, &key), Err(Fault::NoLease));
    let refused = settled(world.set(0, &key, "2"));
    assert!(matches!(refused, Outcome::Failed(Fault::NoLease)), "{refused:?}");
    world.nodes[0].set_lease(true);
    assert_eq!(world.get(0, &key), Ok(Some("1".into())), "its data is still there");
}

#[test]
fn a_removal_of_more_than_may_wait_for_copies_goes_on_when_they_have_caught_up() {
    let mut world = World::calm();
    let keys: Vec<String> = (0..3_000).map(|n| format!("key{n}")).filter(|key| world.key_range(key) == 0).collect();
    for (n, key) in keys.iter().enumerate() {
        drop(world.set(0, key, "1"));
        if n % 200 == 0 {
            world.flow();
        }
    }
    world.flow();
    let mut all = world.remove_all(0, &[RangeId(0)]);
    assert!(all.removed == TAIL_MAX as u64 && all.unfinished == [RangeId(0)] && all.done.is_empty());
    while !all.unfinished.is_empty() {
        world.flow();
        let more = world.remove_all(0, &all.unfinished.clone());
        assert!(more.removed > 0);
        all.add(more);
    }
    assert_eq!((all.removed, &all.done[..]), (keys.len() as u64, &[RangeId(0)][..]));
    world.flow();
    world.assert_equal(0);
    assert_eq!(world.nodes[1].engine.shared.total.items(), 0);
}

#[test]
fn figures_are_those_of_the_primaries() {
    let mut world = World::calm();
    for range in [0, 1] {
        for n in 0..5 {
            let key = world.key_in(range, n);
            world.put(range, &key, "1");
        }
    }
    let items = |world: &World, at: usize| -> u64 {
        let counts = world.nodes[at].engine.stats(None, world.now());
        counts.spaces.iter().map(|space| space.items).sum()
    };
    assert_eq!([0, 1, 2].map(|at| items(&world, at)), [5, 5, 0]);
    assert_eq!([0, 1, 2].map(|at| world.nodes[at].engine.stats(None, world.now()).total_records), [5, 10, 5]);
    world.down(0);
    world.act_all();
    world.flow();
    assert_eq!([0, 1, 2].map(|at| items(&world, at)), [0, 10, 0]);
}
