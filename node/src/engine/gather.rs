//! What a primary has to say to a peer: as much of it as fits into one message.

use std::{ops::ControlFlow, sync::atomic::Ordering::SeqCst};

use ringhold_model::{NodeId, RangeId, cluster::Member, wire::encode_into};

use super::{
    Engine, Now,
    chunk::Chunk,
    demand::Demand,
    effect::Effect,
    outbox::Wake,
    plan::Shortage,
    shard::{Shard, Shared},
};
use crate::replica::{
    Addressee, Entry, Keyed, Next,
    message::{Body, Digest, Message, Request},
};

/// What a message takes besides what it carries.
const MESSAGE_BYTES: usize = 32;

/// Bounds of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherLimits {
    /// Stop after about this many bytes; one record may be larger, and so may be what a full copy has to be sent at once.
    pub bytes_max: usize,
    /// Stop sending records to copies that are being filled after about this many bytes; 0: send none.
    pub fill_bytes_max: usize,
    /// Tell of commits even if there is nothing else to say.
    pub tells_alone: bool,
}

/// A message to one peer.
#[derive(Debug)]
pub struct Batch {
    /// The encoded [`Request`].
    pub body: Vec<u8>,
    /// Bytes of records for copies that are being filled, in `body`.
    pub fill_bytes: u64,
    pub(super) sent: Vec<Sent>,
}

/// What one message of a batch was, for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) range: RangeId,
    pub(super) to: Addressee,
    /// Records and bytes of a chunk.
    pub(super) chunk: (u64, u64),
}

/// A batch being made; what it holds is shared with the table.
struct Draft {
    limits: GatherLimits,
    messages: Vec<(Sent, Content)>,
    bytes: usize,
    fill_bytes: usize,
}

enum Content {
    Take { applied: u64 },
    Begin { start: u64 },
    Append { entry: Entry<Effect>, committed: u64 },
    Committed { seq: u64 },
    Chunk(Chunk),
    Compare { at: u64, digest: Digest },
    Retire,
    Evict(Shortage),
}

impl Engine {
    /// What `wake` is called with: each node that there is something to be sent to. Called under a shard's lock, so it must be
    /// cheap and call nothing of the engine. To be set once, before the first state is applied.
    pub fn set_wake(&self, wake: Wake) {
        self.shared.outbox.set_wake(wake);
    }

    /// The next batch for a peer; `None`: there is nothing now. To be called until it says `None` after every wake; what could
    /// not be taken for lack of `fill_bytes_max` is there at the next call, without a wake.
    pub fn gather(&self, to: NodeId, now: Now, limits: GatherLimits) -> Option<Batch> {
        let outbox = &self.shared.outbox;
        let mut draft = Draft { limits, messages: Vec::new(), bytes: 0, fill_bytes: 0 };
        for _ in 0..outbox.len(to) {
            if draft.is_full() {
                break;
            }
            let Some(range) = outbox.pop(to) else { break };
            self.gather_range(to, range, now, &mut draft);
        }
        if limits.tells_alone || !draft.messages.is_empty() {
            while !draft.is_full()
                && let Some(range) = outbox.pop_tell(to)
            {
                self.gather_range(to, range, now, &mut draft);
            }
        }
        if let Some(demand) = self.shared.demands.take(to) {
            draft.push_demand(&demand);
        }
        if draft.messages.is_empty() {
            return None;
        }
        // Read after the ranges: what they say may be by a state that is being applied just now.
        draft.encode(self.acting.load(SeqCst), now)
    }

    fn gather_range(&self, to: NodeId, range: RangeId, now: Now, draft: &mut Draft) {
        let first = ringhold_model::key::range_start(range, self.shared.range_bits as u8);
        let mut shard = self.shard_of(first).lock();
        let part = shard.part_of(range);
        shard.parts[part].unqueue(to);
        shard.parts[part].told(to);
        let Some(addressee) = shard.parts[part].range.addressee(to) else { return };
        let flow = draft.fill(&self.shared, &mut shard, part, addressee, now);
        let part = &mut shard.parts[part];
        if flow.is_break() || part.range.wants_to_fill(to) {
            part.requeue(&self.shared.outbox, to);
        }
    }
}

