//! The copies that a range's primary is filling, for those who watch it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ringhold_model::{
    NodeId, RangeId,
    wire::{Fill, Filled},
};

/// Of one range; mostly there is none.
#[derive(Debug, Default)]
pub(super) struct Fills(Vec<Filling>);

#[derive(Clone, Copy, Debug)]
struct Filling {
    to: NodeId,
    began_ms: u64,
    records: u64,
    bytes: u64,
}

/// Sums over all that were completed. Relaxed: each number stands alone.
#[derive(Debug, Default)]
pub(super) struct FilledSums {
    ranges: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Fills {
    /// A copy begins, perhaps anew.
    pub(super) fn begin(&mut self, to: NodeId, now_ms: u64) {
        self.0.retain(|fill| fill.to != to);
        self.0.push(Filling { to, began_ms: now_ms, records: 0, bytes: 0 });
    }

    /// A chunk was taken.
    pub(super) fn taken(&mut self, to: NodeId, records: u64, bytes: u64) {
        if let Some(fill) = self.0.iter_mut().find(|fill| fill.to == to) {
            fill.records += records;
            fill.bytes += bytes;
        }
    }

    /// A copy is complete.
    pub(super) fn complete(&mut self, to: NodeId, sums: &FilledSums) {
        let Some(at) = self.0.iter().position(|fill| fill.to == to) else { return };
        let fill = self.0.remove(at);
        sums.ranges.fetch_add(1, Relaxed);
        sums.records.fetch_add(fill.records, Relaxed);
        sums.bytes.fetch_add(fill.bytes, Relaxed);
    }

    /// Forgets those that are no members any more.
    pub(super) fn retain(&mut self, is_member: impl Fn(NodeId) -> bool) {
        self.0.retain(|fill| is_member(fill.to));
    }

    pub(super) fn report(&self, range: RangeId, records_total: u64, now_ms: u64) -> impl Iterator<Item = Fill> + '_ {
        self.0.iter().map(move |fill| Fill {
            range,
            to: fill.to,
            records: fill.records,
            records_total,
            bytes: fill.bytes,
            elapsed_ms: now_ms.saturating_sub(fill.began_ms),
        })
    }
}

impl FilledSums {
    pub(super) fn report(&self) -> Filled {
        let read = |sum: &AtomicU64| sum.load(Relaxed);
        Filled { ranges: read(&self.ranges), records: read(&self.records), bytes: read(&self.bytes) }
    }
}
