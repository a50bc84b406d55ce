//! A process dies with its memory and starts again as a new incarnation, which removes its old self at once (rule L7)
//! and takes no role from entries before its own start.

use super::{Successors, removal};
use crate::{
    ids::NodeId,
    model::Model,
    mutation::Mutation,
    node::Node,
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for node in model.nodes() {
        if !state.node(node).up {
            all.offer(Step::StartNode { node }, |state| start(state, model, node));
        } else if state.left.crashes > 0 && state.log.last().has_member(node) {
            all.offer(Step::Crash { node }, |state| {
                crash(state, model, node);
                Ok(())
            });
        }
    }
}

fn crash(state: &mut State, model: &Model, id: NodeId) {
    state.left.crashes -= 1;
    state.network.drop_all_to(id);
    state.ghost.put_out.remove(id);
    let node = state.node_mut(id);
    let keeps_role = model.breaks(Mutation::RestartKeepsInSync);
    let mid = if keeps_role || model.breaks(Mutation::ActsOnReplay) { node.mid } else { Default::default() };
    *node = Node { up: keeps_role, lease: keeps_role, mid, ..Node::empty(node.applied) };
}

/// Raft commits the start of the new incarnation.
fn start(state: &mut State, model: &Model, id: NodeId) -> Result<(), Violation> {
    state.network.drop_all_to(id);
    state.leader.node_started(id);
    let before = *state.log.last();
    if before.has_member(id) {
        state.log.commit(before.without(id, before.in_sync));
    }
    let index = state.log.last_index();
    let node = state.node_mut(id);
    node.up = true;
    if !model.breaks(Mutation::ActsOnReplay) {
        node.applied = index;
    }
    removal::check_loss(state)
}
