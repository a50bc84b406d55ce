//! What Raft holds of the range, and the log of its changes. Entries are committed at once; every node applies them
//! late.

use std::fmt;

use crate::{
    ids::{Epoch, Generation, Index, Mid, NODES_MAX, NodeId, NodeSet},
    model::Model,
    mutation::Mutation,
};

/// Who holds the range, and the generation of its space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The term; goes up with every change of primary.
    pub epoch: Epoch,
    /// Who orders the effects; `None` while no copy is left.
    pub primary: Option<NodeId>,
    /// The copies that every acknowledged write has reached.
    pub in_sync: NodeSet,
    /// The copy that is being filled.
    pub pending: Option<NodeId>,
    /// Every node's latest membership.
    pub mids: [Mid; NODES_MAX],
    /// How often the space was cleared (rule O1).
    pub generation: Generation,
    /// A clear is under way: copies do not answer, only the primary does (rule O1).
    pub copies_silent: bool,
}

impl Range {
    /// Whether the node is in sync or pending.
    pub fn has_member(&self, node: NodeId) -> bool {
        self.in_sync.has(node) || self.pending == Some(node)
    }

    /// The node's latest membership.
    pub fn mid(&self, node: NodeId) -> Mid {
        self.mids[node.at()]
    }

    /// The next term, under that primary, with nobody pending (rule C2).
    pub fn begin_epoch(&mut self, primary: Option<NodeId>) {
        self.epoch = self.epoch.next();
        self.primary = primary;
        self.pending = None;
    }

    /// Takes the node off every list; where it was primary, another in-sync copy follows in a new epoch, one of those that
    /// live if there is any.
    #[must_use]
    pub fn without(mut self, node: NodeId, alive: NodeSet) -> Self {
        self.in_sync.remove(node);
        if self.pending == Some(node) {
            self.pending = None;
        }
        if self.primary == Some(node) {
            self.begin_epoch(self.in_sync.and(alive).lowest().or(self.in_sync.lowest()));
        }
        self
    }

    /// Whether both say the same to a node that is not the primary.
    pub fn says_the_same_to(&self, other: &Self, node: NodeId) -> bool {
        let cleared = (self.generation, self.copies_silent) != (other.generation, other.copies_silent);
        self.epoch == other.epoch && self.role_of(node) == other.role_of(node) && !cleared
    }

    /// What the range says about one node; an entry that changes it *touches* the node (rule L5).
    fn role_of(&self, node: NodeId) -> Role {
        Role {
            member: self.has_member(node).then(|| self.mid(node)),
            is_in_sync: self.in_sync.has(node),
            leads: (self.primary == Some(node)).then_some(self.epoch),
        }
    }
}

/// What a node is to the range: its membership, and the term in which it is the primary.
#[derive(PartialEq, Eq)]
struct Role {
    member: Option<Mid>,
    is_in_sync: bool,
    leads: Option<Epoch>,
}

impl Role {
    /// The role but for which membership and term it is in.
    fn in_words(&self) -> (bool, bool, bool) {
        (self.member.is_some(), self.is_in_sync, self.leads.is_some())
    }
}

/// The entries that some node has not applied yet, and the one before them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log {
    first: Index,
    entries: Vec<Range>,
}

impl Log {
    /// A log whose only entry every node has applied.
    pub fn starting_with(range: Range) -> Self {
        Self { first: Index(1), entries: vec![range] }
    }

    /// The newest committed state.
    pub fn last(&self) -> &Range {
        self.entries.last().expect("a log is never empty")
    }

    /// The index of the newest entry.
    pub fn last_index(&self) -> Index {
        Index(self.first.0 + u8::try_from(self.entries.len()).expect("a scenario has few entries") - 1)
    }

    /// The state after that entry, which some node has applied.
    pub fn at(&self, index: Index) -> &Range {
        &self.entries[usize::from(index.0 - self.first.0)]
    }

    /// Commits an entry.
    pub fn commit(&mut self, range: Range) -> Index {
        self.entries.push(range);
        self.last_index()
    }

    /// The index that the next entry will get.
    pub fn next_index(&self) -> Index {
        Index(self.last_index().0 + 1)
    }

    /// Forgets what every node has applied: it can decide nothing any more.
    pub fn forget_before(&mut self, index: Index) {
        self.entries.drain(..usize::from(index.0 - self.first.0));
        self.first = index;
    }

    /// The last entry that touches the node, as far as the log goes back; a step of a clear touches all.
    pub fn last_touching(&self, node: NodeId, model: &Model) -> Index {
        let touches = |before: &Range, after: &Range| {
            let cleared = (before.generation, before.copies_silent) != (after.generation, after.copies_silent);
            let (old, new) = (before.role_of(node), after.role_of(node));
            let changed = match model.breaks(Mutation::TouchedByRoleAlone) {
                false => old != new,
                true => old.in_words() != new.in_words(),
            };
            changed || (cleared && !model.breaks(Mutation::LeaseIgnoresBarrier))
        };
        let last = (1..self.entries.len()).rev().find(|&at| touches(&self.entries[at - 1], &self.entries[at]));
        Index(self.first.0 + u8::try_from(last.unwrap_or(0)).expect("a scenario has few entries"))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "epoch {}, primary ", self.epoch)?;
        match self.primary {
            Some(node) => write!(out, "node{node}")?,
            None => out.write_str("none")?,
        }
        out.write_str(", in sync")?;
        for node in self.in_sync.iter() {
            write!(out, " node{node}")?;
        }
        if let Some(node) = self.pending {
            write!(out, ", pending node{node}")?;
        }
        if self.generation != Generation(0) {
            write!(out, ", generation {}", self.generation)?;
        }
        if self.copies_silent {
            out.write_str(", copies silent")?;
        }
        Ok(())
    }
}
