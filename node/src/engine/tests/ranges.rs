//! Roles, epochs, handover, and what a new state changes.

use ringhold_model::{
    Epoch, Mid, NodeId, RangeId, RouterId,
    cluster::{Member, Namespace},
    config::{Backend, CacheConfig},
    wire::{Action, Fault, PointRequest, RangeRef},
};

use super::rig::{EPOCH, OTHER, Rig, unlimited};
use crate::engine::Outcome;

fn fault(outcome: Outcome) -> Fault {
    match outcome {
        Outcome::Failed(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_range_that_went_elsewhere_answers_not_primary_and_comes_back_empty() {
    let mut rig = Rig::new(unlimited());
    let keys: Vec<String> = (0..200).map(|at| format!("key{at}")).collect();
    keys.iter().for_each(|key| rig.put(key, b"1"));
    let range = rig.range_of("key0");
    let inside = keys.iter().filter(|key| rig.range_of(key) == range).count() as u64;
    let record = &mut rig.state.ranges[usize::from(range.0)];
    let mine = record.clone();
    record.epoch = Epoch(20);
    record.primary = Some(NodeId(2));
    record.in_sync = vec![Member { node: NodeId(2), mid: Mid(20) }];
    rig.apply();
    let view = rig.state.applied;
    assert_eq!(fault(rig.run("key0", Action::Get)), Fault::NotPrimary { primary: Some(NodeId(2)), view });
    assert_eq!(rig.page(None, 0, 1_000).items.len() as u64, 200 - inside, "its records are not listed");

    rig.state.ranges[usize::from(range.0)] = mine;
    let record = &mut rig.state.ranges[usize::from(range.0)];
    record.epoch = Epoch(30);
    record.in_sync[0].mid = Mid(30);
    rig.apply();
    assert_eq!(fault(rig.run("key0", Action::Get)), Fault::WrongEpoch { epoch: Epoch(30), view: rig.state.applied });
    let mut op = rig.op("key0", Action::Get);
    op.epoch = Epoch(30);
    assert_eq!(fault(rig.send(op.clone(), false, 0)), Fault::Busy, "until the old records are freed");
    rig.settle();
    assert!(matches!(rig.send(op, false, 0), Outcome::Miss));
    assert_eq!(rig.stats().items, 200 - inside);
}

#[test]
fn a_new_epoch_of_the_same_membership_keeps_the_records() {
    let mut rig = Rig::new(unlimited());
    rig.put("a", b"1");
    let range = usize::from(rig.range_of("a").0);
    rig.state.ranges[range].epoch = Epoch(8);
    rig.apply();
    let mut op = rig.op("a", Action::Get);
    op.epoch = Epoch(8);
    assert!(matches!(rig.send(op, false, 0), Outcome::Hit(_)));
}

#[test]
fn ranges_in_another_epoch_are_left_out_of_done() {
    let mut rig = Rig::new(unlimited());
    rig.put("a", b"1");
    let mut selection = rig.selection(None);
    selection.ranges = vec![
        RangeRef { range: RangeId(0), epoch: EPOCH },
        RangeRef { range: RangeId(1), epoch: Epoch(4) },
        RangeRef { range: RangeId(40_000), epoch: EPOCH },
    ];
    assert_eq!(rig.engine.count(&selection, rig.now).unwrap().done, [RangeId(0)]);
}

#[test]
fn a_removed_namespace_is_unknown_at_once_and_its_memory_is_freed() {
    let mut rig = Rig::new(unlimited());
    rig.namespace = OTHER;
    for at in 0..100 {
        rig.put(&format!("key{at}"), b"1");
    }
    let removed = rig.state.namespaces.remove(&OTHER).unwrap();
    rig.apply();
    let mut executed = rig.engine.execute(
        &PointRequest {
            view: 0,
            namespace: OTHER,
            backend: Backend::Memory,
            router: RouterId(1),
            lowest_open: 0,
            retry: false,
            any_copy: false,
            ops: vec![rig.op("key1", Action::Get)],
        },
        rig.now,
    );
    assert_eq!(fault(executed.outcomes.remove(0)), Fault::UnknownNamespace);
    rig.settle();
    assert_eq!(rig.engine.stats(None, rig.now).total_records, 0);
    rig.state.namespaces.insert(OTHER, Namespace { name: "again".into(), ..removed });
    rig.apply();
    assert_eq!(rig.get("key1"), None);
    assert_eq!(rig.stats().misses, 1, "its counts begin anew");
}

#[test]
fn a_backend_that_is_not_built_is_refused() {
    let rig = Rig::new(CacheConfig::default());
    let mut selection = rig.selection(None);
    selection.backend = Backend::Database;
    assert!(matches!(rig.engine.count(&selection, rig.now), Err(Fault::Unsupported(_))));
}

#[test]
fn a_large_lost_range_is_wiped_in_bounded_steps() {
    let mut rig = Rig::new(unlimited());
    let keys: Vec<String> = (0..40_000).map(|at| format!("key{at}")).collect();
    keys.iter().for_each(|key| rig.put(key, b"1"));
    let range = rig.range_of("key0");
    let inside = keys.iter().filter(|key| rig.range_of(key) == range).count() as u64;
    let record = &mut rig.state.ranges[usize::from(range.0)];
    record.resets += 1;
    record.epoch = Epoch(9);
    rig.apply();
    let mut steps = 1;
    while rig.engine.step(rig.now) {
        steps += 1;
        assert!(steps < 100, "it never ends");
    }
    assert_eq!(rig.stats().items, 40_000 - inside);
    let mut op = rig.op("key0", Action::Get);
    op.epoch = Epoch(9);
    assert!(matches!(rig.send(op, false, 0), Outcome::Miss), "it serves again, empty");
}
