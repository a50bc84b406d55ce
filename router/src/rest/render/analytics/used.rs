//! What was counted: hot keys, use by prefix and over time, the work of the backends.

use std::collections::BTreeMap;

use ringhold_model::{
    config::Backend,
    stats::MINUTES_KEPT,
    wire::{HotKeys, KeyUse, Minute, OperationTimes, Recent, SpaceStats, Usage},
};
use serde::Serialize;

use super::{super::super::coverage::Coverage, Merging, answer, percent};
use crate::json::write_stamp;

/// Hot keys, as asked for.
#[derive(Clone, Copy, Debug)]
pub struct HotKeysView<'a> {
    /// Of which backend.
    pub backend: Backend,
    /// As asked.
    pub limit: u32,
    /// Merged, cut to the limit.
    pub hot_keys: &'a HotKeys,
}

/// A backend and what was told of it, merged.
#[derive(Clone, Debug)]
pub struct BackendRow {
    /// It serves requests that name none.
    pub is_default: bool,
    /// What it holds.
    pub space: SpaceStats,
    /// What it did.
    pub usage: Usage,
}

const HOT_KEYS: Merging = &[
    ("hot_keys.count", "each key is counted at its range's primary only; of one that moved, sum"),
    ("hot_keys.error", "as the counts: errors add"),
    ("unlisted_max", "greatest of the nodes"),
    ("window_seconds", "greatest of the nodes"),
];

const PATTERNS: Merging = &[
    ("operations_per_second", "sum of the nodes' operations, divided by the time"),
    ("prefixes", "sum by prefix; hit_rate from the sums"),
    ("other_prefixes", "sum"),
    ("minutes", "sum by minute of the wall clock; hit_rate from the sums"),
    ("evictions", "sum by cause"),
];

const BACKENDS: Merging = &[
    ("total_items", "sum over the primaries"),
    ("total_memory_usage", "sum over the primaries"),
    ("operations", "sum; percentiles from the sum of the histograms, mean from sums"),
    ("errors", "sum"),
    ("hit_rate", "from the sums of hits and misses"),
    ("operations_per_second", "sum of the nodes' operations, divided by the time"),
];

#[derive(Serialize)]
struct HotKeysBody<'a> {
    success: bool,
    backend: &'static str,
    limit: u32,
    window_seconds: f64,
    hot_keys: Vec<HotKeyBody<'a>>,
    unlisted_max: u64,
}

#[derive(Serialize)]
struct HotKeyBody<'a> {
    key: &'a str,
    count: u64,
    error: u64,
    per_second: f64,
}

/// Answer of hot-keys.
pub fn hot_keys(out: &mut Vec<u8>, view: &HotKeysView<'_>, coverage: &Coverage) {
    let window_seconds = view.hot_keys.window_ms as f64 / 1_000.0;
    let keys = view.hot_keys.keys.iter().map(|key| HotKeyBody {
        key: &key.key,
        count: key.count,
        error: key.error,
        per_second: if window_seconds > 0.0 { key.count as f64 / window_seconds } else { 0.0 },
    });
    let body = HotKeysBody {
        success: true,
        backend: view.backend.as_str(),
        limit: view.limit,
        window_seconds,
        hot_keys: keys.collect(),
        unlisted_max: view.hot_keys.unlisted_max,
    };
    answer(out, &body, HOT_KEYS, coverage);
}

#[derive(Serialize)]
struct Patterns<'a> {
    success: bool,
    backend: &'static str,
    operations_per_second: Rates,
    prefixes: Vec<PrefixBody<'a>>,
    other_prefixes: UseBody,
    minutes: Vec<MinuteBody>,
    evictions: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Rates {
    #[serde(rename = "1m")]
    minute: f64,
    #[serde(rename = "5m")]
    minutes_5: f64,
    #[serde(rename = "15m")]
    minutes_15: f64,
}

impl From<Recent> for Rates {
    fn from(recent: Recent) -> Self {
        let [minute, minutes_5, minutes_15] = recent.per_second();
        Self { minute, minutes_5, minutes_15 }
    }
}

#[derive(Serialize)]
struct PrefixBody<'a> {
    prefix: Option<&'a str>,
    #[serde(flatten)]
    keys: UseBody,
}

#[derive(Serialize)]
struct UseBody {
    operations: u64,
    hits: u64,
    misses: u64,
    writes: u64,
    hit_rate: f64,
}

impl From<KeyUse> for UseBody {
    fn from(keys: KeyUse) -> Self {
        let KeyUse { hits, misses, writes } = keys;
        Self { operations: keys.operations(), hits, misses, writes, hit_rate: keys.hit_rate() }
    }
}

#[derive(Serialize)]
struct MinuteBody {
    start: String,
    operations: u64,
    hits: u64,
    misses: u64,
    hit_rate: f64,
    sets: u64,
    deletes: u64,
    evictions: u64,
    expired: u64,
}

