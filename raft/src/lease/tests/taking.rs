//! Which commands wait for the end of whose lease.

use ringhold_model::{
    Epoch, Incarnation, NodeId, RangeId,
    cluster::{Addresses, Command, Move, NodeState, Restart},
};

use super::world::World;
use crate::lease::taken_from;

#[test]
fn who_has_no_say_must_have_no_lease() {
    let mut world = World::new();
    world.range(&[2, 3]);
    world.range(&[1]);
    world.node(3).state = NodeState::Gone;
    let step = |range| Move { range: RangeId(range), epoch: Epoch(1), to: NodeId(1) };
    let restart = |Move { range, epoch, to }: Move| Restart { range, epoch, to, members: Vec::new() };
    let register = |birth, rpc: &str| Command::Register {
        birth,
        addresses: Addresses { rpc: rpc.to_owned(), health: String::new() },
        zone: String::new(),
        weight: 100,
    };
    let down = Command::NodeDown { node: NodeId(2), incarnation: Incarnation(2), alive: Vec::new() };
    let table = [
        ("down", down, vec![2]),
        ("removed", Command::RemoveNode { node: NodeId(1), force: false }, vec![1]),
        (
            "begins again",
            Command::Reset { restarts: [0, 1, 9].map(|range| restart(step(range))).to_vec() },
            vec![1, 2, 3],
        ),
        ("handed over: with its promise", Command::Handover { moves: vec![step(0)] }, vec![]),
        ("lost its disk", register(77, "n2:1"), vec![2]),
        ("asks again", register(2, "n2:1"), vec![]),
        ("is new", register(77, "n9:1"), vec![]),
        ("takes the place of one that is gone", register(77, "n3:1"), vec![]),
    ];
    for (name, command, expected) in table {
        let taken: Vec<u64> = taken_from(&command, &world.state).into_iter().map(|id| id.0).collect();
        assert_eq!(taken, expected, "{name}");
    }
}
