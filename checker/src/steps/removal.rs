//! The end of a lease takes a node off every list: proposed, and committed later (rules L3, L4, L6, L7).

use super::{Successors, reset};
use crate::{
    ids::{NodeId, NodeSet},
    leader::{CaughtUp, Entry},
    model::Model,
    mutation::Mutation,
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for node in model.nodes() {
        if state.left.removals > 0 && state.leader.may_propose() && may_be_proposed(state, model, node) {
            all.offer(Step::ProposeRemoval { node }, |state| {
                propose(state, model, node);
                Ok(())
            });
        }
    }
    match state.leader.proposed {
        Some(Entry::Down { node, alive, restarted, was_allowed }) => {
            let living = alive.minus(restarted);
            let counted = if model.breaks(Mutation::AliveIgnoresIncarnation) { alive } else { living };
            all.offer(Step::CommitRemoval { node }, |state| commit(state, model, node, (living, counted), was_allowed));
        }
        Some(Entry::Reset { to, epoch, members }) => all.offer(Step::CommitReset { to }, |state| {
            state.leader.settle();
            reset::commit(state, model, to, epoch, members);
            Ok(())
        }),
        Some(Entry::Void) => all.offer(Step::LeaderEntryIsVoid, |state| {
            state.leader.settle();
            Ok(())
        }),
        None => {}
    }
    leader_steps(all);
}

/// Whether the leader may say that the node is down: its lease ended. With nobody alive the entry would do nothing.
fn may_be_proposed(state: &State, model: &Model, node: NodeId) -> bool {
    let believed_over =
        !state.node(node).lease || model.breaks(Mutation::DownWithoutLease) || state.leader.forgot_leases;
    let lets_last_go = model.breaks(Mutation::NoOtherHolderNeeded) || model.breaks(Mutation::LeaseEndTakesLastCopy);
    let somebody_lives = !lease_holders(state, model).without(node).is_empty();
    state.log.last().has_member(node) && believed_over && (somebody_lives || lets_last_go)
}

fn lease_holders(state: &State, model: &Model) -> NodeSet {
    let holds = |node: &NodeId| state.node(*node).lease;
    model.nodes().filter(holds).fold(NodeSet::default(), NodeSet::with)
}

fn propose(state: &mut State, model: &Model, node: NodeId) {
    state.left.removals -= 1;
    let alive = lease_holders(state, model).without(node);
    let judged_now = model.breaks(Mutation::AliveJudgedWhenProposed);
    let was_allowed = judged_now && !state.log.last().in_sync.without(node).and(alive).is_empty();
    state.leader.proposed = Some(Entry::Down { node, alive, restarted: NodeSet::default(), was_allowed });
    if !model.breaks(Mutation::RenewsWhileRemoving) {
        state.leader.refuses.insert(node);
    }
}

/// Raft applies the removal: the node leaves where another in-sync member is one of those that lived, judged by the lists as
/// they are now; elsewhere it stays (rule L7).
fn commit(
    state: &mut State,
    model: &Model,
    node: NodeId,
    (living, counted): (NodeSet, NodeSet),
    was_allowed: bool,
) -> Result<(), Violation> {
    state.leader.settle();
    let before = *state.log.last();
    if !before.has_member(node) {
        return Ok(());
    }
    let rest = before.in_sync.without(node);
    let somebody_lives = !before.in_sync.has(node) || !rest.and(living).is_empty();
    let is_broken = was_allowed
        || !rest.and(counted).is_empty()
        || model.breaks(Mutation::LeaseEndTakesLastCopy)
        || (model.breaks(Mutation::NoOtherHolderNeeded) && !rest.is_empty());
    if !somebody_lives && !is_broken {
        return Ok(());
    }
    if !somebody_lives && state.node(node).up {
        state.ghost.put_out.insert(node);
    }
    state.log.commit(before.without(node, counted));
    check_loss(state)
}

/// With no copy left, nobody may have been put out who still had all.
pub(super) fn check_loss(state: &State) -> Result<(), Violation> {
    let was_written = state.ghost.floors.iter().any(|floor| !floor.is_empty());
    let empty = state.log.last().in_sync.is_empty();
    match state.ghost.put_out.lowest() {
        Some(node) if empty && was_written => Err(Violation::Lost { node }),
        _ => Ok(()),
    }
}

fn leader_steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    if state.left.leader_changes == 0 {
        return;
    }
    let forgets = model.breaks(Mutation::NewLeaderForgetsLeases) || model.breaks(Mutation::DeposedLeaderGrants);
    let has_proposed = state.leader.proposed.is_some();
    if has_proposed || forgets {
        // With nothing proposed another leader differs in nothing from the first.
        all.offer(Step::ChangeLeader { proposal_survives: false }, |state| {
            state.leader.settle();
            begin_to_lead(state, model);
            Ok(())
        });
    }
    if has_proposed {
        all.offer(Step::ChangeLeader { proposal_survives: true }, |state| {
            begin_to_lead(state, model);
            forget_the_proposal(state, !model.breaks(Mutation::NewLeaderGrantsAtOnce));
            Ok(())
        });
        all.offer(Step::RestartLeader, |state| {
            state.left.leader_changes -= 1;
            forget_the_proposal(state, !model.breaks(Mutation::RestartedLeaderGrantsAtOnce));
            Ok(())
        });
    }
}

fn begin_to_lead(state: &mut State, model: &Model) {
    state.left.leader_changes -= 1;
    state.leader.forgot_leases = model.breaks(Mutation::NewLeaderForgetsLeases);
    if model.breaks(Mutation::DeposedLeaderGrants) {
        let range = state.log.last();
        state.leader.deposed_grants = range.in_sync;
    }
}

/// A new leader, or one that restarted, finds the entry in its log and knows only that it is not applied (rule L3).
fn forget_the_proposal(state: &mut State, waits_for_log: bool) {
    state.leader.refuses = NodeSet::default();
    state.leader.caught_up = if waits_for_log { CaughtUp::NotYet } else { CaughtUp::Yes };
}
