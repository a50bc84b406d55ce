//! Changes of the replicated state, asked of any node, and waiting until the nodes act by them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use ringhold_model::{
    NodeId, RouterId,
    cluster::{Command, Proposal, Reply, RequestId},
    rules::Rule,
    wire::{BarrierReply, BarrierRequest, Fault, Method, ProposeReply, ProposeRequest},
};
use ringhold_rpc::{Backoff, CallError, Deadline};

use super::{
    fan_out::Coverage,
    outcome::{Failure, Reason},
    point::Dispatcher,
};

/// One attempt at one node; the next node is asked when it passes.
const ATTEMPT_WAIT: Duration = Duration::from_millis(1_500);

/// Names this worker's proposals.
#[derive(Debug)]
pub(crate) struct Proposals {
    proposer: u64,
    next: AtomicU64,
}

impl Proposals {
    /// Proposals under the worker's random number.
    pub(crate) fn new(router: RouterId) -> Self {
        Self { proposer: router.0, next: AtomicU64::new(1) }
    }

    fn name(&self) -> RequestId {
        RequestId { proposer: self.proposer, n: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Dispatcher {
    /// Has a command applied, trying one node after the other until the deadline. Safe to repeat: it is named. Answers its
    /// log index and the rule book's reply; the router's own view is at that index then.
    pub(crate) async fn propose(&self, command: Command, deadline: Deadline) -> Result<(u64, Reply), Failure> {
        let proposal = Proposal { request: self.proposals.name(), command };
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(250));
        let mut asked = false;
        loop {
            let view = self.view.load_full();
            let mut candidates: Vec<NodeId> = view.active_nodes().collect();
            if let Some(leader) = self.view.status().leader {
                candidates.sort_by_key(|node| *node != leader);
            }
            for node in candidates {
                let attempt = Deadline::after(ATTEMPT_WAIT).earlier(deadline);
                match self.propose_at(node, &proposal, attempt).await {
                    Ok(ProposeReply { index, outcome: Ok(reply) }) => {
                        self.view.at_least(index, deadline).await;
                        return Ok((index, reply));
                    }
                    Ok(ProposeReply { outcome: Err(Fault::Rejected(rejection)), .. }) => {
                        return Err(Failure::not_applied(Reason::Refused(Fault::Rejected(rejection))));
                    }
                    Ok(_) => asked = true,
                    Err(error) => asked |= !error.is_surely_not_executed(),
                }
                if deadline.has_passed() {
                    break;
                }
            }
            if deadline.has_passed() {
                let reason = if view.index() == 0 { Reason::NoView } else { Reason::NoLeader };
                return Err(if asked { Failure::unknown(reason) } else { Failure::not_applied(reason) });
            }
            tokio::time::sleep(backoff.pause().min(deadline.remaining())).await;
        }
    }

    async fn propose_at(
        &self,
        node: NodeId,
        proposal: &Proposal,
        deadline: Deadline,
    ) -> Result<ProposeReply, CallError> {
        let request = ProposeRequest { proposal: proposal.clone(), timeout_ms: deadline.timeout_ms(), hops: 0 };
        self.nodes.control(&self.view.load_full(), node)?.call_typed(Method::Propose, &request, deadline).await
    }

    /// Waits until every node that serves acts by the change at `index`: those without a lease get none before they do. In
    /// the coverage those are missing that may serve and did not say so in time.
    pub(crate) async fn barrier(&self, index: u64, deadline: Deadline) -> Coverage {
        let view = self.view.load_full();
        let acts = |node| self.acts_by(node, index, deadline);
        let nodes = view.active_nodes().filter(|_| Rule::Barrier.holds());
        let missing = self.ask_lease_holders(nodes, acts, deadline).await.missing;
        let is_done = |primary: Option<NodeId>| primary.is_some_and(|primary| !missing.contains(&primary));
        let ranges_done = view.state.ranges.iter().filter(|record| is_done(record.primary)).count();
        Coverage { nodes_total: view.active_nodes().count(), ranges_total: view.ranges(), ranges_done, missing }
    }

    async fn acts_by(&self, node: NodeId, index: u64, deadline: Deadline) -> Option<()> {
        let deadline = Deadline::after(ATTEMPT_WAIT).earlier(deadline);
        let request = BarrierRequest { index, timeout_ms: deadline.timeout_ms() };
        let control = self.nodes.control(&self.view.load_full(), node).ok()?;
        let reply = control.call_typed::<_, BarrierReply>(Method::Barrier, &request, deadline).await;
        reply.ok().filter(|reply| reply.view >= index).map(drop)
    }
}
