use crate::{
    cluster::{
        Command, Rejection, Reply,
        world::{World, member, nodes, register, set_plan, start},
    },
    ids::{Epoch, NodeId},
};

#[test]
fn the_first_plan_assigns_all_owners_at_once_and_later_plans_only_wish() {
    let mut world = World::started(2);
    assert_eq!(world.plan(vec![nodes(&[2, 1, 2]); 4]), Ok(Reply::Done));
    let index = world.state.applied;
    let record = world.range(3).clone();
    assert_eq!((record.epoch, record.primary, record.resets), (Epoch(index), Some(NodeId(2)), 0));
    assert_eq!(record.in_sync, [member(2, index), member(1, index)], "all are empty, so all have everything");
    let plan = world.state.plan.clone().unwrap();
    assert_eq!((plan.id, &plan.owners[0]), (index, &nodes(&[2, 1])), "repetitions are dropped");

    world.plan(vec![nodes(&[1]); 4]).unwrap();
    assert_eq!(*world.range(3), record);
    assert_eq!(world.state.plan.as_ref().unwrap().owners[3], nodes(&[1]));
}

#[test]
fn a_plan_from_an_outdated_set_of_nodes_is_refused() {
    let mut world = World::started(2);
    let computed_at = world.state.applied;
    world.register(900, "n3").unwrap();
    let plan = |computed_at| set_plan(vec![nodes(&[1]); 4], computed_at);
    assert_eq!(world.clone().apply(plan(computed_at)), Ok(Reply::Done), "a joining node is not planned with");
    assert_eq!(world.register(901, "n2"), Ok(Reply::Registered(NodeId(4), Some(NodeId(2)))));
    assert_eq!(world.refused(plan(computed_at)), Rejection::OldPlan);
    assert_eq!(world.apply(plan(world.state.applied)), Ok(Reply::Done));
}

#[test]
fn a_plan_computed_right_before_a_weight_changed_is_outdated() {
    let mut world = World::started(2);
    let computed_at = world.state.applied;
    let mut heavier = start(2, 2);
    if let Command::NodeStart { weight, .. } = &mut heavier {
        *weight = 300;
    }
    world.apply(heavier).unwrap();
    let plan = |computed_at| set_plan(vec![nodes(&[1]); 4], computed_at);
    assert_eq!(world.refused(plan(computed_at)), Rejection::OldPlan);
    assert_eq!(world.apply(plan(computed_at + 1)), Ok(Reply::Done), "computed from the state after the change");
}

#[test]
fn a_plan_computed_before_moves_were_cancelled_does_not_bring_them_back() {
    let mut world = World::serving(2);
    let computed_at = world.state.applied;
    world.apply(Command::CancelMoves).unwrap();
    assert_eq!(world.refused(set_plan(vec![nodes(&[2]); 4], computed_at)), Rejection::OldPlan);
}

#[test]
fn a_plan_that_does_not_fit_is_refused() {
    let mut world = World::started(2);
    register_third(&mut world);
    let at = world.state.applied;
    for (owners, computed_at, word) in [
        (vec![nodes(&[1]); 3], at, "3 ranges of 4"),
        (vec![nodes(&[1]); 5], at, "5 ranges of 4"),
        (vec![nodes(&[1]), nodes(&[]), nodes(&[1]), nodes(&[1])], at, "range 1 has no owner"),
        (vec![nodes(&[7]); 4], at, "node 7"),
        (vec![nodes(&[1, 3]); 4], at, "node 3"),
        (vec![nodes(&[1]); 4], at + 100, "still to come"),
    ] {
        let rejection = world.refused(set_plan(owners, computed_at));
        assert!(rejection.to_string().contains(word), "{word}: {rejection}");
    }
}

#[test]
fn a_plan_may_leave_out_active_nodes_that_own_nothing() {
    let mut world = World::started(3);
    register_third(&mut world);
    let with = |absent: &[u64], world: &World| Command::SetPlan {
        owners: vec![nodes(&[1, 2]); 4],
        computed_at: world.state.applied,
        absent: nodes(absent).into_iter().collect(),
    };
    for (absent, word) in [(&[2][..], "left out"), (&[4], "node 4"), (&[9], "node 9")] {
        let rejection = world.refused(with(absent, &world));
        assert!(rejection.to_string().contains(word), "{word}: {rejection}");
    }
    assert_eq!(world.apply(with(&[3], &world)), Ok(Reply::Done));
    assert!(world.state.plan.as_ref().unwrap().absent.contains(&NodeId(3)));
}

#[test]
fn cancelled_moves_leave_the_copies_where_they_are() {
    let mut world = World::copied(3, 2);
    world.plan(vec![nodes(&[3, 1]); 4]).unwrap();
    world.apply(Command::AddPending { moves: vec![world.step(0, 3)] }).unwrap();
    world.fill(3, 3);
    assert_eq!(world.apply(Command::CancelMoves), Ok(Reply::Ranges { touched: 1, reset: 0 }));
    assert_eq!((world.range(0).pending, world.in_sync(0)), (None, vec![1, 2]));
    let plan = world.state.plan.as_ref().unwrap();
    assert_eq!(plan.id, world.state.applied);
    assert_eq!(plan.owners[0], nodes(&[1, 2]), "as it is");
    assert_eq!(plan.owners[1], nodes(&[2, 3]), "the primary first");
    assert_eq!(plan.owners[3], nodes(&[1, 3]), "of three copies two are wanted, and 3 was filled for that");
}

#[test]
fn cancelled_moves_do_not_cancel_the_restoring_of_lost_copies() {
    let mut world = World::copied(3, 2);
    world.down(2, &[1, 3]).unwrap();
    let (owners, computed_at) =
        (vec![nodes(&[1, 3]), nodes(&[3, 1]), nodes(&[3, 1]), nodes(&[1, 3])], world.state.applied);
    world.apply(Command::SetPlan { owners, computed_at, absent: [NodeId(2)].into() }).unwrap();
    world.apply(Command::CancelMoves).unwrap();
    let plan = world.state.plan.as_ref().unwrap();
    assert_eq!((world.in_sync(0), &plan.owners[0]), (vec![1], &nodes(&[1, 3])));
    assert_eq!(plan.absent, [NodeId(2)].into(), "it still owns nothing");
}

#[test]
fn a_plan_that_was_due_when_moves_were_cancelled_stays_due() {
    let mut world = World::copied(3, 2);
    world.apply(Command::RemoveNode { node: NodeId(2), force: false }).unwrap();
    world.apply(Command::CancelMoves).unwrap();
    let plan = world.state.plan.as_ref().unwrap();
    assert!(plan.id < world.state.nodes_changed_at, "or the copies that 2 had would never be restored");
    assert_eq!(plan.owners[1], nodes(&[3]));
}

#[test]
fn without_a_plan_there_is_nothing_to_cancel() {
    let mut world = World::started(2);
    assert_eq!(world.apply(Command::CancelMoves), Ok(Reply::Ranges { touched: 0, reset: 0 }));
    assert_eq!(world.state.plan, None);
}

fn register_third(world: &mut World) {
    world.apply(register(900, "n9")).unwrap();
}
