//! What may be proposed to the rule book, and what it answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    access::{AccessCommand, AccessRejection},
    state::{Addresses, Member},
};
use crate::{
    config::{Backend, CacheConfig, ConfigPatch},
    ids::{ClusterId, Epoch, Generation, Incarnation, NamespaceId, NodeId, RangeId},
};

/// Names a proposal, so that one that is sent again (its answer was lost) is not applied twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// Random number of the proposing process; 0: the proposal is not deduplicated.
    pub proposer: u64,
    /// Counts its proposals.
    pub n: u64,
}

impl RequestId {
    /// True for proposals without a name: they are never deduplicated.
    pub const fn is_anonymous(self) -> bool {
        self.proposer == 0
    }
}

/// A command and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Name for deduplication.
    pub request: RequestId,
    /// What to do.
    pub command: Command,
}

/// A node that takes part in forming the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// The id it was given in the formation.
    pub id: NodeId,
    /// Identity of its data folder.
    pub birth: u64,
    /// Where it is reached.
    pub addresses: Addresses,
}

/// Something about one range and one node; void when the range's epoch is another one by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The range.
    pub range: RangeId,
    /// Its epoch when this was decided; another one voids it.
    pub epoch: Epoch,
    /// Which node.
    pub to: NodeId,
}

/// A range begins again, empty; void when its epoch or its in-sync members are others by then: one that was promoted meanwhile
/// lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// The range.
    pub range: RangeId,
    /// Its epoch when this was decided.
    pub epoch: Epoch,
    /// Where it begins.
    pub to: NodeId,
    /// Its in-sync members when this was decided, none of which lives.
    pub members: Vec<Member>,
}

/// Something about one membership in a range; void when the range's epoch or the membership is another one by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The range.
    pub range: RangeId,
    /// Its epoch when this was decided.
    pub epoch: Epoch,
    /// Which membership.
    pub member: Member,
}

/// Data plane settings to change; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsPatch {
    /// See [`Settings::replication_factor`](super::state::Settings).
    pub replication_factor: Option<u8>,
    /// Fewest in-sync copies with which a range accepts writes.
    pub min_in_sync: Option<u8>,
    /// Whether copies stay where they are.
    pub moves_paused: Option<bool>,
    /// Bound on filling copies, bytes a second; 0: none.
    pub fill_bytes_per_s: Option<u64>,
    /// Seconds until copies of a node that is down are restored elsewhere.
    pub rehome_after_s: Option<u32>,
    /// Seconds until a range without any living member begins again.
    pub reset_after_s: Option<u32>,
}

