use crate::{
    cluster::{
        Change, Command, Move, Reply,
        world::{World, member},
    },
    ids::{Epoch, Mid, NodeId, RangeId},
};

/// `made` of the steps are made; all others are void, so that sending the same again makes none.
fn assert_makes(world: &mut World, command: &Command, made: u32) {
    assert_eq!(world.apply(command.clone()), Ok(Reply::Moved(made)));
    let before = world.state.clone();
    assert_eq!(world.apply(command.clone()), Ok(Reply::Moved(0)), "{command:?} once more");
    world.state.applied = before.applied;
    assert_eq!(world.state, before);
}

fn earlier(wanted: Move) -> Move {
    Move { epoch: Epoch(wanted.epoch.0 - 1), ..wanted }
}

#[test]
fn a_copy_is_added_filled_and_retired_without_a_new_epoch() {
    let mut world = World::serving(3);
    let epoch = world.range(0).epoch;
    let moves = vec![world.step(0, 2)];
    assert_makes(&mut world, &Command::AddPending { moves }, 1);
    let pending = world.range(0).pending.unwrap();
    assert_eq!((pending.node, world.in_sync(0)), (NodeId(2), vec![1]));

    let changes = vec![world.change(0, 2)];
    assert_makes(&mut world, &Command::Promote { changes }, 1);
    assert_eq!((world.range(0).in_sync[1], world.range(0).pending), (pending, None), "the same membership");

    let changes = vec![world.change(0, 2)];
    assert_makes(&mut world, &Command::Removed { changes }, 1);
    assert_eq!((world.in_sync(0), world.range(0).epoch, world.range(0).primary), (vec![1], epoch, Some(NodeId(1))));
}

#[test]
fn only_an_active_node_that_is_no_member_is_added_and_one_at_a_time() {
    let mut world = World::copied(4, 2);
    world.register(900, "n9").unwrap();
    world.apply(Command::Drain { node: NodeId(4), cancel: false }).unwrap();
    let unknown = Move { range: RangeId(9), epoch: world.range(0).epoch, to: NodeId(3) };
    let moves = vec![
        earlier(world.step(0, 3)),
        world.step(0, 1), // the primary
        world.step(0, 2), // a copy
        world.step(0, 4), // leaving
        world.step(0, 5), // joining
        world.step(0, 9), // unknown
        unknown,
        world.step(0, 3), // good
        world.step(0, 3), // is pending by then
        world.step(1, 1), // good
        world.step(1, 4), // another is pending
    ];
    assert_makes(&mut world, &Command::AddPending { moves }, 2);
    assert_eq!(world.range(0).pending.unwrap().node, NodeId(3));
    assert_eq!(world.range(1).pending.unwrap().node, NodeId(1));
}

#[test]
fn nothing_happens_to_ranges_that_were_never_assigned() {
    let mut world = World::started(2);
    let moves = vec![world.step(0, 1)];
    assert_makes(&mut world, &Command::AddPending { moves: moves.clone() }, 0);
    assert_makes(&mut world, &Command::Handover { moves }, 0);
    let restarts = vec![world.restart(0, 1)];
    assert_makes(&mut world, &Command::Reset { restarts }, 0);
}

/// A range's epoch and membership as they are, and each wrong in one way.
fn near_misses(good: Change) -> Vec<Change> {
    let member = good.member;
    vec![
        Change { epoch: Epoch(good.epoch.0 - 1), ..good },
        Change { epoch: Epoch(good.epoch.0 + 1), ..good },
        Change { range: RangeId(9), ..good },
        Change { member: crate::cluster::Member { mid: Mid(member.mid.0 - 1), ..member }, ..good },
        Change { member: crate::cluster::Member { node: NodeId(member.node.0 + 1), ..member }, ..good },
    ]
}

