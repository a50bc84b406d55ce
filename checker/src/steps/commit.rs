//! What is committed, who hears of it, and whose answer it is (rule S5).
//!
//! That a member hears what its primary has committed is one step, not a message: one that is under way for long says no
//! more than one that is sent when it comes, and what it says stays true.

use super::{Successors, fill, invalidate, takeover};
use crate::{
    ids::{NodeId, Place},
    model::Model,
    mutation::Mutation,
    node::{Outcome, Waiter, Waiters},
    primary::Phase,
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for primary in model.nodes() {
        for member in model.nodes().filter(|member| has_news(state, primary, *member)) {
            all.offer(Step::Tell { primary, member }, |state| {
                let committed = news(state, primary, member);
                learn(state, model, member, committed)
            });
        }
    }
}

fn has_news(state: &State, primary: NodeId, member: NodeId) -> bool {
    let (node, role) = (state.node(member), &state.node(primary).primary);
    role.phase != Phase::Closed
        && member != primary
        && state.view(primary).has_member(member)
        && state.follows(member, primary)
        && node.committed < news(state, primary, member)
}

/// What the primary committed of what the member has.
fn news(state: &State, primary: NodeId, member: NodeId) -> Place {
    state.node(primary).committed.min(state.node(member).last)
}

/// A node hears that all up to that place is committed. If it was primary, its clients may still wait for that.
pub(super) fn learn(state: &mut State, model: &Model, id: NodeId, committed: Place) -> Result<(), Violation> {
    let node = state.node_mut(id);
    if committed > node.committed {
        node.trim(committed);
    }
    answer_up_to(state, id, committed)?;
    invalidate::answer(state, model, id);
    Ok(())
}

/// Commits, in the history's order, what the whole ack set has; and goes on with what waited for that.
pub(super) fn advance(state: &mut State, model: &Model, id: NodeId) -> Result<(), Violation> {
    while matches!(state.node(id).primary.phase, Phase::Streaming | Phase::Open) {
        let node = state.node(id);
        let is_all_committed = node.committed >= node.last;
        if is_all_committed && node.primary.phase == Phase::Streaming {
            takeover::open(state, model, id);
            fill::begin(state, id);
        } else if !is_all_committed && acknowledged(state, model, id) > node.committed {
            commit_next(state, id)?;
        } else {
            break;
        }
    }
    fill::propose_promotion(state, model, id);
    invalidate::answer(state, model, id);
    Ok(())
}

fn acknowledged(state: &State, model: &Model, id: NodeId) -> Place {
    let node = state.node(id);
    let role = &node.primary;
    if model.breaks(Mutation::OneAckIsEnough) && role.is_open() {
        let acks = role.ack_set.iter().map(|member| role.acked_by(member));
        return acks.max().unwrap_or(node.last).min(node.last);
    }
    role.acknowledged(node.last)
}

fn commit_next(state: &mut State, id: NodeId) -> Result<(), Violation> {
    let node = state.node_mut(id);
    let next = node.committed.next();
    let Some(effect) = node.tail.first().copied().filter(|effect| effect.version.place == next) else {
        // Only a broken protocol forgets what is not committed.
        node.committed = next;
        return Ok(());
    };
    let node = state.node_mut(id);
    if node.primary.is_open() {
        effect.apply(&mut node.primary.shown);
    }
    node.trim(effect.version.place);
    answer_up_to(state, id, effect.version.place)
}

/// Answers all clients of the node that wait for no place above that.
pub(super) fn answer_up_to(state: &mut State, id: NodeId, place: Place) -> Result<(), Violation> {
    let waiters = state.node(id).waiters;
    if waiters.iter().all(|waiter| waiter.place > place) {
        return Ok(());
    }
    let (ready, waiting): (Vec<_>, Vec<_>) = waiters.iter().copied().partition(|waiter| waiter.place <= place);
    state.node_mut(id).waiters = waiting.into_iter().collect::<Waiters>();
    ready.into_iter().try_for_each(|waiter| answer(state, waiter))
}

/// The client hears what became of its operation.
pub(super) fn answer(state: &mut State, waiter: Waiter) -> Result<(), Violation> {
    let Waiter { key, op, sight, outcome, replaced, floor, .. } = waiter;
    let (ghost, rank) = (&mut state.ghost, sight.rank);
    if rank < floor || (rank == floor && outcome == Outcome::Done) {
        return Err(Violation::Misordered { op, rank, floor });
    }
    match outcome {
        Outcome::Done => ghost.know(key, op, rank)?,
        Outcome::Refused => ghost.refuse(op)?,
    }
    if let Some(replaced) = replaced {
        ghost.know_replaced(key, op, replaced)?;
    }
    ghost.promise(key, sight)
}
