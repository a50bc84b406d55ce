//! When something on the node is due, at the earliest: sweeps look at shards only then.
//!
//! Shards keep their own times, under their locks. This one is lowered under the lock of the shard that was lowered, and raised
//! by a sweep before it looks at the first shard; so it is never above a shard's for longer than a sweep lasts.
//! `node/tests/loom.rs` includes this file and tries all orders of its steps.

use super::atomic::{AtomicU64, Ordering::Relaxed};

/// See the module. Relaxed: the shards' locks order what is written for a shard.
#[derive(Debug)]
pub(crate) struct NextDue(AtomicU64);

impl Default for NextDue {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl NextDue {
    /// Monotonic milliseconds; `u64::MAX`: nothing is.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// A shard has something that is due then. Under its lock.
    pub(crate) fn lower(&self, deadline_ms: u64) {
        if deadline_ms < self.0.load(Relaxed) {
            self.0.fetch_min(deadline_ms, Relaxed);
        }
    }

    /// A sweep begins, which lowers it again by what it leaves in each shard: what is inserted into a shard before the sweep comes
    /// there is seen by it, what is inserted after that lowers it.
    pub(crate) fn begin_sweep(&self) {
        self.0.store(u64::MAX, Relaxed);
    }
}
