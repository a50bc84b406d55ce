//! What a member does at a primary's word.

use ringhold_model::{
    key::{range_of, range_start},
    rules::Rule,
};

use super::{
    Engine, Now,
    commit::Woken,
    effect::{Effect, Record},
    plan::{Plan, Shortage},
    shard::Shard,
    view::View,
};
use crate::replica::{
    Entry, Placed, Refusal,
    message::{Answer, Body, ChunkRef, Digest, Message, Reply, Request},
};

/// About how many bytes of effects one promise brings; a single effect may be larger.
const PROMISE_BYTES: usize = 1 << 20;

/// A request on its way through the engine.
struct Visit<'a> {
    messages: &'a [Message<'a>],
    view: &'a View,
    now: Now,
}

/// An effect that arrived.
struct Arrived {
    entry: Entry<Effect>,
    committed: u64,
}

/// An answer that borrows nothing.
enum Said {
    Plain(Answer<'static>),
    Promise { applied: u64, committed: u64, entries: Vec<Entry<Effect>> },
}

impl Engine {
    /// Does what a primary says and gives the reply to `write`. The caller has made sure that this node acts by at least the
    /// request's view. Whatever the bytes hold, nothing panics.
    ///
    /// # Errors
    /// What `write` says.
    pub fn follow<E>(
        &self,
        request: &Request<'_>,
        now: Now,
        write: impl FnOnce(&Reply<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let view = self.view.load_full();
        let visit = Visit { messages: &request.messages, view: &view, now };
        let said: Vec<Said> = (0..visit.messages.len())
            .map(|at| self.do_as_told(&visit, at).unwrap_or_else(|refusal| Said::Plain(Answer::Refused(refusal))))
            .collect();
        let answers = said.iter().map(|said| said.to_answer(now)).collect();
        write(&Reply { view: view.index, answers })
    }

    fn do_as_told(&self, visit: &Visit<'_>, at: usize) -> Result<Said, Refusal> {
        let message = &visit.messages[at];
        if u32::from(message.range.0) >> self.shared.range_bits != 0 {
            return Err(Refusal::NotMine);
        }
        let range_bits = self.shared.range_bits as u8;
        let first = range_start(message.range, range_bits);
        match &message.body {
            Body::Append { .. } => return self.take_effect(visit, at),
            Body::Chunk(chunk) => return self.take_chunk(visit, message, chunk),
            &Body::Evict { space, items, bytes } => {
                return self.evict_for_member(visit, message, Shortage { space, items, bytes });
            }
            _ => {}
        }
        let mut shard = self.shard_of(first).lock();
        let part = shard.part_of(message.range);
        let part = &mut shard.parts[part];
        part.range.check_sender(message.epoch, message.mid)?;
        let range = &mut part.range;
        Ok(Said::Plain(match &message.body {
            &Body::Take { applied } => return promise(range, applied),
            &Body::Begin { start } => Answer::Begun { start: range.begin(start, first)? },
            &Body::Committed { seq } => {
                let mut outputs = Vec::new();
                range.learn_committed(seq, &mut outputs);
                let applied = range.applied();
                let mut woken = Woken::default();
                part.act(&self.shared, &mut outputs, &mut woken);
                drop(shard);
                woken.tell();
                Answer::Acked { applied }
            }
            Body::Compare { at, digest } => {
                Answer::Compared { is_equal: compare(part.sums.digest(), range, *at, *digest)? }
            }
            Body::Retire => {
                range.retire();
                Answer::Retired
            }
            Body::Append { .. } | Body::Chunk(_) | Body::Evict { .. } => return Err(Refusal::Damaged),
        }))
    }

    /// Takes an effect; if there is no room for it, together with later ones of the request that make room.
    fn take_effect(&self, visit: &Visit<'_>, at: usize) -> Result<Said, Refusal> {
        let message = &visit.messages[at];
        let first = self.arrived(message, visit.now)?;
        let refusal = match self.take_run(visit, message, vec![first]) {
            Err(refusal @ Refusal::NoRoom { .. }) => refusal,
            taken => return taken,
        };
        let of_range = |other: &&Message<'_>| {
            other.range == message.range && other.epoch == message.epoch && other.mid == message.mid
        };
        let later = visit.messages[at..].iter().filter(of_range);
        let run: Vec<Arrived> = later.map_while(|message| self.arrived(message, visit.now).ok()).collect();
        if run.len() > 1 { self.take_run(visit, message, run) } else { Err(refusal) }
    }

