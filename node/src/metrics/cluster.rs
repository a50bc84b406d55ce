//! The cluster as this node's copy of the replicated state has it: every node tells it, so that it is known while any of them
//! is scraped.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use ringhold_model::{
    cluster::{ClusterState, NodeState},
    wire::NodeStatus,
};

use super::gauge;

/// Adds what Raft says and what the state holds.
pub(super) fn register(registry: &mut Registry, state: &ClusterState, status: &NodeStatus) {
    gauge(registry, "ringhold_raft_has_leader", "1 when the node hears of a leader", status.leader.is_some().into());
    gauge(registry, "ringhold_raft_voters", "Members that vote", status.voters.len() as u64);
    gauge(registry, "ringhold_raft_learners", "Members that follow without a vote", status.learners.len() as u64);
    let members = state.nodes.values().filter(|node| node.state != NodeState::Gone).count();
    gauge(registry, "ringhold_cluster_nodes", "Nodes that were not removed, down ones included", members as u64);
    let copies = Copies::of(state);
    for (name, help, count) in [
        ("ringhold_cluster_ranges", "Ranges of the hash space", state.ranges.len()),
        ("ringhold_cluster_unassigned_ranges", "Ranges without a primary", copies.unassigned),
        ("ringhold_cluster_under_replicated_ranges", "Ranges with fewer copies in sync than wanted", copies.too_few),
        ("ringhold_cluster_single_copy_ranges", "Ranges with one copy in sync", copies.single),
        (
            "ringhold_cluster_missing_copies",
            "Copies that are not yet in sync where the plan wants them",
            copies.missing,
        ),
    ] {
        gauge(registry, name, help, count as u64);
    }
    let resets = Counter::<u64>::default();
    resets.inc_by(state.ranges.iter().map(|range| u64::from(range.resets)).sum());
    let help = "Times that a range lost all its copies and began again, empty";
    registry.register("ringhold_cluster_range_resets", help, resets);
    let build = Family::<[(&'static str, &'static str); 1], Gauge>::default();
    build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
    registry.register("ringhold_node_build_info", "1; the version is in the label", build);
}

/// Counts of ranges by their copies.
#[derive(Debug, Default, PartialEq, Eq)]
struct Copies {
    unassigned: usize,
    too_few: usize,
    single: usize,
    missing: usize,
}

impl Copies {
    fn of(state: &ClusterState) -> Self {
        // As many as are wanted, as far as there are nodes to hold them.
        let able = state.candidates().iter().filter(|node| node.weight > 0).count();
        let wanted = usize::from(state.settings.replication_factor).min(able).max(1);
        let mut copies = Self::default();
        for range in &state.ranges {
            copies.unassigned += usize::from(range.primary.is_none());
            copies.too_few += usize::from(range.in_sync.len() < wanted);
            copies.single += usize::from(range.in_sync.len() == 1);
        }
        for (range, owners) in state.ranges.iter().zip(state.plan.iter().flat_map(|plan| &plan.owners)) {
            let is_missing = |owner| range.in_sync.iter().all(|member| member.node != owner);
            copies.missing += owners.iter().filter(|owner| is_missing(**owner)).count();
        }
        copies
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringhold_model::{
        Mid, NodeId,
        cluster::{Member, Plan, RangeRecord},
    };

    use super::*;

    #[test]
    fn ranges_are_counted_by_what_they_lack() {
        let range = |nodes: &[u64]| RangeRecord {
            primary: nodes.first().map(|id| NodeId(*id)),
            in_sync: nodes.iter().map(|id| Member { node: NodeId(*id), mid: Mid(1) }).collect(),
            ..RangeRecord::default()
        };
        let mut state = ClusterState::default();
        state.ranges = vec![range(&[1, 2]), range(&[2]), range(&[])];
        // No node may hold anything, so that one copy is all that can be wanted.
        let counted = Copies::of(&state);
        assert_eq!(counted, Copies { unassigned: 1, too_few: 1, single: 1, missing: 0 });
        let owners = vec![vec![NodeId(1), NodeId(2)], vec![NodeId(2), NodeId(3)], vec![NodeId(3), NodeId(1)]];
        state.plan = Some(Plan { id: 1, owners, absent: BTreeSet::new() });
        assert_eq!(Copies::of(&state).missing, 3);
    }
}
