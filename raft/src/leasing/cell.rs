//! The node's lease, for its data plane to look at.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering, fence},
};

use super::clock::now_ms;

/// Until when the node may serve. Cheap to clone, usable from any thread; it outlives the node and is over then.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Milliseconds of the clock of leases. Written by the task that renews; a plain number, so that readers need no lock.
    until_ms: Arc<AtomicU64>,
}

impl Lease {
    pub(crate) fn new() -> Self {
        Self::until(0)
    }

    /// Whether the node may serve *at this moment*: one atomic load and one look at the clock, no system call, some tens of
    /// nanoseconds.
    ///
    /// For a read this is to be asked under the lock under which the value was read, and after it was (rule L8): what was read
    /// before is not moved behind the look at the clock.
    pub fn holds_now(&self) -> bool {
        fence(Ordering::Acquire);
        now_ms() < self.until_ms.load(Ordering::Acquire)
    }

    /// When the lease ends, in milliseconds since the machine was started; 0: there was none.
    pub fn until_ms(&self) -> u64 {
        self.until_ms.load(Ordering::Acquire)
    }

    /// How long the node may serve from now on, in milliseconds; 0: not at all.
    pub fn remaining_ms(&self) -> u64 {
        self.until_ms().saturating_sub(now_ms())
    }

    /// For tests and simulations: never ends.
    pub fn always() -> Self {
        Self::until(u64::MAX)
    }

    /// For tests and simulations: was never given.
    pub fn never() -> Self {
        Self::until(0)
    }

    /// For tests and simulations: as the switch says; not held at first.
    pub fn manual() -> (Self, LeaseSwitch) {
        let lease = Self::never();
        let switch = LeaseSwitch { lease: lease.clone() };
        (lease, switch)
    }

    fn until(until_ms: u64) -> Self {
        Self { until_ms: Arc::new(AtomicU64::new(until_ms)) }
    }

    pub(crate) fn set_until(&self, until_ms: u64) {
        self.until_ms.store(until_ms, Ordering::Release);
    }
}

/// Sets a [`Lease::manual`].
#[derive(Clone, Debug)]
pub struct LeaseSwitch {
    lease: Lease,
}

impl LeaseSwitch {
    /// From now on the lease is held, or not.
    pub fn set(&self, holds: bool) {
        self.lease.set_until(if holds { u64::MAX } else { 0 });
    }

    /// The lease ends so many milliseconds from now.
    pub fn set_remaining_ms(&self, ms: u64) {
        self.lease.set_until(now_ms().saturating_add(ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_until_its_end() {
        assert!(Lease::always().holds_now());
        assert!(!Lease::never().holds_now() && !Lease::new().holds_now());
        let (lease, switch) = Lease::manual();
        let clone = lease.clone();
        assert!(!lease.holds_now());
        switch.set_remaining_ms(3_600_000);
        assert!(lease.holds_now() && clone.holds_now());
        switch.set_remaining_ms(0);
        assert!(!lease.holds_now());
        switch.set(true);
        assert!(clone.holds_now());
        switch.set(false);
        assert!(!clone.holds_now() && clone.until_ms() == 0);
    }
}
