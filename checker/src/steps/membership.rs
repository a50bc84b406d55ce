//! What the Raft leader does on purpose: add a pending copy or give one up (rule C1), hand the primary over (rule C2).

use super::Successors;
use crate::{
    ids::{Mid, NodeId},
    state::State,
    step::Step,
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    let range = *state.log.last();
    cancel_step(all);
    for node in model.nodes() {
        let may_join = state.node(node).up && !range.has_member(node);
        if state.left.joins > 0 && may_join && range.pending.is_none() && range.primary.is_some() {
            all.offer(Step::AddPending { node }, |state| {
                add_pending(state, node);
                Ok(())
            });
        }
        if state.left.handovers > 0 && range.in_sync.has(node) && range.primary != Some(node) {
            all.offer(Step::HandOver { to: node }, |state| {
                state.left.handovers -= 1;
                let mut range = range;
                range.begin_epoch(Some(node));
                state.log.commit(range);
                Ok(())
            });
        }
    }
}

fn cancel_step(all: &mut Successors<'_>) {
    let range = *all.state.log.last();
    let Some(node) = range.pending.filter(|_| all.state.left.cancels > 0) else { return };
    all.offer(Step::CancelPending { node }, |state| {
        state.left.cancels -= 1;
        let mut range = range;
        range.pending = None;
        state.log.commit(range);
        Ok(())
    });
}

fn add_pending(state: &mut State, node: NodeId) {
    state.left.joins -= 1;
    let mut range = *state.log.last();
    range.pending = Some(node);
    range.mids[node.at()] = Mid(state.log.next_index().0);
    state.log.commit(range);
}
