//! What the rest of the process holds of the control plane.

use std::{collections::BTreeSet, sync::Arc};

use ringhold_model::{
    ClusterId, Incarnation, NodeId,
    cluster::{Addresses, ClusterState, Command, Proposal, Rejection, Reply},
    wire::NodeStatus,
};
use ringhold_rpc::Deadline;
use thiserror::Error;
use tokio::sync::watch;

use crate::{leasing::Lease, shared::Shared};

/// Reads and changes the cluster's state; cheap to clone, usable from any thread and runtime, also after the node ended.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Why a proposal has no reply.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProposeError {
    /// No leader that reaches a majority within the deadline: whether it was applied is unknown. Proposing the same
    /// command anew may apply it twice.
    #[error("the cluster has no leader that reaches a majority")]
    NoLeader,
    /// The rule book refused it; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Above the bound on log entries; nothing changed.
    #[error("the change needs {bytes} bytes in the log; the bound is {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Too many proposals wait already; nothing changed, try again later.
    #[error("too many proposals wait")]
    Overloaded,
    /// This node is shutting down; nothing changed.
    #[error("the node is shutting down")]
    ShuttingDown,
}

impl ProposeError {
    /// True when the same command may succeed later and was surely not applied now.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Overloaded)
    }
}

impl Handle {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The newest applied state.
    pub fn state(&self) -> Arc<ClusterState> {
        self.shared.view.state()
    }

    /// Tells of every newer state.
    pub fn watch(&self) -> watch::Receiver<Arc<ClusterState>> {
        self.shared.view.watch()
    }

    /// Proposes a command, forwarding to the leader and repeating within the deadline under one request id. Returns the
    /// log index at which it was applied and the rule book's reply; this node itself may apply it a moment later.
    pub async fn propose(&self, command: Command, deadline: Deadline) -> Result<(u64, Reply), ProposeError> {
        self.propose_named(self.name(command), deadline).await
    }

    /// Names a command, so that it can be proposed again after [`ProposeError::NoLeader`] without being applied twice.
    pub fn name(&self, command: Command) -> Proposal {
        self.shared.name(command)
    }

    /// Like [`Handle::propose`], under a name given before.
    pub async fn propose_named(&self, proposal: Proposal, deadline: Deadline) -> Result<(u64, Reply), ProposeError> {
        self.shared.submit(proposal, deadline).await
    }

    /// How this node sees the cluster.
    pub fn status(&self) -> NodeStatus {
        self.shared.seen().status.clone()
    }

    /// The cluster; zero until this node belongs to one.
    pub fn cluster_id(&self) -> ClusterId {
        self.shared.me().cluster
    }

    /// This node's id, once it has one.
    pub fn node_id(&self) -> Option<NodeId> {
        self.shared.me().node
    }

    /// This process's incarnation, once its own start is applied here. Before that the node takes no role: whatever the
    /// state gives to its id belongs to a former process whose memory is lost.
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.shared.incarnation()
    }

    /// Where the others reach this node.
    pub fn addresses(&self) -> &Addresses {
        &self.shared.addresses
    }

    /// The node's lease: the right to serve. Every clone sees the same.
    pub fn lease(&self) -> Lease {
        self.shared.leasing.lease.clone()
    }

    /// Nodes whose data port this one could not reach for two seconds; all of them, every time they change. The leader ends
    /// the lease of one of two nodes that share a range and cannot reach each other.
    pub fn set_unreachable(&self, nodes: BTreeSet<NodeId>) {
        self.shared.leasing.set_unreachable(nodes);
    }

    /// This node is about to stop: the leader hands its primaries over and gives it no new role. The leader hears of it at
    /// once.
    pub fn set_stopping(&self) {
        self.shared.leasing.set_stopping();
    }

    /// True while a leader is known and was heard from (a leader: while it reaches a majority), this process's own start is
    /// applied, and it holds a lease.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }

    /// Says that the data plane acts by the state with this `applied`; answers barriers, and the leader gives leases by it.
    pub fn set_acted(&self, index: u64) {
        self.shared.set_acted(index);
    }

    /// Waits until the node was asked to end, or ended by itself.
    pub async fn ending(&self) {
        self.shared.cancel.cancelled().await;
    }

    /// Asks the node to end; the thread that runs it is to be joined by its owner.
    pub fn shutdown(&self) {
        self.shared.cancel.cancel();
    }
}
