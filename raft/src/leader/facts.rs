//! What the leader's duties are decided by, at one moment.

use ringhold_model::{
    NodeId, RangeId,
    cluster::{ClusterState, NodeState, RangeRecord},
};

use crate::lease::Leases;

/// The replicated state, and who lives.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The newest applied.
    pub state: &'a ClusterState,
    /// By this leader's book.
    pub leases: &'a Leases,
    /// Now, on the clock of leases.
    pub now_ms: u64,
    /// Whether the first plan may be made: the seeds are there, or have been waited for.
    pub may_plan: bool,
}

/// A range, and who should own it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) range: RangeId,
    pub(super) record: &'a RangeRecord,
    /// The wanted primary first.
    pub(super) wanted: &'a [NodeId],
}

impl<'a> Facts<'a> {
    /// Ranges that are assigned, by id; none before the first plan.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'a>> + use<'a> {
        let owners = self.state.plan.as_ref().map_or(&[][..], |plan| &plan.owners);
        let ranges = (0..=u16::MAX).map(RangeId).zip(&self.state.ranges).zip(owners);
        ranges
            .map(|((range, record), wanted)| Place { range, record, wanted })
            .filter(|place| place.record.primary.is_some())
    }

    /// Nodes that may get roles: active, alive, and meaning to stay.
    pub(super) fn is_able(&self, node: NodeId) -> bool {
        self.is_active(node) && self.leases.stays(node)
    }

    pub(super) fn is_active(&self, node: NodeId) -> bool {
        self.state.nodes.get(&node).is_some_and(|node| node.state == NodeState::Active)
    }

    /// All that are able and take ranges at all, by id.
    pub(super) fn able(&self) -> Vec<NodeId> {
        let nodes = self.state.nodes.iter().filter(|(id, node)| self.is_able(**id) && node.weight() > 0);
        nodes.map(|(id, _)| *id).collect()
    }

    /// In-sync copies whose nodes are alive.
    pub(super) fn living_copies(&self, record: &RangeRecord) -> usize {
        record.in_sync.iter().filter(|member| self.leases.holds(member.node)).count()
    }
}

impl Place<'_> {
    pub(super) fn has_copy(&self, node: NodeId) -> bool {
        self.record.in_sync.iter().any(|member| member.node == node)
    }
}
