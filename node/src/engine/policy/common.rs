//! What the shards' parts of a pool's lists share. Relaxed atomics: each is a hint or a count; the items themselves are
//! under the shards' locks, and a single-threaded caller sees all of them exactly.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::ghost::Ghosts;

/// See the module. Fields are named for the policies that use them.
#[derive(Debug, Default)]
pub(in crate::engine) struct Common {
    /// SIEVE: round in which the hand is.
    pub round: AtomicU64,
    /// S3-FIFO: items in the small queue, over all shards.
    pub small_items: AtomicU64,
    /// S3-FIFO: items in the main queue.
    pub main_items: AtomicU64,
    /// S3-FIFO: what went from the small queue. A leaf lock: nothing is locked under it.
    pub ghosts: Mutex<Ghosts>,
    /// S3-FIFO: whether anything was evicted yet.
    pub has_evicted: AtomicBool,
    /// W-TinyLFU: items in the window, on probation and protected.
    pub segments: [AtomicU64; 3],
    /// LFU: whether priorities get the age on top of the uses. Written when the config changes.
    pub lfu_ages: AtomicBool,
    /// LFU: the highest priority that a victim had since it ages.
    pub lfu_age: AtomicU64,
    /// Items that the limits allow; 0: any number.
    pub max_items: AtomicU64,
}

impl Common {
    /// A record of this hash will be added as soon as there is room.
    pub(in crate::engine) fn expect(&self, hash: u64) {
        if self.has_evicted.load(Relaxed) {
            self.ghosts.lock().expect(hash);
        }
    }

    /// LFU: what is used now gets on top of its uses.
    pub(super) fn lfu_age(&self) -> u64 {
        if self.lfu_ages.load(Relaxed) { self.lfu_age.load(Relaxed) } else { 0 }
    }

    /// S3-FIFO: the small queue has its tenth although nothing was evicted yet.
    pub(super) fn small_is_full(&self) -> bool {
        let max = self.max_items.load(Relaxed);
        max != 0 && !self.has_evicted.load(Relaxed) && self.small_items.load(Relaxed) >= max / 10
    }

    /// W-TinyLFU: items in the window, on probation and protected, over all shards.
    pub(super) fn segment_items(&self) -> [u64; 3] {
        self.segments.each_ref().map(|items| items.load(Relaxed))
    }
}
