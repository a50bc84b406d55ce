//! Reads and writes of single keys. A batch is the same message with more operations: one frame a node.

use serde::{Deserialize, Serialize};

use super::{fault::Fault, raw};
use crate::{
    config::{Backend, DataType, Strategy},
    ids::{Epoch, NamespaceId, RouterId, Version},
};

/// Operations for one node, in the client's order; items of one key are applied in that order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointRequest<'a> {
    /// `applied` of the state that the router planned with. A node behind it first catches up.
    pub view: u64,
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// The router worker's run: first half of the operation ids.
    pub router: RouterId,
    /// Its lowest operation id without an answer; ids below it are refused and their results forgotten.
    pub lowest_open: u64,
    /// True when any operation here may have been executed, here or by a former primary: one without a remembered result is
    /// done, or answers `Unknown` while the range may have forgotten results with all it held.
    pub retry: bool,
    /// True: in-sync copies may answer reads too, for keys whose last change they know to be acknowledged.
    pub any_copy: bool,
    /// The operations.
    #[serde(borrow)]
    pub ops: Vec<PointOp<'a>>,
}

/// One operation on one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointOp<'a> {
    /// Hash of (namespace, key); see `key::key_hash`.
    pub hash: u64,
    /// Epoch of the key's range in the router's view.
    pub epoch: Epoch,
    /// The key.
    pub key: &'a str,
    /// What to do.
    #[serde(borrow)]
    pub action: Action<'a>,
}

/// What to do with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action<'a> {
    /// Read; counts as an access.
    Get,
    /// Read without counting or touching recency; for listings.
    Peek,
    /// Write.
    Set {
        /// Second half of the operation id.
        n: u64,
        /// What to store.
        #[serde(borrow)]
        record: NewRecord<'a>,
    },
    /// Remove.
    Delete {
        /// Second half of the operation id.
        n: u64,
        /// All must hold, or nothing is done; at most [`CONDITIONS_MAX`].
        when: Vec<Condition>,
    },
    /// Add to a whole number. TTL, metadata, tags, data type and strategy of a record that is there stay.
    Increment {
        /// Second half of the operation id.
        n: u64,
        /// What to add.
        by: i64,
        /// What to add it to where no live record is.
        initial: i64,
        /// The record to make where none is, and the conditions; its value does not count.
        #[serde(borrow)]
        record: NewRecord<'a>,
    },
    /// Write, and answer the record that was there.
    Swap {
        /// Second half of the operation id.
        n: u64,
        /// What to store.
        #[serde(borrow)]
        record: NewRecord<'a>,
    },
    /// Give a record that is there a new time to live.
    Touch {
        /// Second half of the operation id.
        n: u64,
        /// How long it lives, from now on.
        ttl: Ttl,
        /// All must hold, or nothing is done; at most [`CONDITIONS_MAX`].
        when: Vec<Condition>,
    },
}

impl Action<'_> {
    /// Second half of the operation id; reads have none.
    pub fn n_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::Get | Self::Peek => None,
            Self::Set { n, .. }
            | Self::Delete { n, .. }
            | Self::Increment { n, .. }
            | Self::Swap { n, .. }
            | Self::Touch { n, .. } => Some(n),
        }
    }

    /// True when it changes nothing but counts of accesses.
    pub const fn is_read(&self) -> bool {
        matches!(self, Self::Get | Self::Peek)
    }
}

/// Most conditions of one operation: two in headers, two in a body.
pub const CONDITIONS_MAX: usize = 4;

/// What must be true of the live record under a key for a write to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// There is one, and its version is one of these.
    OneOf(Vec<Version>),
    /// There is none, or its version is none of these.
    NoneOf(Vec<Version>),
}

impl Condition {
    /// Whether it holds where a record of this version is; `None`: no live record.
    pub fn holds(&self, version: Option<Version>) -> bool {
        match self {
            Self::Absent => version.is_none(),
            Self::Present => version.is_some(),
            Self::OneOf(versions) => version.is_some_and(|version| versions.contains(&version)),
            Self::NoneOf(versions) => version.is_none_or(|version| !versions.contains(&version)),
        }
    }

    /// Place of the first of `conditions` that does not hold.
    pub fn first_unmet(conditions: &[Self], version: Option<Version>) -> Option<u8> {
        conditions.iter().position(|condition| !condition.holds(version)).map(|at| at as u8)
    }
}

/// Why a write was not done, though everything works. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conflict {
    /// A condition does not hold.
    Unmet {
        /// The first such, by its place in the list.
        at: u8,
        /// Version of the record that is there; `None`: there is none.
        version: Option<Version>,
    },
    /// The value to be incremented is no whole number within 64 bits.
    NotInteger {
        /// Version of the record.
        version: Version,
    },
    /// The sum does not fit into 64 bits.
    Overflow {
        /// Version of the record that is there; `None`: there is none.
        version: Option<Version>,
    },
}

/// How long a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ttl {
    /// As the config says.
    Default,
    /// Until it is removed or evicted.
    Never,
    /// This many milliseconds from now on.
    Millis(u64),
}

