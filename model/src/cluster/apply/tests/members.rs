use crate::{
    cluster::{
        Command, NodeState, Rejection, Reply, WEIGHT_MAX,
        world::{World, member, start},
    },
    ids::{Epoch, NodeId},
};

fn drain(id: u64, cancel: bool) -> Command {
    Command::Drain { node: NodeId(id), cancel }
}

fn remove(id: u64, force: bool) -> Command {
    Command::RemoveNode { node: NodeId(id), force }
}

fn weigh(id: u64, weight: Option<u32>) -> Command {
    Command::SetWeight { node: NodeId(id), weight }
}

fn candidates(world: &World) -> Vec<(u64, u32)> {
    world.state.candidates().iter().map(|node| (node.id.0, node.weight)).collect()
}

fn assert_bad_node(rejection: &Rejection, word: &str) {
    assert!(matches!(rejection, Rejection::BadNode(text) if text.contains(word)), "{word}: {rejection:?}");
}

#[test]
fn a_draining_node_keeps_its_copies_and_is_planned_with_no_more() {
    let mut world = World::copied(3, 2);
    let ranges = world.state.ranges.clone();
    assert_eq!(world.apply(drain(2, false)), Ok(Reply::Done));
    assert_eq!(world.state.nodes[&NodeId(2)].state, NodeState::Leaving);
    assert_eq!((candidates(&world), world.state.nodes_changed_at), (vec![(1, 100), (3, 100)], world.state.applied));
    assert_eq!(world.state.ranges, ranges);
    let changed_at = world.state.nodes_changed_at;
    assert_eq!(world.apply(drain(2, false)), Ok(Reply::Done), "asked again");
    assert_eq!(world.state.nodes_changed_at, changed_at);

    assert_eq!(world.apply(drain(2, true)), Ok(Reply::Done));
    assert_eq!((candidates(&world).len(), world.state.nodes_changed_at), (3, world.state.applied));
    assert_eq!(world.apply(drain(2, true)), Ok(Reply::Done), "asked again");
}

#[test]
fn a_draining_node_that_restarts_goes_on_draining() {
    let mut world = World::copied(3, 2);
    world.apply(drain(2, false)).unwrap();
    let changed_at = world.state.nodes_changed_at;
    world.start(2, 2).unwrap();
    assert_eq!(world.state.nodes[&NodeId(2)].state, NodeState::Leaving);
    assert_eq!(world.state.nodes_changed_at, changed_at);
}

#[test]
fn a_drain_is_cancelled_also_when_nobody_else_is_active() {
    let mut world = World::copied(2, 2);
    world.apply(drain(2, false)).unwrap();
    world.register(900, "n1").unwrap();
    assert_eq!(candidates(&world), []);
    assert_eq!(world.apply(drain(2, true)), Ok(Reply::Done));
    assert_eq!(candidates(&world), [(2, 100)]);
}

#[test]
fn the_wipe_of_a_draining_node_calls_for_a_new_plan() {
    // When moves were cancelled it is in the plan still, and nobody else would be filled in its place.
    let mut world = World::copied(3, 2);
    world.apply(drain(2, false)).unwrap();
    world.plan(vec![vec![NodeId(1), NodeId(3)]; 4]).unwrap();
    world.apply(Command::CancelMoves).unwrap();
    assert!(world.state.plan.as_ref().unwrap().owners[0].contains(&NodeId(2)));
    world.register(900, "n2").unwrap();
    assert_eq!(world.state.nodes_changed_at, world.state.applied);
}

#[test]
fn the_last_active_node_is_neither_drained_nor_removed() {
    let mut world = World::copied(2, 2);
    world.apply(drain(1, false)).unwrap();
    assert_bad_node(&world.refused(drain(2, false)), "last active");
    assert_bad_node(&world.refused(remove(2, true)), "last active");
    assert!(world.clone().apply(remove(1, false)).is_ok(), "the leaving one may go");

    let mut weightless = World::copied(2, 2);
    weightless.apply(weigh(1, Some(0))).unwrap();
    assert_bad_node(&weightless.refused(drain(2, false)), "last active");
    assert_bad_node(&weightless.refused(remove(2, true)), "last active");
}

#[test]
fn unknown_joining_and_gone_nodes_are_not_drained() {
    let mut world = World::copied(3, 2);
    world.register(900, "n2").unwrap();
    for cancel in [false, true] {
        assert_eq!(world.refused(drain(9, cancel)), Rejection::UnknownNode(NodeId(9)));
        assert_eq!(world.refused(drain(2, cancel)), Rejection::NodeGone(NodeId(2)));
        assert_bad_node(&world.refused(drain(4, cancel)), "not started");
    }
}

#[test]
fn a_removed_node_leaves_its_ranges_to_the_other_members() {
    let mut world = World::copied(3, 2);
    world.apply(Command::AddPending { moves: vec![world.step(2, 2)] }).unwrap();
    assert_eq!(world.apply(remove(2, false)), Ok(Reply::Ranges { touched: 4, reset: 0 }));
    let index = world.state.applied;
    assert_eq!((world.state.nodes[&NodeId(2)].state, world.state.nodes_changed_at), (NodeState::Gone, index));
    assert_eq!((world.in_sync(0), world.in_sync(1), world.in_sync(2)), (vec![1], vec![3], vec![3, 1]));
    assert_eq!((world.range(1).primary, world.range(1).epoch), (Some(NodeId(3)), Epoch(index)));
    assert_eq!(world.range(2).pending, None);
    assert_eq!(world.refused(remove(2, false)), Rejection::NodeGone(NodeId(2)));
    assert_eq!(world.refused(remove(9, false)), Rejection::UnknownNode(NodeId(9)));
    assert_eq!(world.refused(start(2, 2)), Rejection::NodeGone(NodeId(2)));
}

