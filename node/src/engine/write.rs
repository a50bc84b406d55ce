//! Writes of single keys: conditions, room, effect, result; all under the shard's lock.
//!
//! An operation is decided on the record as it is under the lock, and becomes an effect with a version of its own. What its
//! answer needs is remembered under its id, refusals by the record's state included, so that a write that is sent again is
//! answered as it was the first time.

use std::sync::Arc;

use ringhold_model::{
    OpId, Version,
    config::{DataType, is_strategy_built},
    wire::{Condition, Conflict, Fault, NewRecord, PointOp, Ttl},
};

use super::{
    Engine, Item, Outcome,
    block::Block,
    budget::Margin,
    check::check_record,
    effect::Record,
    point::{Frame, Waits},
    pool::Pool,
    room::Short,
    shard::Shard,
    slab::Slot,
    space::SpaceInfo,
    table::{Incoming, release},
    wheel::clamped,
};
use crate::replica::OpResult;

/// Evictions that one write may cause before it gives up: more than the smallest items that fit into a value of 1 MiB.
const EVICTIONS_MAX: u32 = 16_384;

/// How often a write for which nothing can be evicted is tried again.
const PATIENCE: u32 = 64;

/// What a write that stores a record answers, and where its value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The value is given.
    Set,
    /// The same; the answer holds what was there.
    Swap,
    /// The value is a sum.
    Increment {
        /// What is added.
        by: i64,
        /// To what, where nothing is there.
        initial: i64,
    },
}

/// A write on its way.
struct Write<'a> {
    id: OpId,
    record: &'a NewRecord<'a>,
    kind: Kind,
    /// What will be stored; a sum is made anew in every attempt.
    draft: Option<Draft>,
    /// How much of the limits is left to copies.
    margin: Margin,
    /// Whether it was counted as a use of what it overwrites.
    is_counted: bool,
}

/// A stamped record on its way into the table.
pub(super) struct Fresh {
    pub(super) hash: u64,
    pub(super) block: Block,
    pub(super) ttl_ms: Option<u64>,
    pub(super) accessed_at_ms: u64,
    pub(super) access_count: u64,
    pub(super) tick: u64,
    /// See [`Incoming::is_new`].
    pub(super) is_new: bool,
}

/// The record that a write will store.
pub(super) struct Draft {
    block: Block,
    charge: u64,
    pub(super) ttl_ms: Option<u64>,
    accessed_at_ms: u64,
    access_count: u64,
    /// The sum of an increment.
    sum: i64,
}

impl Engine {
    /// Stores a record, given or counted up.
    pub(super) fn store(
        &self,
        frame: &Frame<'_>,
        op: &PointOp<'_>,
        n: u64,
        record: &NewRecord<'_>,
        kind: Kind,
        waits: &mut Waits<'_>,
    ) -> Result<Outcome, Fault> {
        check_record(op.key, record)?;
        let strategy = frame.info.strategy(record.strategy);
        if !is_strategy_built(strategy) {
            return Err(Fault::Unsupported(format!("the strategy {strategy} is not built yet")));
        }
        let id = OpId { router: frame.router, n };
        let mut write = Write { id, record, kind, draft: None, margin: Margin::Copies, is_counted: false };
        if !matches!(kind, Kind::Increment { .. }) {
            write.draft = Some(self.draft(frame, op, record, 0)?);
        }
        let mut patience = PATIENCE;
        for _ in 0..EVICTIONS_MAX {
            let (pool, short) = match self.attempt(frame, op, &mut write, waits)? {
                Ok(outcome) => return Ok(outcome),
                Err(short) => short,
            };
            let is_freed = self.make_room(&pool, short, Some(op.hash), frame.now.mono_ms);
            // One goes for one that comes: more would only make room for copies, which then keep it.
            write.margin = Margin::None;
            if !is_freed {
                // Nothing can go: what is there belongs to other primaries, or is on its way into the table just now.
                patience -= 1;
                if patience == 0 {
                    self.ask_for_room(&pool, short, write.draft.as_ref().map_or(1, |draft| draft.charge));
                    break;
                }
            }
        }
        Err(Fault::Overloaded)
    }

    /// The bytes of a new record.
    pub(super) fn draft(
        &self,
        frame: &Frame<'_>,
        op: &PointOp<'_>,
        record: &NewRecord<'_>,
        sum: i64,
    ) -> Result<Draft, Fault> {
        let (history, now) = (record.history, frame.now);
        let created_at_ms = history.map_or(now.wall_ms, |history| history.created_at_ms);
        let block = Block::build(op.key, record, created_at_ms).ok_or(Fault::Malformed)?;
        Ok(Draft {
            charge: self.fitting(frame, &block)?,
            block,
            ttl_ms: ttl_ms(frame.info, record.ttl),
            accessed_at_ms: history.map_or(now.wall_ms, |history| history.accessed_at_ms),
            access_count: history.map_or(0, |history| history.access_count),
            sum,
        })
    }

