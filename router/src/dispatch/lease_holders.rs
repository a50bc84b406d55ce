//! Asking all nodes that may serve.
//!
//! A node without a lease serves nothing and gets none before it acts by all that was decided until then (rule L5), so it
//! need not be asked. One that holds a lease and does not answer is waited for: until it answers, or until its lease has surely
//! ended, which the leader tells.

use std::{collections::BTreeSet, pin::Pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use ringhold_model::{NodeId, wire::LeasesReply};
use ringhold_rpc::Deadline;
use tokio::time::{Instant, sleep_until};

use super::point::Dispatcher;

/// How long nodes have to answer before the leader is asked about them.
const LEADER_AFTER: Duration = Duration::from_millis(100);
/// How long after that, and after one that failed, the next attempt follows.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What the lease holders said.
#[derive(Debug)]
pub(super) struct Told<T> {
    /// Of each that answered.
    pub(super) answers: Vec<T>,
    /// Those that may hold a lease and did not answer in time.
    pub(super) missing: BTreeSet<NodeId>,
}

type Asking<'f> = Pin<Box<dyn Future<Output = Option<LeasesReply>> + Send + 'f>>;

impl Dispatcher {
    /// Asks `nodes` until each has answered, or holds no lease; `ask` answers `None` where another attempt is due.
    pub(super) async fn ask_lease_holders<T, F>(
        &self,
        nodes: impl IntoIterator<Item = NodeId>,
        ask: impl Fn(NodeId) -> F,
        deadline: Deadline,
    ) -> Told<T>
    where
        F: Future<Output = Option<T>>,
    {
        let attempt = |node, start: Instant| {
            let answer = ask(node);
            async move {
                sleep_until(start).await;
                (node, answer.await)
            }
        };
        let now = Instant::now();
        let mut missing: BTreeSet<NodeId> = nodes.into_iter().collect();
        let mut attempts: FuturesUnordered<_> = missing.iter().map(|node| attempt(*node, now)).collect();
        let mut answers = Vec::new();
        let mut leader: Option<Asking<'_>> = None;
        let mut leader_at = now + LEADER_AFTER;
        while !missing.is_empty() {
            tokio::select! {
                biased;
                Some((node, answer)) = attempts.next() => match answer {
                    Some(answer) => {
                        missing.remove(&node);
                        answers.push(answer);
                    }
                    None => {
                        let now = Instant::now();
                        leader_at = leader_at.min(now);
                        attempts.push(attempt(node, now + AGAIN_AFTER));
                    }
                },
                leases = async { leader.as_mut().expect("the branch is off otherwise").await }, if leader.is_some() => {
                    leader = None;
                    leader_at = Instant::now() + AGAIN_AFTER;
                    missing.retain(|node| leases.as_ref().is_none_or(|leases| may_serve(leases, *node)));
                }
                () = sleep_until(leader_at), if leader.is_none() => {
                    leader = Some(Box::pin(self.leases(Deadline::after(LEADER_WAIT).earlier(deadline))));
                }
                () = sleep_until(deadline.instant()) => break,
            }
        }
        Told { answers, missing }
    }
}

/// Longest wait for the leader's word before it is asked for again, of whoever leads then.
const LEADER_WAIT: Duration = Duration::from_millis(500);

/// Whether the node may hold a lease. One that the leader does not list is gone.
fn may_serve(leases: &LeasesReply, node: NodeId) -> bool {
    leases.nodes.iter().any(|lease| lease.node == node && lease.is_held)
}
