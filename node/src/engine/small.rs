//! Writes that store no value: removals of single keys, and new times to live.

use ringhold_model::{
    OpId,
    wire::{Condition, Fault, PointOp, Ttl},
};

use super::{
    Engine, Outcome,
    check::check_conditions,
    effect::Reason,
    point::{Frame, Waits},
    write::{Fresh, ttl_ms, unmet},
};
use crate::replica::OpResult;

impl Engine {
    /// Removes a record.
    pub(super) fn delete(
        &self,
        frame: &Frame<'_>,
        op: &PointOp<'_>,
        n: u64,
        when: &[Condition],
        waits: &mut Waits<'_>,
    ) -> Result<Outcome, Fault> {
        check_conditions(when)?;
        let (shared, now) = (&self.shared, frame.now);
        let mut shard = self.shard_of(op.hash).lock();
        let id = OpId { router: frame.router, n };
        let part = shard.part_index(shared, op.hash);
        if let Some(known) = frame.admit(self, &mut shard, op, id)? {
            waits.on_key(&mut shard.parts[part], op.hash);
            return Ok(known);
        }
        let found = shard.find_live(shared, frame.info.number, op.hash, op.key.as_bytes(), now.mono_ms);
        if let Some(conflict) = unmet(when, found.map(|at| shard.slots.get(at))) {
            return self.refuse(&mut shard, op, (id, OpResult::Conflict(conflict)), waits);
        }
        let result = OpResult::Deleted { found: found.is_some() };
        let Some(at) = found else {
            let outcome = self.refuse(&mut shard, op, (id, result), waits)?;
            shard.space(shared, frame.info).count_delete(op.hash, op.key.as_bytes(), false, now.mono_ms);
            return Ok(outcome);
        };
        let removed = shard.order_remove(shared, at, Reason::Deleted, Some(frame.op_record(id, result)), now.mono_ms);
        let part = &mut shard.parts[part];
        part.range.operations.remember(id, result);
        waits.on(part, removed.waits_for);
        shard.space(shared, frame.info).count_delete(op.hash, op.key.as_bytes(), true, now.mono_ms);
        drop(shard);
        drop(removed);
        Ok(self.outcome(id, result, 1))
    }

    /// Gives a record a new time to live; its value, metadata and counts stay. The record is copied, because its version
    /// changes while readers may hold the bytes.
    pub(super) fn retime(
        &self,
        frame: &Frame<'_>,
        op: &PointOp<'_>,
        n: u64,
        ttl: Ttl,
        when: &[Condition],
        waits: &mut Waits<'_>,
    ) -> Result<Outcome, Fault> {
        check_conditions(when)?;
        let (shared, now) = (&self.shared, frame.now);
        let mut shard = self.shard_of(op.hash).lock();
        let id = OpId { router: frame.router, n };
        let part = shard.part_index(shared, op.hash);
        if let Some(known) = frame.admit(self, &mut shard, op, id)? {
            waits.on_key(&mut shard.parts[part], op.hash);
            return Ok(known);
        }
        let tick = shared.tick();
        let found = shard.find_live(shared, frame.info.number, op.hash, op.key.as_bytes(), now.mono_ms);
        if let Some(conflict) = unmet(when, found.map(|at| shard.slots.get(at))) {
            return self.refuse(&mut shard, op, (id, OpResult::Conflict(conflict)), waits);
        }
        let Some(at) = found else { return self.refuse(&mut shard, op, (id, OpResult::Missed), waits) };
        let slot = shard.slots.get(at);
        let mut block = slot.bytes().copied();
        let (accessed_at_ms, access_count) = (slot.accessed_at_ms(), u64::from(slot.access_count));
        let version = shard.parts[part].range.next_version();
        block.stamp(version);
        let ttl_ms = ttl_ms(frame.info, ttl);
        let result = OpResult::Touched { version, ttl_ms };
        shard.touch(at, tick);
        let fresh = Fresh { hash: op.hash, block, ttl_ms, accessed_at_ms, access_count, tick, is_new: false };
        let replaced = self.enter(frame, &mut shard, fresh, Some(at), (id, result), waits);
        drop(shard);
        drop(replaced);
        Ok(self.outcome(id, result, 1))
    }
}
