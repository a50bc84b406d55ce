//! What an engine must offer.

use super::StoreError;

/// Largest encoded log entry. sled writes pages above a quarter of its segment into separate files that it never
/// syncs; with this bound and segments of 8 MiB no page gets there.
pub const ENTRY_BYTES_MAX: usize = 64 << 10;

/// One log entry: its index and its sealed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Log index.
    pub index: u64,
    /// Sealed bytes, opaque to the engine.
    pub bytes: Vec<u8>,
}

/// The few values beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// The last vote.
    Vote,
    /// The last committed log id that was noted; may lag behind.
    Committed,
    /// The last purged log id.
    Purged,
}

impl Meta {
    /// Its key on disk.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Vote => "vote",
            Self::Committed => "committed",
            Self::Purged => "purged",
        }
    }
}

/// A log and a few values on disk; all calls block. Writes are visible to reads at once, are kept in the order they
/// were made, and are durable when a later [`LogDisk::sync`] has returned.
pub trait LogDisk: Send + Sync + 'static {
    /// Adds records, atomically.
    fn append(&self, records: Vec<Record>) -> Result<(), StoreError>;
    /// Removes all records from `since` on, highest first or atomically, so that a crash leaves no hole.
    fn truncate(&self, since: u64) -> Result<(), StoreError>;
    /// Removes all records up to and including `upto`, lowest first or atomically.
    fn purge(&self, upto: u64) -> Result<(), StoreError>;
    /// Records of `from..to` in order, at most `entries_max`, stopping after the one that reaches `bytes_max`.
    fn read(&self, from: u64, to: u64, entries_max: usize, bytes_max: usize) -> Result<Vec<Record>, StoreError>;
    /// The record with the highest index.
    fn last(&self) -> Result<Option<Record>, StoreError>;
    /// Sets a value.
    fn put_meta(&self, meta: Meta, bytes: Vec<u8>) -> Result<(), StoreError>;
    /// Reads a value.
    fn meta(&self, meta: Meta) -> Result<Option<Vec<u8>>, StoreError>;
    /// Makes everything written before durable, against loss of power too. Called by one thread.
    fn sync(&self) -> Result<(), StoreError>;
}
