//! Measures how long one append of the Raft log takes until it is durable, on each store.
//!
//! `cargo run --release -p ringhold-raft --example store_latency [folder]`: the folder decides which disk is measured.

use std::{
    env,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use ringhold_raft::store::{LogDisk, Record, RedbDisk, SledDisk, StoreError};

const ROUNDS: u64 = 2000;
const ENTRY_BYTES: usize = 256;
const BATCH: u64 = 16;
const KEEP: u64 = 1000;

fn main() -> Result<(), StoreError> {
    let base = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    println!("{ROUNDS} durable appends of entries of {ENTRY_BYTES} bytes, in ms");
    println!("{:<8}{:>10}{:>10}{:>10}{:>10}", "store", "entries", "p50", "p99", "max");
    for batch in [1, BATCH] {
        for name in ["sled", "redb"] {
            let folder = base.join(format!("ringhold-latency-{name}-{}", std::process::id()));
            let disk: Arc<dyn LogDisk> = match name {
                "sled" => Arc::new(SledDisk::open(&folder)?),
                _ => Arc::new(RedbDisk::open(&folder)?),
            };
            let mut times = measure(&*disk, batch)?;
            drop(disk);
            times.sort();
            let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
            println!("{name:<8}{batch:>10}{:>10.3}{:>10.3}{:>10.3}", at(0.5), at(0.99), at(1.0));
            std::fs::remove_dir_all(&folder).map_err(|source| StoreError::Io { path: folder, source })?;
        }
    }
    Ok(())
}

fn measure(disk: &dyn LogDisk, batch: u64) -> Result<Vec<Duration>, StoreError> {
    let mut times = Vec::new();
    let mut next = 0;
    for _ in 0..ROUNDS {
        let records = (next..next + batch).map(|index| Record { index, bytes: vec![7; ENTRY_BYTES] }).collect();
        let start = Instant::now();
        disk.append(records)?;
        disk.sync()?;
        times.push(start.elapsed());
        next += batch;
        if next > KEEP {
            disk.purge(next - KEEP)?;
        }
    }
    Ok(times)
}
