//! A node: what it holds of the range, which membership it acknowledges for, who waits there, and its lease.

use crate::{
    ids::{Epoch, Index, KEYS_MAX, Key, Mid, OpId, OpSet, Place},
    list::List,
    primary::{Primary, Sweep},
    record::{Effect, Effects, Rank, Record, Sight},
};

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Between a crash and the commit of the new incarnation's start it takes part in nothing.
    pub up: bool,
    /// Whether its lease runs, by its own clock (rule L1).
    pub lease: bool,
    /// How far it applied the Raft log.
    pub applied: Index,
    /// The membership that its memory is of (rule S1). Zero: none, and it holds nothing.
    pub mid: Mid,
    /// The place of the last effect in its history.
    pub last: Place,
    /// All effects up to this place are committed, as far as it knows, or came before its history began.
    pub committed: Place,
    /// Its history from there on (rule C2).
    pub tail: Effects,
    /// What it holds.
    pub records: [Record; KEYS_MAX],
    /// The operations whose effects it knows of (rule S4).
    pub operations: OpSet,
    /// Clients whose answer waits for a commit.
    pub waiters: Waiters,
    /// The invalidation that it expands or waits for.
    pub sweep: Option<Sweep>,
    /// How far it is filled (rule C1).
    pub filling: Filling,
    /// The epoch in which it agreed to serve no longer (rule C3). Zero: none.
    pub retired_in: Epoch,
    /// Its role as primary.
    pub primary: Primary,
    /// Only where rule L8 is broken: role and lease were found good for a read that now waits; what it must see.
    pub permit: Option<Sight>,
}

/// Clients that wait at a node.
pub type Waiters = List<Waiter, 5>;

/// A client whose answer waits until everything that it rests on is committed. It goes on waiting when the node is
/// primary no more but stays a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Waiter {
    /// All up to here must be committed.
    pub place: Place,
    /// Which key it asked about.
    pub key: Key,
    /// Which operation it waits for.
    pub op: OpId,
    /// What the answer says: what the effect left, or what it was refused for.
    pub sight: Sight,
    /// Whether it was done.
    pub outcome: Outcome,
    /// What the answer says was there before; `None` where another try of the client learned it.
    pub replaced: Option<Sight>,
    /// Ghost: what was acknowledged or read before the operation began.
    pub floor: Rank,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The operation had its effect.
    #[default]
    Done,
    /// The record that was there did not allow it.
    Refused,
}

/// How far a copy is filled (rule C1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filling {
    /// It is no pending copy.
    #[default]
    No,
    /// It wiped, and waits for the place where its history begins.
    Empty,
    /// Its history began there, and chunks have filled that many keys.
    Keys(Place, u8),
}

impl Filling {
    /// Whether no chunk has come so far: the chunk that is to come holds the outcome of all effects before it.
    pub fn is_before(self, key: Key) -> bool {
        matches!(self, Self::Keys(_, filled) if filled <= key.0)
    }
}

impl Node {
    /// A node that holds nothing and has no role.
    pub fn empty(applied: Index) -> Self {
        Self {
            up: true,
            lease: false,
            applied,
            mid: Mid(0),
            last: Place(0),
            committed: Place(0),
            tail: Effects::default(),
            records: [Record::default(); KEYS_MAX],
            operations: OpSet::default(),
            waiters: Waiters::default(),
            sweep: None,
            filling: Filling::No,
            retired_in: Epoch(0),
            primary: Primary::default(),
            permit: None,
        }
    }

    /// Adds the next effect to its history. A skipped one does not change the table.
    pub fn append(&mut self, effect: Effect, is_skipped: bool) {
        self.last = effect.version.place;
        self.tail.push(effect);
        if !is_skipped {
            effect.apply(&mut self.records);
        }
    }

    /// Forgets of its tail what is committed.
    pub fn trim(&mut self, committed: Place) {
        self.committed = committed;
        self.tail.keep(|effect| effect.version.place > committed);
    }

    /// The last effect on the key that it does not know to be committed.
    pub fn last_uncommitted(&self, key: Key) -> Option<Effect> {
        self.tail.iter().rev().find(|effect| effect.is_about(key)).copied()
    }

    /// Drops what it holds, how far it was, and who waits for what is lost with that.
    pub fn wipe(&mut self) {
        self.start_history(Place(0));
        self.records = [Record::default(); KEYS_MAX];
        self.operations = OpSet::default();
        self.waiters = Waiters::default();
        self.sweep = None;
    }

    /// Its history begins after that place.
    pub fn start_history(&mut self, start: Place) {
        (self.last, self.committed) = (start, start);
        self.tail = Effects::default();
    }
}