#[test]
fn the_plans_owner_succeeds_a_removed_primary() {
    let mut world = World::copied(4, 3);
    world.plan(vec![[4, 3, 2].map(NodeId).to_vec(); 4]).unwrap();
    world.apply(remove(1, false)).unwrap();
    assert_eq!((world.in_sync(0), world.range(0).primary), (vec![2, 3], Some(NodeId(3))));
}

#[test]
fn last_copies_are_only_given_up_by_force_and_begin_again_in_turn() {
    let mut world = World::started(3);
    world.plan(vec![vec![NodeId(2)]; 4]).unwrap();
    world.fill(1, 3);
    assert_eq!(world.refused(remove(2, false)), Rejection::LastCopies { node: NodeId(2), ranges: 3 });
    assert_eq!(world.apply(remove(2, true)), Ok(Reply::Ranges { touched: 4, reset: 3 }));
    let index = world.state.applied;
    for (range, heir) in [(0, 1), (2, 3), (3, 1)] {
        let record = world.range(range);
        assert_eq!((record.in_sync.as_slice(), record.resets), (&[member(heir, index)][..], 1), "range {range}");
        assert_eq!((record.primary, record.epoch), (Some(NodeId(heir)), Epoch(index)));
    }
    assert_eq!((world.in_sync(1), world.range(1).resets), (vec![3], 0), "this one had a copy");
}

#[test]
fn heirs_have_a_weight_and_are_not_leaving() {
    let mut world = World::started(4);
    world.plan(vec![vec![NodeId(1)]; 4]).unwrap();
    world.apply(weigh(2, Some(0))).unwrap();
    world.apply(drain(3, false)).unwrap();
    world.apply(remove(1, true)).unwrap();
    assert!((0..4).all(|range| world.in_sync(range) == [4]));
}

#[test]
fn a_node_that_never_started_is_removed_without_more_ado() {
    let mut world = World::started(1);
    world.register(900, "n9").unwrap();
    assert_eq!(world.apply(remove(2, false)), Ok(Reply::Ranges { touched: 0, reset: 0 }));
}

#[test]
fn a_joining_node_that_took_the_only_ones_place_is_not_removed() {
    let mut world = World::serving(1);
    world.register(900, "n1").unwrap();
    assert_bad_node(&world.refused(remove(2, true)), "start another first");
}

#[test]
fn what_a_wiped_node_held_is_counted_as_lost_once() {
    let mut world = World::serving(2);
    world.register(900, "n2").unwrap();
    assert_eq!(world.range(1).resets, 1);
    assert_eq!(world.refused(remove(3, false)), Rejection::LastCopies { node: NodeId(3), ranges: 2 });
    assert_eq!(world.apply(remove(3, true)), Ok(Reply::Ranges { touched: 2, reset: 0 }));
    assert_eq!((world.range(1).resets, world.in_sync(1)), (1, vec![1]));
}

#[test]
fn a_set_weight_counts_before_the_nodes_own_also_after_a_restart() {
    let mut world = World::copied(2, 1);
    assert_eq!(world.apply(weigh(2, Some(250))), Ok(Reply::Done));
    assert_eq!((candidates(&world), world.state.nodes_changed_at), (vec![(1, 100), (2, 250)], world.state.applied));
    let changed_at = world.state.nodes_changed_at;
    let mut heavier = start(2, 2);
    if let Command::NodeStart { weight, .. } = &mut heavier {
        *weight = 300;
    }
    world.apply(heavier).unwrap();
    assert_eq!((candidates(&world)[1], world.state.nodes_changed_at), ((2, 250), changed_at));
    world.apply(weigh(2, None)).unwrap();
    assert_eq!((candidates(&world)[1], world.state.nodes_changed_at), ((2, 300), world.state.applied));
    let changed_at = world.state.nodes_changed_at;
    world.apply(weigh(2, Some(300))).unwrap();
    assert_eq!(world.state.nodes_changed_at, changed_at, "the same weight voids no plan");
}

#[test]
fn weights_have_bounds_and_somebody_keeps_one() {
    let mut world = World::copied(2, 1);
    world.register(900, "n9").unwrap();
    assert_bad_node(&world.refused(weigh(1, Some(WEIGHT_MAX + 1))), "10000");
    assert_eq!(world.refused(weigh(9, Some(1))), Rejection::UnknownNode(NodeId(9)));
    assert_eq!(world.apply(weigh(1, Some(WEIGHT_MAX))), Ok(Reply::Done));
    assert_eq!(world.apply(weigh(1, Some(0))), Ok(Reply::Done));
    assert_bad_node(&world.refused(weigh(2, Some(0))), "above 0");
    assert_eq!(world.apply(weigh(3, Some(7))), Ok(Reply::Done), "a joining one may have its weight set");
    assert_bad_node(&world.refused(weigh(2, Some(0))), "above 0");
}
