//! The one concrete Raft type config; nobody outside this crate sees openraft.

use std::io::Cursor;

use ringhold_model::cluster::{Outcome, Proposal};
use serde::{Deserialize, Serialize};

openraft::declare_raft_types!(
    /// Proposals in, outcomes out, snapshots as bytes.
    pub(crate) TypeConfig:
        D = Proposal,
        R = Applied,
        NodeId = u64,
        Node = Peer,
        Entry = openraft::Entry<TypeConfig>,
        SnapshotData = Cursor<Vec<u8>>,
);

/// What applying one log entry answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// The entry's log index.
    pub(crate) index: u64,
    /// What the rule book said; `None` for entries of Raft's own.
    pub(crate) outcome: Option<Outcome>,
}

/// What the Raft membership says about a node. Where it is reached *now* is in the address book, not here; a founding
/// voter's entry carries what the `Form` command needs, so that any leader can finish an interrupted formation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    /// `host:port` of its internal port when it was added.
    pub(crate) rpc: String,
    /// `host:port` of its health port when it was added.
    pub(crate) health: String,
    /// Identity of its data folder.
    pub(crate) birth: u64,
}

/// The Raft node as this crate uses it.
pub(crate) type Raft = openraft::Raft<TypeConfig>;
/// Where the answer to a proposal arrives that was given to Raft.
pub(crate) type Written = tokio::sync::oneshot::Receiver<openraft::raft::ClientWriteResult<TypeConfig>>;
/// One log entry.
pub(crate) type Entry = openraft::Entry<TypeConfig>;
/// A log id.
pub(crate) type LogId = openraft::LogId<u64>;
/// A vote.
pub(crate) type Vote = openraft::Vote<u64>;
/// What openraft expects of a failing store.
pub(crate) type StorageError = openraft::StorageError<u64>;
/// The membership as stored.
pub(crate) type StoredMembership = openraft::StoredMembership<u64, Peer>;
/// A snapshot's description.
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<u64, Peer>;
