//! Figures of one (namespace, backend), of one node or of many.

use crate::{config::Backend, ids::NamespaceId, wire::SpaceStats};

/// Seconds over which `ops_10s` and `evictions_10s` are counted.
pub const WINDOW_SECONDS: u64 = 10;

impl SpaceStats {
    /// Nothing held, nothing counted, no limits.
    pub fn empty(namespace: NamespaceId, backend: Backend) -> Self {
        Self {
            namespace,
            backend,
            items: 0,
            bytes: 0,
            copy_items: 0,
            copy_bytes: 0,
            hits: 0,
            misses: 0,
            sets: 0,
            deletes: 0,
            evictions: 0,
            expired: 0,
            invalidated: 0,
            evictions_10s: 0,
            ops_10s: 0,
            max_memory: 0,
            max_items: 0,
        }
    }

    /// Adds the figures of another node. A limit of zero means none: with one node without a limit the sum has none.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.items, other.items),
            (&mut self.bytes, other.bytes),
            (&mut self.copy_items, other.copy_items),
            (&mut self.copy_bytes, other.copy_bytes),
            (&mut self.hits, other.hits),
            (&mut self.misses, other.misses),
            (&mut self.sets, other.sets),
            (&mut self.deletes, other.deletes),
            (&mut self.evictions, other.evictions),
            (&mut self.expired, other.expired),
            (&mut self.invalidated, other.invalidated),
            (&mut self.evictions_10s, other.evictions_10s),
            (&mut self.ops_10s, other.ops_10s),
        ];
        for (sum, part) in pairs {
            *sum = sum.saturating_add(part);
        }
        self.max_memory = sum_of_limits(self.max_memory, other.max_memory);
        self.max_items = sum_of_limits(self.max_items, other.max_items);
    }

    /// Share of the reads that hit, in percent; 0 without reads.
    pub fn hit_rate(&self) -> f64 {
        percent(self.hits, self.misses)
    }

    /// Share of the reads that missed, in percent; 0 without reads.
    pub fn miss_rate(&self) -> f64 {
        percent(self.misses, self.hits)
    }

    /// Reads and writes a second, in the last full window.
    pub fn ops_per_second(&self) -> f64 {
        self.ops_10s as f64 / WINDOW_SECONDS as f64
    }

    /// Evictions a second, in the last full window.
    pub fn evictions_per_second(&self) -> f64 {
        self.evictions_10s as f64 / WINDOW_SECONDS as f64
    }
}

fn sum_of_limits(one: u64, other: u64) -> u64 {
    if one == 0 || other == 0 { 0 } else { one.saturating_add(other) }
}

pub(super) fn percent(part: u64, rest: u64) -> f64 {
    match part as f64 + rest as f64 {
        0.0 => 0.0,
        whole => part as f64 * 100.0 / whole,
    }
}
