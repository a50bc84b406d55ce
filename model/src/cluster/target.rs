//! The plan that the present nodes call for.

use std::collections::BTreeSet;

use super::state::{ClusterState, NodeState};
use crate::{
    ids::NodeId,
    ring::{Candidate, Placement, place},
};

impl ClusterState {
    /// The nodes that may own ranges: the active ones.
    pub fn candidates(&self) -> Vec<Candidate> {
        self.candidates_without(&BTreeSet::new())
    }

    /// The nodes that may own ranges, but for those that are down for too long.
    pub fn candidates_without(&self, absent: &BTreeSet<NodeId>) -> Vec<Candidate> {
        let able = self.nodes.iter().filter(|(id, node)| node.state == NodeState::Active && !absent.contains(id));
        able.map(|(id, node)| Candidate { id: *id, weight: node.weight(), zone: node.zone.clone() }).collect()
    }

    /// Where the ranges should live now, as close to the stored plan as the rules allow. Its ranges are without owners
    /// when no node may own any; such a placement is not to be proposed.
    pub fn target(&self) -> Placement {
        self.target_without(&BTreeSet::new())
    }

    /// [`target`](Self::target) without the nodes that are down for too long.
    pub fn target_without(&self, absent: &BTreeSet<NodeId>) -> Placement {
        let copies = usize::from(self.settings.replication_factor);
        let previous = self.plan.as_ref().map(|plan| plan.owners.as_slice());
        place(&self.candidates_without(absent), self.range_bits, copies, self.hash_seed, previous)
    }
}

#[cfg(test)]
mod tests;
