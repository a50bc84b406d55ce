//! How the nodes stand, at one moment, as the leader sees it.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{
    Incarnation, NodeId,
    cluster::{ClusterState, NodeState},
    wire::{LeasesReply, NodeLease},
};

/// All nodes with a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// By id.
    pub nodes: BTreeMap<NodeId, Standing>,
    /// Whether all leases of earlier leaders have surely ended (rule L6), so that nodes without one may be removed.
    pub may_remove: bool,
    /// How long this leader has led without standing still.
    pub led_ms: u64,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its process.
    pub incarnation: Incarnation,
    /// This leader granted a lease that surely has not ended by the leader's count: the node is alive.
    pub holds: bool,
    /// A lease cannot be excluded: the node may serve.
    pub may_hold: bool,
    /// It said that it is about to stop.
    pub is_stopping: bool,
    /// How long it has surely been without a lease, not counting what passed before this leader could tell; `None` while
    /// it may hold one.
    pub down_ms: Option<u64>,
    /// Milliseconds since its last renewal arrived that was granted; since this leader began if there was none.
    pub since_ms: u64,
    /// Whom it says it cannot reach.
    pub unreachable: BTreeSet<NodeId>,
}

impl Leases {
    /// Whether the node is alive: this leader granted it a lease that runs.
    pub fn holds(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|standing| standing.holds)
    }

    /// Whether the node may serve.
    pub fn may_hold(&self, node: NodeId) -> bool {
        !self.may_remove || self.nodes.get(&node).is_some_and(|standing| standing.may_hold)
    }

    /// How long the node has surely been without a lease; one that never started for as long as this leader leads. `None`
    /// while it may hold one.
    pub fn down_ms(&self, node: NodeId) -> Option<u64> {
        match self.nodes.get(&node) {
            Some(standing) => standing.down_ms,
            None if self.may_remove => Some(self.led_ms),
            None => None,
        }
    }

    /// Whether the node is alive and means to stay.
    pub fn stays(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|standing| standing.holds && !standing.is_stopping)
    }

    /// Whether `by` says that it cannot reach `node`.
    pub fn is_unreachable(&self, node: NodeId, by: NodeId) -> bool {
        self.nodes.get(&by).is_some_and(|standing| standing.unreachable.contains(&node))
    }

    /// Processes that hold a lease.
    pub fn alive(&self) -> Vec<(NodeId, Incarnation)> {
        let holders = self.nodes.iter().filter(|(_, standing)| standing.holds);
        holders.map(|(id, standing)| (*id, standing.incarnation)).collect()
    }

    /// The same for others to read. Nodes that never started are listed without a lease.
    pub fn reply(&self, state: &ClusterState) -> LeasesReply {
        let living = state.nodes.iter().filter(|(_, node)| node.state != NodeState::Gone);
        let nodes = living.map(|(id, _)| match self.nodes.get(id) {
            Some(standing) => NodeLease {
                node: *id,
                is_held: standing.may_hold,
                since_ms: standing.since_ms,
                is_stopping: standing.is_stopping,
            },
            None => NodeLease { node: *id, is_held: false, since_ms: 0, is_stopping: false },
        });
        LeasesReply { nodes: nodes.collect() }
    }
}
