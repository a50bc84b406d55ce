//! A range none of whose members lives begins empty on some node, in a new epoch (rule C6). Nothing old returns.

use super::Successors;
use crate::{
    ids::{Epoch, Mid, NODES_MAX, NodeId, NodeSet, Place, Version},
    leader::Entry,
    model::Model,
    mutation::Mutation,
    range::Range,
    record::{Rank, Record},
    state::State,
    step::Step,
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    let range = state.log.last();
    let somebody_lives = range.in_sync.iter().any(|node| state.node(node).lease);
    let must_wait = somebody_lives && !model.breaks(Mutation::ResetWhileLeased);
    if state.left.resets == 0 || !state.leader.may_propose() || must_wait {
        return;
    }
    for to in model.nodes().filter(|node| state.node(*node).up) {
        all.offer(Step::ProposeReset { to }, |state| {
            propose(state, model, to);
            Ok(())
        });
    }
}

fn propose(state: &mut State, model: &Model, to: NodeId) {
    state.left.resets -= 1;
    let range = *state.log.last();
    state.leader.proposed = Some(Entry::Reset { to, epoch: range.epoch, members: memberships(&range) });
    if !model.breaks(Mutation::RenewsWhileRemoving) {
        state.leader.refuses = range.in_sync;
    }
}

fn memberships(range: &Range) -> [Mid; NODES_MAX] {
    let mut members = [Mid(0); NODES_MAX];
    range.in_sync.iter().for_each(|node| members[node.at()] = range.mid(node));
    members
}

/// Raft applies the reset; void if the epoch moved on or another member is in sync, who may live.
pub(super) fn commit(state: &mut State, model: &Model, to: NodeId, epoch: Epoch, members: [Mid; NODES_MAX]) {
    let mut range = *state.log.last();
    let is_same = memberships(&range) == members || model.breaks(Mutation::ResetIgnoresMembers);
    if range.epoch != epoch || !is_same {
        return;
    }
    range.begin_epoch(Some(to));
    range.in_sync = NodeSet::default().with(to);
    range.mids[to.at()] = Mid(state.log.next_index().0);
    state.log.commit(range);
    let version = Version { epoch: range.epoch, place: Place(0) };
    for key in model.keys() {
        state.ghost.promise_empty(key, Rank { generation: range.generation, version });
    }
}

/// The node finds itself the only member of a range that begins empty, and counts from one.
pub(super) fn begin_empty(state: &mut State, model: &Model, id: NodeId) {
    let view = *state.view(id);
    let node = state.node_mut(id);
    node.retired_in = Default::default();
    if !model.breaks(Mutation::ResetKeepsOldData) {
        node.wipe();
    }
    let keys = model.keys().count();
    for record in node.records.iter_mut().take(keys).filter(|record| !record.has_value) {
        let version = Version { epoch: view.epoch, place: Place(0) };
        *record = Record { version, generation: view.generation, ..Record::default() };
    }
}
