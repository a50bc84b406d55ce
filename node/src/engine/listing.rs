//! Which records are in the lists of eviction and in the wheel: those whose end this node orders.
//!
//! At a copy a record neither expires nor is evicted of the node's own accord. When the node becomes the range's primary, the
//! records enter the lists and the wheel, in the order of their last access as far as it is known here: a copy hears of writes
//! when they happen, of reads when it is filled.

use super::{
    policy::{entry_order, list_of},
    pool::Place,
    shard::{Shard, Shared},
    space::SpaceInfo,
};

impl Shard {
    /// Brings the lists in line with what this node is to a range by now. One pass over the range's records, if that changed.
    pub(super) fn relist(&mut self, shared: &Shared, part: usize) {
        let range = &self.parts[part].range;
        let is_listed = range.may_order();
        // What is being wiped goes whether it is listed or not.
        if is_listed == self.parts[part].is_listed || range.is_wiping() {
            return;
        }
        self.parts[part].is_listed = is_listed;
        let slots = self.slots_of(shared, part);
        if is_listed { self.list(shared, slots) } else { self.unlist(shared, &slots) }
    }

    fn list(&mut self, shared: &Shared, slots: Vec<u32>) {
        for (_, at) in self.in_order(slots) {
            let slot = self.slots.get(at);
            let (deadline, charge) = (slot.deadline_ms(), (shared.charge)(slot.bytes()));
            self.expire_at(shared, at, (deadline != 0).then_some(deadline));
            self.enlist(at, shared.tick(), charge);
        }
    }

    fn unlist(&mut self, shared: &Shared, slots: &[u32]) {
        for &at in slots {
            self.delist(shared, at);
            self.wheel.suspend(&mut self.slots, at);
        }
    }

    /// Takes a record out of its list; returns what it is charged.
    pub(super) fn delist(&mut self, shared: &Shared, at: u32) -> u64 {
        let slot = self.slots.get(at);
        let bytes = (shared.charge)(slot.bytes());
        let space = self.spaces[usize::from(slot.space)].as_ref().expect("a used slot's space is there");
        self.lists.take(&mut self.slots, Place { pool: &space.pool, bytes }, at);
        bytes
    }

    /// Records by the lists that they are to enter, and there by what their slots tell of their age or last use.
    fn in_order(&self, slots: Vec<u32>) -> Vec<(usize, u32)> {
        let list = |at: u32| {
            let slot = self.slots.get(at);
            let space = self.spaces[usize::from(slot.space)].as_ref().expect("a used slot's space is there");
            list_of(space.strategy_of(slot))
        };
        let mut slots: Vec<_> = slots.into_iter().map(|at| (list(at), at)).collect();
        slots.sort_by_cached_key(|(list, at)| (*list, entry_order(*list, self.slots.get(*at))));
        slots
    }

    /// The slots of a range, of all spaces and generations.
    fn slots_of(&self, shared: &Shared, part: usize) -> Vec<u32> {
        let (first, last) = self.hashes_of(shared, part);
        let mut slots = Vec::with_capacity(self.parts[part].range.records() as usize);
        for space in self.spaces.iter().flatten() {
            let mut from = Some(first);
            while let Some(hash) = from.filter(|hash| *hash <= last) {
                let bucket = space.index.bucket_of(hash);
                let inside = |at: &u32| (first..=last).contains(&self.slots.get(*at).hash);
                slots.extend(space.index.chain(&self.slots, bucket).filter(inside));
                from = space.index.bucket_end(hash, bucket);
            }
        }
        slots
    }

    /// Moves a space to another pool, with its records and what they are charged. Each keeps its place in the node's order of
    /// accesses, and what its slot tells: uses, deadline, last use, age. All records of the shard at once, under its lock, because
    /// a record's pool is its space's: this happens once, when a namespace gets a config of its own.
    pub(super) fn change_pool(&mut self, shared: &Shared, info: &SpaceInfo) {
        // Made if need be: a write that planned with the old state would make it in the old pool.
        let (from, to, number) = (self.space(shared, info).pool.clone(), &info.pool, usize::from(info.number));
        let space = self.spaces[number].as_ref().expect("made above");
        let (mut items, mut bytes, mut listed) = (0, 0, Vec::new());
        for at in space.index.all(&self.slots) {
            let slot = self.slots.get(at);
            items += 1;
            bytes += (shared.charge)(slot.bytes());
            if self.parts[self.part_index(shared, slot.hash)].is_listed {
                listed.push((slot.rank(), at));
            }
        }
        listed.sort_unstable();
        for &(_, at) in &listed {
            self.delist(shared, at);
        }
        self.spaces[number].as_mut().expect("made above").pool = to.clone();
        for (tick, at) in listed {
            let charge = (shared.charge)(self.slots.get(at).bytes());
            self.enlist(at, tick, charge);
        }
        if let Some(own) = &from.budget {
            own.release(items, bytes);
        }
        if let Some(own) = &to.budget {
            own.admit(items, bytes);
        }
    }
}
