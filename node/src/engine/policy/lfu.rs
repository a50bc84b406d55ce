//! Exact LFU: the least often used item goes first, of equals the one that was not used for longest.
//!
//! Items with equal uses are in one bucket, in the order of their last use; the buckets are in order of uses, so every
//! operation costs a search among the distinct numbers. Uses are one for the write that made the item (or one more than the reads
//! that its record tells, when it comes from elsewhere), and one for each read and overwrite.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use super::{super::slab::Slab, Common, Policy, Rank, chain::Chain};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lfu {
    buckets: BTreeMap<u32, Chain>,
    /// Per slot of the shard the uses of the item.
    uses: Vec<u32>,
    len: u64,
}

impl Lfu {
    fn enter(&mut self, slots: &mut Slab, at: u32, tick: u64) {
        self.buckets.entry(self.uses[at as usize]).or_default().push(slots, at, tick);
    }

    fn leave(&mut self, slots: &mut Slab, at: u32) {
        let uses = self.uses[at as usize];
        let bucket = self.buckets.get_mut(&uses).expect("a listed item's bucket is there");
        bucket.unlink(slots, at);
        if bucket.len() == 0 {
            self.buckets.remove(&uses);
        }
    }
}

impl Policy for Lfu {
    fn insert(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        let place = at as usize;
        if self.uses.len() <= place {
            self.uses.resize(place + 1, 0);
        }
        self.uses[place] = slots.get(at).access_count.saturating_add(1);
        self.enter(slots, at, tick);
        self.len += 1;
    }

    fn touch(&mut self, slots: &mut Slab, _: &Common, at: u32, tick: u64) {
        self.leave(slots, at);
        let uses = &mut self.uses[at as usize];
        *uses = uses.saturating_add(1);
        self.enter(slots, at, tick);
    }

    fn remove(&mut self, slots: &mut Slab, _: &Common, at: u32) {
        self.leave(slots, at);
        self.len -= 1;
        if self.len == 0 {
            *self = Self::default();
        }
    }

    fn first(&self, _: usize) -> Option<u32> {
        self.buckets.first_key_value()?.1.first()
    }

    fn rank(&self, _: usize) -> Rank {
        self.buckets
            .first_key_value()
            .map_or(Rank::NONE, |(uses, bucket)| Rank { major: u64::from(*uses), minor: bucket.head_rank() })
    }

    fn rank_of(&self, slots: &Slab, at: u32) -> Rank {
        Rank { major: u64::from(self.uses[at as usize]), minor: slots.get(at).rank() }
    }

    fn len(&self, queue: usize) -> u64 {
        if queue == 0 { self.len } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        let more = (Excluded(self.uses[at as usize]), Unbounded);
        let next = || self.buckets.range(more).next()?.1.first();
        Chain::after(slots, at).or_else(next)
    }
}
