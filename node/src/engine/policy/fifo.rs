//! Exact FIFO: the oldest item goes first. The rank is the tick at which it was written.
//!
//! A write that replaces an item makes a new one, as its `created_at` tells; counting up and a new time to live do not.

use super::{super::slab::Slab, Common, Policy, Rank, chain::Chain};

/// From the oldest to the newest item.
#[derive(Debug, Default)]
pub(super) struct Fifo(Chain);

impl Policy for Fifo {
    fn insert(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        self.0.push(slots, at, tick);
    }

    fn touch(&mut self, _: &mut Slab, _: &Common, _: u32, _: u64) {}

    fn renew(&mut self, slots: &mut Slab, at: u32, tick: u64, is_new: bool) {
        if is_new {
            self.0.move_back(slots, at, tick);
        }
    }

    fn remove(&mut self, slots: &mut Slab, _: &Common, at: u32) {
        self.0.unlink(slots, at);
    }

    fn first(&self, _: usize) -> Option<u32> {
        self.0.first()
    }

    fn rank(&self, _: usize) -> Rank {
        self.0.rank()
    }

    fn len(&self, queue: usize) -> u64 {
        if queue == 0 { self.0.len() } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        Chain::after(slots, at)
    }
}
