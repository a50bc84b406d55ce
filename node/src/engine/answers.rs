//! What a primary makes of a peer's answers.

use ringhold_model::{
    NodeId, RangeId,
    key::{range_of, range_start},
};

use super::{
    Engine, Now,
    commit::Woken,
    effect::Effect,
    follow::keep,
    gather::{Batch, Sent},
    plan::{Plan, Shortage},
    pool::Pool,
    room::Short,
    shard::Shard,
    view::View,
};
use crate::replica::{
    Entry, Output, Refusal, Wish,
    message::{Answer, EffectRef, Reply},
};

/// Evictions elsewhere on this node for the effects of one promise.
const EVICTIONS_MAX: u32 = 1_024;

impl Engine {
    /// Takes a peer's answers to a batch. Replies are to be taken in the order of the batches.
    pub fn take_answers(&self, to: NodeId, batch: &Batch, reply: &Reply<'_>, now: Now) {
        if batch.sent.len() != reply.answers.len() {
            // Not the answer to this: what became of the batch is not known.
            return self.lost(to);
        }
        for (at, (sent, answer)) in batch.sent.iter().zip(&reply.answers).enumerate() {
            let is_ack = |answer: &Answer<'_>| matches!(answer, Answer::Acked { .. });
            let is_range = |sent: &Sent, other: &Sent| sent.range == other.range && sent.to == other.to;
            let next = batch.sent.get(at + 1).zip(reply.answers.get(at + 1));
            let is_overtaken = next.is_some_and(|(other, next)| is_ack(next) && is_range(sent, other));
            if !(is_ack(answer) && is_overtaken) {
                self.take_answer(sent, answer, now);
            }
        }
    }

    fn take_answer(&self, sent: &Sent, answer: &Answer<'_>, now: Now) {
        if let Answer::Promise { applied, committed, effects } = answer {
            return self.take_promise(sent, (*applied, *committed), effects, now);
        }
        if let &Answer::Refused(refusal @ Refusal::NoRoom { space, bytes, items, .. }) = answer {
            self.with_part(sent.range, |shard, part, outputs| {
                shard.parts[part].range.on_refusal(sent.to, refusal, outputs);
            });
            let is_freed = self.shrink(sent.range, Shortage { space, items, bytes }, now);
            return self.with_part(sent.range, |shard, part, outputs| {
                if is_freed {
                    shard.parts[part].range.retry_full(sent.to.member.node, outputs);
                }
            });
        }
        let range_bits = self.shared.range_bits as u8;
        self.with_part(sent.range, |shard, part, outputs| {
            let part = &mut shard.parts[part];
            let (range, from) = (&mut part.range, sent.to);
            match *answer {
                Answer::Acked { applied } => range.on_ack(from, applied, outputs),
                Answer::Begun { start } => range.on_begun(from, start, range_bits, outputs),
                Answer::ChunkTaken { cursor: Some(cursor) } if range_of(cursor, range_bits) != sent.range => {
                    range.on_refusal(from, Refusal::Damaged, outputs);
                }
                Answer::ChunkTaken { cursor } => {
                    range.on_chunk(from, cursor, outputs);
                    part.fills.taken(from.member.node, sent.chunk.0, sent.chunk.1);
                }
                Answer::Compared { is_equal } => {
                    if range.on_compared(from, is_equal, outputs) {
                        part.fills.complete(from.member.node, &self.shared.filled);
                    }
                }
                Answer::Retired => range.on_retired(from),
                Answer::Refused(refusal) => range.on_refusal(from, refusal, outputs),
                Answer::Promise { .. } | Answer::Evicted => {}
            }
        });
    }

