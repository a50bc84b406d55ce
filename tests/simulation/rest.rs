//! Whether the cluster has come to rest: everything is where the plan wants it, and all copies are equal.

use std::collections::BTreeSet;

use ringhold_model::{NodeId, RangeId, cluster::NodeState};
use ringhold_node::{engine::sight::Sight, replica::Role};

use crate::world::World;

/// Why it is not at rest; empty when it is. `are_equal`: copies have to be equal, which they are only while nobody writes.
pub(crate) fn unrest(world: &World, are_equal: bool) -> Vec<String> {
    let state = world.authority.state();
    let mut why = Vec::new();
    let Some(plan) = state.plan.as_ref().filter(|plan| plan.id >= state.nodes_changed_at) else {
        return vec!["there is no plan for the present nodes".to_owned()];
    };
    if !plan.absent.is_empty() {
        why.push(format!("{:?} are left out of the plan", plan.absent));
    }
    for machine in &world.nodes {
        let is_wanted = state.nodes.get(&machine.id).is_some_and(|node| node.state != NodeState::Gone);
        let has_lease = machine.process.as_ref().is_some_and(|process| process.control.lease().holds_now());
        if is_wanted && !has_lease {
            why.push(format!("{:?} has no lease", machine.id));
        }
    }
    let candidates = state.nodes.values().filter(|node| node.state == NodeState::Active && node.weight() > 0).count();
    let copies = usize::from(state.settings.replication_factor).min(candidates);
    for (at, (record, owners)) in state.ranges.iter().zip(&plan.owners).enumerate() {
        let members: BTreeSet<NodeId> = record.in_sync.iter().map(|member| member.node).collect();
        let wanted: BTreeSet<NodeId> = owners.iter().copied().collect();
        if record.pending.is_some() || members != wanted || record.primary != owners.first().copied() {
            why.push(format!("range {at} is not where the plan wants it: {record:?}, wanted {owners:?}"));
            continue;
        }
        if members.len() != copies {
            why.push(format!("range {at} has {} copies, not {copies}", members.len()));
        }
        why.extend(difference(world, RangeId(at as u16), owners, are_equal));
    }
    why
}

/// How the copies of a range differ.
fn difference(world: &World, range: RangeId, owners: &[NodeId], are_equal: bool) -> Option<String> {
    let sights: Vec<Option<Sight>> = owners.iter().map(|owner| sight(world, *owner, range)).collect();
    let Some(first) = sights.first().copied().flatten() else {
        return Some(format!("range {} has no primary that runs", range.0));
    };
    let epoch = world.authority.state().range(range).map(|record| record.epoch);
    let is_settled = |sight: &Sight| Some(sight.epoch) == epoch && sight.committed == sight.applied;
    let is_equal = |sight: &Sight| {
        (sight.applied, sight.items, sight.digest) == (first.applied, first.items, first.digest)
            && sight.role == if sight.member == first.member { Role::Primary } else { Role::Copy }
    };
    let is_right = |sight: &Option<Sight>| sight.as_ref().is_some_and(|sight| is_settled(sight) && is_equal(sight));
    if !are_equal {
        return (!first.is_open || Some(first.epoch) != epoch)
            .then(|| format!("range {} is not open: {first:?}", range.0));
    }
    let is_at_rest = first.is_open && sights.iter().all(is_right);
    (!is_at_rest).then(|| format!("the copies of range {} differ: {sights:?}", range.0))
}

fn sight(world: &World, node: NodeId, range: RangeId) -> Option<Sight> {
    let machine = world.nodes.iter().find(|machine| machine.id == node)?;
    let engine = machine.process.as_ref()?.node.engine()?;
    engine.sights().get(usize::from(range.0)).copied()
}
