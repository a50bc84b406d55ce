//! The order of writes to one key: one call to the backend under way a key, without a lock of the engine held meanwhile.

use tokio::sync::{Mutex, MutexGuard};

/// Keys share this many locks; a frame takes those of its keys in ascending order.
const LOCKS: usize = 1_024;

/// See the module. The locks are fair.
#[derive(Debug)]
pub(super) struct Keys(Box<[Mutex<()>]>);

impl Default for Keys {
    fn default() -> Self {
        Self((0..LOCKS).map(|_| Mutex::new(())).collect())
    }
}

impl Keys {
    /// Waits until nothing else is done to the keys with these hashes, and keeps it so.
    pub(super) async fn lock(&self, hashes: impl Iterator<Item = u64>) -> Vec<MutexGuard<'_, ()>> {
        let mut places: Vec<usize> = hashes.map(|hash| hash as usize % LOCKS).collect();
        places.sort_unstable();
        places.dedup();
        let mut held = Vec::with_capacity(places.len());
        for place in places {
            held.push(self.0[place].lock().await);
        }
        held
    }
}
