//! What an operation comes to, before it is written into a reply.

use ringhold_model::{
    Version,
    config::{DataType, Strategy},
    wire::{Conflict, Fault, ItemRef, PointResult},
};

use super::{Commit, Now, block::Block, effect::Record, slab::Slot, space::SpaceInfo, stub::Stub};

/// What became of a frame of operations.
#[derive(Debug)]
pub struct Executed {
    /// One an operation.
    pub outcomes: Vec<Outcome>,
    /// To be waited for before any of them is told, and to be [settled](super::CommitOutcome::settle) with them; `None`: they
    /// may be told at once.
    pub commit: Option<Commit>,
}

/// What became of one operation. Holds the record's bytes by reference; [`Outcome::result`] borrows from it.
#[derive(Debug)]
pub enum Outcome {
    /// The record.
    Hit(Item),
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
    /// Stored by every in-sync copy.
    Swapped {
        /// The record's version.
        version: Version,
        /// Milliseconds it will live; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
        /// How many copies hold it.
        copies: u8,
        /// The record that was there.
        previous: Option<Box<Item>>,
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

/// A record as it was at one moment; cheap to make, its bytes are shared with the engine.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its bytes.
    pub block: Block,
    /// Hash of (namespace, key).
    pub hash: u64,
    /// The strategy that governs it.
    pub strategy: Strategy,
    /// Milliseconds that remain; `None`: it does not expire.
    pub ttl_ms: Option<u64>,
    /// Wall clock of the last access.
    pub accessed_at_ms: u64,
    /// Reads that hit.
    pub access_count: u64,
}

impl Item {
    pub(super) fn of(slot: &Slot, info: &SpaceInfo, now: Now) -> Self {
        let block = slot.bytes().clone();
        Self {
            hash: slot.hash,
            strategy: info.strategy(block.strategy()),
            ttl_ms: slot.ttl_ms(now.mono_ms),
            accessed_at_ms: slot.accessed_at_ms(),
            access_count: u64::from(slot.access_count),
            block,
        }
    }

    /// The same of a record that is in the table no more, or not yet.
    pub(super) fn from_record(record: &Record, hash: u64, info: &SpaceInfo, now: Now) -> Self {
        let block = record.block.clone();
        Self {
            hash,
            strategy: info.strategy(block.strategy()),
            ttl_ms: (record.deadline_ms != 0).then(|| record.deadline_ms.saturating_sub(now.mono_ms)),
            accessed_at_ms: record.accessed_at_ms,
            access_count: u64::from(record.access_count),
            block,
        }
    }

    /// The record as it goes over the wire, borrowing its bytes.
    pub fn full(&self) -> ItemRef<'_> {
        // A stub is for the node alone; who needs the value has put it in its place.
        let value = self.block.value();
        let value = if Stub::read(value).is_some() { &[] } else { value };
        ItemRef { value, metadata: self.block.metadata(), ..self.info() }
    }

    /// The same without value and metadata.
    pub fn info(&self) -> ItemRef<'_> {
        ItemRef {
            value: &[],
            size: Stub::read(self.block.value()).map_or(self.block.value().len() as u64, |stub| stub.size),
            metadata: None,
            data_type: self.block.data_type(),
            strategy: self.strategy,
            ttl_ms: self.ttl_ms,
            created_at_ms: self.block.created_at_ms(),
            accessed_at_ms: self.accessed_at_ms,
            access_count: self.access_count,
            version: self.block.version(),
        }
    }

    /// Bytes of the value that a backend outside keeps.
    pub(super) fn outside_bytes(&self) -> u64 {
        Stub::read(self.block.value()).map_or(0, |stub| stub.size)
    }

    /// What the value is.
    pub fn data_type(&self) -> DataType {
        self.block.data_type()
    }
}

impl Outcome {
    /// Notes how many copies hold what was stored.
    pub(super) fn set_copies(&mut self, held: u8) {
        match self {
            Self::Stored { copies, .. } | Self::Counted { copies, .. } | Self::Swapped { copies, .. } => *copies = held,
            _ => {}
        }
    }

    /// The result as it goes over the wire, borrowing the bytes.
    pub fn result(&self) -> PointResult<'_> {
        match self {
            Self::Hit(item) => PointResult::Hit(item.full()),
            Self::Miss => PointResult::Miss,
            &Self::Stored { version, ttl_ms, strategy, copies } => {
                PointResult::Stored { version, ttl_ms, strategy, copies }
            }
            &Self::Conflict(conflict) => PointResult::Conflict(conflict),
            &Self::Deleted { found } => PointResult::Deleted { found },
            &Self::Counted { value, version, ttl_ms, copies } => {
                PointResult::Counted { value, version, ttl_ms, copies }
            }
            &Self::Swapped { version, ttl_ms, strategy, copies, ref previous } => {
                let previous = previous.as_deref().map(|item| Box::new(item.full()));
                PointResult::Swapped { version, ttl_ms, strategy, copies, previous }
            }
            &Self::Touched { version, ttl_ms } => PointResult::Touched { version, ttl_ms },
            Self::Failed(fault) => PointResult::Failed(fault.clone()),
        }
    }
}
