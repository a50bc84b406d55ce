//! What a node holds of a key, and the effects that change it.
//!
//! The version, generation and operation of an absent key are ghosts: a node forgets them, the checks need them.

use std::fmt;

use crate::{
    ids::{Generation, Key, OpId, Version},
    list::List,
};

/// Most effects that a scenario has in flight.
pub const EFFECTS_MAX: usize = 6;

/// Effects in the order of their places.
pub type Effects = List<Effect, EFFECTS_MAX>;

/// What a node holds of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Whether the key has a value.
    pub has_value: bool,
    /// Who wrote or removed it.
    pub op: OpId,
    /// Given by the primary that ordered the effect.
    pub version: Version,
    /// The generation in which the operation began (rule O1).
    pub generation: Generation,
}

/// The order of everything that a key can be seen as: of two states of the key the later has the higher rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// A clear outranks everything before it.
    pub generation: Generation,
    /// Within a generation the versions decide.
    pub version: Version,
}

/// What a reader sees of a key: whose value, or nothing; and, unseen, where that stands in the order of the key's
/// states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sight {
    /// Ghost: its place in the order.
    pub rank: Rank,
    /// Whose value. Zero: there is none.
    pub op: OpId,
}

impl Sight {
    /// Whether there is no value.
    pub fn is_empty(self) -> bool {
        self.op.is_none()
    }
}

impl Record {
    /// What a reader sees whose node is in that generation: records of older ones are invisible (rule O1).
    pub fn seen_in(self, generation: Generation) -> Sight {
        if self.generation < generation {
            return Sight { rank: Rank { generation, version: Version::default() }, op: OpId(0) };
        }
        let rank = Rank { generation: self.generation, version: self.version };
        let op = if self.has_value { self.op } else { OpId(0) };
        Sight { rank, op }
    }

    /// What the digest of a range takes from it: nothing of a key without a value.
    pub fn digested(self) -> Version {
        if self.has_value { self.version } else { Version::default() }
    }

    /// Takes a record out of a chunk, into a copy that wiped: a chunk brings values, and says nothing of keys without one.
    pub fn take_chunk(&mut self, chunk: Self) {
        if chunk.has_value || !self.has_value {
            *self = chunk;
        }
    }
}

/// What an effect does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Sets the whole record.
    #[default]
    Set,
    /// Removes the record.
    Remove,
    /// A command instead of an effect: every node removes what *it* has of all keys. Only a broken protocol streams it.
    RemoveAll,
}

/// What a write does to the range: a whole record, or a removal (rule S2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effect {
    /// On which key.
    pub key: Key,
    /// What it does there.
    pub change: Change,
    /// For which operation.
    pub op: OpId,
    /// Its place in the history and the record's version; stays when the effect is sent again (rule S3).
    pub version: Version,
    /// The generation in which the operation began.
    pub generation: Generation,
}

impl Effect {
    /// What readers see when it is committed.
    pub fn sight(self) -> Sight {
        let op = if self.change == Change::Set { self.op } else { OpId(0) };
        Sight { rank: Rank { generation: self.generation, version: self.version }, op }
    }

    /// Whether it changes the key.
    pub fn is_about(self, key: Key) -> bool {
        self.key == key || self.change == Change::RemoveAll
    }

    /// Changes the records.
    pub fn apply(self, records: &mut [Record]) {
        let left = |has_value| Record { has_value, op: self.op, version: self.version, generation: self.generation };
        match self.change {
            Change::Set => records[self.key.at()] = left(true),
            Change::Remove => records[self.key.at()] = left(false),
            Change::RemoveAll => {
                for record in records.iter_mut().filter(|record| record.has_value) {
                    *record = left(false);
                }
            }
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Set => write!(out, "set of key{} version {}", self.key, self.version),
            Change::Remove => write!(out, "removal of key{} version {}", self.key, self.version),
            Change::RemoveAll => write!(out, "command \"remove all\" version {}", self.version),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.has_value {
            false => out.write_str("nothing"),
            true => write!(out, "a value of version {}", self.version),
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_empty() {
            true => write!(out, "nothing ({})", self.rank),
            false => write!(out, "the value of op {} ({})", self.op, self.rank),
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.generation, self.version) {
            (Generation(0), version) if version == Version::default() => out.write_str("never written"),
            (Generation(0), version) => write!(out, "version {version}"),
            (generation, version) if version == Version::default() => {
                write!(out, "generation {generation}")
            }
            (generation, version) => write!(out, "version {version} of generation {generation}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, Place};

    fn record(has_value: bool, place: u8) -> Record {
        let version = Version { epoch: Epoch(1), place: Place(place) };
        Record { has_value, op: OpId(place), version, generation: Generation(0) }
    }

    #[test]
    fn a_chunk_brings_values_and_takes_none_away() {
        let cases = [
            (record(false, 0), record(true, 1), 1),
            (record(false, 1), record(false, 2), 2),
            (record(true, 1), record(false, 2), 1),
        ];
        for (mut held, chunk, winner) in cases {
            held.take_chunk(chunk);
            assert_eq!(held.version.place, Place(winner), "{chunk} came to a copy; it has {held}");
        }
    }

    #[test]
    fn a_record_of_an_older_generation_is_invisible() {
        let seen = record(true, 1).seen_in(Generation(1));
        assert!(seen.is_empty());
        assert_eq!(seen.rank.generation, Generation(1));
        assert!(!record(true, 1).seen_in(Generation(0)).is_empty());
    }
}
