use super::PlannedMove;
use crate::{
    cluster::{
        Command, NodeState, Rejection, SettingsPatch,
        world::{World, nodes},
    },
    ids::{NodeId, RangeId},
};

#[test]
fn a_layout_that_is_as_wanted_moves_nothing() {
    let world = World::copied(3, 2);
    let owners = world.state.plan.clone().unwrap().owners;
    assert_eq!(world.state.moves_towards(&owners), []);
    let started = World::started(2);
    assert_eq!(started.state.moves_towards(&vec![nodes(&[1, 2]); 4]), [], "the first plan assigns at once");
}

#[test]
fn moves_name_who_is_filled_by_whom_who_lets_go_and_who_leads() {
    let mut world = World::copied(4, 2);
    world.apply(Command::AddPending { moves: vec![world.step(0, 4)] }).unwrap();
    let wanted = [nodes(&[4, 3]), nodes(&[3, 2]), nodes(&[3]), nodes(&[4, 1, 2])];
    let planned = |range, from, fills: &[u64], drops: &[u64], primary: Option<u64>| PlannedMove {
        range: RangeId(range),
        from: NodeId(from),
        fills: nodes(fills),
        drops: nodes(drops),
        primary: primary.map(NodeId),
    };
    let expected = [
        planned(0, 1, &[4, 3], &[1, 2], Some(4)), // 4 is pending only
        planned(1, 2, &[], &[], Some(3)),
        planned(2, 3, &[], &[4], None),
        planned(3, 4, &[2], &[], None),
    ];
    assert_eq!(world.state.moves_towards(&wanted), expected);
}

#[test]
fn a_preview_shows_what_a_drain_would_move_and_changes_nothing() {
    let world = World::copied(3, 2);
    let then = world.state.preview(&[Command::Drain { node: NodeId(2), cancel: false }]).unwrap();
    assert_eq!(then.nodes[&NodeId(2)].state, NodeState::Leaving);
    assert_eq!(world.state.nodes[&NodeId(2)].state, NodeState::Active);
    let moves = then.moves_towards(&then.target().owners);
    let drops: Vec<_> = moves.iter().filter(|planned| planned.drops.contains(&NodeId(2))).collect();
    assert_eq!(drops.len(), 3, "all that it holds");
    assert!(moves.iter().all(|planned| !planned.fills.contains(&NodeId(2))));
    assert!(moves.iter().filter(|planned| planned.from == NodeId(2)).all(|planned| planned.primary.is_some()));
}

#[test]
fn a_preview_applies_in_order_and_ends_at_what_is_refused() {
    let world = World::copied(3, 2);
    let copies = SettingsPatch { replication_factor: Some(3), ..SettingsPatch::default() };
    let weight = Command::SetWeight { node: NodeId(1), weight: Some(50) };
    let then = world.state.preview(&[Command::PatchSettings { patch: copies }, weight]).unwrap();
    assert_eq!((then.applied, then.settings.replication_factor), (world.state.applied + 2, 3));
    assert!(then.moves_towards(&then.target().owners).iter().all(|planned| planned.fills.len() == 1));
    let gone = Command::RemoveNode { node: NodeId(1), force: false };
    assert_eq!(world.state.preview(&[gone.clone(), gone]), Err(Rejection::NodeGone(NodeId(1))));
}

#[test]
fn a_plan_without_the_absent_fills_others_in_their_place() {
    let world = World::copied(3, 2);
    let absent = [NodeId(3)].into();
    let moves = world.state.moves_towards(&world.state.target_without(&absent).owners);
    let restored: Vec<_> = moves.iter().filter(|planned| planned.drops == [NodeId(3)]).collect();
    assert_eq!(restored.iter().map(|planned| planned.range.0).collect::<Vec<_>>(), [1, 2], "the ranges that 3 holds");
    assert!(restored.iter().all(|planned| planned.fills.len() == 1));
}
