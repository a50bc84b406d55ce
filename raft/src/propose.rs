//! Proposals: applied by the leader, forwarded to it by everyone else.
//!
//! A proposal may be sent more than once: its request id lets the rule book answer a repetition from memory. So every
//! attempt that brings no answer is simply followed by another, until the deadline.

use std::{sync::Arc, time::Duration};

use openraft::error::ClientWriteError;
use rand::{Rng as _, seq::IndexedRandom as _};
use ringhold_model::{
    NodeId,
    cluster::{Command, Outcome, Proposal, Reply, RequestId},
    wire::{Channel, Fault, Method, ProposeReply, ProposeRequest},
};
use ringhold_rpc::Deadline;
use tokio::{sync::mpsc, task::JoinSet, time::timeout_at};

use crate::{
    handle::ProposeError,
    lease::taken_from,
    leasing::{Held, Hindrance, Lead, begin_removal},
    shared::{ProposeCall, Shared, check_size},
    types::Raft,
};

/// How often a proposal is handed on: knowledge of the leader may be old, but not three times over.
const HOPS_MAX: u8 = 3;
/// A peer that should be leader has so long to answer before the leader is looked for again.
const FORWARD_MAX: Duration = Duration::from_secs(1);
/// Pauses between attempts, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 15..60;
/// Proposals of this process's handles that are under way at the same time.
const RUNNING_MAX: usize = 256;

/// Index and outcome, or why there is none.
pub(crate) type Answer = Result<(u64, Outcome), Fault>;

/// Brings the handles' proposals to the leader, until cancelled.
pub(crate) async fn serve_handles(shared: Arc<Shared>, mut calls: mpsc::Receiver<ProposeCall>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            Some(_) = running.join_next() => {}
            call = calls.recv(), if running.len() < RUNNING_MAX => match call {
                None => break,
                Some(call) => {
                    let shared = Arc::clone(&shared);
                    running.spawn(async move {
                        let answer = propose(&shared, &call.proposal, call.deadline, 0).await;
                        // The handle may have stopped waiting.
                        drop(call.done.send(flatten(answer)));
                    });
                }
            },
        }
    }
}

/// Proposes a command of this node's own.
pub(crate) async fn propose_own(
    shared: &Shared,
    command: Command,
    timeout: Duration,
) -> Result<(u64, Reply), ProposeError> {
    let proposal = shared.name(command);
    flatten(propose(shared, &proposal, Deadline::after(timeout), 0).await)
}

/// Proposes what the leadership `lead` decided, through it or not at all: another leader would have decided otherwise. Void
/// things are harmless, so it has no name and is never repeated.
pub(crate) async fn propose_as_leader(
    shared: &Shared,
    lead: Lead,
    command: Command,
    timeout: Duration,
) -> Result<(u64, Reply), ProposeError> {
    let proposal = Proposal { request: RequestId::default(), command };
    check_size(&proposal)?;
    let raft = shared.raft().ok_or(ProposeError::ShuttingDown)?;
    let nodes = taken_from(&proposal.command, &shared.view.state());
    let held = match nodes.is_empty() {
        true => None,
        false => Some(shared.take_from(Some(lead), nodes).map_err(|obstacle| {
            tracing::debug!(?obstacle, "a removal is not proposed");
            ProposeError::NoLeader
        })?),
    };
    if Lead::now(shared) != Some(lead) {
        return Err(ProposeError::NoLeader);
    }
    let answer = append(shared, &raft, &proposal, held, Deadline::after(timeout)).await;
    flatten(answer.unwrap_or(Err(Fault::NoLeader)))
}

/// Proposes until there is an answer or the deadline has passed.
pub(crate) async fn propose(shared: &Shared, proposal: &Proposal, deadline: Deadline, hops: u8) -> Answer {
    loop {
        if let Some(answer) = attempt(shared, proposal, deadline, hops).await {
            return answer;
        }
        if deadline.has_passed() {
            return Err(Fault::NoLeader);
        }
        let pause = Duration::from_millis(rand::rng().random_range(PAUSE_MS));
        tokio::time::sleep(pause.min(deadline.remaining())).await;
    }
}

