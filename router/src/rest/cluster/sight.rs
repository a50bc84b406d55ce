//! What is known of each node besides the replicated state: its own answers, and the leader's word on its lease.

use std::collections::BTreeMap;

use ringhold_model::{
    NodeId,
    wire::{NodeLease, NodeStats, ProgressReply},
};

/// Records and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many records.
    pub keys: u64,
    /// Bytes charged to them.
    pub bytes: u64,
}

impl Amount {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { keys: self.keys.saturating_add(other.keys), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// What a node holds as primary, and since when it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Ranges whose primary it is.
    pub ranges: u32,
    /// What is in them.
    pub amount: Amount,
    /// Milliseconds since its process began.
    pub uptime_ms: u64,
}

impl From<&NodeStats> for Holdings {
    fn from(stats: &NodeStats) -> Self {
        let of_space = |space: &ringhold_model::wire::SpaceStats| Amount { keys: space.items, bytes: space.bytes };
        let amount = stats.spaces.iter().map(of_space).fold(Amount::default(), Amount::plus);
        Self { ranges: stats.primary_ranges, amount, uptime_ms: stats.uptime_ms }
    }
}

/// What one node answered, and what the leader says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// `None`: it did not answer.
    pub holdings: Option<Holdings>,
    /// `None`: it did not answer.
    pub progress: Option<ProgressReply>,
    /// `None`: the leader did not answer, or does not know the node yet.
    pub lease: Option<NodeLease>,
}

/// All nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sights {
    /// By node.
    pub nodes: BTreeMap<NodeId, Sight>,
    /// Whether the leader said who holds a lease.
    pub has_leader_answered: bool,
}

impl Sights {
    /// Whether a node answered just now.
    pub fn has_answered(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|sight| sight.holdings.is_some() || sight.progress.is_some())
    }

    /// Whether a node holds a lease, by the leader's count; `None`: the leader did not answer.
    pub fn holds_lease(&self, node: NodeId) -> Option<bool> {
        self.has_leader_answered.then(|| self.lease(node).is_some_and(|lease| lease.is_held))
    }

    /// Whether a node serves and will go on: it holds a lease and is not about to stop. Without the leader's word: whether
    /// it answered.
    pub fn stays(&self, node: NodeId) -> bool {
        let serves = self.holds_lease(node).unwrap_or_else(|| self.has_answered(node));
        serves && !self.is_stopping(node)
    }

    /// Whether a node said that it is about to stop.
    pub fn is_stopping(&self, node: NodeId) -> bool {
        self.lease(node).is_some_and(|lease| lease.is_stopping)
    }

    /// About what one range of this primary holds; nothing when it did not answer.
    pub fn amount_per_range(&self, primary: NodeId) -> Amount {
        let holdings = self.nodes.get(&primary).and_then(|sight| sight.holdings).unwrap_or_default();
        let ranges = u64::from(holdings.ranges.max(1));
        Amount { keys: holdings.amount.keys / ranges, bytes: holdings.amount.bytes / ranges }
    }

    fn lease(&self, node: NodeId) -> Option<&NodeLease> {
        self.nodes.get(&node).and_then(|sight| sight.lease.as_ref())
    }
}
