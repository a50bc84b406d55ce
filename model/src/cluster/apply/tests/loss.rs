use crate::{
    cluster::{
        Command, Member, Rejection, Reply,
        world::{World, member},
    },
    ids::{Epoch, Incarnation, NodeId},
};

const NONE: Result<Reply, Rejection> = Ok(Reply::Ranges { touched: 0, reset: 0 });

#[test]
fn a_node_that_is_down_leaves_where_another_member_is_alive() {
    let mut world = World::copied(3, 2);
    let before = world.state.ranges.clone();
    let index = world.state.applied + 1;
    assert_eq!(world.down(2, &[1, 3]), Ok(Reply::Ranges { touched: 3, reset: 0 }));
    for range in [0, 3] {
        assert_eq!((world.in_sync(range), world.range(range).primary), (vec![1], Some(NodeId(1))));
        assert_eq!(world.range(range).epoch, before[0].epoch, "the loss of a copy is no new term");
    }
    assert_eq!((world.in_sync(1), world.range(1).primary), (vec![3], Some(NodeId(3))));
    assert_eq!(world.range(1).epoch, Epoch(index));
    assert_eq!(*world.range(2), before[2], "it was no member there");
    assert_eq!(world.down(2, &[1, 3]), NONE, "once more");
}

#[test]
fn a_node_that_is_down_stays_listed_where_nobody_else_is_alive() {
    let mut world = World::copied(3, 2);
    let before = world.state.ranges.clone();
    assert_eq!(world.down(1, &[3]), Ok(Reply::Ranges { touched: 1, reset: 0 }));
    assert_eq!(world.in_sync(2), [3]);
    for range in [0, 1, 3] {
        assert_eq!(world.range(range), &before[usize::from(range)], "nobody loses memory that was never lost");
    }
    assert_eq!(world.down(1, &[]), NONE);
    assert_eq!(world.down(1, &[1]), NONE, "it does not witness for itself");
    assert_eq!(world.down(1, &[2, 3]), Ok(Reply::Ranges { touched: 2, reset: 0 }), "2 is back with its memory");
    assert_eq!((world.in_sync(0), world.range(0).primary), (vec![2], Some(NodeId(2))));
}

#[test]
fn only_present_processes_count_as_alive() {
    let mut world = World::copied(3, 2);
    let (old, run) = (world.run_of(2), world.run_of(1));
    world.state.nodes.get_mut(&NodeId(2)).unwrap().incarnation = Some(Incarnation(old.0 + 1));
    let alive = |alive| Command::NodeDown { node: NodeId(1), incarnation: run, alive };
    assert_eq!(world.apply(alive(vec![(NodeId(2), old), (NodeId(9), old)])), NONE);
    let current = vec![(NodeId(2), world.run_of(2))];
    assert_eq!(world.apply(alive(current)), Ok(Reply::Ranges { touched: 2, reset: 0 }));
}

#[test]
fn the_downfall_of_a_process_that_is_not_the_present_one_is_void() {
    let mut world = World::copied(3, 2);
    let down = |id, incarnation| Command::NodeDown { node: NodeId(id), incarnation, alive: vec![] };
    let old = world.run_of(2);
    world.start(2, 2).unwrap();
    assert_eq!(world.refused(down(2, old)), Rejection::OldIncarnation(NodeId(2)));
    assert_eq!(world.refused(down(9, old)), Rejection::UnknownNode(NodeId(9)));
    let run = world.run_of(2);
    world.register(900, "n2").unwrap();
    assert_eq!(world.refused(down(2, run)), Rejection::NodeGone(NodeId(2)));
    assert_eq!(world.refused(down(4, run)), Rejection::OldIncarnation(NodeId(4)), "it never started");
}

#[test]
fn a_pending_copy_that_is_down_is_given_up() {
    let mut world = World::copied(3, 1);
    world.apply(Command::AddPending { moves: vec![world.step(0, 2)] }).unwrap();
    assert_eq!(world.down(2, &[]), Ok(Reply::Ranges { touched: 1, reset: 0 }), "whoever is alive");
    assert_eq!((world.range(0).pending, world.in_sync(1)), (None, vec![2]));
}

