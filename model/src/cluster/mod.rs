//! The cluster's replicated state and its rule book: state + command → new state and reply, or a rejection.
//!
//! Pure: the Raft state machine calls [`ClusterState::apply`] and nothing else decides. Knows nothing of openraft, disks or
//! connections, and holds nothing of the cached data.

mod access;
mod apply;
mod command;
mod format;
mod invariants;
mod moves;
mod state;
mod target;
#[cfg(test)]
mod world;

pub use access::{
    ACCESS_BOUNDS_MAX, ACCESS_KEYS_MAX, ACCESS_NAME_BYTES_MAX, AccessCommand, AccessKey, AccessRejection, KeySecret,
    Scopes, SecretHash,
};
pub use apply::{ANSWERS_MAX, COPIES_MAX, WAIT_MAX_S, WEIGHT_MAX, WEIGHT_PLAIN, ZONE_BYTES_MAX};
pub use command::{
    Change, Command, Move, Outcome, Proposal, Rejection, Reply, RequestId, Restart, Seed, SettingsPatch,
};
pub use format::{FORMAT_VERSION, FormatFault};
pub use moves::PlannedMove;
pub use state::{
    Addresses, ClusterState, ConfigRecord, Member, Namespace, Node, NodeState, Plan, RangeRecord, Settings,
};
