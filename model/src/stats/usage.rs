//! What nodes have counted of one (namespace, backend), merged.

use std::collections::BTreeMap;

use crate::wire::{EvictionCauses, HotKey, HotKeys, KeyUse, Minute, OperationTimes, Prefixes, Recent, Usage};

/// Minutes of use that are kept and shown.
pub const MINUTES_KEPT: u64 = 60;

impl Usage {
    /// Adds what another node has counted.
    pub fn add(&mut self, other: &Self) {
        self.hot_keys.add(&other.hot_keys);
        self.prefixes.add(&other.prefixes);
        self.add_minutes(&other.minutes);
        self.recent.add(other.recent);
        self.evictions.add(other.evictions);
        self.add_operations(&other.operations);
        self.failed = self.failed.saturating_add(other.failed);
        self.deferred = self.deferred.saturating_add(other.deferred);
    }

    fn add_minutes(&mut self, other: &[Minute]) {
        let mut minutes: BTreeMap<u64, Minute> = BTreeMap::new();
        for minute in self.minutes.iter().chain(other) {
            minutes.entry(minute.minute).or_insert(Minute { minute: minute.minute, ..Minute::default() }).add(minute);
        }
        self.minutes = minutes.into_values().collect();
    }

    fn add_operations(&mut self, other: &[OperationTimes]) {
        for times in other {
            match self.operations.binary_search_by_key(&times.operation, |known| known.operation) {
                Ok(at) => {
                    let known = &mut self.operations[at];
                    known.count = known.count.saturating_add(times.count);
                    known.sum_us = known.sum_us.saturating_add(times.sum_us);
                    known.times_us.add(&times.times_us);
                }
                Err(at) => self.operations.insert(at, times.clone()),
            }
        }
    }
}

impl HotKeys {
    /// Adds the keys of another node. Only a range's present primary lists its keys, so that each is in one list; if a range
    /// moves between two answers, counts and errors add. What no list shows is bounded by the loosest bound.
    pub fn add(&mut self, other: &Self) {
        let mut keys: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for key in self.keys.iter().chain(&other.keys) {
            let (count, error) = keys.entry(&key.key).or_default();
            *count = count.saturating_add(key.count);
            *error = error.saturating_add(key.error);
        }
        let merged = keys.into_iter().map(|(key, (count, error))| HotKey { key: key.to_owned(), count, error });
        self.keys = ordered(merged.collect());
        self.window_ms = self.window_ms.max(other.window_ms);
        self.unlisted_max = self.unlisted_max.max(other.unlisted_max);
    }

    /// Keeps the `keys_max` keys used most. Those that go were used at most as often as is told of all that are not listed.
    pub fn truncate(&mut self, keys_max: usize) {
        self.keys = ordered(std::mem::take(&mut self.keys));
        let cut = self.keys.split_off(keys_max.min(self.keys.len()));
        let most = cut.iter().map(HotKey::at_most).max().unwrap_or_default();
        self.unlisted_max = self.unlisted_max.max(most);
    }
}

impl HotKey {
    /// It was used at most so often.
    pub fn at_most(&self) -> u64 {
        self.count.saturating_add(self.error)
    }
}

/// Most used first; equal ones in order of their text.
fn ordered(mut keys: Vec<HotKey>) -> Vec<HotKey> {
    keys.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    keys
}

impl Prefixes {
    /// Adds the use that another node has counted. A prefix that one node told apart and another did not is partly in
    /// `other`: the sum over all is exact, a prefix's own figures then are a lower bound.
    pub fn add(&mut self, other: &Self) {
        let mut rows: BTreeMap<Option<String>, KeyUse> = std::mem::take(&mut self.rows).into_iter().collect();
        for (prefix, keys) in &other.rows {
            rows.entry(prefix.clone()).or_default().add(*keys);
        }
        self.rows = rows.into_iter().collect();
        self.other.add(other.other);
    }

    /// Keeps the `rows_max` prefixes used most; the others are counted as `other`.
    pub fn truncate(&mut self, rows_max: usize) {
        if self.rows.len() <= rows_max {
            return;
        }
        self.rows.sort_by(|(a, one), (b, another)| another.operations().cmp(&one.operations()).then_with(|| a.cmp(b)));
        for (_, keys) in self.rows.split_off(rows_max) {
            self.other.add(keys);
        }
        self.rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

impl KeyUse {
    /// Adds other uses.
    pub fn add(&mut self, other: Self) {
        self.hits = self.hits.saturating_add(other.hits);
        self.misses = self.misses.saturating_add(other.misses);
        self.writes = self.writes.saturating_add(other.writes);
    }

    /// All of them.
    pub fn operations(&self) -> u64 {
        self.hits.saturating_add(self.misses).saturating_add(self.writes)
    }

    /// Share of the reads that hit, in percent; 0 without reads.
    pub fn hit_rate(&self) -> f64 {
        super::percent(self.hits, self.misses)
    }
}

impl Minute {
    /// Adds the use that another node has counted in the same minute.
    pub fn add(&mut self, other: &Self) {
        for (sum, part) in [
            (&mut self.operations, other.operations),
            (&mut self.hits, other.hits),
            (&mut self.misses, other.misses),
            (&mut self.sets, other.sets),
            (&mut self.deletes, other.deletes),
            (&mut self.evictions, other.evictions),
            (&mut self.expired, other.expired),
        ] {
            *sum = sum.saturating_add(part);
        }
    }

    /// Share of the reads that hit, in percent; 0 without reads.
    pub fn hit_rate(&self) -> f64 {
        super::percent(self.hits, self.misses)
    }
}

impl Recent {
    /// Adds the operations of another node.
    pub fn add(&mut self, other: Self) {
        self.minute = self.minute.saturating_add(other.minute);
        self.minutes_5 = self.minutes_5.saturating_add(other.minutes_5);
        self.minutes_15 = self.minutes_15.saturating_add(other.minutes_15);
    }

    /// Operations a second over one, five and fifteen minutes.
    pub fn per_second(self) -> [f64; 3] {
        [(self.minute, 60.0), (self.minutes_5, 300.0), (self.minutes_15, 900.0)]
            .map(|(operations, seconds)| operations as f64 / seconds)
    }
}

impl EvictionCauses {
    /// Adds the evictions of another node.
    pub fn add(&mut self, other: Self) {
        self.max_items = self.max_items.saturating_add(other.max_items);
        self.max_memory = self.max_memory.saturating_add(other.max_memory);
        self.lowered_limit = self.lowered_limit.saturating_add(other.lowered_limit);
        self.room_for_copies = self.room_for_copies.saturating_add(other.room_for_copies);
    }

    /// By the word for the cause.
    pub fn by_cause(&self) -> [(&'static str, u64); 4] {
        [
            ("max_items", self.max_items),
            ("max_memory", self.max_memory),
            ("lowered_limit", self.lowered_limit),
            ("room_for_copies", self.room_for_copies),
        ]
    }
}
