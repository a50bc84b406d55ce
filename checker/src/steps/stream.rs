//! The stream of effects: the primary orders them, members apply them in order and acknowledge (rules S1 to S4).

use super::{Reception, Successors, commit};
use crate::{
    ids::{NodeId, Place, Version},
    message::{Body, Letter},
    model::Model,
    mutation::Mutation,
    node::{Filling, Node},
    record::{Change, Effect, Record},
    state::State,
    step::{Step, Violation},
};

/// The version of the primary's next effect.
pub(super) fn next_version(state: &State, primary: NodeId) -> Version {
    let node = state.node(primary);
    Version { epoch: node.primary.epoch, place: node.last.next() }
}

/// Puts an effect at the end of the history, applies it, streams it, and commits it if nobody has to acknowledge.
pub(super) fn submit(state: &mut State, model: &Model, primary: NodeId, effect: Effect) -> Result<(), Violation> {
    let node = state.node_mut(primary);
    node.append(effect, false);
    if !effect.op.is_none() {
        node.operations.insert(effect.op);
    }
    for member in state.node(primary).primary.audience().iter() {
        state.tell(primary, member, Body::Append { effect });
    }
    commit::advance(state, model, primary)
}

/// A copy applies strictly in order; what comes after a gap is held (rule S1). So is what comes before its history begins.
pub(super) fn reception_of_append(node: &Node, model: &Model, place: Place) -> Reception {
    let is_ready = node.filling != Filling::Empty || model.breaks(Mutation::StreamBeforeReady);
    let is_in_order = place <= node.last.next() || model.breaks(Mutation::GapIsSkipped);
    if is_ready && is_in_order { Reception::Done } else { Reception::Held }
}

/// Applies an effect, if it is the next, and acknowledges.
pub(super) fn on_append(state: &mut State, model: &Model, letter: Letter, effect: Effect) {
    let generation = state.view(letter.to).generation;
    let effect =
        if model.breaks(Mutation::EffectsWithoutGeneration) { Effect { generation, ..effect } } else { effect };
    let node = state.node_mut(letter.to);
    if effect.version.place > node.last {
        take(node, model, effect);
    } else if model.breaks(Mutation::NoSequenceFilter) {
        effect.apply(&mut node.records);
    }
    let last = node.last;
    state.answer(letter, Body::Ack { last });
}

/// The next effect of the history is in the table, or a chunk that is still to come holds its outcome.
pub(super) fn take(node: &mut Node, model: &Model, effect: Effect) {
    let is_filling = matches!(node.filling, Filling::Keys(..));
    let is_skipped = effect.change != Change::RemoveAll
        && !model.breaks(Mutation::AppliesAheadOfChunks)
        && (node.filling.is_before(effect.key) || (is_filling && model.breaks(Mutation::SkipsWhatIsFilled)));
    if is_skipped && model.breaks(Mutation::SkippedNotInTail) {
        node.last = effect.version.place;
    } else {
        node.append(effect, is_skipped);
    }
    if !effect.op.is_none() && !model.breaks(Mutation::RetryTableIsLocal) {
        node.operations.insert(effect.op);
    }
    if model.breaks(Mutation::TailTrimmedTooEarly) {
        node.trim(Place(effect.version.place.0 - 1));
    }
}

/// What a broken protocol does: it acknowledges what it has not applied.
pub(super) fn acknowledge_unapplied(state: &mut State, letter: Letter, effect: Effect) {
    state.answer(letter, Body::Ack { last: effect.version.place });
}

/// What a broken protocol does: a copy drops a record by its own clock, or for its own want of room.
pub(super) fn drop_alone_steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    if !model.breaks(Mutation::CopyDropsAlone) {
        return;
    }
    for copy in model.nodes() {
        for key in model.keys().filter(|key| state.node(copy).records[key.at()].has_value) {
            all.offer(Step::DropAlone { copy, key }, |state| {
                state.node_mut(copy).records[key.at()] = Record::default();
                Ok(())
            });
        }
    }
}

/// Counts an acknowledgement for all effects up to its place.
pub(super) fn on_ack(state: &mut State, model: &Model, letter: Letter, last: Place) -> Result<(), Violation> {
    let acked = &mut state.node_mut(letter.to).primary.acked[letter.from.at()];
    *acked = last.max(*acked);
    commit::advance(state, model, letter.to)
}
