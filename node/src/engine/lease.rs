//! Whether the node may serve at this moment.

use std::fmt;

/// The node's lease. Asked under a shard's lock, after a value was read and before a write begins (rule L8); so it must
/// look at a clock and at nothing that waits.
pub trait Lease: Send + Sync + fmt::Debug {
    /// True while no other node can have been given what this one serves.
    fn holds_now(&self) -> bool;
}

/// A lease that never ends: for tests and single nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Always;

impl Lease for Always {
    fn holds_now(&self) -> bool {
        true
    }
}
