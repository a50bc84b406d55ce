//! One shard: the records of consecutive ranges, under one lock. Everything here runs with the lock held.
//!
//! Invariant: a slot in use is in the index and tag sets of its space, and counted by its range, its space and the budgets;
//! it is in a list of its space's pool, and in the wheel if it has a deadline, while this node is the primary that orders the
//! end of its range's records (`Part::is_listed`). The ways in and out are in `table`, what makes effects of them in `order`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use ringhold_model::{Generation, RangeId};

use super::{
    budget::Budget,
    charge::Charge,
    demand::Demands,
    dropped::Dropped,
    due::NextDue,
    effect::Reason,
    fills::FilledSums,
    lease::Lease,
    lists::Lists,
    outbox::Outbox,
    part::Part,
    slab::{Slab, Slot},
    space::{Space, SpaceInfo},
    wheel::Wheel,
};
use crate::replica::Range;

/// A record that is due but cannot go yet, because too many effects wait for copies, is looked at again after this time.
const DEFER_MS: u64 = 100;

/// What all shards share.
#[derive(Debug)]
pub(super) struct Shared {
    pub range_bits: u32,
    pub shard_bits: u32,
    pub charge: Charge,
    pub lease: Arc<dyn Lease>,
    pub chunk_bytes: usize,
    /// Everything the node holds.
    pub total: Budget,
    /// Order of all accesses; see [`Shared::tick`].
    pub ticks: AtomicU64,
    /// Nothing on the node is due before; lowered by every insert, raised by sweeps.
    pub next_due: NextDue,
    pub outbox: Outbox,
    pub dropped: Dropped,
    pub demands: Demands,
    pub filled: FilledSums,
    /// Writes answered although only this node holds them and more copies are wanted. Relaxed: a mere count.
    pub single_copy_writes: AtomicU64,
    /// Items taken in beyond the limits, ever, because nothing could go; see `Plan::overdraw`. Relaxed: a mere count.
    pub overdrawn_items: AtomicU64,
    /// Bytes of them.
    pub overdrawn_bytes: AtomicU64,
}

impl Shared {
    /// The place of an access in the order of all accesses of the node. Taken under the shard's lock, so that a shard's
    /// accesses have ascending ticks, and before the record is looked up: the atomic operation would hold up the loads
    /// after it, which so overlap with the lookup's.
    pub(super) fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Relaxed)
    }

    /// Counts writes that only this node holds.
    pub(super) fn count_single_copies(&self, writes: u64) {
        self.single_copy_writes.fetch_add(writes, Relaxed);
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shard {
    first_range: usize,
    pub slots: Slab,
    pub wheel: Wheel,
    pub parts: Vec<Part>,
    pub spaces: Vec<Option<Box<Space>>>,
    pub(super) lists: Lists,
    /// Where the wipe of a lost range goes on.
    pub(super) wipe: Wipe,
    /// Nothing of this shard is due before.
    pub next_due: u64,
    /// Most slots that one hold of the lock has looked at for expiry or a walk, and how many such holds there were.
    #[cfg(test)]
    pub looks: (u32, u32),
}

/// A place in the walk over the records of one range in all spaces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wipe {
    /// Place of the range in its shard.
    pub(super) range: usize,
    /// Number of the space.
    pub(super) space: usize,
    /// Hash in it.
    pub(super) hash: u64,
}

impl Shard {
    pub(super) fn new(number: usize, shared: &Shared) -> Self {
        let ranges = 1usize << (shared.range_bits - shared.shard_bits);
        let first_range = number * ranges;
        let part = |id| Part::new(Range::new(RangeId(id as u16)));
        Self {
            first_range,
            slots: Slab::new(),
            wheel: Wheel::new(),
            parts: (first_range..first_range + ranges).map(part).collect(),
            spaces: Vec::new(),
            lists: Lists::new(number),
            wipe: Wipe::default(),
            next_due: u64::MAX,
            #[cfg(test)]
            looks: (0, 0),
        }
    }

    /// Tests bound what one hold of the lock does by what is noted here.
    #[cfg(test)]
    pub(super) fn note_looks(&mut self, slots: u32) {
        self.looks = (self.looks.0.max(slots), self.looks.1 + 1);
    }

    /// The place in `parts` of the range of a hash of this shard.
    pub(super) fn part_index(&self, shared: &Shared, hash: u64) -> usize {
        (hash >> (64 - shared.range_bits)) as usize - self.first_range
    }

    /// The same for any hash; `None`: it is of another shard.
    pub(super) fn part_checked(&self, shared: &Shared, hash: u64) -> Option<usize> {
        let part = ((hash >> (64 - shared.range_bits)) as usize).checked_sub(self.first_range)?;
        (part < self.parts.len()).then_some(part)
    }

    /// The same, for a range of this shard.
    pub(super) fn part_of(&self, id: RangeId) -> usize {
        usize::from(id.0) - self.first_range
    }

    /// The shard's part of a space, made at its first use.
    pub(super) fn space(&mut self, shared: &Shared, info: &SpaceInfo) -> &mut Space {
        let number = usize::from(info.number);
        if self.spaces.len() <= number {
            self.spaces.resize_with(number + 1, || None);
        }
        self.spaces[number].get_or_insert_with(|| Box::new(Space::new(info, shared.shard_bits)))
    }