    /// What a block is charged, if it fits at all.
    fn fitting(&self, frame: &Frame<'_>, block: &Block) -> Result<u64, Fault> {
        let charge = (self.shared.charge)(block);
        self.check_fits(&frame.info.pool, charge).map(|()| charge)
    }

    /// One attempt under the lock; the inner error says whose room is short.
    fn attempt(
        &self,
        frame: &Frame<'_>,
        op: &PointOp<'_>,
        write: &mut Write<'_>,
        waits: &mut Waits<'_>,
    ) -> Result<Result<Outcome, (Arc<Pool>, Short)>, Fault> {
        let (shared, now, id) = (&self.shared, frame.now, write.id);
        let mut shard = self.shard_of(op.hash).lock();
        let part = shard.part_index(shared, op.hash);
        if let Some(known) = frame.admit(self, &mut shard, op, id)? {
            waits.on_key(&mut shard.parts[part], op.hash);
            return Ok(Ok(known));
        }
        let tick = shared.tick();
        let existing = shard.find_live(shared, frame.info.number, op.hash, op.key.as_bytes(), now.mono_ms);
        let there = existing.map(|at| shard.slots.get(at));
        let conflict = match unmet(&write.record.when, there) {
            None => self.count_up(frame, op, write, there)?,
            unmet => unmet,
        };
        if let Some(conflict) = conflict {
            return self.refuse(&mut shard, op, (id, OpResult::Conflict(conflict)), waits).map(Ok);
        }
        let charge = write.draft.as_ref().map_or(0, |draft| draft.charge);
        let old_charge = there.map(|slot| (shared.charge)(slot.bytes()));
        let (items, bytes) = (u64::from(existing.is_none()), charge.saturating_sub(old_charge.unwrap_or(0)));
        if existing.is_none() && shard.slots.is_full() {
            return Err(Fault::Overloaded);
        }
        if let (Kind::Swap, Some(slot)) = (write.kind, there) {
            let item = Item::of(slot, frame.info, now);
            self.previous.keep(id, frame.lowest_open, item, old_charge.unwrap_or(0), now.mono_ms)?;
        }
        // However often it is tried, a write is one use.
        if let Some(at) = existing.filter(|_| !std::mem::replace(&mut write.is_counted, true)) {
            shard.touch(at, tick);
        }
        let margin = if shard.parts[part].range.has_peers() { write.margin } else { Margin::None };
        // The shard's word on the pool counts, not the frame's: the namespace may have got a config of its own since.
        let pool = &shard.space(shared, frame.info).pool;
        if let Err(short) = self.reserve(pool, items, bytes, margin) {
            pool.common.expect(op.hash);
            return Ok(Err((pool.clone(), short)));
        }
        let draft = write.draft.take().expect("a write that has room is done once");
        let (outcome, replaced) = self.put(frame, &mut shard, op, (write, draft), (existing, tick), waits);
        drop(shard);
        drop(replaced);
        Ok(Ok(outcome))
    }

