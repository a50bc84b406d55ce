//! Answer of whether a node may be stopped.

use ringhold_model::NodeId;
use serde::Serialize;

use super::super::{
    super::{cluster::Safety, coverage::Coverage},
    splice::serde,
};

#[derive(Serialize)]
struct Answer<'a> {
    success: bool,
    node: u64,
    safe: bool,
    reasons: &'a [String],
    ranges_that_would_lose_last_copy: u32,
    ranges_below_min_in_sync: u32,
    primary_ranges: u32,
    single_copy_writes: Option<u64>,
}

/// Answer of `GET /api/cluster/nodes/{id}/safe-to-stop`.
pub fn safe_to_stop(out: &mut Vec<u8>, node: NodeId, safety: &Safety, coverage: &Coverage) {
    serde(
        out,
        &Answer {
            success: true,
            node: node.0,
            safe: safety.is_safe(),
            reasons: &safety.reasons,
            ranges_that_would_lose_last_copy: safety.last_copies,
            ranges_below_min_in_sync: safety.below_min_in_sync,
            primary_ranges: safety.primaries,
            single_copy_writes: safety.single_copy_writes,
        },
    );
    out.pop();
    coverage.write_members(out);
    out.push(b'}');
}
