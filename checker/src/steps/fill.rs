//! Filling of a copy: it wipes, hears the live stream, gets the range in chunks between the stream's effects, and is
//! promoted when it must acknowledge and has all that is committed (rule C1).

use super::{Reception, Successors, apply, commit};
use crate::{
    ids::{KEYS_MAX, Key, Mid, NodeId, OpSet, Place, Version},
    message::{Body, Chunk, Digest, Letter, Message, Proposal, Verdict},
    model::Model,
    mutation::Mutation,
    node::{Filling, Node},
    primary::Feed,
    record::Record,
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for primary in model.nodes() {
        let node = state.node(primary);
        let Some(feed) = node.primary.feed.filter(|feed| node.primary.is_open() && !feed.in_ack_set) else { continue };
        for key in model.keys().filter(|key| key.0 >= feed.filled) {
            all.offer(Step::SendChunk { primary, key }, |state| {
                send_chunk(state, model, primary, feed, key);
                Ok(())
            });
        }
        if state.left.refills > 0 && node.last > feed.start {
            all.offer(Step::BeginAnew { primary }, |state| {
                state.left.refills -= 1;
                state.node_mut(primary).primary.feed = None;
                begin(state, primary);
                Ok(())
            });
        }
        if feed.filled == model.key_set().len() {
            all.offer(Step::AddToAckSet { primary }, |state| {
                add_to_ack_set(state, model, primary, feed);
                commit::advance(state, model, primary)
            });
        }
    }
}

/// The primary begins to fill a pending copy: its history starts where the primary's ends by now.
pub(super) fn begin(state: &mut State, primary: NodeId) {
    let view = *state.view(primary);
    let node = state.node_mut(primary);
    let Some(pending) = view.pending.filter(|_| node.primary.is_open() && node.primary.feed.is_none()) else { return };
    let start = node.last;
    node.primary.feed = Some(Feed::starting_at(pending, view.mid(pending), start));
    node.primary.acked[pending.at()] = start;
    state.tell(primary, pending, Body::Begin { start });
}

/// A former beginning that is late is refused.
pub(super) fn reception_of_begin(node: &Node, start: Place) -> Reception {
    match node.filling {
        Filling::Empty => Reception::Done,
        Filling::Keys(begun, _) if begun < start => Reception::Done,
        _ => Reception::Refused,
    }
}

/// The copy's history begins.
pub(super) fn on_begin(state: &mut State, model: &Model, letter: Letter, start: Place) {
    apply::wipe(state, model, letter.to);
    let node = state.node_mut(letter.to);
    node.start_history(start);
    node.filling = Filling::Keys(start, 0);
}

/// Sends what the primary holds of the key at this place.
fn send_chunk(state: &mut State, model: &Model, primary: NodeId, feed: Feed, key: Key) {
    let node = state.node(primary);
    let (start, at, record) = (feed.start, node.last, node.records[key.at()]);
    let (is_first, is_last) = (key == Key(0), key.0 + 1 == model.key_set().len());
    let operations = if is_first { node.operations } else { OpSet::default() };
    let digest = if is_last { digest_of(&node.records) } else { Digest::default() };
    forget_chunk(state, feed, key);
    state.tell(primary, feed.node, Body::Chunk(Chunk { start, at, key, record, operations, digest }));
}

/// Of two chunks of a key that are under way one is in vain; which one, the choice not to send the second decides.
fn forget_chunk(state: &mut State, feed: Feed, key: Key) {
    state.network.keep(|message| match message {
        Message::Between(Letter { to, mid, body: Body::Chunk(chunk), .. }) => {
            (*to, *mid, chunk.start, chunk.key) != (feed.node, feed.mid, feed.start, key)
        }
        _ => true,
    });
}

fn digest_of(records: &[Record; KEYS_MAX]) -> [Version; KEYS_MAX] {
    records.map(Record::digested)
}

