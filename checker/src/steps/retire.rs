//! Taking a copy out: it stops serving and says so before Raft takes it off the list (rule C3). A node that stops does
//! both by itself (rule C5).

use super::Successors;
use crate::{
    ids::NodeId,
    message::{Body, Letter, Message, Proposal, Verdict},
    model::Model,
    mutation::Mutation,
    state::State,
    step::Step,
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    if state.left.retirements == 0 {
        return;
    }
    if model.breaks(Mutation::DroppedByLeader) {
        return drop_steps(all);
    }
    for node in model.nodes().filter(|node| state.node(*node).up) {
        ask_steps(all, node);
        stop_step(all, node);
    }
}

fn ask_steps(all: &mut Successors<'_>, primary: NodeId) {
    let Successors { state, model, .. } = *all;
    let (node, view) = (state.node(primary), state.view(primary));
    if !node.primary.is_open() || node.primary.retiring.is_some() || view.primary != Some(primary) {
        return;
    }
    for copy in view.in_sync.without(primary).iter() {
        all.offer(Step::AskToRetire { primary, copy }, |state| {
            ask(state, primary, copy, model.breaks(Mutation::RemovedWithoutAck));
            Ok(())
        });
    }
}

fn ask(state: &mut State, primary: NodeId, copy: NodeId, without_ack: bool) {
    state.left.retirements -= 1;
    let mid = state.view(primary).mid(copy);
    let role = &mut state.node_mut(primary).primary;
    role.retiring = Some(copy);
    let epoch = role.epoch;
    if without_ack {
        let proposal = Proposal { verdict: Verdict::Removed, epoch, node: copy, mid };
        state.network.send(Message::Proposal(proposal));
    } else {
        state.tell(primary, copy, Body::Retire);
    }
}

/// A copy whose process is to end: it asks nobody, and goes on acknowledging until it is off the list.
fn stop_step(all: &mut Successors<'_>, copy: NodeId) {
    let Successors { state, model, .. } = *all;
    let view = *state.view(copy);
    let is_copy = view.in_sync.has(copy) && view.primary != Some(copy);
    if !is_copy || state.is_retired(copy) {
        return;
    }
    all.offer(Step::StopCopy { copy }, |state| {
        state.left.retirements -= 1;
        let (epoch, mid) = (view.epoch, view.mid(copy));
        if !model.breaks(Mutation::StopsWhileServing) {
            state.node_mut(copy).retired_in = epoch;
        }
        state.network.send(Message::Proposal(Proposal { verdict: Verdict::Removed, epoch, node: copy, mid }));
        Ok(())
    });
}

/// The copy serves no longer in that epoch.
pub(super) fn on_retire(state: &mut State, letter: Letter) {
    state.node_mut(letter.to).retired_in = letter.epoch;
    state.answer(letter, Body::RetireAck);
}

/// The primary proposes what the copy agreed to.
pub(super) fn on_retire_ack(state: &mut State, letter: Letter) {
    let Letter { from, to, epoch, mid, .. } = letter;
    if state.node(to).primary.retiring == Some(from) {
        let proposal = Proposal { verdict: Verdict::Removed, epoch, node: from, mid };
        state.network.send(Message::Proposal(proposal));
    }
}

/// Raft takes the copy off the list; void if epoch or membership moved on.
pub(super) fn commit_removed(state: &mut State, model: &Model, proposal: Proposal) {
    let mut range = *state.log.last();
    let Proposal { epoch, node, mid, .. } = proposal;
    let is_same = range.mid(node) == mid || model.breaks(Mutation::ProposalsWithoutMembership);
    if range.epoch == epoch && range.in_sync.has(node) && is_same && range.primary != Some(node) {
        range.in_sync.remove(node);
        state.log.commit(range);
    }
}

/// What a broken protocol does: the copy is off the list before it knows.
fn drop_steps(all: &mut Successors<'_>) {
    let range = *all.state.log.last();
    for copy in range.in_sync.iter().filter(|copy| range.primary != Some(*copy)) {
        all.offer(Step::DropCopy { copy }, |state| {
            state.left.retirements -= 1;
            state.log.commit(range.without(copy, range.in_sync));
            Ok(())
        });
    }
}
