//! What became of an operation, as the router sees it.

use bytes::Bytes;
use ringhold_model::{
    Version,
    config::{DataType, Strategy},
    wire::{Conflict, Fault, ItemRef, PointResult},
};

/// A record that owns its bytes by sharing the frame they came in.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    value: Bytes,
    metadata: Option<Bytes>,
    size: u64,
    data_type: DataType,
    strategy: Strategy,
    ttl_ms: Option<u64>,
    created_at_ms: u64,
    accessed_at_ms: u64,
    access_count: u64,
    version: Version,
}

impl Item {
    /// Shares `frame`, of which `item` is a part.
    pub(super) fn from_frame(item: &ItemRef<'_>, frame: &Bytes) -> Self {
        Self {
            value: frame.slice_ref(item.value),
            metadata: item.metadata.map(|text| frame.slice_ref(text)),
            size: item.size,
            data_type: item.data_type,
            strategy: item.strategy,
            ttl_ms: item.ttl_ms,
            created_at_ms: item.created_at_ms,
            accessed_at_ms: item.accessed_at_ms,
            access_count: item.access_count,
            version: item.version,
        }
    }

    /// The record, borrowed.
    pub(crate) fn borrow(&self) -> ItemRef<'_> {
        ItemRef {
            value: &self.value,
            size: self.size,
            metadata: self.metadata.as_deref(),
            data_type: self.data_type,
            strategy: self.strategy,
            ttl_ms: self.ttl_ms,
            created_at_ms: self.created_at_ms,
            accessed_at_ms: self.accessed_at_ms,
            access_count: self.access_count,
            version: self.version,
        }
    }
}

/// What became of one operation.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The record.
    Hit(Item),
    /// No live record.
    Miss,
    /// Stored.
    Stored {
        /// The record's version.
        version: Version,
        /// Milliseconds it lives; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
        /// Copies that hold it.
        copies: u8,
    },
    /// Not done: the record that is there does not allow it.
    Conflict(Conflict),
    /// Removed, or there was nothing.
    Deleted {
        /// True when a live record was removed.
        found: bool,
    },
    /// Incremented.
    Counted {
        /// The sum.
        value: i64,
        /// The record's version.
        version: Version,
        /// Milliseconds that remain; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// Copies that hold it.
        copies: u8,
    },
    /// Stored in place of another record, or of none.
    Swapped {
        /// The record's version.
        version: Version,
        /// Milliseconds it lives; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
        /// Copies that hold it.
        copies: u8,
        /// The record that was there.
        previous: Option<Box<Item>>,
    },
    /// Given a new time to live.
    Touched {
        /// The record's version.
        version: Version,
        /// Milliseconds it lives; `None`: it does not expire.
        ttl_ms: Option<u64>,
    },
    /// Not done, or nobody knows.
    Failed(Failure),
}

impl Outcome {
    /// Takes over a node's result; `frame` is the buffer it was read from.
    pub(crate) fn from_wire(result: PointResult<'_>, frame: &Bytes) -> Self {
        match result {
            PointResult::Hit(item) => Self::Hit(Item::from_frame(&item, frame)),
            PointResult::Miss => Self::Miss,
            PointResult::Stored { version, ttl_ms, strategy, copies } => {
                Self::Stored { version, ttl_ms, strategy, copies }
            }
            PointResult::Conflict(conflict) => Self::Conflict(conflict),
            PointResult::Deleted { found } => Self::Deleted { found },
            PointResult::Counted { value, version, ttl_ms, copies } => Self::Counted { value, version, ttl_ms, copies },
            PointResult::Swapped { version, ttl_ms, strategy, copies, previous } => {
                let previous = previous.map(|item| Box::new(Item::from_frame(&item, frame)));
                Self::Swapped { version, ttl_ms, strategy, copies, previous }
            }
            PointResult::Touched { version, ttl_ms } => Self::Touched { version, ttl_ms },
            PointResult::Failed(fault) => Self::Failed(Failure::from_fault(fault)),
        }
    }
}

/// Whether a failed write was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Surely not.
    No,
    /// It may have been.
    Unknown,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The owner of the key's range cannot be reached, or the range has none.
    Unavailable,
    /// The owner does not serve because it has no lease: it, or the cluster, lacks a majority.
    NoLease,
    /// The deadline passed.
    DeadlinePassed,
    /// The owner works at its bound.
    Overloaded,
    /// There is no leader with a majority.
    NoLeader,
    /// The router has not heard of the cluster yet.
    NoView,
    /// The node refused for a reason that another attempt does not change.
    Refused(Fault),
}

/// A failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Why.
    pub(crate) reason: Reason,
    /// Whether a write was applied all the same; reads do not care.
    pub(crate) applied: Applied,
}

impl Failure {
    /// A failure before anything was done.
    pub(crate) fn not_applied(reason: Reason) -> Self {
        Self { reason, applied: Applied::No }
    }

    /// A failure after which nobody knows.
    pub(crate) fn unknown(reason: Reason) -> Self {
        Self { reason, applied: Applied::Unknown }
    }

    /// What a node's fault means for the caller.
    pub(crate) fn from_fault(fault: Fault) -> Self {
        match fault {
            Fault::Unknown => Self::unknown(Reason::Unavailable),
            Fault::DeadlinePassed => Self::unknown(Reason::DeadlinePassed),
            Fault::NoLeader => Self::unknown(Reason::NoLeader),
            Fault::Overloaded => Self::not_applied(Reason::Overloaded),
            Fault::NoLease => Self::not_applied(Reason::NoLease),
            Fault::WrongEpoch { .. }
            | Fault::NotPrimary { .. }
            | Fault::Busy
            | Fault::NotCommitted
            | Fault::ShuttingDown => Self::not_applied(Reason::Unavailable),
            Fault::NotFormed => Self::not_applied(Reason::NoView),
            Fault::BackendSilent { .. } => Self::unknown(Reason::Refused(fault)),
            other => Self::not_applied(Reason::Refused(other)),
        }
    }
}