impl From<Minute> for MinuteBody {
    fn from(minute: Minute) -> Self {
        let hit_rate = minute.hit_rate();
        let Minute { minute, operations, hits, misses, sets, deletes, evictions, expired } = minute;
        let mut start = Vec::new();
        write_stamp(&mut start, minute * 60_000);
        let start = String::from_utf8(start).unwrap_or_default();
        Self { start, operations, hits, misses, hit_rate, sets, deletes, evictions, expired }
    }
}

/// Answer of access-patterns.
pub fn access_patterns(out: &mut Vec<u8>, backend: Backend, usage: &Usage, now_ms: u64, coverage: &Coverage) {
    let mut prefixes: Vec<_> = usage.prefixes.rows.iter().collect();
    prefixes.sort_by_key(|(_, keys)| std::cmp::Reverse(keys.operations()));
    let prefixes =
        prefixes.into_iter().map(|(prefix, keys)| PrefixBody { prefix: prefix.as_deref(), keys: (*keys).into() });
    let body = Patterns {
        success: true,
        backend: backend.as_str(),
        operations_per_second: usage.recent.into(),
        prefixes: prefixes.collect(),
        other_prefixes: usage.prefixes.other.into(),
        minutes: hour(&usage.minutes, now_ms).into_iter().map(MinuteBody::from).collect(),
        evictions: usage.evictions.by_cause().into(),
    };
    answer(out, &body, PATTERNS, coverage);
}

/// The last hour, minute by minute, the present one last; the clock of a node may be a little ahead.
fn hour(counted: &[Minute], now_ms: u64) -> Vec<Minute> {
    let present = counted.last().map_or(0, |minute| minute.minute).max(now_ms / 60_000);
    let first = (present + 1).saturating_sub(MINUTES_KEPT);
    let minute = |minute| {
        let known = counted.iter().find(|counted| counted.minute == minute).copied();
        known.unwrap_or(Minute { minute, ..Minute::default() })
    };
    (first..=present).map(minute).collect()
}

#[derive(Serialize)]
struct Backends<'a> {
    success: bool,
    backends: Vec<BackendBody<'a>>,
}

#[derive(Serialize)]
struct BackendBody<'a> {
    backend: &'static str,
    is_default: bool,
    total_items: u64,
    total_memory_usage: u64,
    hit_rate: f64,
    operations_per_second: Rates,
    operations: BTreeMap<&'a str, OperationBody>,
    errors: Errors,
}

#[derive(Serialize)]
struct OperationBody {
    count: u64,
    mean_us: Option<f64>,
    p50_us: Option<u64>,
    p90_us: Option<u64>,
    p99_us: Option<u64>,
    p999_us: Option<u64>,
    max_us: Option<u64>,
}

#[derive(Serialize)]
struct Errors {
    failed: u64,
    deferred: u64,
    failed_percent: f64,
}

impl From<&OperationTimes> for OperationBody {
    fn from(operation: &OperationTimes) -> Self {
        let times = &operation.times_us;
        let timed = times.total();
        Self {
            count: operation.count,
            mean_us: (timed > 0).then(|| operation.sum_us as f64 / timed as f64),
            p50_us: times.quantile(500),
            p90_us: times.quantile(900),
            p99_us: times.quantile(990),
            p999_us: times.quantile(999),
            max_us: times.quantile(1_000),
        }
    }
}

/// Answer of backends.
pub fn backends(out: &mut Vec<u8>, rows: &[BackendRow], coverage: &Coverage) {
    let row = |row: &BackendRow| {
        let executed = row.usage.operations.iter().map(|operation| operation.count).sum();
        BackendBody {
            backend: row.space.backend.as_str(),
            is_default: row.is_default,
            total_items: row.space.items,
            total_memory_usage: row.space.bytes,
            hit_rate: row.space.hit_rate(),
            operations_per_second: row.usage.recent.into(),
            operations: row.usage.operations.iter().map(|times| (times.operation.as_str(), times.into())).collect(),
            errors: Errors {
                failed: row.usage.failed,
                deferred: row.usage.deferred,
                failed_percent: percent(row.usage.failed, row.usage.failed.max(executed)),
            },
        }
    };
    answer(out, &Backends { success: true, backends: rows.iter().map(row).collect() }, BACKENDS, coverage);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_sixty_minutes_and_ends_with_the_latest() {
        let minute = |minute| Minute { minute, operations: minute, ..Minute::default() };
        let shown = hour(&[minute(40), minute(99), minute(100)], 100 * 60_000 + 59_999);
        assert_eq!((shown.len(), shown[0].minute, shown[59].minute), (60, 41, 100));
        assert_eq!((shown[0].operations, shown[58].operations, shown[59].operations), (0, 99, 100));
        assert_eq!(hour(&[minute(101)], 100 * 60_000).last(), Some(&minute(101)), "a clock that is ahead");
    }
}