/// Range 0 is held by 1, 2, 3 and 4, in this order; the plan prefers 3, and 5 is pending.
fn with_a_wish_for_3() -> World {
    let mut world = World::copied(5, 4);
    let mut owners = world.state.plan.clone().unwrap().owners;
    owners[0] = [5, 3, 2, 1].map(NodeId).to_vec();
    world.plan(owners).unwrap();
    world.apply(Command::AddPending { moves: vec![world.step(0, 5)] }).unwrap();
    world
}

#[test]
fn the_plans_first_living_owner_in_sync_succeeds_a_lost_primary() {
    for (alive, next) in [(&[2, 3, 4, 5][..], 3), (&[2, 4, 5], 2), (&[4, 5], 4)] {
        let mut world = with_a_wish_for_3();
        let index = world.state.applied + 1;
        world.down(1, alive).unwrap();
        let record = world.range(0);
        assert_eq!((record.primary, record.epoch), (Some(NodeId(next)), Epoch(index)), "{alive:?}");
        assert_eq!((world.in_sync(0), record.pending), (vec![2, 3, 4], None), "a new primary fills anew");
    }
    let mut world = with_a_wish_for_3();
    let before = world.range(0).clone();
    world.down(1, &[5]).unwrap();
    assert_eq!(*world.range(0), before, "a pending copy is no successor");
}

#[test]
fn the_loss_of_a_copy_leaves_the_primary_and_the_pending_one() {
    let mut world = with_a_wish_for_3();
    let pending = world.range(0).pending;
    world.down(3, &[1, 2, 4, 5]).unwrap();
    let record = world.range(0);
    assert_eq!((record.primary, record.pending, world.in_sync(0)), (Some(NodeId(1)), pending, vec![1, 2, 4]));
}

#[test]
fn a_restart_leaves_copies_to_the_others() {
    let mut world = with_a_wish_for_3();
    world.fill(1, 1);
    let index = world.state.applied + 1;
    world.start(1, 2).unwrap();
    let record = world.range(0);
    assert_eq!((record.primary, record.epoch), (Some(NodeId(3)), Epoch(index)), "the plan's order");
    assert_eq!((world.in_sync(0), record.pending, record.resets), (vec![2, 3, 4], None, 0));
    let copy_lost = world.range(1);
    assert_eq!((copy_lost.primary, copy_lost.resets), (Some(NodeId(2)), 0));
    assert!(copy_lost.epoch < Epoch(index), "a copy's loss is no new term");
}

#[test]
fn a_pending_copy_that_restarts_is_given_up() {
    let mut world = with_a_wish_for_3();
    world.start(5, 2).unwrap();
    assert_eq!(world.range(0).pending, None);
}

#[test]
fn a_reset_begins_again_empty_at_one_node() {
    let mut world = World::copied(4, 2);
    world.register(900, "n9").unwrap();
    world.apply(Command::Drain { node: NodeId(4), cancel: false }).unwrap();
    world.apply(Command::AddPending { moves: vec![world.step(0, 3)] }).unwrap();
    let good = world.restart(0, 3);
    let mut stale = good.clone();
    stale.epoch.0 -= 1;
    let mut promoted_since = good.clone();
    promoted_since.members.pop();
    let not_active = [4, 5, 9].map(|node| world.restart(0, node));
    let void = [stale, promoted_since].into_iter().chain(not_active);
    let restarts = void.chain([good, world.restart(0, 1)]).collect();
    assert_eq!(world.apply(Command::Reset { restarts }), Ok(Reply::Moved(1)));
    let index = world.state.applied;
    let record = world.range(0);
    assert_eq!((record.epoch, record.primary, record.pending), (Epoch(index), Some(NodeId(3)), None));
    assert_eq!((record.in_sync.as_slice(), record.resets), (&[member(3, index)][..], 1));

    world.apply(Command::Reset { restarts: vec![world.restart(0, 3)] }).unwrap();
    let anew: &[Member] = &[member(3, index + 1)];
    assert_eq!((world.range(0).in_sync.as_slice(), world.range(0).resets), (anew, 2), "the same node, emptied");
}
