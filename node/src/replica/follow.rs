//! What a member of a range does at its primary's word.
//!
//! Messages come with the sender's epoch and the receiver's membership; the receiver acts by the sender's view before it looks
//! at them. So a lower epoch than the record's is a deposed primary's, and another membership is over.

use ringhold_model::{Epoch, Mid, NamespaceId, config::Backend, rules::Rule};
use serde::{Deserialize, Serialize};

use super::range::{Entry, Keyed, Output, Range, Role};

/// Versions are kept in 48 bits.
const SEQ_MAX: u64 = (1 << 48) - 1;

/// Why a member does not do as it was told. The sender goes on from what this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The message is for another epoch or membership than the receiver's.
    NotMine,
    /// Effects are missing in between: send on after this number.
    Gap {
        /// Number of the last effect applied.
        applied: u64,
    },
    /// Not now: what was there before is still being freed. Ask again soon.
    Busy,
    /// No room for the next effect or chunk: free some by effects of this range.
    NoRoom {
        /// Number of the last effect applied.
        applied: u64,
        /// Whose limit is reached: that of this space's own config; `None`: the node's.
        space: Option<(NamespaceId, Backend)>,
        /// Bytes that are short.
        bytes: u64,
        /// Items that are short.
        items: u64,
    },
    /// A chunk was read at another place of the history than where the receiver is.
    Misplaced,
    /// What came does not add up.
    Damaged,
}

/// What to do with an effect that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is in the table already.
    Known,
    /// Apply it to the table, then [`Range::push`] it.
    Apply,
    /// Only [`Range::push`] it: a chunk that is still to come holds its outcome.
    Keep,
}

/// A copy that is being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filling {
    /// The number at which its history begins.
    start: u64,
    /// Hashes below have been filled; `None`: all have.
    cursor: Option<u64>,
}

impl<E: Keyed> Range<E> {
    /// Checks that a message is from the primary of this epoch and for this membership.
    pub fn check_sender(&self, epoch: Epoch, mid: Mid) -> Result<(), Refusal> {
        let is_mine = self.me.is_some_and(|me| me.mid == mid);
        let is_fenced = epoch != self.epoch && Rule::Fencing.holds();
        if !is_mine || is_fenced || self.role == Role::Primary {
            return Err(Refusal::NotMine);
        }
        // A wipe frees whatever it finds: nothing may be stored before it has ended.
        if self.is_wiping() { Err(Refusal::Busy) } else { Ok(()) }
    }

    /// The primary begins to fill this copy: its history starts after number `start`, at the hash `first`. Says how far the
    /// copy is, which is `start` unless the same beginning came before.
    pub fn begin(&mut self, start: u64, first: u64) -> Result<u64, Refusal> {
        if self.role != Role::Pending {
            return Err(Refusal::NotMine);
        }
        // What no history ever reaches would only make the numbers overflow.
        if start > SEQ_MAX {
            return Err(Refusal::Damaged);
        }
        match self.filling {
            Some(filling) if filling.start == start => return Ok(self.applied),
            // A former beginning that was late.
            Some(filling) if filling.start > start => return Err(Refusal::NotMine),
            _ => {}
        }
        if self.records() > 0 || self.is_wiping() {
            self.start_over();
            return Err(Refusal::Busy);
        }
        self.start_over();
        self.applied = start;
        self.filling = Some(Filling { start, cursor: Some(first) });
        Ok(start)
    }

    /// What to do with effect `seq` about `hash`.
    pub fn place(&self, seq: u64, hash: u64) -> Result<Placed, Refusal> {
        let cursor = match (self.role, self.filling) {
            (Role::Pending, None) => return Err(Refusal::NotMine),
            (_, Some(filling)) => filling.cursor,
            (_, None) => None,
        };
        if seq <= self.applied {
            return Ok(Placed::Known);
        }
        if seq > self.applied + 1 {
            return Err(Refusal::Gap { applied: self.applied });
        }
        // A chunk ends between two hashes, so an effect is on one side of the cursor.
        Ok(if cursor.is_some_and(|cursor| hash >= cursor) { Placed::Keep } else { Placed::Apply })
    }

    /// Adds the next effect to the history; it is in the table, or a chunk will bring its outcome.
    ///
    /// # Panics
    /// In debug builds, when it is not the next.
    pub fn push(&mut self, entry: Entry<E>) {
        debug_assert_eq!(entry.version.seq, self.applied + 1, "effects are applied in order");
        self.applied = entry.version.seq;
        self.keep(entry);
    }

    /// The primary says that all effects up to `committed` are.
    pub fn learn_committed(&mut self, committed: u64, outputs: &mut Vec<Output>) {
        self.commit(committed, outputs);
    }

    /// Whether a chunk that begins at hash `from` and was read at effect `at` is to be applied. `false`: it came before.
    pub fn expects_chunk(&self, from: u64, at: u64) -> Result<bool, Refusal> {
        let Some(Filling { cursor, .. }) = self.filling else { return Err(Refusal::NotMine) };
        if cursor.is_none_or(|cursor| from < cursor) {
            return Ok(false);
        }
        if self.applied < at {
            return Err(Refusal::Gap { applied: self.applied });
        }
        if cursor == Some(from) && self.applied == at { Ok(true) } else { Err(Refusal::Misplaced) }
    }

    /// A chunk is in: hashes below `next` are filled; `None`: all are.
    pub fn chunk_applied(&mut self, next: Option<u64>) {
        if let Some(filling) = &mut self.filling {
            filling.cursor = next;
        }
    }

    /// Where the next chunk begins; `None`: there is none to come.
    pub fn fill_cursor(&self) -> Option<u64> {
        self.filling.and_then(|filling| filling.cursor)
    }

    /// A new primary takes over: the effects after number `applied` are what it lacks.
    ///
    /// What is not kept here any more is committed, so every in-sync member has it; one that lacks it is no such member.
    pub fn promise(&self, applied: u64) -> Result<impl Iterator<Item = &Entry<E>>, Refusal> {
        let is_in_sync = self.role == Role::Copy;
        let is_kept = applied >= self.applied || self.entry(applied + 1).is_some();
        if is_in_sync && is_kept { Ok(self.tail.range(self.place_after(applied)..)) } else { Err(Refusal::NotMine) }
    }

    /// Serves reads no longer in this epoch; goes on to acknowledge.
    pub fn retire(&mut self) {
        self.is_retired = true;
    }

    /// True for a copy that said that it serves no longer.
    pub fn is_retired(&self) -> bool {
        self.is_retired
    }
}