/// A chunk is valid exactly at the place where it was read, and after the one before it.
pub(super) fn reception_of_chunk(node: &Node, model: &Model, chunk: Chunk) -> Reception {
    let Chunk { start, at, key, .. } = chunk;
    let Filling::Keys(begun, filled) = node.filling else {
        return if node.filling == Filling::Empty { Reception::Held } else { Reception::Refused };
    };
    let is_late = at < node.last && !model.breaks(Mutation::ChunkAtAnotherPlace);
    let takes_late = is_late && model.breaks(Mutation::LostChunkCounts);
    if start < begun || key.0 < filled || (is_late && !takes_late) {
        Reception::Refused
    } else if start > begun || key.0 > filled || at > node.last {
        Reception::Held
    } else {
        Reception::Done
    }
}

/// Takes a chunk in.
pub(super) fn on_chunk(state: &mut State, model: &Model, letter: Letter, chunk: Chunk) -> Result<(), Violation> {
    let Chunk { at, key, record, operations, digest, .. } = chunk;
    let generation = state.view(letter.to).generation;
    let node = state.node_mut(letter.to);
    let Filling::Keys(start, _) = node.filling else { return Ok(()) };
    let record = if model.breaks(Mutation::ChunksWithoutGeneration) { Record { generation, ..record } } else { record };
    if at == node.last || model.breaks(Mutation::ChunkAtAnotherPlace) {
        node.records[key.at()].take_chunk(record);
    }
    if !model.breaks(Mutation::ChunksWithoutOperations) {
        node.operations = node.operations.or(operations);
    }
    let filled = key.0 + 1;
    node.filling = Filling::Keys(start, filled);
    let differs = filled == model.key_set().len() && digest != digest_of(&node.records);
    if differs && !model.is_broken() {
        return Err(Violation::Diverged { first: letter.from, second: letter.to });
    }
    state.answer(letter, Body::ChunkAck { start, filled });
    Ok(())
}

/// The copy has the keys up to there.
pub(super) fn on_chunk_ack(state: &mut State, model: &Model, letter: Letter, start: Place, filled: u8) {
    let feed = state.node_mut(letter.to).primary.feed.as_mut().filter(|feed| feed.node == letter.from);
    if let Some(feed) = feed.filter(|feed| feed.start == start || model.breaks(Mutation::NoTransferId)) {
        feed.filled = feed.filled.max(filled);
    }
}

/// From here on the copy must acknowledge every effect; only then may Raft let it serve.
fn add_to_ack_set(state: &mut State, model: &Model, primary: NodeId, feed: Feed) {
    let role = &mut state.node_mut(primary).primary;
    role.feed = Some(Feed { in_ack_set: true, ..feed });
    if !model.breaks(Mutation::PromoteBeforeAckSet) {
        role.ack_set.insert(feed.node);
    }
}

/// Asks Raft to let the copy serve: when it has everything that is committed (from here on nothing is committed without it),
/// and nothing before its history began is uncommitted (it does not know that as such).
pub(super) fn propose_promotion(state: &mut State, model: &Model, primary: NodeId) {
    let node = state.node_mut(primary);
    let role = &mut node.primary;
    let Some(feed) = role.feed.filter(|feed| feed.in_ack_set && !feed.is_proposed) else { return };
    let is_behind = role.acked_by(feed.node) < node.committed && !model.breaks(Mutation::PromoteWhileBehind);
    let is_early = node.committed < feed.start && !model.breaks(Mutation::PromoteBeforeStartCommitted);
    if is_behind || is_early {
        return;
    }
    role.feed = Some(Feed { is_proposed: true, ..feed });
    let proposal = Proposal { verdict: Verdict::Promote, epoch: role.epoch, node: feed.node, mid: feed.mid };
    state.network.send(Message::Proposal(proposal));
}

/// Raft promotes the pending copy; void if epoch or membership moved on.
pub(super) fn commit_promotion(state: &mut State, model: &Model, proposal: Proposal) {
    let mut range = *state.log.last();
    let Proposal { epoch, node, mid, .. } = proposal;
    let is_same = |of: Mid| of == mid || model.breaks(Mutation::ProposalsWithoutMembership);
    if range.epoch == epoch && range.pending == Some(node) && is_same(range.mid(node)) {
        range.in_sync.insert(node);
        range.pending = None;
        state.log.commit(range);
    }
}
