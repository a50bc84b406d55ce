//! Statistics of a node, in parts that merge exactly.

use serde::{Deserialize, Serialize};

use crate::{
    config::Backend,
    ids::{Incarnation, NamespaceId, NodeId},
};

/// Asks a node for its figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsRequest {
    /// Only this namespace; `None`: every one.
    pub namespace: Option<NamespaceId>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsReply {
    /// `applied` of the node's state.
    pub view: u64,
    /// The figures.
    pub stats: NodeStats,
}

/// A histogram as (value in microseconds, count) pairs; merges by adding counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistogramParts(pub Vec<(u64, u64)>);

/// Figures of one node since its process began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStats {
    /// Who.
    pub node: NodeId,
    /// Which run; counters start at zero with it.
    pub incarnation: Incarnation,
    /// Milliseconds since the process began.
    pub uptime_ms: u64,
    /// Ranges whose primary the node is.
    pub primary_ranges: u32,
    /// Bytes charged to all records the node holds, of every namespace.
    pub total_bytes: u64,
    /// Records the node holds, of every namespace, expired ones not yet freed included.
    pub total_records: u64,
    /// Resident set size of the process in bytes; 0 where unknown.
    pub rss_bytes: u64,
    /// Time to serve one frame of point operations, in microseconds; `None`: tracking is off.
    pub latency_us: Option<HistogramParts>,
    /// One entry per (namespace, backend) that holds or held something.
    pub spaces: Vec<SpaceStats>,
    /// The backends outside that the node has.
    pub backends: Vec<BackendState>,
}

/// How a backend outside is, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendState {
    /// Which.
    pub backend: Backend,
    /// What is wrong; `None`: it answered last time.
    pub trouble: Option<String>,
}

/// Figures of one (namespace, backend) on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceStats {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// Live items of ranges whose primary the node is.
    pub items: u64,
    /// Bytes charged to them: key, value, metadata, tags and per-entry overhead.
    pub bytes: u64,
    /// Live items held as copies.
    pub copy_items: u64,
    /// Bytes charged to them.
    pub copy_bytes: u64,
    /// Reads that found a live record.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Records written.
    pub sets: u64,
    /// Live records removed by request.
    pub deletes: u64,
    /// Records removed to make room.
    pub evictions: u64,
    /// Records removed because their time was over.
    pub expired: u64,
    /// Records removed by clear, tag or pattern.
    pub invalidated: u64,
    /// Evictions in the last full 10 seconds.
    pub evictions_10s: u64,
    /// Reads and writes in the last full 10 seconds.
    pub ops_10s: u64,
    /// Limit of bytes in force on this node; 0: none.
    pub max_memory: u64,
    /// Limit of items in force on this node; 0: none.
    pub max_items: u64,
}