    /// Makes an effect of a message, outside the lock.
    fn arrived(&self, message: &Message<'_>, now: Now) -> Result<Arrived, Refusal> {
        let Body::Append { effect, committed } = &message.body else { return Err(Refusal::Damaged) };
        if range_of(effect.hash, self.shared.range_bits as u8) != message.range {
            return Err(Refusal::Damaged);
        }
        let version = effect.version;
        let effect = Effect::from_ref(effect, now.mono_ms).ok_or(Refusal::Damaged)?;
        Ok(Arrived { entry: Entry { version, effect }, committed: *committed })
    }

    /// Takes consecutive effects: the first, and as many more as it takes until they fit as a whole.
    fn take_run(&self, visit: &Visit<'_>, message: &Message<'_>, run: Vec<Arrived>) -> Result<Said, Refusal> {
        let mut woken = Woken::default();
        let mut shard = self.shard_of(range_start(message.range, self.shared.range_bits as u8)).lock();
        let part = shard.part_of(message.range);
        shard.parts[part].range.check_sender(message.epoch, message.mid)?;
        let mut gone = Vec::new();
        let mut learned = run[0].committed;
        let taken = self.fit_run(visit, &shard, part, &run)?;
        if let Some((count, plan)) = taken {
            gone = plan.execute(&mut shard);
            for arrived in run.into_iter().take(count) {
                learned = learned.max(arrived.committed);
                keep(&mut shard, part, arrived.entry, visit.now);
            }
        }
        let mut outputs = Vec::new();
        let part = &mut shard.parts[part];
        part.range.learn_committed(learned, &mut outputs);
        part.act(&self.shared, &mut outputs, &mut woken);
        let applied = part.range.applied();
        drop(shard);
        drop(gone);
        woken.tell();
        Ok(Said::Plain(Answer::Acked { applied }))
    }

    /// How many effects of a run fit together, with their plan; the room is reserved. `None`: the first is in the table already.
    fn fit_run<'a>(
        &'a self,
        visit: &Visit<'a>,
        shard: &Shard,
        part: usize,
        run: &[Arrived],
    ) -> Result<Option<(usize, Plan<'a>)>, Refusal> {
        let range = &shard.parts[part].range;
        let applied = range.applied();
        let mut plan = Plan::new(&self.shared, visit.view);
        let mut count = 0;
        for (at, arrived) in run.iter().enumerate() {
            let Entry { version, effect } = &arrived.entry;
            if at > 0 && version.seq != applied + 1 + at as u64 {
                break;
            }
            // Where chunks have come to does not change on the way.
            let seq = if at == 0 { version.seq } else { applied + 1 };
            let makes_room = match range.place(seq, effect.hash)? {
                Placed::Known => return Ok(None),
                Placed::Keep => false,
                Placed::Apply => plan.add(shard, effect),
            };
            count = at + 1;
            if (at == 0 || makes_room) && count < run.len() && plan.reserve(shard).is_ok() {
                return Ok(Some((count, plan)));
            }
        }
        // What is short is what the whole run lacks, so that enough is freed for all of it.
        match plan.reserve(shard) {
            Ok(()) => Ok(Some((count, plan))),
            Err(shortage) => Err(no_room(applied, shortage)),
        }
    }

