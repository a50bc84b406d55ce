//! What swaps replaced, until their answers have arrived.
//!
//! A swap that is sent again must be answered with the record that it replaced the first time. The result remembered by the
//! range says only that there was one; its bytes are kept here, in one table a node, because routers tell with every frame
//! which of their operations are answered: what is kept is what is on its way.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use parking_lot::Mutex;
use ringhold_model::{OpId, RouterId, wire::Fault};

use super::Item;

/// Most bytes kept, as charged; one record is kept whatever its size. A swap beyond it is refused before it is applied:
/// to forget an open one could answer it wrongly.
pub(super) const KEPT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// See the module. Locked within a shard's lock, for the time of a lookup.
#[derive(Debug, Default)]
pub(super) struct Previous {
    table: Mutex<Table>,
    /// Records in the table, so that frames look into it only when it holds something. Written under the lock.
    kept: AtomicUsize,
}

#[derive(Debug, Default)]
struct Table {
    items: BTreeMap<OpId, Kept>,
    bytes: u64,
}

#[derive(Debug)]
struct Kept {
    item: Item,
    bytes: u64,
    at_ms: u64,
}

impl Previous {
    /// Keeps the record that the swap `id` is about to replace.
    ///
    /// # Errors
    /// `Overloaded` when too much is kept for swaps without an answer.
    pub(super) fn keep(&self, id: OpId, lowest_open: u64, item: Item, bytes: u64, now_ms: u64) -> Result<(), Fault> {
        let mut table = self.table.lock();
        table.answered(id.router, lowest_open);
        table.remove(id);
        let fits = table.items.is_empty() || table.bytes + bytes <= KEPT_BYTES_MAX;
        if fits {
            table.bytes += bytes;
            table.items.insert(id, Kept { item, bytes, at_ms: now_ms });
        }
        self.kept.store(table.items.len(), Relaxed);
        if fits { Ok(()) } else { Err(Fault::Overloaded) }
    }

    /// The record that the swap `id` replaced.
    pub(super) fn recall(&self, id: OpId) -> Option<Item> {
        self.table.lock().items.get(&id).map(|kept| kept.item.clone())
    }

    /// The router has the answers to all its operations below `lowest_open`.
    pub(super) fn answered(&self, router: RouterId, lowest_open: u64) {
        if self.kept.load(Relaxed) > 0 {
            let mut table = self.table.lock();
            table.answered(router, lowest_open);
            self.kept.store(table.items.len(), Relaxed);
        }
    }

    /// Forgets what was kept since before `since_ms`, longer than any deadline.
    pub(super) fn forget_old(&self, since_ms: u64) {
        let mut table = self.table.lock();
        let old: Vec<OpId> = table.items.iter().filter(|(_, kept)| kept.at_ms < since_ms).map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| table.remove(id));
        self.kept.store(table.items.len(), Relaxed);
    }
}

impl Table {
    fn answered(&mut self, router: RouterId, lowest_open: u64) {
        let of = |n| OpId { router, n };
        while let Some((&id, _)) = self.items.range(of(0)..of(lowest_open)).next() {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: OpId) {
        if let Some(kept) = self.items.remove(&id) {
            self.bytes -= kept.bytes;
        }
    }
}