    /// Orders a write that has room, and puts it into the table.
    fn put(
        &self,
        frame: &Frame<'_>,
        shard: &mut Shard,
        op: &PointOp<'_>,
        (write, draft): (&Write<'_>, Draft),
        (existing, tick): (Option<u32>, u64),
        waits: &mut Waits<'_>,
    ) -> (Outcome, Option<Block>) {
        let (shared, id) = (&self.shared, write.id);
        let Draft { mut block, ttl_ms, accessed_at_ms, access_count, sum, .. } = draft;
        let part = shard.part_index(shared, op.hash);
        let strategy = frame.info.strategy(block.strategy());
        let version = shard.parts[part].range.next_version();
        block.stamp(version);
        let result = match write.kind {
            Kind::Set => OpResult::Stored { version, ttl_ms, strategy },
            Kind::Swap => OpResult::Swapped { version, ttl_ms, strategy, found: existing.is_some() },
            Kind::Increment { .. } => OpResult::Counted { value: sum, version, ttl_ms },
        };
        let is_new = !matches!(write.kind, Kind::Increment { .. });
        let fresh = Fresh { hash: op.hash, block, ttl_ms, accessed_at_ms, access_count, tick, is_new };
        let replaced = self.enter(frame, shard, fresh, existing, (id, result), waits);
        let copies = shard.parts[part].range.copies();
        (self.outcome(id, result, copies), replaced)
    }

    /// Orders a stamped record, puts it into the table and remembers the result. Returns what it replaced.
    pub(super) fn enter(
        &self,
        frame: &Frame<'_>,
        shard: &mut Shard,
        fresh: Fresh,
        existing: Option<u32>,
        (id, result): (OpId, OpResult),
        waits: &mut Waits<'_>,
    ) -> Option<Block> {
        let (shared, now, info) = (&self.shared, frame.now, frame.info);
        let Fresh { hash, block, ttl_ms, accessed_at_ms, access_count, tick, is_new } = fresh;
        let deadline_ms = ttl_ms.map(|ttl| now.mono_ms.saturating_add(ttl));
        let record = || Record {
            block: block.clone(),
            deadline_ms: deadline_ms.map_or(0, clamped),
            accessed_at_ms,
            access_count: u32::try_from(access_count).unwrap_or(u32::MAX),
        };
        let submitted = shard.order_store(shared, info, hash, record, existing, || frame.op_record(id, result));
        let part = shard.part_index(shared, hash);
        let part = &mut shard.parts[part];
        part.range.operations.remember(id, result);
        waits.on(part, (!submitted.is_committed).then_some(submitted.version.seq));
        shard.space(shared, info).count_set(hash, block.key_bytes(), now.mono_ms);
        let incoming = Incoming { hash, info, block, deadline_ms, accessed_at_ms, access_count, tick, is_new };
        let Some(at) = existing else {
            shard.insert(shared, incoming);
            return None;
        };
        let (replaced, freed) = shard.replace(shared, at, incoming);
        if freed > 0 {
            release(shared, &shard.space(shared, info).pool, 0, freed);
        }
        replaced
    }

    /// Makes the draft of an increment from the record that is there; other writes have theirs already. `Some`: it has no sum.
    fn count_up(
        &self,
        frame: &Frame<'_>,
        op: &PointOp<'_>,
        write: &mut Write<'_>,
        there: Option<&Slot>,
    ) -> Result<Option<Conflict>, Fault> {
        let Kind::Increment { by, initial } = write.kind else { return Ok(None) };
        let version = there.map(|slot| slot.bytes().version());
        let from = match there {
            None => initial,
            Some(slot) => match integer(slot.bytes().value()) {
                Some(value) => value,
                None => return Ok(Some(Conflict::NotInteger { version: slot.bytes().version() })),
            },
        };
        let Some(sum) = from.checked_add(by) else { return Ok(Some(Conflict::Overflow { version })) };
        let digits = sum.to_string();
        let value = digits.as_bytes();
        write.draft = Some(match there {
            None => {
                let record = NewRecord { value, data_type: DataType::Number, history: None, ..write.record.clone() };
                self.draft(frame, op, &record, sum)?
            }
            Some(slot) => {
                let block = slot.bytes().with_value(value);
                Draft {
                    charge: self.fitting(frame, &block)?,
                    block,
                    ttl_ms: slot.ttl_ms(frame.now.mono_ms),
                    accessed_at_ms: frame.now.wall_ms,
                    access_count: u64::from(slot.access_count),
                    sum,
                }
            }
        });
        Ok(None)
    }

    /// Remembers that a write changes nothing, by the record that is there or by its absence. Like a read, this is true only if
    /// the lease held until now; and only when what the table shows is committed.
    pub(super) fn refuse(
        &self,
        shard: &mut Shard,
        op: &PointOp<'_>,
        (id, result): (OpId, OpResult),
        waits: &mut Waits<'_>,
    ) -> Result<Outcome, Fault> {
        if !self.shared.lease.holds_now() {
            return Err(Fault::NoLease);
        }
        let part = shard.part_index(&self.shared, op.hash);
        let part = &mut shard.parts[part];
        part.range.operations.remember(id, result);
        waits.on_key(part, op.hash);
        Ok(self.outcome(id, result, 0))
    }

    /// The answer that a remembered result stands for.
    pub(super) fn outcome(&self, id: OpId, result: OpResult, copies: u8) -> Outcome {
        match result {
            OpResult::Stored { version, ttl_ms, strategy } => Outcome::Stored { version, ttl_ms, strategy, copies },
            OpResult::Conflict(conflict) => Outcome::Conflict(conflict),
            OpResult::Deleted { found } => Outcome::Deleted { found },
            OpResult::Counted { value, version, ttl_ms } => Outcome::Counted { value, version, ttl_ms, copies },
            OpResult::Swapped { version, ttl_ms, strategy, found } => {
                let previous = if found { self.previous.recall(id).map(Box::new) } else { None };
                // It was applied, but what its answer needs is no longer kept: nobody waits for it.
                if found && previous.is_none() {
                    return Outcome::Failed(Fault::Unknown);
                }
                Outcome::Swapped { version, ttl_ms, strategy, copies, previous }
            }
            OpResult::Touched { version, ttl_ms } => Outcome::Touched { version, ttl_ms },
            OpResult::Missed => Outcome::Miss,
        }
    }
}

/// The first condition that does not hold for the live record.
pub(super) fn unmet(when: &[Condition], there: Option<&Slot>) -> Option<Conflict> {
    if when.is_empty() {
        return None;
    }
    let version: Option<Version> = there.map(|slot| slot.bytes().version());
    Condition::first_unmet(when, version).map(|at| Conflict::Unmet { at, version })
}

/// The value as a whole number within 64 bits: JSON text of an integer, without fraction and exponent.
fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

pub(super) fn ttl_ms(info: &SpaceInfo, ttl: Ttl) -> Option<u64> {
    match ttl {
        Ttl::Default => info.default_ttl_ms(),
        Ttl::Never => None,
        Ttl::Millis(ttl) => Some(ttl),
    }
}
