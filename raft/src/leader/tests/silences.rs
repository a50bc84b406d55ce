//! Silences end.

use ringhold_model::{
    NamespaceId,
    cluster::{Command, Proposal, RequestId},
    config::Backend,
};

use super::world::World;
use crate::leader::silences::Silences;

fn silence(world: &mut World) -> u64 {
    let command = Command::Silence { namespace: NamespaceId(11), backend: Backend::Memory };
    apply(world, command)
}

fn apply(world: &mut World, command: Command) -> u64 {
    let index = world.state.applied + 1;
    world.state.apply(index, &Proposal { request: RequestId::default(), command }).unwrap();
    index
}

#[test]
fn a_silence_that_nobody_ends_is_ended_after_a_while() {
    let mut world = World::of(1, "1>1");
    apply(&mut world, Command::CreateNamespace { name: "space".into() });
    let since = silence(&mut world);
    let mut silences = Silences::default();
    assert!(silences.overdue(&world.facts()).is_empty());
    world.now_ms += 14_999;
    assert!(silences.overdue(&world.facts()).is_empty());
    world.now_ms += 1;
    let end = Command::EndSilence { namespace: NamespaceId(11), backend: Backend::Memory, since };
    assert_eq!(silences.overdue(&world.facts()), std::slice::from_ref(&end));
    let newer = silence(&mut world);
    assert_eq!(
        silences.overdue(&world.facts()),
        std::slice::from_ref(&end),
        "another clear began: its silence is young"
    );
    world.state.apply(world.state.applied + 1, &Proposal { request: RequestId::default(), command: end }).unwrap();
    assert!(silences.overdue(&world.facts()).is_empty());
    world.now_ms += 15_000;
    assert_eq!(silences.overdue(&world.facts()).len(), 1);
    apply(&mut world, Command::EndSilence { namespace: NamespaceId(11), backend: Backend::Memory, since: newer });
    assert!(silences.overdue(&world.facts()).is_empty());
}
