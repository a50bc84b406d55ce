//! How a (namespace, backend) is used and what it holds, in parts that merge exactly.
//!
//! Two calls: what a node has counted (`Method::Analytics`), which costs next to nothing to ask, and what it finds when it
//! looks at the records (`Method::Survey`). How each part merges is in `crate::stats`.

use serde::{Deserialize, Serialize};

use super::{scan::Selection, stats::HistogramParts};
use crate::{
    config::{Backend, DataType},
    ids::{NamespaceId, RangeId},
};

/// Asks a node for what it has counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsRequest {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// Most hot keys to return; bounds the answer.
    pub hot_keys_max: u32,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsReply {
    /// `applied` of the node's state.
    pub view: u64,
    /// The figures.
    pub usage: Usage,
}

/// What was counted of one (namespace, backend), by one node or by many, since the nodes' processes began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Keys used most.
    pub hot_keys: HotKeys,
    /// Use by prefix of the key.
    pub prefixes: Prefixes,
    /// Use by minute, ascending; minutes without any are left out.
    pub minutes: Vec<Minute>,
    /// Operations of late.
    pub recent: Recent,
    /// Evictions by cause.
    pub evictions: EvictionCauses,
    /// Operations by kind, as the nodes executed them.
    pub operations: Vec<OperationTimes>,
    /// Operations that a node failed, for a reason that a repetition does not change.
    pub failed: u64,
    /// Operations that a node could not do at that moment or in its role; routers ask again.
    pub deferred: u64,
}

/// Keys used most in the last five to ten minutes, counted by a sketch of bounded size (Misra and Gries) at their ranges'
/// primaries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotKeys {
    /// For how many milliseconds they were counted.
    pub window_ms: u64,
    /// The keys, most used first.
    pub keys: Vec<HotKey>,
    /// No key that is not listed was used more often than this.
    pub unlisted_max: u64,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotKey {
    /// The key.
    pub key: String,
    /// It was used at least so often.
    pub count: u64,
    /// And at most so much more often.
    pub error: u64,
}

/// Use by prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefixes {
    /// Each prefix once, in order of its text; `None`: keys without one.
    pub rows: Vec<(Option<String>, KeyUse)>,
    /// All prefixes beyond the number that is told apart.
    pub other: KeyUse,
}

/// How keys were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// Reads that found a live record.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Writes and deletions.
    pub writes: u64,
}

/// Use in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Minutes since 1970.
    pub minute: u64,
    /// Reads and writes.
    pub operations: u64,
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
}

/// Operations in the last full tens of seconds that make up these times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// One minute.
    pub minute: u64,
    /// Five minutes.
    pub minutes_5: u64,
    /// Fifteen minutes.
    pub minutes_15: u64,
}

/// Evictions by what made them necessary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvictionCauses {
    /// A write, at the limit of items.
    pub max_items: u64,
    /// A write, at the limit of bytes.
    pub max_memory: u64,
    /// A limit that was lowered below what was held.
    pub lowered_limit: u64,
    /// A node that holds a copy of the range and was short of room.
    pub room_for_copies: u64,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// A kind of operation, as a node executes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Operation { $($(#[$doc])* $name),+ }

        impl Operation {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

operations! {
    /// A read of one key.
    Get = "get",
    /// A write of one key.
    Set = "set",
    /// A deletion of one key.
    Delete = "delete",
    /// An increment.
    Increment = "incr",
    /// A write that answers what was there.
    Swap = "getset",
    /// A new time to live.
    Touch = "touch",
    /// A node's share of a batch: several operations in one frame.
    Batch = "batch",
    /// A page of records, of a walk or an export.
    Scan = "scan",
    /// The first keys in key order.
    FirstKeys = "keys",
    /// A count of the records that match.
    Count = "count",
    /// A removal by pattern or tags.
    Remove = "invalidate",
    /// The end of a clear.
    Purge = "clear",
    /// A look at all records for their distribution.
    Survey = "survey",
}

/// How long operations of one kind took, from the request's arrival at the node to the encoded answer, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationTimes {
    /// The kind.
    pub operation: Operation,
    /// How many were executed, also where times are not tracked.
    pub count: u64,
    /// Sum of all times.
    pub sum_us: u64,
    /// By upper bounds that are the same on every node; at most an eighth above the time itself. Empty: not tracked.
    pub times_us: HistogramParts,
}

/// Asks for a look at all records: the selection's pattern is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyRequest<'a> {
    /// Which records.
    #[serde(borrow)]
    pub selection: Selection<'a>,
    /// After so many records the node stops, and answers for all by those that it has seen.
    pub records_max: u64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyReply {
    /// `applied` of the node's state.
    pub view: u64,
    /// What was found in the `done` ranges.
    pub survey: Survey,
    /// The ranges that the node held in the epoch asked for.
    pub done: Vec<RangeId>,
}

/// What the live records of one (namespace, backend) are. Where `looked_at` is less than `items`, the distributions are
/// those of the records that were looked at, scaled up; the hash of a key decides which, so they are a fair sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Records and their bytes.
    pub total: Amount,
    /// Records that were looked at.
    pub looked_at: u64,
    /// By type of the value, in order.
    pub types: Vec<(DataType, Amount)>,
    /// By prefix of the key, in order of its text; `None`: keys without one.
    pub prefixes: Vec<(Option<String>, Amount)>,
    /// All prefixes beyond the number that is told apart.
    pub other_prefixes: Amount,
    /// By remaining time to live: at most so many seconds (each bound of `TTL_BOUNDS_S` once), more, for ever.
    pub ttl: [Amount; TTL_BUCKETS],
}

/// Upper bounds of the buckets of remaining times, in seconds.
pub const TTL_BOUNDS_S: [u64; TTL_BUCKETS - 2] = [60, 600, 3_600, 86_400, 604_800];
/// The bounds, beyond them, never.
pub const TTL_BUCKETS: usize = 7;

/// Some records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many.
    pub items: u64,
    /// Bytes charged to them.
    pub bytes: u64,
}
