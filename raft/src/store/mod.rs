//! The Raft log, vote and committed index on disk.
//!
//! [`LogDisk`] is the small blocking trait that an engine implements; [`LogStore`] is the one openraft adaptor over it.
//!
//! ```text
//! openraft → LogStore ── write ──→ LogDisk (sled | redb)      written and readable, not yet durable
//!               └─── waiter ──→ SyncThread ── LogDisk::sync ──→ acknowledged
//! ```
//!
//! Invariants: nothing is acknowledged before [`LogDisk::sync`] returned after it was written; a failed sync poisons the
//! store for good, because after one the kernel may have dropped the dirty pages; a log with a hole or a damaged record
//! is refused at start and never repaired or wiped by the program.

mod disk;
mod error;
mod log;
mod redb;
mod sled;
mod sync;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

pub use disk::{ENTRY_BYTES_MAX, LogDisk, Meta, Record};
pub use error::StoreError;
pub(crate) use log::{LogStore, READ_ENTRIES_MAX};
pub use redb::RedbDisk;
pub use sled::SledDisk;
pub(crate) use sync::OnFatal;

/// Which engine keeps the Raft log; see `docs/adr/0001-raft-log-store.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// sled, the default.
    #[default]
    Sled,
    /// redb.
    Redb,
}

impl StoreKind {
    /// The kind's name, as used in settings and folder names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
        }
    }
}

/// Opens (or creates) the store in `folder` and checks its whole log. Blocking.
pub(crate) fn open(kind: StoreKind, folder: &Path, on_fatal: OnFatal) -> Result<LogStore, StoreError> {
    let disk: Arc<dyn LogDisk> = match kind {
        StoreKind::Sled => Arc::new(SledDisk::open(folder)?),
        StoreKind::Redb => Arc::new(RedbDisk::open(folder)?),
    };
    LogStore::open(disk, on_fatal)
}
