//! The item that expires soonest goes first; items that never expire last, the oldest of them first. Exact.
//!
//! The order is a tree through the slots ([`Treap`]), by the deadlines in them: an item leaves it before its deadline changes.

use super::{super::slab::Slab, Common, Policy, Rank, treap::Treap};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Soonest(Treap);

impl Policy for Soonest {
    fn insert(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        slots.get_mut(at).set_rank(tick);
        self.0.insert(slots, at);
    }

    fn touch(&mut self, _: &mut Slab, _: &Common, _: u32, _: u64) {}

    fn prepare(&mut self, slots: &mut Slab, at: u32) {
        self.0.remove(slots, at);
    }

    fn renew(&mut self, slots: &mut Slab, at: u32, tick: u64, is_new: bool) {
        if is_new {
            slots.get_mut(at).set_rank(tick);
        }
        self.0.insert(slots, at);
    }

    fn remove(&mut self, slots: &mut Slab, _: &Common, at: u32) {
        self.0.remove(slots, at);
    }

    fn first(&self, _: usize) -> Option<u32> {
        self.0.first()
    }

    fn rank(&self, _: usize) -> Rank {
        self.0.rank()
    }

    fn rank_of(&self, slots: &Slab, at: u32) -> Rank {
        Treap::rank_of(slots, at)
    }

    fn len(&self, queue: usize) -> u64 {
        if queue == 0 { self.0.len() } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        self.0.after(slots, at)
    }
}
