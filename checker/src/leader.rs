//! What the Raft leader knows beyond the log: the removal that it proposed, and the leases (rules L2, L3, L4, L6).

use crate::ids::{Epoch, Mid, NODES_MAX, NodeId, NodeSet};

/// The leader, whoever it is, and the one entry of its log that may not be committed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Leader {
    /// An entry that takes roles, which was proposed and is not committed.
    pub proposed: Option<Entry>,
    /// Whose renewals it refuses, because it proposed to take their roles (rule L4).
    pub refuses: NodeSet,
    /// It applied every entry that its log held when it began to lead; until then it grants and proposes nothing (rule
    /// L3).
    pub caught_up: CaughtUp,
    /// Only where rule L6 is broken: it knows of no lease that an earlier leader granted.
    pub forgot_leases: bool,
    /// Only where rule L2 is broken: members by the view of a deposed leader, which goes on granting.
    pub deposed_grants: NodeSet,
}

/// An entry that takes roles from nodes whose leases ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A node leaves the lists where somebody else lives (rule L7).
    Down {
        /// Whose process.
        node: NodeId,
        /// The nodes whose processes held a lease when it was proposed.
        alive: NodeSet,
        /// Those of them where another process has started since: they do not count.
        restarted: NodeSet,
        /// Only where rule L7 is broken: whether another in-sync member was among them by then.
        was_allowed: bool,
    },
    /// A range none of whose members lives begins again, empty (rule C6).
    Reset {
        /// Where.
        to: NodeId,
        /// In which epoch that was decided; in another one the entry is void.
        epoch: Epoch,
        /// The in-sync memberships that were found without a lease; with another one in sync the entry is void.
        members: [Mid; NODES_MAX],
    },
    /// It will change nothing: what it is about is no more.
    Void,
}

/// Whether a leader may grant and propose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CaughtUp {
    /// It may.
    #[default]
    Yes,
    /// Its log holds an entry from before that it has not applied.
    NotYet,
}

impl Leader {
    /// Whether it would renew the node's lease.
    pub fn may_grant(&self, node: NodeId) -> bool {
        self.caught_up == CaughtUp::Yes && !self.refuses.has(node)
    }

    /// Whether it may propose to take roles. One entry at a time is enough for the model.
    pub fn may_propose(&self) -> bool {
        self.caught_up == CaughtUp::Yes && self.proposed.is_none()
    }

    /// Another process of the node started; what was said of the one before does not hold for it.
    pub fn node_started(&mut self, started: NodeId) {
        match &mut self.proposed {
            Some(Entry::Down { node, .. }) if *node == started => self.proposed = Some(Entry::Void),
            Some(Entry::Down { alive, restarted, .. }) if alive.has(started) => restarted.insert(started),
            _ => {}
        }
        self.refuses.remove(started);
    }

    /// The entry is applied, or gone with the log that held it.
    pub fn settle(&mut self) {
        self.proposed = None;
        self.refuses = NodeSet::default();
        self.caught_up = CaughtUp::Yes;
    }
}
