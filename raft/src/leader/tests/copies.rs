//! Copies that are added and given up.

use super::world::{World, changes, steps};
use crate::leader::copies::{additions, cancellations};

#[test]
fn missing_owners_are_added_one_at_a_time() {
    let table: [(&str, World, &[&str]); 6] = [
        ("complete", World::of(3, "12>12 21>21"), &[]),
        ("a copy is missing", World::of(3, "12>1"), &["0:2"]),
        ("one is being filled", World::of(3, "12>1+2"), &[]),
        ("the first in the plan first", World::of(4, "34>12"), &["0:3"]),
        ("the fewest living copies first", World::of(4, "13>12 12>1"), &["1:2", "0:3"]),
        ("never assigned", World::of(3, "12>"), &[]),
    ];
    for (name, world, expected) in table {
        assert_eq!(steps(&additions(&world.facts())), expected, "{name}");
    }
}

#[test]
fn only_nodes_that_live_stay_and_are_reached_are_added() {
    type Change = fn(&mut World);
    let table: [(&str, Change, &[&str]); 7] = [
        ("nothing in the way", |_| (), &["0:2"]),
        ("it is down: the next owner", |world| world.dies(2, 0), &["0:3"]),
        ("it is silent", |world| world.is_silent(2), &["0:3"]),
        ("it stops", |world| world.standing(2).is_stopping = true, &["0:3"]),
        ("it leaves", |world| world.leaves(2), &["0:3"]),
        ("its primary cannot reach it", |world| world.is_unreachable(2, 1), &["0:3"]),
        ("the primary is down and fills nobody", |world| world.dies(1, 0), &[]),
    ];
    for (name, change, expected) in table {
        let mut world = World::of(3, "123>1");
        change(&mut world);
        assert_eq!(steps(&additions(&world.facts())), expected, "{name}");
    }
}

#[test]
fn paused_moves_still_restore_what_is_lost() {
    let mut world = World::of(4, "13>12 12>1 34>12");
    world.state.settings.moves_paused = true;
    assert_eq!(steps(&additions(&world.facts())), ["1:2"]);
    world.dies(2, 0);
    assert_eq!(steps(&additions(&world.facts())), ["0:3", "2:3"], "one living copy each; 2 cannot come");
    let mut alone = World::of(1, "12>1");
    alone.state.settings.moves_paused = true;
    assert!(additions(&alone.facts()).is_empty(), "as many copies as there are nodes");
}

#[test]
fn so_many_are_filled_at_a_time() {
    let world = World::of(4, &"12>1 ".repeat(100));
    assert_eq!(additions(&world.facts()).len(), 64, "a node");
    let world = World::of(4, &"12>1 13>1 14>1 ".repeat(60));
    assert_eq!(additions(&world.facts()).len(), 128, "all");
    let world = World::of(4, &("12>1+2 ".repeat(60) + &"12>1 13>1 ".repeat(60)));
    assert_eq!(additions(&world.facts()).len(), 4 + 60, "those under way count");
}

#[test]
fn copies_that_come_to_nothing_are_given_up() {
    type Change = fn(&mut World);
    let table: [(&str, Change, &[&str]); 8] = [
        ("under way", |_| (), &[]),
        ("not wanted any more", |world| world.state.plan.as_mut().unwrap().owners[0].truncate(1), &["0:2"]),
        ("it leaves", |world| world.leaves(2), &["0:2"]),
        ("it stops", |world| world.standing(2).is_stopping = true, &["0:2"]),
        ("it is down", |world| world.dies(2, 0), &["0:2"]),
        ("it is silent, but may live", |world| world.is_silent(2), &[]),
        ("the primary does not reach it", |world| world.is_unreachable(2, 1), &["0:2"]),
        ("another does not reach it", |world| world.is_unreachable(2, 3), &[]),
    ];
    for (name, change, expected) in table {
        let mut world = World::of(3, "12>1+2");
        change(&mut world);
        assert_eq!(changes(&cancellations(&world.facts())), expected, "{name}");
    }
}
