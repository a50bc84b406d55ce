//! The item that expires soonest goes first; items that never expire last, the oldest of them first. Exact.
//!
//! The order is a set of (deadline, tick, slot); the links of a slot, which no list needs, keep the deadline by which it is
//! in the set, because the one in the slot is changed before the policy learns of it.

use std::collections::BTreeSet;

use super::{
    super::slab::{NIL, Slab, Slot},
    Common, Policy, Rank,
};

/// Deadline of what never expires; above every other, which have 40 bits. Both links have 48.
const NEVER: u64 = 1 << 40;
const LINK_BITS: u32 = 24;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Soonest(BTreeSet<(u64, u64, u32)>);

impl Soonest {
    fn enter(&mut self, slots: &mut Slab, at: u32, tick: u64) {
        let slot = slots.get_mut(at);
        let deadline = if slot.deadline_ms() == 0 { NEVER } else { slot.deadline_ms() };
        slot.set_list_prev((deadline >> LINK_BITS) as u32);
        slot.set_list_next(deadline as u32 & ((1 << LINK_BITS) - 1));
        slot.set_rank(tick);
        self.0.insert((deadline, tick, at));
    }

    fn leave(&mut self, slots: &mut Slab, at: u32) {
        let slot = slots.get_mut(at);
        self.0.remove(&place(slot, at));
        slot.set_list_prev(NIL);
        slot.set_list_next(NIL);
    }
}

fn place(slot: &Slot, at: u32) -> (u64, u64, u32) {
    ((u64::from(slot.list_prev()) << LINK_BITS) | u64::from(slot.list_next()), slot.rank(), at)
}

impl Policy for Soonest {
    fn insert(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        self.enter(slots, at, tick);
    }

    fn touch(&mut self, _: &mut Slab, _: &Common, _: u32, _: u64) {}

    fn renew(&mut self, slots: &mut Slab, at: u32, tick: u64, is_new: bool) {
        let tick = if is_new { tick } else { slots.get(at).rank() };
        self.leave(slots, at);
        self.enter(slots, at, tick);
    }

    fn remove(&mut self, slots: &mut Slab, _: &Common, at: u32) {
        self.leave(slots, at);
    }

    fn first(&self, _: usize) -> Option<u32> {
        self.0.first().map(|(_, _, at)| *at)
    }

    fn rank(&self, _: usize) -> Rank {
        self.0.first().map_or(Rank::NONE, |(deadline, tick, _)| Rank { major: *deadline, minor: *tick })
    }

    fn rank_of(&self, slots: &Slab, at: u32) -> Rank {
        let (major, minor, _) = place(slots.get(at), at);
        Rank { major, minor }
    }

    fn len(&self, queue: usize) -> u64 {
        if queue == 0 { self.0.len() as u64 } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.0.range((Excluded(place(slots.get(at), at)), Unbounded)).next().map(|(_, _, at)| *at)
    }
}
