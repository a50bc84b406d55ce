//! Nodes that are down and ranges that are lost.

use ringhold_model::{
    Incarnation,
    cluster::{Command, Restart},
};

use super::world::World;
use crate::leader::loss::{downs, resets};

/// Ranges that begin again, and where.
fn begun_again(world: &World) -> Vec<String> {
    let restarts = resets(&world.facts());
    let of_now =
        |restart: &Restart| world.state.range(restart.range).is_some_and(|record| record.in_sync == restart.members);
    assert!(restarts.iter().all(of_now), "{restarts:?}");
    restarts.iter().map(|restart| format!("{}:{}", restart.range, restart.to)).collect()
}

/// Who is said to be down, and who alive.
fn down(world: &World) -> Vec<(u64, Vec<u64>)> {
    let read = |command| match command {
        Command::NodeDown { node, incarnation, alive } => {
            assert_eq!(world.state.nodes[&node].incarnation, Some(incarnation));
            (node.0, alive.into_iter().map(|(id, _)| id.0).collect())
        }
        other => panic!("{other:?}"),
    };
    downs(&world.facts()).into_iter().map(read).collect()
}

#[test]
fn who_is_down_leaves_where_others_can_do_without_it() {
    type Change = fn(&mut World);
    let table: [(&str, &str, Change, &[u64]); 9] = [
        ("all live", "12>12", |_| (), &[]),
        ("another has a copy", "12>12", |world| world.dies(2, 0), &[2]),
        ("it is the primary", "12>12", |world| world.dies(1, 0), &[1]),
        ("it has the only copy", "12>2", |world| world.dies(2, 0), &[]),
        ("it is being filled", "12>1+2", |world| world.dies(2, 0), &[2]),
        ("it is nothing to any range", "12>12", |world| world.dies(3, 0), &[]),
        ("the other is down as well", "12>12", |world| [1, 2].iter().for_each(|id| world.dies(*id, 0)), &[]),
        ("it may live", "12>12", |world| world.is_silent(2), &[]),
        (
            "another process of it began",
            "12>12",
            |world| {
                world.dies(2, 0);
                world.node(2).incarnation = Some(Incarnation(99));
            },
            &[],
        ),
    ];
    for (name, range, change, expected) in table {
        let mut world = World::of(3, range);
        change(&mut world);
        let found = down(&world);
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected, "{name}");
        assert!(found.iter().all(|(id, alive)| alive.contains(&3) && !alive.contains(id)), "{name}: {found:?}");
    }
}

#[test]
fn a_new_leader_waits_for_the_leases_of_earlier_ones() {
    let mut world = World::of(3, "12>12 12>3");
    world.dies(2, 0);
    world.dies(3, 40_000);
    world.leases.may_remove = false;
    assert!(down(&world).is_empty());
    assert!(resets(&world.facts()).is_empty());
}

#[test]
fn ranges_without_a_living_member_begin_again_after_a_while() {
    type Change = fn(&mut World);
    let table: [(&str, &str, Change, &[&str]); 8] = [
        ("not yet", "31>3", |world| world.dies(3, 29_999), &[]),
        ("at the first living owner", "31>3", |world| world.dies(3, 30_000), &["0:1"]),
        ("nobody of the plan lives", "3>3 3>3", |world| world.dies(3, 30_000), &["0:1", "1:2"]),
        ("a member may live", "12>31", |world| world.dies(3, 30_000), &[]),
        (
            "the last one has been down for too short",
            "12>31",
            |world| {
                world.dies(3, 30_000);
                world.dies(1, 5_000);
            },
            &[],
        ),
        (
            "the owner stops",
            "31>3",
            |world| {
                world.dies(3, 30_000);
                world.standing(1).is_stopping = true;
            },
            &["0:2"],
        ),
        (
            "the time is a setting",
            "31>3",
            |world| {
                world.dies(3, 5_000);
                world.state.settings.reset_after_s = 5;
            },
            &["0:1"],
        ),
        ("nobody is there to begin", "31>3", |world| (1..=3).for_each(|id| world.dies(id, 30_000)), &[]),
    ];
    for (name, ranges, change, expected) in table {
        let mut world = World::of(3, ranges);
        change(&mut world);
        assert_eq!(begun_again(&world), expected, "{name}");
    }
}

#[test]
fn a_member_that_never_started_is_waited_for_as_long_as_the_leader_leads() {
    let mut world = World::of(3, "31>3");
    world.leases.nodes.remove(&ringhold_model::NodeId(3));
    world.leases.led_ms = 29_000;
    assert!(resets(&world.facts()).is_empty());
    world.leases.led_ms = 30_000;
    assert_eq!(begun_again(&world), ["0:1"]);
}
