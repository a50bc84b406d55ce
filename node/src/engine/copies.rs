//! What a node holds for others: for those who stop it, and for those who watch it.

use std::sync::atomic::Ordering::Relaxed;

use ringhold_model::{
    RangeId,
    cluster::Change,
    wire::{Fill, ProgressReply},
};

use super::{Engine, Now};
use crate::replica::Role;

impl Engine {
    /// This node's in-sync copies of ranges that have other members serve reads no longer (in their present epochs). The
    /// changes are to be proposed as `Removed`. For a node that stops.
    pub fn retire_copies(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for shard in &self.shards {
            for part in &mut shard.lock().parts {
                let range = &mut part.range;
                if range.role() == Role::Copy && range.copies() > 1 {
                    range.retire();
                    let (range, epoch) = (range.id(), range.epoch());
                    changes.extend(part.range.member().map(|member| Change { range, epoch, member }));
                }
            }
        }
        changes
    }

    /// Ranges that would lose records if this node went: it is their only in-sync member, and they hold some.
    pub fn sole_copies(&self) -> Vec<RangeId> {
        let mut ranges = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let is_sole = |range: &crate::replica::Range<_>| range.is_in_sync() && range.copies() == 1;
            let sole = shard.parts.iter().filter(|part| is_sole(&part.range) && part.sums.digest().items > 0);
            ranges.extend(sole.map(|part| part.range.id()));
        }
        ranges
    }

    /// What this node holds and fills; whether it has a lease is left open (`false`).
    pub fn progress(&self, now: Now) -> ProgressReply {
        let mut progress = ProgressReply {
            view: self.acted(),
            single_copy_writes: self.shared.single_copy_writes.load(Relaxed),
            filled: self.shared.filled.report(),
            ..ProgressReply::default()
        };
        for shard in &self.shards {
            for part in &shard.lock().parts {
                let count = match part.range.role() {
                    Role::Primary if part.range.is_open() => &mut progress.primaries,
                    Role::Primary => &mut progress.taking_over,
                    Role::Copy => &mut progress.copies,
                    Role::Pending => &mut progress.pending,
                    Role::None => continue,
                };
                *count += 1;
                let fills = part.fills.report(part.range.id(), part.sums.digest().items, now.mono_ms);
                progress.fills.extend::<Vec<Fill>>(fills.collect());
            }
        }
        progress
    }
}
