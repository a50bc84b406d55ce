//! When there is a new plan, and who is left out.

use ringhold_model::{NodeId, cluster::Command};

use super::world::{PLANNED, World};
use crate::leader::plan::new_plan;

/// Who is left out of the new plan, if there is one.
fn left_out(world: &World) -> Option<Vec<u64>> {
    match new_plan(&world.facts()) {
        None => None,
        Some(Command::SetPlan { owners, computed_at, absent }) => {
            assert_eq!(computed_at, world.state.applied);
            assert_eq!(owners.len(), 1 << world.state.range_bits);
            assert!(owners.iter().flatten().all(|id| !absent.contains(id)));
            Some(absent.into_iter().map(|id| id.0).collect())
        }
        Some(other) => panic!("{other:?}"),
    }
}

fn planned() -> World {
    World::of(3, "12>12 23>23")
}

#[test]
fn a_plan_is_made_when_the_nodes_changed_and_the_first_waits() {
    let mut world = planned();
    assert_eq!(left_out(&world), None);
    world.state.nodes_changed_at = PLANNED + 1;
    assert_eq!(left_out(&world), Some(vec![]));
    world.state.plan = None;
    world.may_plan = false;
    assert_eq!(left_out(&world), None);
    world.may_plan = true;
    assert_eq!(left_out(&world), Some(vec![]));
}

#[test]
fn who_is_down_for_long_is_left_out_until_it_is_back() {
    let mut world = planned();
    world.dies(3, 59_999);
    assert_eq!(left_out(&world), None);
    world.dies(3, 60_000);
    assert_eq!(left_out(&world), Some(vec![3]));
    world.state.plan.as_mut().unwrap().absent.insert(NodeId(3));
    assert_eq!(left_out(&world), None, "it is left out already");
    world.dies(3, 0);
    assert_eq!(left_out(&world), None, "a new leader does not know since when");
    world.standing(3).may_hold = true;
    assert_eq!(left_out(&world), None, "an old lease cannot be excluded, but it is not back");
    world.standing(3).holds = true;
    assert_eq!(left_out(&world), Some(vec![]), "it is back");
}

#[test]
fn the_time_until_it_is_left_out_is_a_setting() {
    let mut world = planned();
    world.dies(3, 10_000);
    world.state.settings.rehome_after_s = 10;
    assert_eq!(left_out(&world), Some(vec![3]));
}

#[test]
fn a_node_that_is_left_out_and_then_drained_or_gone_makes_no_plan_by_itself() {
    let mut world = World::of(3, "12>12 21>21");
    world.dies(3, 60_000);
    world.state.plan.as_mut().unwrap().absent.insert(NodeId(3));
    world.leaves(3);
    assert_eq!(left_out(&world), None);
}

#[test]
fn a_node_that_was_to_leave_and_is_down_for_long_is_not_counted_on_any_more() {
    let mut world = planned();
    world.leaves(3);
    assert_eq!(left_out(&world), None, "moves were cancelled: it keeps what it has");
    world.dies(3, 59_999);
    assert_eq!(left_out(&world), None);
    world.dies(3, 60_000);
    assert_eq!(left_out(&world), Some(vec![]), "its copies are restored elsewhere");
    let mut elsewhere = World::of(3, "12>12 12>12");
    elsewhere.leaves(3);
    elsewhere.dies(3, 60_000);
    assert_eq!(left_out(&elsewhere), None, "nothing is missing");
}

#[test]
fn nothing_is_planned_that_nobody_could_own() {
    let mut world = planned();
    world.state.nodes_changed_at = PLANNED + 1;
    for id in 1..=3 {
        world.dies(id, 60_000);
    }
    assert_eq!(left_out(&world), None, "all are down");
    let mut world = planned();
    world.state.plan = None;
    for id in 1..=3 {
        world.node(id).weight = 0;
    }
    assert_eq!(left_out(&world), None, "nobody takes any");
}
