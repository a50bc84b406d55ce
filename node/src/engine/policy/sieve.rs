//! SIEVE (Zhang et al., 2024): a hand moves from the oldest to the newest item; it spares what was used since it passed
//! last, and takes the first that was not. New items enter at the far end.
//!
//! Exact over the shards of a pool: the hand's place is a *round* and a tick. Every shard knows which of its items the hand
//! meets next, and in which round; the lowest (round, tick) is where the hand is. A shard whose items were all passed waits
//! for the next round, and so needs to know in which round the hand is when it gets a new item: that is ahead of the hand,
//! unless nothing else was, for then the hand has begun anew.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    super::slab::{NIL, Slab},
    Common, Look, Policy, Rank,
    chain::Chain,
};

const VISITED: u8 = 1;

/// From the oldest to the newest item.
#[derive(Debug)]
pub(super) struct Sieve {
    items: Chain,
    /// The item that the hand meets next.
    hand: u32,
    hand_rank: u64,
    /// The round in which it does.
    round: u64,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { items: Chain::default(), hand: NIL, hand_rank: 0, round: 0 }
    }
}

impl Sieve {
    fn meet(&mut self, slots: &Slab, at: u32, round: u64) {
        (self.hand, self.hand_rank, self.round) = (at, slots.get(at).rank(), round);
    }

    /// The hand goes on, from the newest item to the oldest in the next round.
    fn advance(&mut self, slots: &Slab) {
        match (Chain::after(slots, self.hand), self.items.first()) {
            (Some(next), _) => self.meet(slots, next, self.round),
            (None, Some(oldest)) => self.meet(slots, oldest, self.round + 1),
            (None, None) => self.hand = NIL,
        }
    }
}

impl Policy for Sieve {
    fn insert(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64) {
        let slot = slots.get_mut(at);
        slot.set_mark(if slot.access_count > 0 { VISITED } else { 0 });
        let was_empty = self.items.len() == 0;
        self.items.push(slots, at, tick);
        let round = common.round.load(Relaxed);
        if was_empty || self.round > round {
            self.meet(slots, at, round);
        }
    }

    fn touch(&mut self, slots: &mut Slab, _: &Common, at: u32, _: u64) {
        slots.get_mut(at).set_mark(VISITED);
    }

    fn remove(&mut self, slots: &mut Slab, _: &Common, at: u32) {
        if at == self.hand {
            self.advance(slots);
        }
        self.items.unlink(slots, at);
        if self.items.len() == 0 {
            self.hand = NIL;
        }
    }

    fn first(&self, _: usize) -> Option<u32> {
        (self.hand != NIL).then_some(self.hand)
    }

    fn rank(&self, _: usize) -> Rank {
        if self.hand == NIL { Rank::NONE } else { Rank { major: self.round, minor: self.hand_rank } }
    }

    fn len(&self, queue: usize) -> u64 {
        if queue == 0 { self.items.len() } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        Chain::after(slots, at).or_else(|| self.items.first()).filter(|next| *next != self.hand)
    }

    fn look(&mut self, slots: &mut Slab, common: &Common, _: usize, _: &AtomicU64) -> Look {
        if self.hand == NIL {
            return Look::Empty;
        }
        common.round.fetch_max(self.round, Relaxed);
        if slots.get(self.hand).mark() & VISITED == 0 {
            return Look::Victim(self.hand);
        }
        slots.get_mut(self.hand).set_mark(0);
        self.advance(slots);
        Look::Spared
    }
}
