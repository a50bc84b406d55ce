//! The one place where records of ranges are written: it notes whose role an entry changed.
//!
//! A lease is given only to a node that acts by the last entry that touched it (rule L5), so no command may forget this.

use crate::{
    cluster::state::{ClusterState, RangeRecord},
    ids::{Mid, NodeId, RangeId},
};

/// What a node is to a range. A new term of the same primary is a new membership too: it began again.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Role {
    in_sync: Option<Mid>,
    pending: Option<Mid>,
    is_primary: bool,
}

impl ClusterState {
    /// Puts `record` in the place of the one of `range`; false when that changes nothing.
    pub(super) fn put_range(&mut self, index: u64, range: RangeId, record: RangeRecord) -> bool {
        let Some(place) = self.ranges.get_mut(usize::from(range.0)) else { return false };
        if *place == record {
            return false;
        }
        let before = std::mem::replace(place, record);
        let after = &*place;
        for id in members(&before).chain(members(after)) {
            if role(&before, id) != role(after, id)
                && let Some(node) = self.nodes.get_mut(&id)
            {
                node.touched_at = index;
            }
        }
        true
    }
}

fn role(record: &RangeRecord, node: NodeId) -> Role {
    Role {
        in_sync: record.in_sync.iter().find(|member| member.node == node).map(|member| member.mid),
        pending: record.pending.filter(|member| member.node == node).map(|member| member.mid),
        is_primary: record.primary == Some(node),
    }
}

fn members(record: &RangeRecord) -> impl Iterator<Item = NodeId> + '_ {
    record.in_sync.iter().chain(&record.pending).map(|member| member.node)
}
