//! Rows of backends outside that no record names any more, on their way to whoever removes them there.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;
use ringhold_model::{NamespaceId, Version, config::Backend};

use super::block::Block;

/// Most rows that wait. Of more only the count is kept; a sweep of the backend finds them.
const WAITING_MAX: usize = 65_536;

/// A row that is to be removed.
#[derive(Clone, Debug)]
pub struct DroppedRow {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its backend.
    pub backend: Backend,
    /// Holds its key.
    pub block: Block,
    /// Names it.
    pub stamp: Version,
}

/// See the module. Written under shards' locks.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    rows: Mutex<VecDeque<DroppedRow>>,
    lost: AtomicU64,
}

impl Dropped {
    pub(super) fn add(&self, row: DroppedRow) {
        let mut rows = self.rows.lock();
        if rows.len() < WAITING_MAX {
            rows.push_back(row);
        } else {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn take(&self, max: usize) -> Vec<DroppedRow> {
        let mut rows = self.rows.lock();
        let count = rows.len().min(max);
        rows.drain(..count).collect()
    }

    /// How many were too many, since this was asked last.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Relaxed)
    }
}