#[test]
fn cancelling_and_promoting_need_the_very_membership() {
    let mut world = World::serving(3);
    world.apply(Command::AddPending { moves: vec![world.step(0, 2)] }).unwrap();
    let good = world.change(0, 2);
    assert_makes(&mut world, &Command::CancelPending { changes: near_misses(good) }, 0);
    assert_makes(&mut world, &Command::Promote { changes: near_misses(good) }, 0);

    let mut cancelled = world.clone();
    assert_makes(&mut cancelled, &Command::CancelPending { changes: vec![good] }, 1);
    assert_eq!(cancelled.range(0).pending, None);
    assert_makes(&mut cancelled, &Command::Promote { changes: vec![good] }, 0);

    assert_makes(&mut world, &Command::Promote { changes: vec![good] }, 1);
    assert_makes(&mut world, &Command::CancelPending { changes: vec![good] }, 0);
    assert_eq!(world.in_sync(0), [1, 2]);
}

#[test]
fn a_copy_that_joined_again_is_not_removed_by_its_earlier_word() {
    let mut world = World::serving(3);
    world.fill(0, 2);
    let earlier = world.change(0, 2);
    world.apply(Command::Removed { changes: vec![earlier] }).unwrap();
    world.fill(0, 2);
    assert_makes(&mut world, &Command::Removed { changes: vec![earlier] }, 0);
    assert_eq!(world.in_sync(0), [1, 2]);
}

#[test]
fn neither_the_primary_nor_a_pending_copy_is_removed() {
    let mut world = World::copied(3, 2);
    world.apply(Command::AddPending { moves: vec![world.step(0, 3)] }).unwrap();
    let changes = vec![world.change(0, 1), world.change(0, 3)];
    assert_makes(&mut world, &Command::Removed { changes }, 0);
    let changes = near_misses(world.change(0, 2));
    assert_makes(&mut world, &Command::Removed { changes }, 0);
    let changes = vec![world.change(0, 2), world.change(0, 1)];
    assert_makes(&mut world, &Command::Removed { changes }, 1);
    assert_eq!(world.in_sync(0), [1], "the last member stays");
}

#[test]
fn a_handover_is_a_new_epoch_of_the_same_members_without_a_pending_one() {
    let mut world = World::copied(3, 2);
    world.apply(Command::AddPending { moves: vec![world.step(0, 3)] }).unwrap();
    let members = world.range(0).in_sync.clone();
    let index = world.state.applied + 1;
    let moves = vec![
        earlier(world.step(0, 2)),
        world.step(0, 1), // is the primary
        world.step(0, 3), // is not in sync
        world.step(0, 9), // unknown
        world.step(0, 2), // good
        world.step(1, 3), // good
        world.step(0, 1), // void by then
    ];
    assert_makes(&mut world, &Command::Handover { moves }, 2);
    let record = world.range(0);
    assert_eq!((record.epoch, record.primary, record.resets), (Epoch(index), Some(NodeId(2)), 0));
    assert_eq!((&record.in_sync, record.pending), (&members, None));
    assert_eq!(world.range(1).primary, Some(NodeId(3)));
}

#[test]
fn each_step_touches_those_whose_role_it_changes() {
    let mut world = World::copied(4, 2);
    let index = world.state.applied;
    let touched = |world: &World| -> Vec<u64> {
        let nodes = world.state.nodes.iter().filter(|(_, node)| node.touched_at == world.state.applied);
        nodes.map(|(id, _)| id.0).collect()
    };
    assert_eq!(touched(&world), [1, 2, 3, 4], "the first plan");
    world.apply(Command::AddPending { moves: vec![world.step(0, 3)] }).unwrap();
    assert_eq!(touched(&world), [3]);
    world.apply(Command::Promote { changes: vec![world.change(0, 3)] }).unwrap();
    assert_eq!(touched(&world), [3]);
    world.apply(Command::Handover { moves: vec![world.step(0, 2)] }).unwrap();
    assert_eq!(touched(&world), [1, 2], "3 stays a copy");
    world.apply(Command::Removed { changes: vec![world.change(0, 1)] }).unwrap();
    assert_eq!(touched(&world), [1]);
    world.apply(Command::Reset { restarts: vec![world.restart(0, 2)] }).unwrap();
    assert_eq!(touched(&world), [2, 3], "2 begins anew, 3 is no member any more");
    assert_eq!(world.range(0).in_sync, [member(2, world.state.applied)]);
    assert_eq!(world.state.nodes[&NodeId(4)].touched_at, index);
}