    fn take_chunk(&self, visit: &Visit<'_>, message: &Message<'_>, chunk: &ChunkRef<'_>) -> Result<Said, Refusal> {
        let records = self.check_chunk(message, chunk, visit.now).ok_or(Refusal::Damaged)?;
        let mut shard = self.shard_of(range_start(message.range, self.shared.range_bits as u8)).lock();
        let part = shard.part_of(message.range);
        let range = &mut shard.parts[part].range;
        range.check_sender(message.epoch, message.mid)?;
        if !range.expects_chunk(chunk.from, chunk.at)? {
            return Ok(Said::Plain(Answer::ChunkTaken { cursor: range.fill_cursor() }));
        }
        let applied = range.applied();
        let mut plan = Plan::new(&self.shared, visit.view);
        for (from, record) in chunk.records.iter().zip(records) {
            plan.add_record(&shard, (from.namespace, from.backend), from.generation, from.hash, record);
        }
        plan.reserve(&shard).map_err(|shortage| no_room(applied, shortage))?;
        let gone = plan.execute(&mut shard);
        let range = &mut shard.parts[part].range;
        for operation in &chunk.operations {
            range.operations.absorb(*operation, visit.now.mono_ms);
        }
        range.chunk_applied(chunk.next);
        let cursor = range.fill_cursor();
        drop(shard);
        drop(gone);
        Ok(Said::Plain(Answer::ChunkTaken { cursor }))
    }

    /// A member needs room, and only this node orders the end of the range's records.
    fn evict_for_member(&self, visit: &Visit<'_>, message: &Message<'_>, shortage: Shortage) -> Result<Said, Refusal> {
        let first = range_start(message.range, self.shared.range_bits as u8);
        {
            let shard = self.shard_of(first).lock();
            let part = shard.part_of(message.range);
            shard.parts[part].range.check_member(message.epoch, message.mid)?;
        }
        self.shrink(message.range, shortage, visit.now);
        Ok(Said::Plain(Answer::Evicted))
    }

    /// The records of a chunk; `None`: it does not add up.
    fn check_chunk(&self, message: &Message<'_>, chunk: &ChunkRef<'_>, now: Now) -> Option<Vec<Record>> {
        let range_bits = self.shared.range_bits as u8;
        let is_inside = |hash: u64| {
            range_of(hash, range_bits) == message.range
                && hash >= chunk.from
                && chunk.next.is_none_or(|next| hash < next)
        };
        let goes_on = chunk.next.is_none_or(|next| next > chunk.from && range_of(next, range_bits) == message.range);
        if chunk.sum() != chunk.checksum || !goes_on {
            return None;
        }
        let record = |from: &crate::replica::message::ChunkRecord<'_>| {
            is_inside(from.hash).then(|| Record::from_ref(&from.record, now.mono_ms)).flatten()
        };
        chunk.records.iter().map(record).collect()
    }
}

impl Said {
    fn to_answer(&self, now: Now) -> Answer<'_> {
        match self {
            Self::Plain(answer) => answer.clone(),
            Self::Promise { applied, committed, entries } => Answer::Promise {
                applied: *applied,
                committed: *committed,
                effects: entries.iter().map(|entry| entry.effect.to_ref(entry.version, now.mono_ms)).collect(),
            },
        }
    }
}

/// Adds an effect that is in the table to the history, and what became of its operation to what is known of operations.
pub(super) fn keep(shard: &mut Shard, part: usize, entry: Entry<Effect>, now: Now) {
    let range = &mut shard.parts[part].range;
    if let Some(op) = entry.effect.op.filter(|_| Rule::OperationsTravel.holds()) {
        range.operations.absorb(op, now.mono_ms);
    }
    range.push(entry);
}

fn promise(range: &crate::replica::Range<Effect>, asked: u64) -> Result<Said, Refusal> {
    let mut bytes = 0;
    let is_in_bounds = |entry: &&Entry<Effect>| {
        let fits = bytes < PROMISE_BYTES;
        bytes += crate::replica::Keyed::bytes(&entry.effect);
        fits
    };
    let entries = range.promise(asked)?.take_while(is_in_bounds).cloned().collect();
    Ok(Said::Promise { applied: range.applied(), committed: range.committed(), entries })
}

/// Whether a copy is equal to its primary at the same place of the history.
fn compare(own: Digest, range: &crate::replica::Range<Effect>, at: u64, digest: Digest) -> Result<bool, Refusal> {
    if range.applied() < at {
        return Err(Refusal::Gap { applied: range.applied() });
    }
    if range.applied() > at || range.fill_cursor().is_some() {
        return Err(Refusal::Misplaced);
    }
    Ok(own == digest)
}

fn no_room(applied: u64, shortage: Shortage) -> Refusal {
    Refusal::NoRoom { applied, space: shortage.space, bytes: shortage.bytes, items: shortage.items }
}
