//! Exact LRU: the least recently used item goes first. The rank is the tick of the last access.

use super::{super::slab::Slab, Common, Policy, Rank, chain::Chain};

/// From the least to the most recently used item.
#[derive(Debug, Default)]
pub(super) struct Lru(Chain);

impl Policy for Lru {
    fn insert(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        self.0.push(slots, at, tick);
    }

    fn touch(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        self.0.move_back(slots, at, tick);
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