impl Draft {
    fn is_full(&self) -> bool {
        self.bytes >= self.limits.bytes_max
    }

    /// Takes what a range has to say; breaks when that does not fit.
    fn fill(&mut self, shared: &Shared, shard: &mut Shard, part: usize, to: Addressee, now: Now) -> ControlFlow<()> {
        // A copy without room has to see the removals that make it, in one message with what has none.
        let is_whole = shard.parts[part].range.is_short_of_room(to.member.node);
        loop {
            if self.is_full() && !is_whole {
                return ControlFlow::Break(());
            }
            let may_fill = !self.is_full() && self.fill_bytes < self.limits.fill_bytes_max;
            let Some(next) = shard.parts[part].range.next(to.member.node, may_fill) else {
                return ControlFlow::Continue(());
            };
            self.push(shared, shard, part, to, next, now);
        }
    }

    fn push(&mut self, shared: &Shared, shard: &mut Shard, at: usize, to: Addressee, next: Next, now: Now) {
        let part = &mut shard.parts[at];
        let mut chunk = (0, 0);
        let content = match next {
            Next::Take { applied } => Content::Take { applied },
            Next::Begin { start } => {
                part.fills.begin(to.member.node, now.mono_ms);
                Content::Begin { start }
            }
            Next::Append { seq, committed } => {
                let Some(entry) = part.range.entry(seq) else {
                    debug_assert!(false, "effect {seq} is to be sent and not kept");
                    return;
                };
                self.bytes += entry.effect.bytes();
                Content::Append { entry: Entry { version: entry.version, effect: entry.effect.to_send() }, committed }
            }
            Next::Committed { seq } => Content::Committed { seq },
            Next::Chunk { from, at: seq } => {
                let read = shard.read_chunk(shared, at, from, seq);
                self.bytes += read.bytes;
                self.fill_bytes += read.bytes;
                chunk = (read.len() as u64, read.bytes as u64);
                Content::Chunk(read)
            }
            Next::Compare { at } => Content::Compare { at, digest: part.sums.digest() },
            Next::Retire => Content::Retire,
        };
        self.bytes += MESSAGE_BYTES;
        self.messages.push((Sent { range: shard.parts[at].range.id(), to, chunk }, content));
    }

    /// Asks the primary of a range that this node has a copy of. The message names this node's membership, not the receiver's.
    fn push_demand(&mut self, demand: &Demand) {
        let member = Member { node: NodeId(0), mid: demand.mid };
        let to = Addressee { member, epoch: demand.epoch };
        self.messages.push((Sent { range: demand.range, to, chunk: (0, 0) }, Content::Evict(demand.shortage)));
    }

    fn encode(self, view: u64, now: Now) -> Option<Batch> {
        let messages = self.messages.iter().map(|(sent, content)| Message {
            range: sent.range,
            epoch: sent.to.epoch,
            mid: sent.to.member.mid,
            body: content.to_body(now),
        });
        let messages = messages.collect();
        let body = encode_into(&Request { view, messages }, Vec::with_capacity(self.bytes));
        let body = body.expect("a request has nothing that cannot be written");
        let sent = self.messages.into_iter().map(|(sent, _)| sent).collect();
        Some(Batch { body, fill_bytes: self.fill_bytes as u64, sent })
    }
}

impl Content {
    fn to_body(&self, now: Now) -> Body<'_> {
        match self {
            &Self::Take { applied } => Body::Take { applied },
            &Self::Begin { start } => Body::Begin { start },
            Self::Append { entry, committed } => {
                Body::Append { effect: entry.effect.to_ref(entry.version, now.mono_ms), committed: *committed }
            }
            &Self::Committed { seq } => Body::Committed { seq },
            Self::Chunk(chunk) => Body::Chunk(chunk.to_ref(now.mono_ms)),
            &Self::Compare { at, digest } => Body::Compare { at, digest },
            Self::Retire => Body::Retire,
            &Self::Evict(Shortage { space, items, bytes }) => Body::Evict { space, items, bytes },
        }
    }
}
