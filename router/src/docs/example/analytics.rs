//! Examples of the analytics.

use ringhold_model::{
    NamespaceId,
    config::{Backend, DataType},
    wire::{
        Amount, EvictionCauses, HistogramParts, HotKey, HotKeys, KeyUse, Minute, Operation, OperationTimes, Prefixes,
        Recent, SpaceStats, Survey, Usage,
    },
};
use serde_json::Value;

use super::{COVERAGE, KEY, NOW_MS, body};
use crate::rest::render;

fn usage() -> Usage {
    let user = KeyUse { hits: 800, misses: 50, writes: 300 };
    let minute = NOW_MS / 60_000;
    Usage {
        hot_keys: HotKeys {
            window_ms: 412_000,
            keys: vec![
                HotKey { key: KEY.into(), count: 240, error: 2 },
                HotKey { key: "config:app".into(), count: 90, error: 0 },
            ],
            unlisted_max: 3,
        },
        prefixes: Prefixes {
            rows: vec![(None, KeyUse { hits: 3, misses: 1, writes: 4 }), (Some("user".into()), user)],
            other: KeyUse { hits: 97, misses: 49, writes: 1_016 },
        },
        minutes: vec![Minute {
            minute,
            operations: 120,
            hits: 90,
            misses: 10,
            sets: 19,
            deletes: 1,
            ..Minute::default()
        }],
        recent: Recent { minute: 1_380, minutes_5: 6_000, minutes_15: 9_000 },
        evictions: EvictionCauses { max_items: 78, lowered_limit: 2, ..EvictionCauses::default() },
        operations: vec![times(Operation::Get, 1_000), times(Operation::Set, 1_300), times(Operation::Batch, 12)],
        failed: 1,
        deferred: 17,
    }
}

fn times(operation: Operation, count: u64) -> OperationTimes {
    let times_us = HistogramParts(vec![(15, count - 3), (47, 2), (959, 1)]);
    OperationTimes { operation, count, sum_us: 14 * (count - 3) + 45 * 2 + 900, times_us }
}

fn survey() -> Survey {
    let amount = |items, bytes| Amount { items, bytes };
    let mut ttl = [Amount::default(); 7];
    (ttl[0], ttl[2], ttl[3], ttl[6]) =
        (amount(100, 40_000), amount(900, 360_000), amount(150, 60_000), amount(50, 20_000));
    Survey {
        total: amount(1_200, 480_000),
        looked_at: 1_200,
        types: vec![(DataType::String, amount(300, 60_000)), (DataType::Dictionary, amount(900, 420_000))],
        prefixes: vec![(None, amount(40, 8_000)), (Some("user".into()), amount(1_160, 472_000))],
        other_prefixes: Amount::default(),
        ttl,
    }
}

pub(in crate::docs) fn hot_keys() -> Value {
    let usage = usage();
    let view = render::HotKeysView { backend: Backend::Memory, limit: 20, hot_keys: &usage.hot_keys };
    body(|out| render::hot_keys(out, &view, &COVERAGE))
}

pub(in crate::docs) fn access_patterns() -> Value {
    let mut value = body(|out| render::access_patterns(out, Backend::Memory, &usage(), NOW_MS, &COVERAGE));
    // Sixty minutes make no better example than two.
    if let Some(minutes) = value["minutes"].as_array_mut() {
        minutes.drain(..minutes.len() - 2);
    }
    value
}

pub(in crate::docs) fn memory() -> Value {
    body(|out| render::memory(out, Backend::Memory, &survey(), &COVERAGE))
}

pub(in crate::docs) fn ttl_distribution() -> Value {
    body(|out| render::ttl_distribution(out, Backend::Memory, &survey(), &COVERAGE))
}

pub(in crate::docs) fn backends() -> Value {
    let space = SpaceStats {
        items: 1_200,
        bytes: 480_000,
        hits: 900,
        misses: 100,
        ..SpaceStats::empty(NamespaceId(1), Backend::Memory)
    };
    let row = render::BackendRow { is_default: true, space, usage: usage() };
    body(|out| render::backends(out, &[row], &COVERAGE))
}
