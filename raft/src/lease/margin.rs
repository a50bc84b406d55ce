//! What both sides allow for clocks that run at different rates (rule L1): two percent each.

/// How long a node counts on a lease.
pub(super) const fn until_surely(lease_ms: u64) -> u64 {
    lease_ms * 98 / 100
}

/// How long the leader has to reckon with it.
pub(super) const fn at_most(lease_ms: u64) -> u64 {
    (lease_ms * 102).div_ceil(100)
}
