//! What a worker may send beyond one call a request: hedges, and calls that are sent again to a node that has work already.
//!
//! Without it, a cluster that slows down would get more work for being slow, and stay slow.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// An extra call costs as much as so many requests earn: 10 %.
const EXTRA_COST: u32 = 10;
/// Most extra calls that can be saved up.
const SAVED_MAX: u32 = 10;

/// One worker's budget.
#[derive(Debug)]
pub(super) struct Budget {
    /// Atomic only because handlers are shared between threads as far as types go; one thread uses it.
    saved: AtomicU32,
}

impl Budget {
    /// Full.
    pub(super) const fn new() -> Self {
        Self { saved: AtomicU32::new(SAVED_MAX * EXTRA_COST) }
    }

    /// A request begins.
    pub(super) fn earn(&self) {
        let saved = self.saved.load(Relaxed);
        if saved < SAVED_MAX * EXTRA_COST {
            self.saved.store(saved + 1, Relaxed);
        }
    }

    /// Pays for an extra call; false: there is nothing to pay with.
    pub(super) fn spend(&self) -> bool {
        self.saved.fetch_update(Relaxed, Relaxed, |saved| saved.checked_sub(EXTRA_COST)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_requests_earn_one_extra_call_and_few_can_be_saved() {
        let budget = Budget::new();
        let spend_all = || (0..1_000).filter(|_| budget.spend()).count();
        assert_eq!(spend_all(), 10);
        (0..9).for_each(|_| budget.earn());
        assert_eq!(spend_all(), 0);
        budget.earn();
        assert_eq!(spend_all(), 1);
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!(spend_all(), 10);
    }
}
