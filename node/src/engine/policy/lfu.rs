//! LFU: the item of the lowest *priority* goes first, of equals the one that was not used for longest. Exact.
//!
//! Uses are one for the write that made the item (or one more than the reads that its record tells, when it comes from
//! elsewhere), and one for each read and overwrite. Without aging they are the priority. With it (LFU with dynamic aging, Arlitt
//! et al., 1999) the priority is the uses plus the *age* of the pool as it was at the last use; the age is the highest priority
//! that a victim had. So what was used often once falls behind what is used now.
//!
//! Items of equal priority are in one bucket, in the order of their last use; the buckets are in order of priority, so every
//! operation costs a search among the distinct priorities.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::atomic::Ordering::Relaxed,
};

use super::{super::slab::Slab, Common, Policy, Rank, chain::Chain, column::Column};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lfu {
    buckets: BTreeMap<u64, Chain>,
    /// Per slot of the shard the uses of the item.
    uses: Column<u32>,
    /// The age of the pool at the item's last use; holds nothing while nothing ages.
    ages: Column<u64>,
    len: u64,
}

impl Lfu {
    fn priority(&self, at: u32) -> u64 {
        self.ages.get(at).saturating_add(u64::from(self.uses.get(at)))
    }

    fn enter(&mut self, slots: &mut Slab, common: &Common, at: u32, uses: u32, tick: u64) {
        self.uses.set(at, uses);
        self.ages.set(at, common.lfu_age());
        self.buckets.entry(self.priority(at)).or_default().push(slots, at, tick);
    }

    fn leave(&mut self, slots: &mut Slab, at: u32) {
        let priority = self.priority(at);
        let bucket = self.buckets.get_mut(&priority).expect("a listed item's bucket is there");
        bucket.unlink(slots, at);
        if bucket.len() == 0 {
            self.buckets.remove(&priority);
        }
    }
}

impl Policy for Lfu {
    fn insert(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64) {
        let uses = slots.get(at).access_count.saturating_add(1);
        self.enter(slots, common, at, uses, tick);
        self.len += 1;
    }

    fn touch(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64) {
        self.leave(slots, at);
        self.enter(slots, common, at, self.uses.get(at).saturating_add(1), tick);
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
            .map_or(Rank::NONE, |(priority, bucket)| Rank { major: *priority, minor: bucket.head_rank() })
    }

    fn rank_of(&self, slots: &Slab, at: u32) -> Rank {
        Rank { major: self.priority(at), minor: slots.get(at).rank() }
    }

    fn len(&self, queue: usize) -> u64 {
        if queue == 0 { self.len } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        let more = (Excluded(self.priority(at)), Unbounded);
        let next = || self.buckets.range(more).next()?.1.first();
        Chain::after(slots, at).or_else(next)
    }

    fn evict(&mut self, _: &Slab, common: &Common, at: u32) {
        if common.lfu_ages.load(Relaxed) {
            common.lfu_age.fetch_max(self.priority(at), Relaxed);
        }
    }
}
