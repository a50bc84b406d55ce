//! What the leader knows of one process.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{Incarnation, NodeId};

/// By node; its current process.
pub(super) type Accounts = BTreeMap<NodeId, Account>;

/// One process. Milliseconds of the leader's clock.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) incarnation: Incarnation,
    /// End of what this leader granted, by its own count; zero: it granted nothing.
    pub(super) granted_until_ms: u64,
    /// Until when a lease is to be reckoned with.
    pub(super) presumed_until_ms: u64,
    /// When the last request arrived that was granted.
    pub(super) renewed_ms: Option<u64>,
    pub(super) is_stopping: bool,
    /// Whom it says it cannot reach.
    pub(super) unreachable: BTreeSet<NodeId>,
    /// It is turned away until then.
    pub(super) refused_until_ms: u64,
}

impl Account {
    pub(super) const fn new(incarnation: Incarnation, presumed_until_ms: u64) -> Self {
        Self {
            incarnation,
            granted_until_ms: 0,
            presumed_until_ms,
            renewed_ms: None,
            is_stopping: false,
            unreachable: BTreeSet::new(),
            refused_until_ms: 0,
        }
    }

    /// It surely has a lease, by the leader's count.
    pub(super) const fn holds(&self, now_ms: u64) -> bool {
        now_ms < self.granted_until_ms
    }
}
