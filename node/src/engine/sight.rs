//! What a simulation sees of the ranges from outside.

use ringhold_model::{Epoch, RangeId, cluster::Member};

use super::Engine;
use crate::replica::Role;

/// One range at this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Which.
    pub range: RangeId,
    /// In which epoch it is acted by.
    pub epoch: Epoch,
    /// What the node is to it.
    pub role: Role,
    /// By which membership.
    pub member: Option<Member>,
    /// It is primary and has taken over.
    pub is_open: bool,
    /// Number of the last effect.
    pub applied: u64,
    /// Number of the last effect that is known to be committed.
    pub committed: u64,
    /// Records of the current generations.
    pub items: u64,
    /// A digest of them.
    pub digest: u64,
}

impl Engine {
    /// All ranges, ascending.
    pub fn sights(&self) -> Vec<Sight> {
        let mut sights = Vec::new();
        for shard in &self.shards {
            for part in &shard.lock().parts {
                let (range, sum) = (&part.range, part.sums.digest());
                sights.push(Sight {
                    range: range.id(),
                    epoch: range.epoch(),
                    role: range.role(),
                    member: range.member(),
                    is_open: range.is_open(),
                    applied: range.applied(),
                    committed: range.committed(),
                    items: sum.items,
                    digest: sum.sum,
                });
            }
        }
        sights
    }

    /// Records and bytes of all that the node holds.
    pub fn held(&self) -> (u64, u64) {
        (self.shared.total.items(), self.shared.total.bytes())
    }

    /// Most records and bytes that it may hold; 0: no limit.
    pub fn limits(&self) -> (u64, u64) {
        (self.shared.total.max_items(), self.shared.total.max_bytes())
    }
}
