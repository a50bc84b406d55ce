//! When aging of LFU matters: misses of generated traces. Each number was given by a second, independent program as well
//! (heaps in Python). `docs/benchmarks.md` shows them as hit ratios.

use ringhold_model::config::{CacheConfig, LfuAging, Strategy};

use super::{
    SEED, config, misses,
    trace::{Kind, REQUESTS, trace},
};

/// Requests after which popularity has moved on by one key.
const DRIFT: usize = 20;

/// A trace, and per capacity the misses of LRU, of LFU, and of LFU with aging.
type Row = (&'static str, fn() -> Vec<u64>, [[u32; 3]; 2]);

const CAPACITIES: [u64; 2] = [100, 500];
const ROWS: [Row; 5] = [
    ("skewed", || trace(Kind::Skew, SEED + 1), [[29_396, 25_810, 27_239], [21_230, 18_860, 19_452]]),
    ("skewed, with scans", || trace(Kind::SkewScan, SEED + 2), [[31_701, 28_813, 30_409], [26_742, 23_104, 24_904]]),
    ("skewed, with a loop", || trace(Kind::Loop, SEED + 3), [[35_977, 33_526, 35_159], [33_206, 30_610, 32_129]]),
    (
        "popularity jumps, 8 times",
        || trace(Kind::Shift, SEED + 4),
        [[29_400, 31_690, 28_502], [21_527, 23_435, 21_357]],
    ),
    ("popularity drifts", drift, [[30_427, 38_838, 30_646], [22_480, 35_448, 23_639]]),
];

/// The order of popularity moves on by one key every few requests.
fn drift() -> Vec<u64> {
    trace(Kind::Skew, SEED + 4).into_iter().zip(0..).map(|(key, at)| key + at / DRIFT as u64).collect()
}

fn aged() -> CacheConfig {
    CacheConfig { lfu_aging: LfuAging::Dynamic, ..config(Strategy::Lfu) }
}

#[test]
fn aging_pays_where_popularity_moves_and_costs_where_it_stays() {
    for (name, trace, expected) in ROWS {
        let trace = trace();
        for (max_items, expected) in CAPACITIES.into_iter().zip(expected) {
            // Without optimisation only what no other test sees, or it takes minutes.
            let configs = [config(Strategy::Lru), config(Strategy::Lfu), aged()].into_iter().zip(expected);
            for (config, expected) in configs.skip(if cfg!(debug_assertions) { 2 } else { 0 }) {
                let shards = if max_items == 100 { 1 } else { 16 };
                let found = misses(&trace, shards, CacheConfig { max_items, ..config }, |_| 1);
                assert_eq!(found, expected, "{name}, {max_items} items, {shards} shards");
            }
            let hits = expected.map(|misses| 100.0 - 100.0 * f64::from(misses) / REQUESTS as f64);
            println!("| {name} | {max_items} | {:.1} | {:.1} | {:.1} |", hits[0], hits[1], hits[2]);
        }
    }
}