    /// The generation of a space, as the shard has it.
    pub(super) fn generation(&self, info: &SpaceInfo) -> Generation {
        let space = self.spaces.get(usize::from(info.number)).and_then(Option::as_ref);
        space.map_or(info.generation, |space| space.generation)
    }

    /// The slot of a key, whatever its time and generation.
    pub(super) fn find(&self, number: u16, hash: u64, key: &[u8]) -> Option<u32> {
        let space = self.spaces.get(usize::from(number))?.as_ref()?;
        space.index.find(&self.slots, hash, key)
    }

    /// The slot of a live record, at its range's primary. One that is due or stale is freed on the way.
    pub(super) fn find_live(
        &mut self,
        shared: &Shared,
        number: u16,
        hash: u64,
        key: &[u8],
        now_ms: u64,
    ) -> Option<u32> {
        let at = self.find(number, hash, key)?;
        let slot = self.slots.get(at);
        if self.is_live(slot, now_ms) {
            return Some(at);
        }
        // What is due stays for a while, hidden, when its end cannot be ordered now.
        if self.is_stale(slot) || self.may_remove(shared, hash) {
            self.remove(shared, at, Reason::Expired, now_ms);
        }
        None
    }

    /// True when a slot holds a record of its space's current generation whose time is not over.
    pub(super) fn is_live(&self, slot: &Slot, now_ms: u64) -> bool {
        !self.is_stale(slot) && !slot.is_due(now_ms)
    }

    /// True when a slot holds a record of an older generation of its space.
    pub(super) fn is_stale(&self, slot: &Slot) -> bool {
        let space = self.spaces[usize::from(slot.space)].as_ref();
        space.is_none_or(|space| space.ordinal != slot.generation)
    }

    /// An access: the record becomes the last to go, as far as its policy cares.
    pub(super) fn touch(&mut self, at: u32, tick: u64) {
        let space = self.spaces[usize::from(self.slots.get(at).space)].as_ref().expect("a used slot's space is there");
        self.lists.touch(&mut self.slots, &space.pool, at, tick);
    }

    /// Frees records whose time is over; each look costs one of `budget`. Returns how many it freed.
    pub(super) fn expire(&mut self, shared: &Shared, now_ms: u64, budget: &mut u32) -> u64 {
        let mut freed = 0;
        #[cfg(test)]
        let before = *budget;
        while let Some(at) = self.wheel.pop_due(&mut self.slots, now_ms, budget) {
            if self.may_remove(shared, self.slots.get(at).hash) {
                self.remove(shared, at, Reason::Expired, now_ms);
                freed += 1;
            } else {
                self.wheel.defer(&mut self.slots, at, now_ms + DEFER_MS);
            }
        }
        self.next_due = self.wheel.next_due_ms().unwrap_or(u64::MAX);
        #[cfg(test)]
        self.note_looks(before - *budget);
        freed
    }

    /// Begins a generation of a space.
    pub(super) fn clear(&mut self, shared: &Shared, number: u16, generation: Generation, now_ms: u64) {
        let Some(Some(space)) = self.spaces.get_mut(usize::from(number)) else { return };
        if space.ordinal == u16::MAX && space.stale > 0 {
            // Two generations would share an ordinal: free the older one first, however long it takes.
            self.purge(shared, number, now_ms, &mut u32::MAX.clone());
        }
        let mut led = vec![0; self.parts.len().div_ceil(64)];
        for (at, _) in self.parts.iter().enumerate().filter(|(_, part)| part.led_at(generation.0)) {
            led[at / 64] |= 1 << (at % 64);
        }
        if let Some(Some(space)) = self.spaces.get_mut(usize::from(number)) {
            space.clear(generation, led, now_ms);
        }
        for part in &mut self.parts {
            part.sums.clear(number);
        }
    }

    /// Frees records of older generations; each look costs one of `budget`.
    pub(super) fn purge(&mut self, shared: &Shared, number: u16, now_ms: u64, budget: &mut u32) {
        while *budget > 0 {
            let Some(Some(space)) = self.spaces.get(usize::from(number)) else { return };
            if space.stale == 0 {
                return;
            }
            let from = space.purge_from.max(self.first_hash(shared));
            let bucket = space.index.bucket_of(from);
            let stale = |at: &u32| self.slots.get(*at).generation != space.ordinal;
            let doomed: Vec<u32> = space.index.chain(&self.slots, bucket).filter(stale).collect();
            let next = space.index.bucket_end(from, bucket).unwrap_or(0);
            *budget = budget.saturating_sub(1 + doomed.len() as u32);
            for at in doomed {
                self.remove(shared, at, Reason::Invalidated, now_ms);
            }
            if let Some(Some(space)) = self.spaces.get_mut(usize::from(number)) {
                space.purge_from = next;
            }
        }
    }

    /// Lowest hash of the shard.
    pub(super) fn first_hash(&self, shared: &Shared) -> u64 {
        (self.first_range as u64) << (64 - shared.range_bits)
    }

    /// Highest hash of the shard.
    pub(super) fn last_hash(&self, shared: &Shared) -> u64 {
        self.first_hash(shared) | u64::MAX.checked_shr(shared.shard_bits).unwrap_or(0)
    }

    /// Lowest and highest hash of a part.
    pub(super) fn hashes_of(&self, shared: &Shared, part: usize) -> (u64, u64) {
        let first = ((self.first_range + part) as u64) << (64 - shared.range_bits);
        (first, first | (u64::MAX >> shared.range_bits))
    }
}
