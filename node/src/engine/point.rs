//! Reads and writes of single keys: frames, admission, reads. What writes do is in `write`.

use std::sync::Arc;

use ringhold_model::{
    OpId, RouterId,
    config::{Backend, is_backend_built},
    rules::Rule,
    wire::{Action, Fault, PointOp, PointRequest},
};

use super::{
    Engine, Executed, Item, Now, Outcome, commit::Tickets, part::Part, shard::Shard, space::SpaceInfo, view::View,
    write::Kind,
};
use crate::replica::{Admission, OpResult, message::OpRecord};

/// What the operations of one frame have in common.
pub(super) struct Frame<'a> {
    pub(super) info: &'a Arc<SpaceInfo>,
    view: u64,
    pub(super) router: RouterId,
    pub(super) lowest_open: u64,
    pub(super) now: Now,
    retry: bool,
    any_copy: bool,
    /// In-sync members without which nothing is written.
    copies_min: u8,
}

/// What an operation of a frame waits for.
pub(super) struct Waits<'a> {
    tickets: &'a mut Tickets,
    /// Its place in the frame.
    at: u32,
}

impl Waits<'_> {
    /// Waits for an effect, if copies still have to take it.
    pub(super) fn on(&mut self, part: &mut Part, seq: Option<u64>) {
        if let Some(seq) = seq.filter(|_| Rule::AnswerAfterCommit.holds()) {
            self.tickets.wait(&mut part.waiters, seq, self.at);
        }
    }

    /// Waits for all that the table shows of a key: what was decided by it holds only then.
    pub(super) fn on_key(&mut self, part: &mut Part, hash: u64) {
        if part.range.is_uncommitted() {
            let seq = part.range.last_uncommitted(hash);
            self.on(part, seq);
        }
    }
}

impl Engine {
    /// Does the operations of a frame in order; one outcome each.
    ///
    /// The caller has made sure that the engine's view is at least the request's. Never blocks beyond the shards' locks.
    pub fn execute(&self, request: &PointRequest<'_>, now: Now) -> Executed {
        let view = self.view.load();
        let Some(info) = view.space(request.namespace, request.backend) else {
            let fault = unknown(request.backend);
            let outcomes = request.ops.iter().map(|_| Outcome::Failed(fault.clone())).collect();
            return Executed { outcomes, commit: None };
        };
        let frame = Frame::of(request, &view, info, now);
        self.previous.answered(request.router, request.lowest_open);
        // Keys with an operation that the router will send again: later ones on them wait for it, or they would overtake it.
        let mut held: Vec<u64> = Vec::new();
        let mut tickets = Tickets::default();
        let mut ordered = |(at, op): (usize, &PointOp<'_>)| {
            self.look_ahead(info, &request.ops, at);
            if held.contains(&op.hash) {
                return Outcome::Failed(Fault::Busy);
            }
            self.one(&frame, op, &mut Waits { tickets: &mut tickets, at: at as u32 }).unwrap_or_else(|fault| {
                if fault.is_retryable() {
                    held.push(op.hash);
                }
                Outcome::Failed(fault)
            })
        };
        let outcomes = request.ops.iter().enumerate().map(&mut ordered).collect();
        Executed { outcomes, commit: tickets.commit() }
    }

    fn one(&self, frame: &Frame<'_>, op: &PointOp<'_>, waits: &mut Waits<'_>) -> Result<Outcome, Fault> {
        match &op.action {
            Action::Get => self.read(frame, op, true),
            Action::Peek => self.read(frame, op, false),
            Action::Set { n, record } => self.store(frame, op, *n, record, Kind::Set, waits),
            Action::Swap { n, record } => self.store(frame, op, *n, record, Kind::Swap, waits),
            Action::Increment { n, by, initial, record } => {
                self.store(frame, op, *n, record, Kind::Increment { by: *by, initial: *initial }, waits)
            }
            Action::Delete { n, when } => self.delete(frame, op, *n, when, waits),
            Action::Touch { n, ttl, when } => self.retime(frame, op, *n, *ttl, when, waits),
        }
    }

    /// Reads a key: at the range's primary, or at any in-sync copy if the router allows it.
    fn read(&self, frame: &Frame<'_>, op: &PointOp<'_>, counts: bool) -> Result<Outcome, Fault> {
        let mut shard = self.shard_of(op.hash).lock();
        if frame.info.is_removed() {
            return Err(Fault::UnknownNamespace);
        }
        let part = shard.part_index(&self.shared, op.hash);
        let range = &shard.parts[part].range;
        let outcome = match range.check(op.epoch, frame.view) {
            Ok(()) => self.read_here(frame, &mut shard, part, op, counts),
            Err(_) if frame.any_copy && range.is_in_sync() => {
                range.check_copy()?;
                self.read_copy(frame, &mut shard, part, op, counts)?
            }
            Err(fault) => return Err(fault),
        };
        // After the value was taken: a lease that holds now held then (rule L8).
        let may_answer = self.shared.lease.holds_now() || !Rule::ReadUnderLease.holds();
        if may_answer { Ok(outcome) } else { Err(Fault::NoLease) }
    }

