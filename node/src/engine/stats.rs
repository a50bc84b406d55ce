//! Figures of the engine.

use ringhold_model::{NamespaceId, wire::SpaceStats};

use super::{Engine, Now, space::SpaceInfo};

/// Looks at slots between two chances for others to take the locks.
const LOOKS: u32 = 4_096;

/// Figures of the whole engine and of its spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ranges whose primary the node is.
    pub primary_ranges: u32,
    /// Bytes charged to all records the node holds, of every namespace.
    pub total_bytes: u64,
    /// Records the node holds, of every namespace, stale ones not yet freed included.
    pub total_records: u64,
    /// One entry per (namespace, backend).
    pub spaces: Vec<SpaceStats>,
}

impl Engine {
    /// The figures of one namespace, or of all: of the ranges that the node is primary of, the totals apart. What is due is freed first, in bounded steps, so that items and bytes count
    /// live records only. Shards are read one after the other: figures of a busy node belong to slightly different moments.
    pub fn stats(&self, namespace: Option<NamespaceId>, now: Now) -> Counts {
        self.free_due(now);
        let view = self.view.load();
        let infos = view.spaces.iter().filter(|info| namespace.is_none_or(|wanted| wanted == info.namespace));
        let is_primary = |shard: &super::Mutex<super::Shard>| {
            shard.lock().parts.iter().filter(|part| part.range.is_primary()).count() as u32
        };
        Counts {
            primary_ranges: self.shards.iter().map(is_primary).sum(),
            total_bytes: self.shared.total.bytes(),
            total_records: self.shared.total.items(),
            spaces: infos.map(|info| self.space_stats(info, now)).collect(),
        }
    }

    /// Frees all that is due now.
    pub fn free_due(&self, now: Now) {
        loop {
            let mut budget = LOOKS;
            self.expire_some(now.mono_ms, &mut budget);
            if budget > 0 {
                return;
            }
        }
    }

    fn space_stats(&self, info: &SpaceInfo, now: Now) -> SpaceStats {
        let limits = info.pool.budget.as_ref().unwrap_or(&self.shared.total);
        let mut stats = SpaceStats {
            max_memory: limits.max_bytes(),
            max_items: limits.max_items(),
            ..SpaceStats::empty(info.namespace, info.backend)
        };
        for shard in &self.shards {
            let shard = shard.lock();
            let Some(Some(space)) = shard.spaces.get(usize::from(info.number)) else { continue };
            for part in shard.parts.iter().filter(|part| !part.range.is_wiping()) {
                let sum = part.sums.of(info.number);
                let (items, bytes) = if part.range.is_primary() {
                    (&mut stats.items, &mut stats.bytes)
                } else {
                    (&mut stats.copy_items, &mut stats.copy_bytes)
                };
                *items += sum.items;
                *bytes += sum.bytes;
            }
            let tally = space.tally;
            stats.hits += tally.hits;
            stats.misses += tally.misses;
            stats.sets += tally.sets;
            stats.deletes += tally.deletes;
            stats.evictions += tally.evictions;
            stats.expired += tally.expired;
            stats.invalidated += tally.invalidated;
            stats.evictions_10s += tally.evictions_10s(now.mono_ms);
            stats.ops_10s += tally.ops_10s(now.mono_ms);
        }
        stats
    }
}
