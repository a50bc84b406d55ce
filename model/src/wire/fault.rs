//! Why a node did not do what it was asked: typed, so that the caller can react without reading text.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    cluster::Rejection,
    config::Backend,
    ids::{Epoch, NodeId},
};

/// Why a call or one operation of it failed. Unless said otherwise, the operation was surely *not applied*.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Fault {
    /// The range has another epoch than the request assumed; fetch a state of at least `view` and try again.
    #[error("the range has moved on to epoch {epoch}")]
    WrongEpoch {
        /// The epoch at this node.
        epoch: Epoch,
        /// `applied` of this node's state.
        view: u64,
    },
    /// This node is not the range's primary; fetch a state of at least `view` and try again.
    #[error("this node is not the primary of the range")]
    NotPrimary {
        /// Who is, as far as this node knows.
        primary: Option<NodeId>,
        /// `applied` of this node's state.
        view: u64,
    },
    /// The range is changing hands or the node lags behind the request's view; try again within the deadline.
    #[error("the range is changing hands; try again")]
    Busy,
    /// The operation's id is below the router's lowest open one, or a retry met a range that lost its table of results:
    /// whether it was applied cannot be told.
    #[error("it is unknown whether the operation was applied")]
    Unknown,
    /// The node works at its bound; try again later.
    #[error("the node is overloaded")]
    Overloaded,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// The item can never fit under the limits of its namespace and backend.
    #[error("the item needs {bytes} bytes; the limit of a node is {max}")]
    TooLarge {
        /// What the item would be charged, in bytes.
        bytes: u64,
        /// The limit that it breaks, in bytes.
        max: u64,
    },
    /// The namespace is not (or no longer) known.
    #[error("the namespace does not exist")]
    UnknownNamespace,
    /// The deadline passed; a write may have been applied.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// There is no leader, or it could not reach a majority in time; a proposal's outcome is unknown.
    #[error("the cluster has no leader that reaches a majority")]
    NoLeader,
    /// The rule book refused the command.
    #[error("{0}")]
    Rejected(Rejection),
    /// The request is malformed or against the protocol; a bug or a stranger.
    #[error("malformed request")]
    Malformed,
    /// The connection belongs to another cluster or node than the one asked for.
    #[error("another cluster or node than the one asked for")]
    WrongPeer,
    /// Not built yet.
    #[error("{0}")]
    Unsupported(String),
    /// The cluster is not formed yet.
    #[error("the cluster is not formed yet")]
    NotFormed,
    /// The records before this one fill the reply; ask for fewer at once.
    #[error("the answer would be larger than {max} bytes; ask for fewer keys at once")]
    ReplyFull {
        /// The bound of a reply, in bytes.
        max: u64,
    },
    /// The node holds no lease, so it must not serve; it may get one again.
    #[error("the node holds no lease of the cluster's leader")]
    NoLease,
    /// A copy cannot tell whether the last change of the key is acknowledged; the primary can.
    #[error("this copy does not know yet whether the last change of the key is acknowledged")]
    NotCommitted,
    /// Fewer copies are in sync than `min_in_sync` asks for; nothing was written.
    #[error("{have} copies are in sync, {need} are needed for a write")]
    NotEnoughCopies {
        /// In sync.
        have: u8,
        /// Asked for.
        need: u8,
    },
    /// The backend that keeps the bytes did not do it; nothing was changed.
    #[error("the backend {backend} is not available: {reason}")]
    BackendDown {
        /// The backend.
        backend: Backend,
        /// What it said, or why it was not asked.
        reason: String,
    },
    /// The backend that keeps the bytes did not answer; what it was told may have been done.
    #[error("the backend {backend} did not answer: {reason}")]
    BackendSilent {
        /// The backend.
        backend: Backend,
        /// What is known.
        reason: String,
    },
}

impl Fault {
    /// True when the same operation may succeed on another attempt and was surely not applied by this one.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::WrongEpoch { .. }
                | Self::NotPrimary { .. }
                | Self::Busy
                | Self::Overloaded
                | Self::ShuttingDown
                | Self::NoLease
                | Self::NotCommitted
                | Self::NotEnoughCopies { .. }
        )
    }
}