/// A change of the replicated state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// First entry of a cluster.
    Form {
        /// Its identity.
        cluster: ClusterId,
        /// Seed of the key hash.
        hash_seed: u64,
        /// Log2 of the number of ranges (1 to 16).
        range_bits: u8,
        /// The founding nodes.
        seeds: Vec<Seed>,
        /// Config of the namespace `default` on its backend.
        config: CacheConfig,
        /// Backend of requests that name none.
        default_backend: Backend,
    },
    /// A new node asks for an id. The same `birth` gets the same id again. A living node with the same RPC address but
    /// another `birth` lost its data folder: it becomes `Gone`, and the new node takes over its ranges, empty.
    Register {
        /// Identity of its data folder.
        birth: u64,
        /// Where it is reached.
        addresses: Addresses,
        /// Failure domain.
        zone: String,
        /// Share of the ranges, 100 is plain.
        weight: u32,
    },
    /// A process began on a node's data folder; its memory is empty. Retires the node's former incarnation.
    NodeStart {
        /// The node.
        node: NodeId,
        /// Identity of its data folder; a mismatch is refused.
        birth: u64,
        /// Count of starts; a lower one than known is refused.
        boot: u64,
        /// Where it is reached now.
        addresses: Addresses,
        /// Failure domain.
        zone: String,
        /// Share of the ranges.
        weight: u32,
    },
    /// The leader's new target. Ranges that were never assigned are assigned at once.
    SetPlan {
        /// Per range the owners, the wanted primary first.
        owners: Vec<Vec<NodeId>>,
        /// `applied` of the state that the plan was computed from; one from an outdated set of nodes, or from before the
        /// present plan, is refused.
        computed_at: u64,
        /// Active nodes that are left out because they are down for too long.
        absent: BTreeSet<NodeId>,
    },
    /// Makes other in-sync members the primaries of ranges, each in a new epoch without a pending member (rule C2). Proposed by
    /// the leader, or by a primary that is about to stop.
    Handover {
        /// The ranges and who becomes primary.
        moves: Vec<Move>,
    },
    /// Makes a namespace; an existing one of that name is answered as it is.
    CreateNamespace {
        /// Its name.
        name: String,
    },
    /// Removes a namespace with all it holds. The namespace `default` stays.
    RemoveNamespace {
        /// Which one.
        namespace: NamespaceId,
    },
    /// Clears a (namespace, backend): its records become invisible at once.
    Clear {
        /// The namespace.
        namespace: NamespaceId,
        /// The backend.
        backend: Backend,
    },
    /// Replaces the config of (namespace, `config.backend`).
    PutConfig {
        /// The namespace.
        namespace: NamespaceId,
        /// The new config.
        config: CacheConfig,
    },
    /// Changes fields of the config of (namespace, backend), starting from what it inherits if it has none of its own.
    PatchConfig {
        /// The namespace.
        namespace: NamespaceId,
        /// The backend.
        backend: Backend,
        /// The fields.
        patch: ConfigPatch,
        /// New backend of requests that name none, for the whole cluster.
        default_backend: Option<Backend>,
    },
    /// Nodes begin to be filled with a copy (rule C1). Proposed by the leader.
    AddPending {
        /// The ranges and whom they get.
        moves: Vec<Move>,
    },
    /// Pending copies are given up; void once promoted.
    CancelPending {
        /// Which.
        changes: Vec<Change>,
    },
    /// Pending copies hold everything and acknowledge every write: they are in sync. Proposed by the primary (rule C1).
    Promote {
        /// Which.
        changes: Vec<Change>,
    },
    /// In-sync copies that said themselves that they serve no longer are members no more. Proposed by the primary after their
    /// word, or by such a copy itself (rules C3, C5); never takes the primary or the last member.
    Removed {
        /// Which.
        changes: Vec<Change>,
    },
    /// The lease of a node's process ended: it is taken out of every range that has another in-sync member among `alive`, and
    /// out of every pending place. Elsewhere it stays listed (rule L7). Proposed by the leader.
    NodeDown {
        /// The node.
        node: NodeId,
        /// Its process; void when another one has started.
        incarnation: Incarnation,
        /// Processes that held a lease when this was decided.
        alive: Vec<(NodeId, Incarnation)>,
    },
    /// Ranges none of whose members lives begin again, empty, at another node (rule C6). Proposed by the leader.
    Reset {
        /// The ranges and where they begin.
        restarts: Vec<Restart>,
    },
    /// Changes the data plane's settings.
    PatchSettings {
        /// The fields.
        patch: SettingsPatch,
    },
    /// A node is to hand over all it holds (`Active` → `Leaving`), or not after all.
    Drain {
        /// The node.
        node: NodeId,
        /// True: `Leaving` → `Active`.
        cancel: bool,
    },
    /// A node will never return: it becomes `Gone`. Refused while it holds the last copy of some range, unless forced: such
    /// ranges begin again, empty.
    RemoveNode {
        /// The node.
        node: NodeId,
        /// Whether data may be lost.
        force: bool,
    },
    /// Sets a node's share of the ranges.
    SetWeight {
        /// The node.
        node: NodeId,
        /// 100 is plain; `None`: what the node itself says at its start.
        weight: Option<u32>,
    },
    /// Keeps copies of a (namespace, backend) from answering reads (rule O1), until an [`EndSilence`](Self::EndSilence) names this
    /// entry.
    Silence {
        /// The namespace.
        namespace: NamespaceId,
        /// The backend.
        backend: Backend,
    },
    /// Every pending copy is given up, and the present layout becomes the plan. What the plan wanted beyond it to restore lost
    /// copies stays wanted.
    CancelMoves,
    /// Ends the silence that began at `since`; void when it ended already.
    EndSilence {
        /// The namespace.
        namespace: NamespaceId,
        /// The backend.
        backend: Backend,
        /// What [`Reply::Silenced`] said, or `Namespace::silent`.
        since: u64,
    },
    /// Something about API keys.
    Access(AccessCommand),
}