/// Proposes through one of `addresses`, each in turn, until there is an answer or the deadline has passed: for a node
/// that has no Raft of its own yet.
pub(crate) async fn propose_through(
    shared: &Shared,
    addresses: &[String],
    proposal: &Proposal,
    deadline: Deadline,
) -> Answer {
    loop {
        for address in addresses {
            if let Some(answer) = send(shared, address, None, proposal, deadline, 0).await {
                return answer;
            }
        }
        if deadline.has_passed() {
            return Err(Fault::NoLeader);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `None`: no answer, try again.
async fn attempt(shared: &Shared, proposal: &Proposal, deadline: Deadline, hops: u8) -> Option<Answer> {
    let me = shared.me();
    let leader = me.raft.as_ref().and_then(|raft| raft.metrics().borrow().current_leader).map(NodeId);
    match (&me.raft, leader) {
        (Some(raft), Some(leader)) if Some(leader) == me.node => write(shared, raft, proposal, deadline).await,
        (_, Some(leader)) if hops < HOPS_MAX => forward(shared, leader, proposal, deadline, hops + 1).await,
        // Cut off from the leader, or removed: somebody else may know.
        (_, None) if hops == 0 => {
            let others = shared.book.list().into_iter().map(|known| known.node).filter(|node| Some(*node) != me.node);
            let other = others.collect::<Vec<_>>().choose(&mut rand::rng()).copied()?;
            forward(shared, other, proposal, deadline, 1).await
        }
        _ => None,
    }
}

async fn write(shared: &Shared, raft: &Raft, proposal: &Proposal, deadline: Deadline) -> Option<Answer> {
    match begin_removal(shared, proposal, deadline).await {
        Ok(held) => append(shared, raft, proposal, held, deadline).await,
        Err(Hindrance::NotNow) => None,
        Err(Hindrance::Refused(rejection)) => Some(Ok((shared.view.state().applied, Err(rejection)))),
    }
}

/// Gives a proposal to this node's Raft. `held`: what it takes from nodes that get no lease until it is applied.
async fn append(
    shared: &Shared,
    raft: &Raft,
    proposal: &Proposal,
    held: Option<Held>,
    deadline: Deadline,
) -> Option<Answer> {
    // Into Raft's queue, without waiting: nothing comes between what was checked and this.
    let queued = raft.client_write_ff(proposal.clone()).await;
    let Ok(written) = queued else { return Some(Err(Fault::ShuttingDown)) };
    let written = match held {
        Some(held) => shared.leasing.outlive(held, written),
        None => written,
    };
    match timeout_at(deadline.instant(), written).await {
        Ok(Ok(Ok(written))) => written.data.outcome.map(|outcome| Ok((written.data.index, outcome))),
        Ok(Ok(Err(ClientWriteError::ForwardToLeader(_)))) => None,
        Ok(Ok(Err(ClientWriteError::ChangeMembershipError(_)))) => Some(Err(Fault::Malformed)),
        Ok(Err(_)) => Some(Err(Fault::ShuttingDown)),
        Err(_) => Some(Err(Fault::NoLeader)),
    }
}

async fn forward(shared: &Shared, to: NodeId, proposal: &Proposal, deadline: Deadline, hops: u8) -> Option<Answer> {
    let address = shared.book.rpc_address(to)?;
    send(shared, &address, Some(to), proposal, deadline, hops).await
}

async fn send(
    shared: &Shared,
    address: &str,
    to: Option<NodeId>,
    proposal: &Proposal,
    deadline: Deadline,
    hops: u8,
) -> Option<Answer> {
    let deadline = deadline.earlier(Deadline::after(FORWARD_MAX));
    let request = ProposeRequest { proposal: proposal.clone(), timeout_ms: deadline.timeout_ms(), hops };
    let callers = if to.is_some() { &shared.peers } else { &shared.strangers };
    let caller = callers.to(address, Channel::Control, to);
    match caller.call_typed::<_, ProposeReply>(Method::Propose, &request, deadline).await {
        Ok(ProposeReply { index, outcome: Ok(reply) }) => Some(Ok((index, Ok(reply)))),
        Ok(ProposeReply { index, outcome: Err(Fault::Rejected(rejection)) }) => Some(Ok((index, Err(rejection)))),
        Ok(ProposeReply { outcome: Err(fault), .. }) => Some(Err(fault)),
        Err(error) => {
            tracing::debug!(%error, address, "a proposal was not answered");
            None
        }
    }
}

fn flatten(answer: Answer) -> Result<(u64, Reply), ProposeError> {
    match answer {
        Ok((index, Ok(reply))) => Ok((index, reply)),
        Ok((_, Err(rejection))) => Err(ProposeError::Rejected(rejection)),
        Err(Fault::ShuttingDown) => Err(ProposeError::ShuttingDown),
        // Any other fault says that no leader took it: whether an earlier attempt did is unknown.
        Err(_) => Err(ProposeError::NoLeader),
    }
}
