//! How the keys of a shard's part of a space are used: cheap enough to be counted with every operation.
//!
//! Bounded by constants whatever the keys are. Deliberately absent: figures of records (they are looked at when asked for,
//! `super::survey`), figures over time (made from the tallies a few times a minute, `timeline`), and any choice of what is
//! evicted.
//!
//! Reading order: `sketch` → `prefix` → `timeline`.

mod prefix;
mod sketch;
mod timeline;

use ringhold_model::wire::KeyUse;

pub(super) use self::{
    prefix::{PREFIXES_MAX, PrefixTable, prefix_of},
    sketch::Sketch,
    timeline::{Timelines, Totals},
};

/// After this time a new window for hot keys begins; figures are of the last full one and the present one.
pub(super) const WINDOW_MS: u64 = 300_000;

/// See the module. Under the shard's lock.
#[derive(Debug, Default)]
pub(super) struct Insight {
    now: Sketch,
    before: Sketch,
    prefixes: PrefixTable,
}

impl Insight {
    /// A read at the range's primary.
    #[inline(always)]
    pub(super) fn read(&mut self, hash: u64, key: &[u8], is_hit: bool) {
        self.now.note(hash);
        self.read_at_copy(key, is_hit);
    }

    /// A read elsewhere: which keys are hot is for the primary to tell.
    #[inline(always)]
    pub(super) fn read_at_copy(&mut self, key: &[u8], is_hit: bool) {
        let keys = self.prefixes.of(key);
        keys.hits += u64::from(is_hit);
        keys.misses += u64::from(!is_hit);
    }

    /// A write or a deletion.
    #[inline(always)]
    pub(super) fn write(&mut self, hash: u64, key: &[u8]) {
        self.now.note(hash);
        self.prefixes.of(key).writes += 1;
    }

    /// Begins a window.
    pub(super) fn turn(&mut self) {
        let next = self.now.successor();
        self.before = std::mem::replace(&mut self.now, next);
        self.prefixes.turn();
    }

    /// All keys are gone.
    pub(super) fn forget_keys(&mut self) {
        self.now = Sketch::default();
        self.before = Sketch::default();
    }

    /// Hashes with bounds of how often they were used: at least, at most.
    pub(super) fn hot(&self) -> Vec<(u64, u64, u64)> {
        let mut hashes: Vec<u64> = self.now.hashes().chain(self.before.hashes()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let bounds = |hash| {
            let ((least, most), (least_before, most_before)) = (self.now.bounds(hash), self.before.bounds(hash));
            (hash, least + least_before, most + most_before)
        };
        hashes.into_iter().map(bounds).collect()
    }

    /// No hash that is not listed was used more often.
    pub(super) fn unlisted_max(&self) -> u64 {
        self.now.unlisted_max() + self.before.unlisted_max()
    }

    /// Use by prefix, and of all prefixes that are not told apart.
    pub(super) fn prefixes(&self) -> (impl Iterator<Item = (Option<&str>, KeyUse)>, KeyUse) {
        (self.prefixes.rows(), self.prefixes.other())
    }
}
