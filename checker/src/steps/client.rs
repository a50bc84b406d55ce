//! Clients write and delete; routers send again what was not answered, and what they sent first may come last (rules S4
//! and S5).

use super::{Successors, commit, stream};
use crate::{
    ids::{Epoch, NodeId, OpId},
    message::{Message, Request, Wish},
    model::Model,
    mutation::Mutation,
    node::{Outcome, Waiter},
    record::{Change, Effect, Sight},
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for primary in model.nodes().filter(|node| serves_as_primary(state, model, *node)) {
        for request in new_requests(state, model) {
            if !finds_what_it_deletes(state, primary, request) {
                continue;
            }
            all.offer(Step::Operate { primary, request }, |state| {
                begin(state, model, request);
                execute(state, model, primary, request)
            });
            if state.left.late > 0 {
                all.offer(Step::SendLate { primary, request }, |state| {
                    state.left.late -= 1;
                    begin(state, model, request);
                    let epoch = state.view(primary).epoch;
                    state.network.send(Message::Request { to: primary, epoch, request });
                    Ok(())
                });
            }
        }
        for request in requests_again(state) {
            all.offer(Step::Retry { primary, request }, |state| {
                state.left.retries -= 1;
                give_up(state, model, request.op);
                execute(state, model, primary, request)
            });
        }
    }
}

/// What routers may send again, whether an answer was lost or is to come. (With the answer that it was refused, a client
/// is done.)
fn requests_again(state: &State) -> Vec<Request> {
    if state.left.retries == 0 {
        return Vec::new();
    }
    state.requests.iter().copied().filter(|request| !state.ghost.refused.has(request.op)).collect()
}

/// A router that sends again listens to the attempt before no longer: refused there, it may be done here.
fn give_up(state: &mut State, model: &Model, op: OpId) {
    if !model.breaks(Mutation::EarlierAttemptCounts) {
        state.nodes.iter_mut().for_each(|node| node.waiters.keep(|waiter| waiter.op != op));
    }
}

/// What clients may ask for next.
fn new_requests(state: &State, model: &Model) -> Vec<Request> {
    if state.left.operations == 0 {
        return Vec::new();
    }
    let op = model.operation(state.left.operations);
    let wishes = move |key| model.wishes().into_iter().map(move |wish| Request { op, key, wish });
    model.keys().flat_map(wishes).collect()
}

fn begin(state: &mut State, model: &Model, request: Request) {
    state.left.operations -= 1;
    if model.sends_again() {
        state.requests.push(request);
    }
}

/// What deletes nothing has no effect; its answer is like that of a refused [`Wish::Add`], and explored as that.
fn finds_what_it_deletes(state: &State, primary: NodeId, request: Request) -> bool {
    let record = state.node(primary).records[request.key.at()];
    request.wish != Wish::Delete || !record.seen_in(state.view(primary).generation).is_empty()
}

/// Whether clients are served there: by an open primary, under a lease (rule L1).
///
/// What the model does not ask for is a lease at the moment of acknowledgement (rule L8): it is not needed for this
/// promise.
pub(super) fn serves_as_primary(state: &State, model: &Model, node: NodeId) -> bool {
    let node = state.node(node);
    node.primary.is_open() && (node.lease || model.breaks(Mutation::WriteWithoutLease))
}

/// A request comes that was under way for long: whoever it is for, in the epoch that it is for, does it, others do not.
pub(super) fn on_late_request(
    state: &mut State,
    model: &Model,
    to: NodeId,
    epoch: Epoch,
    request: Request,
) -> Result<(), Violation> {
    let is_for_now = state.view(to).epoch == epoch || model.breaks(Mutation::LateRequestIgnoresEpoch);
    if is_for_now && serves_as_primary(state, model, to) {
        execute(state, model, to, request)?;
    }
    Ok(())
}

/// Does an operation that was not done, on the table as it is, the tail included.
fn execute(state: &mut State, model: &Model, primary: NodeId, request: Request) -> Result<(), Violation> {
    let node = state.node(primary);
    if node.operations.has(request.op) {
        return wait_for_known(state, model, primary, request);
    }
    if node.primary.refused.has(request.op) {
        return Ok(());
    }
    let on_committed = model.breaks(Mutation::EvaluatedOnCommitted);
    let records = if on_committed { &node.primary.shown } else { &node.records };
    let generation = state.view(primary).generation;
    let found = records[request.key.at()].seen_in(generation);
    let change = match request.wish {
        Wish::Add if !found.is_empty() => return refuse(state, model, primary, request, found),
        Wish::Delete if found.is_empty() => return refuse(state, model, primary, request, found),
        Wish::Add | Wish::Set => Change::Set,
        Wish::Delete => Change::Remove,
    };
    let Request { op, key, .. } = request;
    let effect = Effect { key, change, op, version: stream::next_version(state, primary), generation };
    let floor = state.ghost.floors[key.at()].rank;
    let waiter = Waiter {
        place: effect.version.place,
        key,
        op,
        sight: effect.sight(),
        outcome: Outcome::Done,
        replaced: Some(found),
        floor,
    };
    state.node_mut(primary).waiters.push(waiter);
    stream::submit(state, model, primary, effect)
}

/// The answer of a refusal rests on what was found, which may not be committed.
fn refuse(state: &mut State, model: &Model, primary: NodeId, request: Request, found: Sight) -> Result<(), Violation> {
    let Request { op, key, .. } = request;
    let floor = state.ghost.floors[key.at()].rank;
    let node = state.node_mut(primary);
    if !model.breaks(Mutation::RefusalForgotten) {
        node.primary.refused.insert(op);
    }
    let place = node.last_uncommitted(key).map_or(node.committed, |effect| effect.version.place);
    let waiter = Waiter { place, key, op, sight: found, outcome: Outcome::Refused, replaced: None, floor };
    wait(state, primary, waiter, model.breaks(Mutation::RefusalAnsweredAtOnce))
}

/// The result is known; it is told when the effect is committed.
fn wait_for_known(state: &mut State, model: &Model, primary: NodeId, request: Request) -> Result<(), Violation> {
    let Request { op, key, .. } = request;
    let node = state.node(primary);
    let Some(effect) = node.tail.iter().find(|effect| effect.op == op).copied() else {
        return Ok(());
    };
    let (place, sight) = (effect.version.place, effect.sight());
    let waiter = Waiter { place, key, op, sight, ..Waiter::default() };
    wait(state, primary, waiter, model.breaks(Mutation::KnownAnsweredAtOnce))
}

fn wait(state: &mut State, id: NodeId, waiter: Waiter, not_at_all: bool) -> Result<(), Violation> {
    let node = state.node_mut(id);
    if waiter.place <= node.committed || not_at_all {
        return commit::answer(state, waiter);
    }
    if !node.waiters.contains(&waiter) {
        node.waiters.push(waiter);
    }
    Ok(())
}

/// True for requests that their receiver will never do.
pub(crate) fn is_refused(state: &State, model: &Model, to: NodeId, epoch: Epoch) -> bool {
    let is_over = epoch < state.view(to).epoch && !model.breaks(Mutation::LateRequestIgnoresEpoch);
    !state.node(to).up || is_over
}
