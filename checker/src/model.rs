//! What is explored: a scenario, and the rule that is broken in it, if any.

use crate::{
    ids::{Key, KeySet, NodeId, NodeSet, OpId},
    message::Wish,
    mutation::Mutation,
};

/// How often each thing may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Sets and deletes of clients.
    pub operations: u8,
    /// Invalidations of all keys.
    pub invalidations: u8,
    /// Clears of the space.
    pub clears: u8,
    /// Crashes with loss of memory.
    pub crashes: u8,
    /// Leases that end; renewals are free.
    pub lease_ends: u8,
    /// Removals that the leader proposes for a lease's end.
    pub removals: u8,
    /// Messages that are delivered twice.
    pub duplicates: u8,
    /// Operations that come to their primary late.
    pub late: u8,
    /// Times that a router sends an operation again.
    pub retries: u8,
    /// Times that a copy is filled anew in the same membership.
    pub refills: u8,
    /// Copies added.
    pub joins: u8,
    /// Copies that retire, asked by the primary or because they stop.
    pub retirements: u8,
    /// Handovers of the primary.
    pub handovers: u8,
    /// Changes of the Raft leader, and restarts of it in its term.
    pub leader_changes: u8,
    /// Ranges without a living copy that begin empty.
    pub resets: u8,
    /// Pending copies that are given up.
    pub cancels: u8,
}

/// A start and what may happen from there, in any order.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What is tried, in a few words.
    pub name: &'static str,
    /// How many nodes there are.
    pub nodes: u8,
    /// How many of them are in sync at the start.
    pub copies: u8,
    /// How many keys there are.
    pub keys: u8,
    /// What may happen.
    pub budget: Budget,
    /// What clients ask for.
    pub wishes: [Wish; 2],
    /// Whether it is too large for a test.
    pub size: Size,
}

/// How many states there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A test can visit them.
    Moderate,
    /// Minutes.
    Large,
}

impl Scenario {
    /// Whether it is too large for a test.
    pub fn is_large(&self) -> bool {
        self.size == Size::Large
    }
}

/// The protocol that is explored, and how.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    nodes: NodeSet,
    keys: KeySet,
    operations: u8,
    wishes: [Wish; 2],
    sends_again: bool,
    broken: Option<Mutation>,
    search: Search,
}

/// How much of what makes no difference is explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// Dead messages and forgotten entries are dropped, and everyone reads all the time.
    #[default]
    Reduced,
    /// Nothing is left out; only to check that reducing changes no verdict.
    Plain,
}

impl Model {
    /// The protocol with all its rules, or with one broken.
    pub fn new(scenario: &Scenario, broken: Option<Mutation>, search: Search) -> Self {
        Self {
            nodes: NodeSet::first(scenario.nodes),
            keys: KeySet::first(scenario.keys),
            operations: scenario.budget.operations,
            wishes: scenario.wishes,
            sends_again: scenario.budget.retries > 0,
            broken,
            search,
        }
    }

    /// Whether that is what the protocol does wrong.
    pub fn breaks(&self, mutation: Mutation) -> bool {
        self.broken == Some(mutation)
    }

    /// Whether the protocol is not as it should be.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// The next operation, when that many are left.
    pub fn operation(&self, left: u8) -> OpId {
        OpId(self.operations - left + 1)
    }

    /// What clients ask for.
    pub fn wishes(&self) -> [Wish; 2] {
        self.wishes
    }

    /// Whether routers send again what was not answered.
    pub fn sends_again(&self) -> bool {
        self.sends_again
    }

    /// Whether what makes no difference is left out.
    pub fn reduces(&self) -> bool {
        self.search == Search::Reduced
    }

    /// The scenario's nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.nodes.iter()
    }

    /// The scenario's keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> + use<> {
        self.keys.iter()
    }

    /// The scenario's keys as a set.
    pub fn key_set(&self) -> KeySet {
        self.keys
    }
}
