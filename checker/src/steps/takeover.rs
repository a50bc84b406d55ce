//! Takeover: promises from every in-sync member, the longest history brought to all, then open (rule C2).

use super::{commit, fill, stream};
use crate::{
    ids::{NODES_MAX, NodeId, Place, Version},
    message::{Body, Letter},
    model::Model,
    mutation::Mutation,
    primary::{Phase, Primary},
    record::{Effect, Effects},
    state::State,
    step::Violation,
};

/// The node begins an epoch: asks the in-sync members of its view for promises, and for what it lacks.
pub(super) fn begin(state: &mut State, model: &Model, primary: NodeId) -> Result<(), Violation> {
    let view = *state.view(primary);
    let node = state.node_mut(primary);
    let others = view.in_sync.without(primary);
    node.primary = Primary { phase: Phase::Asking, epoch: view.epoch, ack_set: others, ..Primary::default() };
    let last = node.last;
    if model.breaks(Mutation::OpensWithoutAsking) {
        open(state, model, primary);
        return Ok(());
    }
    for member in others.iter() {
        state.tell(primary, member, Body::Take { last });
    }
    proceed(state, model, primary)?;
    commit::advance(state, model, primary)
}

/// A member follows no older epoch any more: it acts by the new one. It says how far its history goes, and sends what the
/// primary lacks of it.
pub(super) fn on_take(state: &mut State, model: &Model, letter: Letter, last: Place) {
    let node = state.node(letter.to);
    let lacking = node.tail.iter().filter(|effect| effect.version.place > last).copied();
    let effects = if model.breaks(Mutation::PromiseWithoutTail) { Effects::default() } else { lacking.collect() };
    let (last, committed) = (node.last, node.committed);
    state.answer(letter, Body::Promise { last, committed, effects });
}

/// The primary takes what it lacks; all histories begin alike, so the longest holds all others.
pub(super) fn on_promise(
    state: &mut State,
    model: &Model,
    letter: Letter,
    (last, committed): (Place, Place),
    effects: Effects,
) -> Result<(), Violation> {
    let Letter { from, to, .. } = letter;
    let node = state.node_mut(to);
    if node.primary.phase != Phase::Asking {
        return Ok(());
    }
    node.primary.promised_by.insert(from);
    node.primary.acked[from.at()] = last;
    for effect in effects.iter().filter(|effect| effect.version.place > node.last).copied().collect::<Vec<_>>() {
        let is_next = effect.version.place == node.last.next();
        assert!(is_next || model.is_broken(), "a member forgot what is not committed");
        stream::take(node, model, effect);
    }
    let known = committed.min(node.last);
    commit::learn(state, model, to, known)?;
    proceed(state, model, to)?;
    commit::advance(state, model, to)
}

/// With all promises in, brings every member to the longest history.
pub(super) fn proceed(state: &mut State, model: &Model, primary: NodeId) -> Result<(), Violation> {
    let role = &mut state.node_mut(primary).primary;
    if role.phase != Phase::Asking || !role.ack_set.within(role.promised_by) {
        return Ok(());
    }
    role.phase = Phase::Streaming;
    role.promised_by = Default::default();
    if model.breaks(Mutation::ResentGetsNewVersion) {
        give_new_versions(state, primary);
    }
    let node = state.node(primary);
    let (tail, last, members) = (node.tail, node.last, node.primary.ack_set);
    for member in members.iter() {
        let acked = state.node(primary).primary.acked_by(member);
        let lacking: Vec<_> = tail.iter().filter(|effect| effect.version.place > acked).copied().collect();
        let lacks = last.0.saturating_sub(acked.0);
        assert!(lacking.len() == usize::from(lacks) || model.is_broken(), "what a member lacks is not kept");
        for effect in lacking {
            state.tell(primary, member, Body::Append { effect });
        }
    }
    if model.breaks(Mutation::OpensBeforeTailCommitted) {
        open(state, model, primary);
        fill::begin(state, primary);
    }
    Ok(())
}

/// What a broken protocol does: what is sent again is a new effect.
fn give_new_versions(state: &mut State, primary: NodeId) {
    let node = state.node_mut(primary);
    let epoch = node.primary.epoch;
    let renewed = |effect: &Effect| Effect { version: Version { epoch, ..effect.version }, ..*effect };
    node.tail = node.tail.iter().map(renewed).collect();
    for effect in node.tail.iter() {
        effect.apply(&mut node.records);
    }
}

/// The primary takes operations.
pub(super) fn open(state: &mut State, model: &Model, primary: NodeId) {
    let node = state.node_mut(primary);
    node.primary.phase = Phase::Open;
    node.primary.promised_by = Default::default();
    node.primary.shown = node.records;
    if model.breaks(Mutation::HistoryRestarts) {
        node.start_history(Place(0));
        node.primary.acked = [Place(0); NODES_MAX];
    }
}
