//! What a primary orders: changes of records that become effects with a place in their range's history.

use ringhold_model::{config::Backend, rules::Rule};

use super::{
    block::Block,
    cause::Cause,
    dropped::DroppedRow,
    effect::{Change, Effect, Name, Reason, Record},
    shard::{Shard, Shared},
    slab::Slot,
    space::{Space, SpaceInfo},
    stub::Stub,
    table::release,
};
use crate::replica::{Submitted, message::OpRecord};

/// A record that went.
pub(super) struct Removed {
    /// Its bytes, to be dropped after unlocking.
    pub block: Block,
    /// Number of the effect, if copies still have to take it.
    pub waits_for: Option<u64>,
}

impl Record {
    pub(super) fn of(slot: &Slot) -> Self {
        Self {
            block: slot.bytes().clone(),
            deadline_ms: slot.deadline_ms(),
            accessed_at_ms: slot.accessed_at_ms(),
            access_count: slot.access_count,
        }
    }
}

impl Shard {
    /// True when the end of a record may be ordered now; or needs no order, because its range is being wiped.
    pub(super) fn may_remove(&self, shared: &Shared, hash: u64) -> bool {
        let range = &self.parts[self.part_index(shared, hash)].range;
        range.is_wiping() || (range.may_order() && range.has_spare_room())
    }

    /// Gives a write its place in the history of its range. `record` is what it stores, its block stamped with the range's
    /// [next version](crate::replica::Range::next_version); `existing` is the slot that it replaces.
    pub(super) fn order_store(
        &mut self,
        shared: &Shared,
        info: &SpaceInfo,
        hash: u64,
        record: impl FnOnce() -> Record,
        existing: Option<u32>,
        op: impl FnOnce() -> OpRecord,
    ) -> Submitted {
        let part = self.part_index(shared, hash);
        let (spaces, slots) = (&self.spaces, &self.slots);
        let generation = || {
            let space = spaces.get(usize::from(info.number)).and_then(Option::as_ref);
            space.map_or(info.generation, |space| space.generation)
        };
        let part = &mut self.parts[part];
        let submitted = part.submit(shared, |_| Effect {
            namespace: info.namespace,
            backend: info.backend,
            generation: generation(),
            hash,
            change: Change::Store(record()),
            op: Some(op()),
            before: existing.map(|at| Record::of(slots.get(at))),
        });
        if submitted.is_committed && part.wants_copies && part.range.copies() == 1 {
            shared.count_single_copies(1);
        }
        submitted
    }

    /// Removes a record, counts why, and orders it where this node does. Returns its bytes, to be dropped after unlocking.
    pub(super) fn remove(&mut self, shared: &Shared, at: u32, reason: Reason, now_ms: u64) -> Block {
        self.order_remove(shared, at, reason, None, now_ms).block
    }

    /// Evicts a record, and counts what made that necessary.
    pub(super) fn evict(&mut self, shared: &Shared, at: u32, cause: Cause, now_ms: u64) -> Block {
        let number = usize::from(self.slots.get(at).space);
        let evictions = |shard: &Self| shard.spaces[number].as_ref().map_or(0, |space| space.tally.evictions);
        let before = evictions(self);
        let block = self.remove(shared, at, Reason::Evicted, now_ms);
        let counted = evictions(self) - before;
        if let Some(space) = &mut self.spaces[number] {
            *cause.of(&mut space.tally.causes) += counted;
        }
        block
    }

    /// Removes a record for an operation.
    pub(super) fn order_remove(
        &mut self,
        shared: &Shared,
        at: u32,
        reason: Reason,
        op: Option<OpRecord>,
        now_ms: u64,
    ) -> Removed {
        let slot = self.slots.get(at);
        let range = &self.parts[self.part_index(shared, slot.hash)].range;
        let is_ordered = reason != Reason::Wiped && range.may_order();
        let gone = self.unlink(shared, at);
        let part = &mut self.parts[gone.part];
        let space = self.spaces[usize::from(gone.space)].as_mut().expect("a used slot's space is there");
        release(shared, &space.pool, 1, gone.charge);
        let record = gone.record;
        if space.backend != Backend::Memory && reason != Reason::Wiped && part.range.is_primary() {
            let (namespace, backend) = (space.namespace, space.backend);
            if let Some(stub) = Stub::read(record.block.value()) {
                let block = record.block.clone();
                shared.dropped.add(DroppedRow { namespace, backend, block, stamp: stub.stamp });
            }
        }
        if gone.is_stale {
            // Every node knows the generation, and frees such records by itself.
            space.purged(gone.generation, record.deadline_ms, gone.part);
        }
        if gone.is_stale || !is_ordered {
            return Removed { block: record.block, waits_for: None };
        }
        count(space, reason, now_ms);
        let travels = match reason {
            Reason::Evicted => Rule::EvictionsTravel.holds(),
            Reason::Invalidated => Rule::RemovalsTravel.holds(),
            Reason::Deleted | Reason::Expired | Reason::Wiped => true,
        };
        if !travels {
            return Removed { block: record.block, waits_for: None };
        }
        let submitted = part.submit(shared, |_| Effect {
            namespace: space.namespace,
            backend: space.backend,
            generation: space.generation,
            hash: gone.hash,
            op,
            change: Change::Remove { key: Name::Record(record.block.clone()), version: record.block.version(), reason },
            before: (reason != Reason::Expired).then(|| record.clone()),
        });
        Removed { block: record.block, waits_for: (!submitted.is_committed).then_some(submitted.version.seq) }
    }
}

fn count(space: &mut Space, reason: Reason, now_ms: u64) {
    match reason {
        Reason::Deleted | Reason::Wiped => {}
        Reason::Expired => space.tally.expired += 1,
        Reason::Evicted => space.tally.evict(now_ms),
        Reason::Invalidated => space.tally.invalidated += 1,
    }
}
