//! Handovers.

use super::world::{World, steps};
use crate::leader::primaries::{balanced, relieved};

#[test]
fn ranges_go_to_the_first_owner_once_all_living_owners_are_in_sync() {
    type Change = fn(&mut World);
    let table: [(&str, &str, Change, &[&str]); 12] = [
        ("as planned", "12>12", |_| (), &[]),
        ("the other way round", "21>12", |_| (), &["0:2"]),
        ("from a node that leaves", "23>123", |world| world.leaves(1), &["0:2"]),
        ("from a node that leaves, not yet complete", "23>12", |world| world.leaves(1), &[]),
        ("an owner is missing", "23>12", |_| (), &[]),
        ("an owner is missing and down", "23>12", |world| world.dies(3, 0), &["0:2"]),
        ("somebody is being filled", "21>12+3", |_| (), &[]),
        ("the first is down", "21>12", |world| world.dies(2, 0), &[]),
        ("the first is silent", "21>12", |world| world.is_silent(2), &[]),
        ("the first stops", "21>12", |world| world.standing(2).is_stopping = true, &[]),
        ("the primary is down: its removal comes first", "21>12", |world| world.dies(1, 0), &[]),
        ("paused", "21>12", |world| world.state.settings.moves_paused = true, &[]),
    ];
    for (name, range, change, expected) in table {
        let mut world = World::of(3, range);
        change(&mut world);
        assert_eq!(steps(&balanced(&world.facts())), expected, "{name}");
    }
    assert_eq!(balanced(&World::of(2, &"21>12 ".repeat(100)).facts()).len(), 64, "so many at a time");
}

#[test]
fn who_stops_is_relieved_of_its_primaries() {
    type Change = fn(&mut World);
    let table: [(&str, &str, Change, &[&str]); 8] = [
        ("to the first of the plan", "32>123 12>2", |_| (), &["0:3"]),
        ("to another member if the plan's has no copy", "31>12", |_| (), &["0:2"]),
        ("nobody has a copy", "12>1+2", |_| (), &[]),
        ("it is no primary", "12>21", |_| (), &[]),
        ("the copy is down", "12>12", |world| world.dies(2, 0), &[]),
        ("the copy stops, too", "12>123", |world| world.standing(2).is_stopping = true, &["0:3"]),
        ("also to a node that leaves", "12>12", |world| world.leaves(2), &["0:2"]),
        ("also when moves are paused", "12>12", |world| world.state.settings.moves_paused = true, &["0:2"]),
    ];
    for (name, ranges, change, expected) in table {
        let mut world = World::of(3, ranges);
        world.standing(1).is_stopping = true;
        change(&mut world);
        assert_eq!(steps(&relieved(&world.facts())), expected, "{name}");
    }
}
