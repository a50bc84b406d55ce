//! Leases: the right to serve, given by the leader for a short time (rules L1 to L7).

use serde::{Deserialize, Serialize};

use crate::ids::{Incarnation, NodeId};

/// A node asks for a lease. The leader answers when a majority has confirmed, after this arrived, that it still leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// Who asks.
    pub node: NodeId,
    /// Which of its processes.
    pub incarnation: Incarnation,
    /// `applied` of the state that its data plane acts by.
    pub acted: u64,
    /// Nodes whose data port it could not reach for two seconds.
    pub unreachable: Vec<NodeId>,
    /// It is about to stop: it should get no new role and be relieved of its primaries.
    pub is_stopping: bool,
}

/// The leader's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenewReply {
    /// A lease of this many milliseconds, counted from when the request was *sent*.
    Granted {
        /// Its length; the node takes 2 % off for its own clock.
        lease_ms: u32,
    },
    /// None this time; ask again soon.
    Refused(LeaseRefusal),
}

/// Why there is no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseRefusal {
    /// The receiver does not lead; who does, as far as it knows.
    NotLeader(Option<NodeId>),
    /// No majority confirmed the leadership in time.
    NoMajority,
    /// It is another process of the node that counts by now, or the node is gone.
    NotCurrent,
    /// The node does not act yet by an entry that touches it (rule L5): at least this index.
    Behind(u64),
    /// Something is being taken from the node (rule L4), or it is to lose its roles because others cannot reach it.
    Leaving,
}

/// A new leader asks a voter (rule L6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSilenceRequest {
    /// The asker's term.
    pub term: u64,
}

/// How long no leader of an earlier term can have been confirmed by this voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSilenceReply {
    /// Milliseconds since it last accepted an append of an earlier term; since its start if it accepted none.
    pub silent_ms: u64,
}

/// Who holds a lease (request: empty). Only the leader answers; others fail with `NoLeader`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasesReply {
    /// Per node that is not gone how it stands.
    pub nodes: Vec<NodeLease>,
}

/// A node as the leader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLease {
    /// The node.
    pub node: NodeId,
    /// Whether its lease runs, by the leader's count.
    pub is_held: bool,
    /// Milliseconds since its last renewal, or since this leader began.
    pub since_ms: u64,
    /// It said that it is about to stop.
    pub is_stopping: bool,
}
