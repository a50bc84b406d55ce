//! Which records are in the lists of eviction and in the wheel: those whose end this node orders.
//!
//! At a copy a record neither expires nor is evicted of the node's own accord. When the node becomes the range's primary, the
//! records enter the lists and the wheel, in the order of their last access as far as it is known here: a copy hears of writes
//! when they happen, of reads when it is filled.

use std::sync::Arc;

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
    fn delist(&mut self, shared: &Shared, at: u32) -> u64 {
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

    /// Places of records that were delisted in the node's order of accesses, ascending: those that they had, so that shards do
    /// not go one after the other. Among records that change lists these are dealt out anew in the order of the new list.
    fn places(&self, slots: Vec<u32>) -> Vec<(u64, u32)> {
        let (stay, change): (Vec<_>, Vec<_>) =
            self.in_order(slots).into_iter().partition(|(list, at)| self.slots.get(*at).list() == *list);
        let rank = |(_, at): &(usize, u32)| self.slots.get(*at).rank();
        let mut ranks: Vec<_> = change.iter().map(rank).collect();
        ranks.sort_unstable();
        let changed = ranks.into_iter().zip(change.iter().map(|(_, at)| *at));
        let mut places: Vec<_> = stay.iter().map(|stays| (rank(stays), stays.1)).chain(changed).collect();
        places.sort_unstable();
        places
    }

    /// Brings the lists in line with a space's new pool or strategy; charges move from pool to pool. No record is lost or
    /// hidden, and each keeps what its slot tells: uses, deadline, last use, age. All records of the shard at once, under its
    /// lock: a config is changed by hand and rarely, a walk costs well under a microsecond a record, and so no write ever meets
    /// a space that is half under one strategy and half under another.
    pub(super) fn relist_space(&mut self, shared: &Shared, info: &SpaceInfo) {
        let space = self.space(shared, info);
        let (from, number) = (space.pool.clone(), usize::from(info.number));
        let (mut items, mut bytes, mut listed) = (0, 0, Vec::new());
        for at in self.spaces[number].as_ref().expect("made above").index.all(&self.slots) {
            let slot = self.slots.get(at);
            items += 1;
            bytes += (shared.charge)(slot.bytes());
            if self.parts[self.part_index(shared, slot.hash)].is_listed {
                listed.push(at);
            }
        }
        let moves = !Arc::ptr_eq(&from, &info.pool);
        let goes = |at: &u32| moves || self.slots.get(*at).bytes().strategy().is_none();
        listed.retain(goes);
        for &at in &listed {
            self.delist(shared, at);
        }
        let space = self.space(shared, info);
        (space.pool, space.strategy) = (info.pool.clone(), info.config.strategy);
        for (tick, at) in self.places(listed) {
            let charge = (shared.charge)(self.slots.get(at).bytes());
            self.enlist(at, tick, charge);
        }
        if moves {
            if let Some(own) = &from.budget {
                own.release(items, bytes);
            }
            if let Some(own) = &info.pool.budget {
                own.admit(items, bytes);
            }
        }
    }
}
