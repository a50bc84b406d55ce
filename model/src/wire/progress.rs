//! What a node holds and which copies it is filling: for operators.

use serde::{Deserialize, Serialize};

use crate::ids::{NodeId, RangeId};

/// A node's report (request: empty).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressReply {
    /// `applied` of the state that it acts by.
    pub view: u64,
    /// Whether it holds a lease.
    pub has_lease: bool,
    /// Ranges that it serves as primary.
    pub primaries: u32,
    /// Ranges that it is to serve as primary, but is still taking over.
    pub taking_over: u32,
    /// Ranges of which it is an in-sync copy.
    pub copies: u32,
    /// Ranges that it is being filled with.
    pub pending: u32,
    /// Writes that it acknowledged as the only copy, although more are wanted; since its start.
    pub single_copy_writes: u64,
    /// Copies that it is filling now.
    pub fills: Vec<Fill>,
    /// Ranges that it has filled since its start, with records and bytes.
    pub filled: Filled,
}

/// A copy being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The range.
    pub range: RangeId,
    /// Who is filled.
    pub to: NodeId,
    /// Records that were sent and taken.
    pub records: u64,
    /// About how many there are in all.
    pub records_total: u64,
    /// Bytes that were sent and taken.
    pub bytes: u64,
    /// Milliseconds since it began.
    pub elapsed_ms: u64,
}

/// Sums over fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    /// Copies completed.
    pub ranges: u64,
    /// Records sent.
    pub records: u64,
    /// Bytes sent.
    pub bytes: u64,
}
