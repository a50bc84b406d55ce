//! Leases end at any time and are renewed when the leader grants it (rules L1 to L7); and the order in which a node
//! checks its lease and reads (rule L8).

use super::Successors;
use crate::{
    ids::{Key, NodeId},
    model::Model,
    mutation::Mutation,
    observe,
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for node in model.nodes().filter(|node| state.node(*node).up) {
        if state.node(node).lease {
            if state.left.lease_ends > 0 {
                all.offer(Step::EndLease { node }, |state| {
                    state.left.lease_ends -= 1;
                    state.node_mut(node).lease = false;
                    Ok(())
                });
            }
        } else if is_granted(state, model, node) {
            all.offer(Step::RenewLease { node }, |state| {
                state.node_mut(node).lease = true;
                if model.breaks(Mutation::ResumeWipes) {
                    state.node_mut(node).wipe();
                }
                Ok(())
            });
        }
    }
    if model.breaks(Mutation::LeaseCheckedBeforeRead) {
        late_read_steps(all);
    }
}

/// Whether some leader grants the node a lease.
fn is_granted(state: &State, model: &Model, node: NodeId) -> bool {
    if state.leader.deposed_grants.has(node) {
        return true;
    }
    let touched = state.log.last_touching(node, model);
    let has_applied = state.node(node).applied >= touched || model.breaks(Mutation::LeaseIgnoresApplied);
    state.log.last().has_member(node) && has_applied && state.leader.may_grant(node)
}

/// What a broken protocol does: it checks role and lease, waits, and reads then.
fn late_read_steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    let key = Key(0);
    for node in model.nodes() {
        if let Some(floor) = state.node(node).permit {
            all.offer(Step::ReadAfterCheck { node }, |state| {
                state.node_mut(node).permit = None;
                let saw = observe::held(state, node, key).seen_in(state.view(node).generation);
                if observe::is_stale(model, saw, floor) {
                    Err(Violation::Stale { node, key, saw, floor })
                } else {
                    Ok(())
                }
            });
        } else if observe::answers(state, model, node, key).is_some() {
            all.offer(Step::CheckLease { node }, |state| {
                state.node_mut(node).permit = Some(state.ghost.floors[0]);
                Ok(())
            });
        }
    }
}
