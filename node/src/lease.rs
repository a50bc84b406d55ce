//! The lease, as the engine asks for it.

use ringhold_raft::Lease;

use crate::engine;

/// What the control plane knows of this node's lease; may be asked under a shard's lock.
#[derive(Debug)]
pub(crate) struct ServingLease(pub(crate) Lease);

impl engine::Lease for ServingLease {
    fn holds_now(&self) -> bool {
        self.0.holds_now()
    }
}
