//! Bootstrap, membership and state: the calls of the control channel that are not openraft's own.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::{
    cluster::{Addresses, ClusterState, Proposal, Reply},
    ids::{ClusterId, NodeId},
};

/// A seed asks another to take part in forming `cluster`. Cluster formation needs the consent of *every* seed of the
/// list, given durably to one cluster only, so that two clusters can never form from one list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRequest {
    /// The cluster to be formed.
    pub cluster: ClusterId,
    /// The full list of seeds (`host:port` of the RPC port), sorted. Another list than the receiver's own is refused.
    pub seeds: Vec<String>,
    /// Identity of the proposer's data folder.
    pub birth: u64,
}

/// The seed's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentReply {
    /// It will take part, in this cluster and no other; durable.
    Granted {
        /// Identity of its data folder.
        birth: u64,
        /// Where it is reached.
        addresses: Addresses,
    },
    /// It is a member of a cluster already; join that one.
    Member {
        /// Which.
        cluster: ClusterId,
    },
    /// It was started with another list of seeds.
    OtherSeeds {
        /// Its list.
        seeds: Vec<String>,
    },
}

/// A node and where it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNode {
    /// The node.
    pub node: NodeId,
    /// Count of its process starts: the higher one knows the newer addresses.
    pub boot: u64,
    /// Where it is reached.
    pub addresses: Addresses,
}

/// Who is reached where.
pub type AddressBook = Vec<KnownNode>;

/// A node introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnounceRequest {
    /// The cluster it belongs to; zero: none yet.
    pub cluster: ClusterId,
    /// Itself; `None`: it has no id yet.
    pub me: Option<KnownNode>,
}

/// What the other one knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnounceReply {
    /// Its cluster; zero: none yet.
    pub cluster: ClusterId,
    /// Who it is; `None`: it has no id yet.
    pub node: Option<NodeId>,
    /// The leader that it knows of.
    pub leader: Option<NodeId>,
    /// Its address book.
    pub book: AddressBook,
}

/// Asks for a command to be applied; any node takes it and forwards to the leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposeRequest {
    /// The command and its name.
    pub proposal: Proposal,
    /// Milliseconds that the caller will wait.
    pub timeout_ms: u32,
    /// How often it was forwarded; at most 3.
    pub hops: u8,
}

/// The command was committed and applied at the answering leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposeReply {
    /// Its log index.
    pub index: u64,
    /// What the rule book said.
    pub outcome: Result<Reply, Fault>,
}

/// Waits for a state with `applied` above `since`, at most `timeout_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequest {
    /// `applied` of the state that the caller has; 0: none.
    pub since: u64,
    /// Milliseconds to wait.
    pub timeout_ms: u32,
}

/// The newest state, if it is newer, and how the node sees the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchReply {
    /// The state; `None`: nothing newer within the time.
    pub state: Option<Box<ClusterState>>,
    /// How the answering node sees the cluster.
    pub status: NodeStatus,
}

/// How a node sees the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The node itself.
    pub node: Option<NodeId>,
    /// The leader that it knows of and has heard from within an election timeout.
    pub leader: Option<NodeId>,
    /// The Raft term.
    pub term: u64,
    /// Index of the last entry in its log.
    pub last_log: u64,
    /// Index of the last entry applied, of any kind.
    pub applied: u64,
    /// Voters of the effective membership.
    pub voters: Vec<NodeId>,
    /// Learners of the effective membership.
    pub learners: Vec<NodeId>,
}

/// Waits until the node has applied `index` and acts by it, at most `timeout_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarrierRequest {
    /// Log index of a command.
    pub index: u64,
    /// Milliseconds to wait.
    pub timeout_ms: u32,
}

/// It has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarrierReply {
    /// `applied` of the node's state.
    pub view: u64,
}