    /// At the primary. What is not committed is not shown.
    fn read_here(&self, frame: &Frame<'_>, shard: &mut Shard, part: usize, op: &PointOp<'_>, counts: bool) -> Outcome {
        let (shared, now, info) = (&self.shared, frame.now, frame.info);
        let uncommitted = shard.parts[part].uncommitted(info, op.hash, op.key.as_bytes());
        if let Some(effect) = uncommitted.filter(|_| Rule::PrimaryHides.holds()) {
            let generation = shard.generation(info);
            let shown = effect.before.as_ref().filter(|record| effect.generation == generation && !record.is_due(now));
            let shown = shown.map(|record| Item::from_record(record, op.hash, info, now));
            if counts {
                shard.space(shared, info).count_read(op.hash, op.key.as_bytes(), shown.is_some(), now.mono_ms);
            }
            return shown.map_or(Outcome::Miss, Outcome::Hit);
        }
        let tick = if counts { shared.tick() } else { 0 };
        let found = shard.find_live(shared, info.number, op.hash, op.key.as_bytes(), now.mono_ms);
        if !counts {
            return found.map_or(Outcome::Miss, |at| Outcome::Hit(Item::of(shard.slots.get(at), info, now)));
        }
        shard.space(shared, info).count_read(op.hash, op.key.as_bytes(), found.is_some(), now.mono_ms);
        let Some(at) = found else { return Outcome::Miss };
        shard.touch(at, tick);
        let slot = shard.slots.get_mut(at);
        slot.access_count = slot.access_count.saturating_add(1);
        slot.set_accessed_at_ms(now.wall_ms);
        Outcome::Hit(Item::of(slot, info, now))
    }

    /// At a copy, which answers only what it knows to be committed, and changes nothing but counts.
    fn read_copy(
        &self,
        frame: &Frame<'_>,
        shard: &mut Shard,
        part: usize,
        op: &PointOp<'_>,
        counts: bool,
    ) -> Result<Outcome, Fault> {
        let (now, info) = (frame.now, frame.info);
        let is_committed = shard.parts[part].uncommitted(info, op.hash, op.key.as_bytes()).is_none();
        if info.is_silent || (!is_committed && Rule::CopyHides.holds()) {
            return Err(Fault::NotCommitted);
        }
        let slot = shard.find(info.number, op.hash, op.key.as_bytes()).map(|at| shard.slots.get(at));
        let item = slot.filter(|slot| shard.is_live(slot, now.mono_ms)).map(|slot| Item::of(slot, info, now));
        if counts {
            shard.space(&self.shared, info).count_copy_read(op.key.as_bytes(), item.is_some(), now.mono_ms);
        }
        Ok(item.map_or(Outcome::Miss, Outcome::Hit))
    }
}

impl<'a> Frame<'a> {
    pub(super) fn of(request: &PointRequest<'_>, view: &View, info: &'a Arc<SpaceInfo>, now: Now) -> Self {
        Self {
            info,
            view: view.index,
            router: request.router,
            lowest_open: request.lowest_open,
            now,
            retry: request.retry,
            any_copy: request.any_copy,
            copies_min: view.min_in_sync,
        }
    }

    /// Whether a write may begin, under the lock under which it is done: lease, role, epoch, namespace, what became of it
    /// before, copies. `Some`: it was done before, with this outcome.
    pub(super) fn admit(
        &self,
        engine: &Engine,
        shard: &mut Shard,
        op: &PointOp<'_>,
        id: OpId,
    ) -> Result<Option<Outcome>, Fault> {
        if !engine.shared.lease.holds_now() && Rule::WriteUnderLease.holds() {
            return Err(Fault::NoLease);
        }
        if self.info.is_removed() {
            return Err(Fault::UnknownNamespace);
        }
        let part = shard.part_index(&engine.shared, op.hash);
        let part = &mut shard.parts[part];
        let is_unsure = self.retry && self.now.mono_ms < part.unsure_until_ms;
        let range = &mut part.range;
        range.check(op.epoch, self.view)?;
        let have = range.copies();
        match range.operations.admit(id, self.lowest_open, self.now.mono_ms) {
            Admission::New if is_unsure => Err(Fault::Unknown),
            Admission::New if have < self.copies_min => Err(Fault::NotEnoughCopies { have, need: self.copies_min }),
            Admission::New if !range.has_room() => Err(Fault::Overloaded),
            Admission::New => Ok(None),
            Admission::Known(result) => Ok(Some(engine.outcome(id, result, have))),
            Admission::Refused(fault) => Err(fault),
        }
    }

    /// How the result of a write is told to copies.
    pub(super) fn op_record(&self, id: OpId, result: OpResult) -> OpRecord {
        OpRecord { id, lowest_open: self.lowest_open, result }
    }
}

/// Why there is no such space.
pub(super) fn unknown(backend: Backend) -> Fault {
    if is_backend_built(backend) {
        Fault::UnknownNamespace
    } else {
        Fault::Unsupported(format!("the backend {backend} is not built yet"))
    }
}