    /// A member follows no older epoch, and tells what this node lacks.
    fn take_promise(&self, sent: &Sent, (applied, committed): (u64, u64), effects: &[EffectRef<'_>], now: Now) {
        let view = self.view.load_full();
        let learn = |overdraw: bool| {
            self.with_part(sent.range, |shard, part, _| match shard.parts[part].range.awaits_promise(sent.to) {
                true => self.learn(&view, (shard, part), effects, overdraw, now),
                false => Ok(()),
            })
        };
        let before = self.with_part(sent.range, |shard, part, _| shard.parts[part].range.applied());
        if let Err(shortage) = learn(false) {
            self.evict_for(&view, shortage, now);
            let _ = learn(true);
        }
        self.with_part(sent.range, |shard, part, outputs| {
            let range = &mut shard.parts[part].range;
            match range.applied() >= applied {
                true => range.on_promise(sent.to, applied, committed, outputs),
                false => range.ask_again(sent.to, range.applied() > before, outputs),
            }
        });
        // What was overdrawn goes as soon as this node may order it.
        let _ = (0..EVICTIONS_MAX).take_while(|_| self.trim(now.mono_ms)).count();
    }

    /// Adds effects that this node lacks to its table and history, as far as there is room. To overdraw is the last resort, so
    /// that a range does not stay closed because all that its new primary holds are copies: the records are in memory anyway,
    /// in the history.
    fn learn(
        &self,
        view: &View,
        (shard, part): (&mut Shard, usize),
        effects: &[EffectRef<'_>],
        overdraw: bool,
        now: Now,
    ) -> Result<(), Shortage> {
        for effect in effects {
            let expected = shard.parts[part].range.applied() + 1;
            if effect.version.seq < expected {
                continue;
            }
            let is_inside = shard.part_checked(&self.shared, effect.hash) == Some(part);
            let new = Effect::from_ref(effect, now.mono_ms).filter(|_| is_inside);
            let (Some(new), true) = (new, effect.version.seq == expected) else { break };
            let mut plan = Plan::new(&self.shared, view);
            plan.add(shard, &new);
            match plan.reserve(shard) {
                Ok(()) => {}
                Err(_) if overdraw => plan.overdraw(),
                Err(shortage) => return Err(shortage),
            }
            drop(plan.execute(shard));
            keep(shard, part, Entry { version: effect.version, effect: new }, now);
        }
        Ok(())
    }

    /// Evicts on this node, where it is primary, for a range that it takes over.
    fn evict_for(&self, view: &View, shortage: Shortage, now: Now) {
        let pool =
            shortage.space.and_then(|(namespace, backend)| view.space(namespace, backend)).map(|info| &info.pool);
        let (pool, short): (&Pool, _) = pool.map_or((&view.pools[0], Short::Total), |pool| (pool, Short::Pool));
        let budget = pool.budget.as_ref().filter(|_| short == Short::Pool).unwrap_or(&self.shared.total);
        let mut freed = 0;
        while freed < EVICTIONS_MAX && budget.short(shortage.items, shortage.bytes) != (0, 0) {
            if !self.make_room(pool, short, None, now.mono_ms) {
                break;
            }
            freed += 1;
        }
    }

    /// What was sent to a peer and not answered counts as not sent; replies that still come must not be taken.
    pub fn lost(&self, to: NodeId) {
        self.with_all(|range, outputs| range.on_lost(to, outputs));
    }

    /// Tries again what was refused, and tells what members were not told yet. To be called every 50 ms or so; cheap.
    pub fn nudge(&self) {
        self.with_all(crate::replica::Range::nudge);
    }

    /// What this node's ranges want proposed, at most `max`.
    pub fn wishes(&self, max: usize) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let new = shard.parts.iter().flat_map(|part| part.range.wishes());
            wishes.extend(new.take(max - wishes.len()));
        }
        wishes
    }

    fn with_all(&self, mut f: impl FnMut(&mut crate::replica::Range<Effect>, &mut Vec<Output>)) {
        let mut outputs = Vec::new();
        for shard in &self.shards {
            let mut woken = Woken::default();
            let mut shard = shard.lock();
            for part in shard.parts.iter_mut().filter(|part| part.range.has_peers()) {
                f(&mut part.range, &mut outputs);
                part.act(&self.shared, &mut outputs, &mut woken);
            }
            drop(shard);
            woken.tell();
        }
    }

    /// Does something to a range under its shard's lock, and then what the range wants done.
    fn with_part<T>(&self, range: RangeId, f: impl FnOnce(&mut Shard, usize, &mut Vec<Output>) -> T) -> T {
        let (mut outputs, mut woken) = (Vec::new(), Woken::default());
        let mut shard = self.shard_of(range_start(range, self.shared.range_bits as u8)).lock();
        let part = shard.part_of(range);
        let result = f(&mut shard, part, &mut outputs);
        shard.parts[part].act(&self.shared, &mut outputs, &mut woken);
        shard.relist(&self.shared, part);
        drop(shard);
        woken.tell();
        result
    }
}
