//! Asking the nodes how new the router's view is.

use std::{collections::BTreeSet, time::Duration};

use ringhold_model::{
    NodeId,
    wire::{Method, WatchReply, WatchRequest},
};
use ringhold_rpc::Deadline;

use super::{
    outcome::{Failure, Reason},
    point::Dispatcher,
};

/// How long somebody who holds a lease is waited for: the leader of a new cluster, or of one that was started anew, gives the
/// first ones only after a while (rule L6).
const LEASE_PATIENCE: Duration = Duration::from_secs(3);
/// Between looks for one.
const LEASE_LOOK_EVERY: Duration = Duration::from_millis(50);

impl Dispatcher {
    /// Waits until the view is at least what any node acts by that may have acknowledged a write.
    ///
    /// For conclusions from what the view does *not* hold. A node acknowledges a write only under a lease, and when it acts by
    /// a state that knows the write's namespace; so a namespace that is still unknown after this has no acknowledged write. A
    /// node that became primary since then did so by the word of another one, which acts by that state too.
    ///
    /// # Errors
    /// When no node that answers holds a lease for too long, one that may hold one does not answer, or the newer state does not come in
    /// time.
    pub(crate) async fn catch_up(&self, deadline: Deadline) -> Result<(), Failure> {
        let patience = Deadline::after(LEASE_PATIENCE).earlier(deadline);
        let mut asked: BTreeSet<NodeId> = BTreeSet::new();
        loop {
            let view = self.view.load_full();
            let nodes: Vec<NodeId> = view.active_nodes().filter(|node| !asked.contains(node)).collect();
            if nodes.is_empty() && !asked.is_empty() {
                return Ok(());
            }
            let told =
                self.ask_lease_holders(nodes.iter().copied(), |node| self.acts_at(node, deadline), deadline).await;
            if !told.missing.is_empty() {
                return Err(Failure::not_applied(Reason::Unavailable));
            }
            if asked.is_empty() && !told.answers.iter().any(|acts| acts.has_lease) {
                if patience.remaining() < LEASE_LOOK_EVERY {
                    return Err(Failure::not_applied(Reason::NoLease));
                }
                tokio::time::sleep(LEASE_LOOK_EVERY).await;
                continue;
            }
            let mut newest = told.answers.iter().map(|acts| acts.view).max().unwrap_or_default();
            if told.answers.len() < nodes.len() {
                // One without a lease that does not answer may have acted by more than all others when it had one. The leader
                // has applied all of that.
                let applied = self.leader_applied(view.index(), deadline).await;
                newest = newest.max(applied.ok_or_else(|| Failure::not_applied(Reason::NoLeader))?);
            }
            asked.extend(nodes);
            if self.view.load().index() < newest && !self.view.at_least(newest, deadline).await {
                return Err(Failure::not_applied(Reason::DeadlinePassed));
            }
        }
    }

    /// Index of the last command that the leader applied, if it is above `known`; else that.
    async fn leader_applied(&self, known: u64, deadline: Deadline) -> Option<u64> {
        let leader = self.view.status().leader?;
        let control = self.nodes.control(&self.view.load_full(), leader).ok()?;
        let request = WatchRequest { since: known, timeout_ms: 0 };
        let reply: WatchReply = control.call_typed(Method::Watch, &request, deadline).await.ok()?;
        (reply.status.leader == Some(leader)).then(|| reply.state.map_or(known, |state| state.applied))
    }

    /// By which state a node acts, and whether it holds a lease.
    async fn acts_at(&self, node: NodeId, deadline: Deadline) -> Option<Acts> {
        let progress = self.progress_of(node, deadline).await.ok()?;
        Some(Acts { view: progress.view, has_lease: progress.has_lease })
    }
}

#[derive(Clone, Copy, Debug)]
struct Acts {
    view: u64,
    has_lease: bool,
}