/// A record to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecord<'a> {
    /// The value: JSON text without insignificant whitespace. Nodes look inside only to increment.
    #[serde(serialize_with = "raw::bytes")]
    pub value: &'a [u8],
    /// The metadata: the text of a JSON object; `None`: null.
    #[serde(serialize_with = "raw::optional_bytes")]
    pub metadata: Option<&'a [u8]>,
    /// The tags in the metadata, at most `key::TAGS_MAX`, distinct.
    #[serde(borrow)]
    pub tags: Vec<&'a str>,
    /// What the value is.
    pub data_type: DataType,
    /// The item's own strategy; `None`: the config's.
    pub strategy: Option<Strategy>,
    /// How long it lives.
    pub ttl: Ttl,
    /// What an import brings along; `None`: a new item.
    pub history: Option<History>,
    /// All must hold, or nothing is stored; at most [`CONDITIONS_MAX`].
    pub when: Vec<Condition>,
}

/// The past of an imported item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Wall clock, milliseconds since 1970.
    pub created_at_ms: u64,
    /// Wall clock, milliseconds since 1970.
    pub accessed_at_ms: u64,
    /// Reads that hit.
    pub access_count: u64,
}

/// Answers in the order of the operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointReply<'a> {
    /// `applied` of the node's state.
    pub view: u64,
    /// One result an operation.
    #[serde(borrow)]
    pub results: Vec<PointResult<'a>>,
}

/// What became of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointResult<'a> {
    /// The record.
    #[serde(borrow)]
    Hit(ItemRef<'a>),
    /// No live record.
    Miss,
    /// Stored by every in-sync copy.
    Stored {
        /// The record's version.
        version: Version,
        /// Milliseconds it will live; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
        /// How many copies hold it.
        copies: u8,
    },
    /// Not done: the record that is there does not allow it.
    Conflict(Conflict),
    /// Removed, or there was nothing.
    Deleted {
        /// True when a live record was removed.
        found: bool,
    },
    /// Incremented in every in-sync copy.
    Counted {
        /// The sum.
        value: i64,
        /// The record's version.
        version: Version,
        /// Milliseconds that remain; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// How many copies hold it.
        copies: u8,
    },
    /// Stored by every in-sync copy; answers a swap.
    Swapped {
        /// The record's version.
        version: Version,
        /// Milliseconds it will live; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
        /// How many copies hold it.
        copies: u8,
        /// The record that was there. Boxed, so that the results of reads stay small.
        #[serde(borrow)]
        previous: Option<Box<ItemRef<'a>>>,
    },
    /// Given a new time to live in every in-sync copy.
    Touched {
        /// The record's version.
        version: Version,
        /// Milliseconds it will live; `None`: it does not expire.
        ttl_ms: Option<u64>,
    },
    /// Not done.
    Failed(Fault),
}

/// A record as it is read. Borrows from the frame or from the engine's block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRef<'a> {
    /// JSON text. Empty in listings that did not ask for it.
    #[serde(serialize_with = "raw::bytes")]
    pub value: &'a [u8],
    /// Length of the value in bytes, also when `value` was left out.
    pub size: u64,
    /// Text of a JSON object; `None`: null.
    #[serde(serialize_with = "raw::optional_bytes")]
    pub metadata: Option<&'a [u8]>,
    /// What the value is.
    pub data_type: DataType,
    /// The strategy that governs it.
    pub strategy: Strategy,
    /// Milliseconds that remain, counted when the answer was made; `None`: it does not expire.
    pub ttl_ms: Option<u64>,
    /// Wall clock, milliseconds since 1970.
    pub created_at_ms: u64,
    /// Wall clock of the last read that hit (this one included), else of the write.
    pub accessed_at_ms: u64,
    /// Reads that hit, this one included.
    pub access_count: u64,
    /// Its version.
    pub version: Version,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{decode, encode};

    #[test]
    fn byte_strings_are_written_as_serde_reads_them() {
        for metadata in [None, Some(&b"{\"a\":1}"[..])] {
            let record = NewRecord {
                value: b"\"value\"",
                metadata,
                tags: vec!["t"],
                data_type: DataType::String,
                strategy: None,
                ttl: Ttl::Millis(5),
                history: None,
                when: vec![Condition::Absent, Condition::OneOf(vec![Version::default()])],
            };
            let bytes = encode(&record).unwrap();
            assert_eq!(decode::<NewRecord<'_>>(&bytes).unwrap(), record);
        }
    }

    #[test]
    fn conditions_hold_or_the_first_that_does_not_is_named() {
        let version = |seq| Version { epoch: Epoch(1), seq };
        let (one, other) = (Condition::OneOf(vec![version(1), version(2)]), Condition::NoneOf(vec![version(1)]));
        for (condition, none, first, third) in [
            (Condition::Absent, true, false, false),
            (Condition::Present, false, true, true),
            (one.clone(), false, true, false),
            (other.clone(), true, false, true),
            (Condition::OneOf(Vec::new()), false, false, false),
            (Condition::NoneOf(Vec::new()), true, true, true),
        ] {
            let held = [None, Some(version(1)), Some(version(3))].map(|there| condition.holds(there));
            assert_eq!(held, [none, first, third], "{condition:?}");
        }
        let all = [Condition::Present, one, other];
        assert_eq!(Condition::first_unmet(&all, Some(version(2))), None);
        assert_eq!(Condition::first_unmet(&all, Some(version(1))), Some(2));
        assert_eq!(Condition::first_unmet(&all, None), Some(0));
    }
}
