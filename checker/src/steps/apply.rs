//! A node applies the next entry of the Raft log and takes the role that it says.

use super::{Successors, commit, fill, reset, takeover};
use crate::{
    ids::{Index, Mid, NodeId},
    model::Model,
    mutation::Mutation,
    node::Filling,
    primary::{Phase, Primary},
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let model = all.model;
    for node in model.nodes() {
        let Successors { state, .. } = all;
        if state.node(node).up && state.node(node).applied < state.log.last_index() {
            all.offer(Step::Apply { node }, |state| apply_next(state, model, node));
        }
    }
}

fn apply_next(state: &mut State, model: &Model, id: NodeId) -> Result<(), Violation> {
    let was_primary = state.node(id).primary.phase != Phase::Closed;
    let node = state.node_mut(id);
    node.applied = Index(node.applied.0 + 1);
    let view = *state.view(id);
    follow_membership(state, model, id);
    let leads = view.primary == Some(id);
    if was_primary && !state.node(id).primary.leads(view.epoch) || !leads {
        close(state, model, id)?;
    }
    if !leads {
        return Ok(());
    }
    if state.node(id).primary.leads(view.epoch) {
        follow_as_primary(state, model, id)
    } else {
        takeover::begin(state, model, id)
    }
}

/// What an entry means for what the node holds: only an unbroken membership keeps it.
fn follow_membership(state: &mut State, model: &Model, id: NodeId) {
    let view = *state.view(id);
    let is_member = view.has_member(id);
    let node = state.node_mut(id);
    if !is_member {
        if node.mid != Mid(0) {
            wipe(state, model, id);
            state.node_mut(id).mid = Mid(0);
        }
        return;
    }
    let is_new = node.mid != view.mid(id);
    if is_new && view.pending == Some(id) {
        wipe(state, model, id);
        let node = state.node_mut(id);
        node.filling = Filling::Empty;
    }
    if is_new && view.in_sync.has(id) {
        reset::begin_empty(state, model, id);
    }
    let node = state.node_mut(id);
    node.mid = view.mid(id);
    if view.in_sync.has(id) {
        node.filling = Filling::No;
    }
}

/// Lets go of a membership that is over, with who waits for its effects: those may never be.
pub(super) fn wipe(state: &mut State, model: &Model, id: NodeId) {
    let node = state.node_mut(id);
    let (waiters, records) = (node.waiters, node.records);
    node.wipe();
    node.filling = Filling::No;
    node.retired_in = Default::default();
    if model.breaks(Mutation::WaitersSurviveWipe) {
        node.waiters = waiters;
    }
    if model.breaks(Mutation::RejoinWithoutWipe) {
        node.records = records;
    }
}

/// The role is over. Clients go on waiting, for the new primary to commit what they wait for.
fn close(state: &mut State, model: &Model, id: NodeId) -> Result<(), Violation> {
    let node = state.node_mut(id);
    node.primary = Primary::default();
    node.sweep = node.sweep.filter(|sweep| sweep.to_remove.is_empty());
    if model.breaks(Mutation::FormerPrimaryAnswersAtOnce) {
        let last = state.node(id).last;
        return commit::answer_up_to(state, id, last);
    }
    Ok(())
}

/// The in-sync list or the pending copy changed within the epoch: so does the ack set.
fn follow_as_primary(state: &mut State, model: &Model, id: NodeId) -> Result<(), Violation> {
    let view = *state.view(id);
    let role = &mut state.node_mut(id).primary;
    role.feed = role.feed.filter(|feed| view.pending == Some(feed.node) && view.mid(feed.node) == feed.mid);
    role.ack_set = view.in_sync.without(id);
    if let Some(feed) = role.feed.filter(|feed| feed.in_ack_set) {
        role.ack_set.insert(feed.node);
    }
    takeover::proceed(state, model, id)?;
    fill::begin(state, id);
    commit::advance(state, model, id)
}
