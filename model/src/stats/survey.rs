//! What nodes hold of one (namespace, backend), merged: every figure adds.

use std::collections::BTreeMap;

use crate::wire::{Amount, Survey, TTL_BOUNDS_S, TTL_BUCKETS};

impl Survey {
    /// Adds what another node holds.
    pub fn add(&mut self, other: &Self) {
        self.total.add(other.total);
        self.looked_at = self.looked_at.saturating_add(other.looked_at);
        self.types = sum(std::mem::take(&mut self.types), &other.types);
        self.prefixes = sum(std::mem::take(&mut self.prefixes), &other.prefixes);
        self.other_prefixes.add(other.other_prefixes);
        for (mine, theirs) in self.ttl.iter_mut().zip(other.ttl) {
            mine.add(theirs);
        }
    }

    /// Whether the distributions were found by looking at a part of the records.
    pub fn is_sample(&self) -> bool {
        self.looked_at < self.total.items
    }

    /// Keeps the `rows_max` prefixes with most bytes; the others are counted as `other_prefixes`.
    pub fn truncate_prefixes(&mut self, rows_max: usize) {
        if self.prefixes.len() <= rows_max {
            return;
        }
        self.prefixes.sort_by(|(a, one), (b, another)| another.bytes.cmp(&one.bytes).then_with(|| a.cmp(b)));
        for (_, amount) in self.prefixes.split_off(rows_max) {
            self.other_prefixes.add(amount);
        }
        self.prefixes.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

impl Amount {
    /// Adds other records.
    pub fn add(&mut self, other: Self) {
        self.items = self.items.saturating_add(other.items);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The bucket of a remaining time; `None`: for ever.
pub fn ttl_bucket(ttl_ms: Option<u64>) -> usize {
    match ttl_ms {
        None => TTL_BUCKETS - 1,
        Some(ttl) => TTL_BOUNDS_S.iter().position(|bound| ttl <= bound * 1_000).unwrap_or(TTL_BUCKETS - 2),
    }
}

fn sum<T: Ord + Clone>(mine: Vec<(T, Amount)>, theirs: &[(T, Amount)]) -> Vec<(T, Amount)> {
    let mut all: BTreeMap<T, Amount> = mine.into_iter().collect();
    for (name, amount) in theirs {
        all.entry(name.clone()).or_default().add(*amount);
    }
    all.into_iter().collect()
}
