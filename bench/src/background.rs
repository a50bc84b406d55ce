//! What the engine does in the background, and what it does to reads beside it: a million items that expire in the same
//! second, and walks over a million keys.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Instant,
};

use anyhow::Result;
use ringhold_model::wire::{ScanContent, ScanRequest, Ttl};
use ringhold_node::engine::Now;

use crate::{
    caches::Cache as _,
    keys::{self, Dice, KEYS},
    ringhold::{Ringhold, become_worker},
    work::thread_cpu_ns,
};

const ROUNDS: u64 = 5;
/// Keys that are read; they do not expire.
const READ: usize = 50_000;
/// Looks at slots in one step of the engine, and in one hold of a lock.
const LOOKS_PER_STEP: f64 = 4_096.0;
const LOOKS_PER_HOLD: f64 = 256.0;
/// Reads without anything beside them.
const READS_ALONE: usize = 500_000;
const FAR: Now = Now { mono_ms: 3_600_000, wall_ms: 1_700_000_000_000 };

pub fn measure() -> Result<()> {
    let cache = Ringhold::new(KEYS + READ);
    let kept: Vec<_> = (0..READ).map(|n| keys::key(KEYS + n)).collect();
    let going: Vec<_> = (0..KEYS).map(keys::key).collect();
    let value = keys::value(0);
    for round in 1..=ROUNDS {
        become_worker(0, round * 10_000_000);
        kept.iter().for_each(|key| cache.insert_for(key, &value, Ttl::Never));
        going.iter().for_each(|key| cache.insert_for(key, &value, Ttl::Millis(60_000)));
        let alone = reads(&cache, &kept, round, true, || {});
        let scanned =
            reads(&cache, &kept, round, false, || println!("scan of {} keys: {:.0} ms", cache.len(), scan(&cache)));
        let mut steps = Vec::new();
        let expiring = reads(&cache, &kept, round, false, || {
            let mut is_more = true;
            while is_more {
                let before = thread_cpu_ns();
                is_more = cache.engine().step(FAR);
                steps.push((thread_cpu_ns() - before) as f64 / 1_000.0 * LOOKS_PER_HOLD / LOOKS_PER_STEP);
            }
        });
        assert_eq!(cache.len(), READ, "all that was due is gone");
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        let worst = steps.iter().copied().fold(0.0, f64::max);
        println!(
            "expiry: {} steps; a hold takes {mean:.1} us of processor, in the worst step {worst:.1} us",
            steps.len()
        );
        println!(
            "reads, median and 99.9 %, ns: alone {alone:?}, beside a scan {scanned:?}, beside expiry {expiring:?}"
        );
    }
    Ok(())
}

/// Wall milliseconds of one walk, by pages as a router asks for them.
fn scan(cache: &Ringhold) -> f64 {
    let began = Instant::now();
    let (mut next, selection) = (Some(0), cache.everything());
    while let Some(from_hash) = next {
        let selection = selection.clone();
        let content = ScanContent::Info;
        let request = ScanRequest { selection, from_hash, records_max: 1_000, bytes_max: 1 << 20, content };
        next = cache.engine().scan(&request, Now { mono_ms: 1, ..FAR }).expect("the namespace is there").next_hash;
    }
    began.elapsed().as_secs_f64() * 1_000.0
}

/// Reads random keys while `beside` runs in another thread; median and 99.9th percentile of their times in nanoseconds.
fn reads(cache: &Ringhold, kept: &[[u8; 16]], seed: u64, is_alone: bool, beside: impl FnOnce() + Send) -> (u64, u64) {
    let is_over = AtomicBool::new(false);
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            beside();
            is_over.store(true, SeqCst);
        });
        let mut dice = Dice::new(seed);
        // Only what was read while the other thread worked counts, unless it has nothing to do.
        while !is_over.load(SeqCst) || times.is_empty() || (is_alone && times.len() < READS_ALONE) {
            let key = &kept[dice.roll() as usize % kept.len()];
            let began = Instant::now();
            assert!(cache.get(key).is_some());
            times.push(began.elapsed().as_nanos() as u64);
        }
    });
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 999 / 1000])
}
