//! The ways of a record into a shard and out of it. No effects: what is done here is ordered by `order` or was by another node.

use super::{
    block::Block,
    effect::Record,
    pool::{Place, Pool},
    shard::{Shard, Shared},
    slab::Slot,
    space::SpaceInfo,
    sums::Counted,
    wheel,
};

/// A new record on its way into its slot.
pub(super) struct Incoming<'a> {
    pub hash: u64,
    pub info: &'a SpaceInfo,
    pub block: Block,
    pub deadline_ms: Option<u64>,
    pub accessed_at_ms: u64,
    pub access_count: u64,
    pub tick: u64,
    /// It replaces what was there; else it is that, counted up or with another time to live.
    pub is_new: bool,
}

/// A record that was unlinked.
pub(super) struct Unlinked {
    /// Its part of the shard.
    pub part: usize,
    pub space: u16,
    /// Ordinal of its generation.
    pub generation: u16,
    pub is_stale: bool,
    pub hash: u64,
    /// What it was charged; the room is still reserved.
    pub charge: u64,
    pub record: Record,
}

impl Shard {
    /// Links a new record. Its room is reserved and its key is not there.
    pub(super) fn insert(&mut self, shared: &Shared, incoming: Incoming<'_>) {
        let Incoming { hash, info, block, deadline_ms, accessed_at_ms, access_count, tick, .. } = incoming;
        let counted = Counted { hash, version: block.version(), charge: (shared.charge)(&block) };
        let part = self.part_index(shared, hash);
        let at = self.slots.insert(hash, block);
        let ordinal = self.space(shared, info).ordinal;
        let slot = self.slots.get_mut(at);
        slot.space = info.number;
        slot.generation = ordinal;
        slot.set_accessed_at_ms(accessed_at_ms);
        slot.access_count = u32::try_from(access_count).unwrap_or(u32::MAX);
        let space = self.spaces[usize::from(info.number)].as_mut().expect("made above");
        space.index.insert(&mut self.slots, at);
        space.tags.insert(at, self.slots.get(at).bytes());
        space.tally.items += 1;
        space.tally.bytes += counted.charge;
        let part = &mut self.parts[part];
        part.sums.add(info.number, counted);
        part.range.record_added();
        if part.is_listed {
            self.expire_at(shared, at, deadline_ms);
            self.enlist(at, tick, counted.charge);
        } else {
            let slot = self.slots.get_mut(at);
            slot.set_rank(tick);
            slot.set_deadline_ms(deadline_ms.map_or(0, wheel::clamped));
        }
    }

    /// Puts new bytes into the slot of a record of the current generation; in a listed range it was touched. The difference in
    /// charge is reserved already if it is positive. Returns the old bytes, to be dropped after unlocking, and by how much the
    /// charge fell.
    pub(super) fn replace(&mut self, shared: &Shared, at: u32, incoming: Incoming<'_>) -> (Option<Block>, u64) {
        let Incoming { hash, info, block, deadline_ms, accessed_at_ms, access_count, tick, is_new } = incoming;
        let part = self.part_index(shared, hash);
        let old = self.slots.get(at).bytes();
        let gone = Counted { hash, version: old.version(), charge: (shared.charge)(old) };
        let new = Counted { hash, version: block.version(), charge: (shared.charge)(&block) };
        let space = self.spaces[usize::from(info.number)].as_mut().expect("a used slot's space is there");
        space.tags.remove(at, old);
        space.tags.insert(at, &block);
        space.tally.bytes = space.tally.bytes + new.charge - gone.charge;
        let part = &mut self.parts[part];
        part.sums.subtract(info.number, gone);
        part.sums.add(info.number, new);
        let is_listed = part.is_listed;
        let slot = self.slots.get_mut(at);
        slot.set_accessed_at_ms(accessed_at_ms);
        slot.access_count = u32::try_from(access_count).unwrap_or(u32::MAX);
        let old = slot.block.replace(block);
        if is_listed {
            let strategy = space.strategy_of(self.slots.get(at));
            self.lists.prepare(&mut self.slots, Place { pool: &space.pool, bytes: gone.charge }, at, strategy);
            self.wheel.remove(&mut self.slots, at);
            self.expire_at(shared, at, deadline_ms);
            let space = self.spaces[usize::from(info.number)].as_ref().expect("a used slot's space is there");
            let place = Place { pool: &space.pool, bytes: new.charge };
            self.lists.renew(&mut self.slots, place, gone.charge, at, strategy, (tick, is_new));
        } else {
            slot.set_rank(tick);
            slot.set_deadline_ms(deadline_ms.map_or(0, wheel::clamped));
        }
        (old, gone.charge.saturating_sub(new.charge))
    }

    /// Unlinks a record; its room stays reserved. The bytes are to be dropped after unlocking.
    pub(super) fn unlink(&mut self, shared: &Shared, at: u32) -> Unlinked {
        let slot = self.slots.get(at);
        let Slot { hash, space: number, generation, access_count, .. } = *slot;
        let (deadline_ms, accessed_at_ms) = (slot.deadline_ms(), slot.accessed_at_ms());
        let counted = Counted { hash, version: slot.bytes().version(), charge: (shared.charge)(slot.bytes()) };
        let part_index = self.part_index(shared, hash);
        let part = &mut self.parts[part_index];
        let space = self.spaces[usize::from(number)].as_mut().expect("a used slot's space is there");
        space.index.remove(&mut self.slots, at);
        space.tags.remove(at, self.slots.get(at).bytes());
        let is_stale = generation != space.ordinal;
        if !is_stale {
            space.tally.items -= 1;
            space.tally.bytes -= counted.charge;
            part.sums.subtract(number, counted);
        }
        if part.is_listed {
            self.lists.take(&mut self.slots, Place { pool: &space.pool, bytes: counted.charge }, at);
            self.wheel.remove(&mut self.slots, at);
        }
        part.range.record_removed();
        if part.range.records() == 0 {
            // A wipe may have ended, and with it what kept the range from being listed as its role demands.
            part.is_listed = part.range.may_order();
        }
        let block = self.slots.remove(at).expect("a linked slot holds a block");
        let record = Record { block, deadline_ms, accessed_at_ms, access_count };
        Unlinked { part: part_index, space: number, generation, is_stale, hash, charge: counted.charge, record }
    }

    /// Puts a record into the list of its strategy.
    pub(super) fn enlist(&mut self, at: u32, tick: u64, charge: u64) {
        let slot = self.slots.get(at);
        let space = self.spaces[usize::from(slot.space)].as_ref().expect("a used slot's space is there");
        let (place, strategy) = (Place { pool: &space.pool, bytes: charge }, space.strategy_of(slot));
        self.lists.add(&mut self.slots, place, at, strategy, tick);
    }

    /// Puts a listed record with a deadline into the wheel.
    pub(super) fn expire_at(&mut self, shared: &Shared, at: u32, deadline_ms: Option<u64>) {
        let Some(deadline) = deadline_ms else { return };
        self.wheel.insert(&mut self.slots, at, deadline);
        if deadline < self.next_due {
            self.next_due = deadline;
            shared.next_due.lower(deadline);
        }
    }
}

/// Gives room back to a pool and to the node.
pub(super) fn release(shared: &Shared, pool: &Pool, items: u64, bytes: u64) {
    if let Some(own) = &pool.budget {
        own.release(items, bytes);
    }
    if pool.is_in_total {
        shared.total.release(items, bytes);
    }
}