/// What the rule book answers to a command that it applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done; nothing more to say.
    Done,
    /// The id of the registered node, and the id of the wiped node whose place it takes.
    Registered(NodeId, Option<NodeId>),
    /// The node's new incarnation.
    Started(Incarnation),
    /// The namespace, made or found.
    Namespace(NamespaceId),
    /// The new generation.
    Cleared(Generation),
    /// The config that holds now and its version.
    Config(CacheConfig, u64),
    /// How many of the proposed changes were made; the others were void.
    Moved(u32),
    /// How many ranges were touched, and how many of them began again, empty.
    Ranges {
        /// Ranges that changed.
        touched: u32,
        /// Those that lost their data.
        reset: u32,
    },
    /// Copies are silent, with the log index since when.
    Silenced(u64),
}

/// Why the rule book refused a command; the state is as before.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Rejection {
    /// `Form` came twice.
    #[error("the cluster is already formed")]
    AlreadyFormed,
    /// Anything but `Form` came first.
    #[error("the cluster is not formed yet")]
    NotFormed,
    /// No node with this id, or its data folder is another one.
    #[error("node {0} is not known here (or its data folder was replaced)")]
    UnknownNode(NodeId),
    /// The node was removed.
    #[error("node {0} was removed for good; start it with an empty data folder to join as a new node")]
    NodeGone(NodeId),
    /// The start is older than one that is already known.
    #[error("node {0} has started again since")]
    OldStart(NodeId),
    /// The plan was computed from an older state.
    #[error("the plan is outdated")]
    OldPlan,
    /// The plan does not fit the state.
    #[error("the plan is invalid: {0}")]
    BadPlan(String),
    /// No namespace with this id.
    #[error("no such namespace")]
    UnknownNamespace,
    /// The name breaks the rules.
    #[error("a namespace is named by 1 to 64 letters, digits, dots, dashes or underscores")]
    BadNamespaceName,
    /// The bound on namespaces is reached.
    #[error("the cluster has {0} namespaces, the most it may have; delete one first")]
    TooManyNamespaces(usize),
    /// The namespace `default` cannot be removed.
    #[error("the namespace `default` cannot be removed; clear it instead")]
    DefaultNamespace,
    /// A config value is out of bounds or not built.
    #[error("{0}")]
    BadConfig(String),
    /// A node's zone or weight is out of bounds.
    #[error("the node is refused: {0}")]
    BadNode(String),
    /// What the cluster would be formed from is out of bounds.
    #[error("the cluster cannot be formed: {0}")]
    BadFormation(String),
    /// The node holds the last copy of that many ranges.
    #[error("node {node} holds the only copy of {ranges} ranges; drain it first, or force the removal and lose them")]
    LastCopies {
        /// The node.
        node: NodeId,
        /// How many.
        ranges: u32,
    },
    /// A process that has been followed by another.
    #[error("node {0} runs as another process by now")]
    OldIncarnation(NodeId),
    /// A data plane setting is out of bounds.
    #[error("{0}")]
    BadSettings(String),
    /// Something about API keys.
    #[error("{0}")]
    Access(AccessRejection),
}

/// Result of a command, as remembered and sent.
pub type Outcome = Result<Reply, Rejection>;
