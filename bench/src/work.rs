//! What is done with a cache, and how its cost is taken.

use std::{
    sync::{Arc, Barrier},
    time::Instant,
};

use rustix::time::{ClockId, clock_gettime};

use crate::{
    caches::{Cache, Key, Maker},
    keys::{self, KEYS},
    ringhold::become_worker,
};

/// Operations of one measurement, of all threads.
const OPS: usize = 1_000_000;
/// Keys of one batch.
const BATCH: usize = 100;

/// Nanoseconds an operation.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Processor time of the threads, over all operations.
    pub cpu: f64,
    /// Time from the first operation to the last, over all operations.
    pub wall: f64,
}

/// What is measured, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Fill,
    Get,
    Mix,
    HotKey,
    BatchHot,
    BatchSpread,
    InsertSmall,
    GetSmall,
    MixSmall,
    AsideSmall,
}

impl Work {
    pub const LARGE: [Self; 5] = [Self::Get, Self::Mix, Self::HotKey, Self::BatchHot, Self::BatchSpread];
    pub const SMALL: [Self; 4] = [Self::InsertSmall, Self::GetSmall, Self::MixSmall, Self::AsideSmall];

    pub fn title(self) -> &'static str {
        match self {
            Self::Fill => "insert, room for all",
            Self::Get => "get, all hit",
            Self::Mix => "90 get / 10 insert, room for all",
            Self::HotKey => "get of one key by all threads",
            Self::BatchHot => "batch of 100 gets, 100 keys in all, per key",
            Self::BatchSpread => "batch of 100 gets, all keys, per key",
            Self::InsertSmall => "insert, room for 10 %",
            Self::GetSmall => "get, room for 10 %",
            Self::MixSmall => "90 get / 10 insert, room for 10 %",
            Self::AsideSmall => "get, else insert, room for 10 %",
        }
    }
}

/// Keys and orders, made once.
pub struct Inputs {
    keys: Vec<Key>,
    values: Vec<Vec<u8>>,
    zipf: Vec<u32>,
    uniform: Vec<u32>,
}

impl Inputs {
    pub fn new() -> Self {
        Self {
            keys: (0..KEYS).map(keys::key).collect(),
            values: (0..8).map(keys::value).collect(),
            zipf: keys::zipf(OPS, 5),
            uniform: keys::shuffled(6),
        }
    }

    fn insert(&self, cache: &dyn Cache, number: u32) {
        cache.insert(&self.keys[number as usize], &self.values[number as usize % 8]);
    }

    fn get(&self, cache: &dyn Cache, number: u32) -> bool {
        cache.get(&self.keys[number as usize]).is_some_and(|length| length >= 96)
    }
}

/// Does all works with caches of one make; `report` is called with each.
pub fn measure(maker: &Maker, threads: usize, inputs: &Arc<Inputs>, report: &mut impl FnMut(Work, Cost)) {
    let (name, make) = *maker;
    let mut run = Run { threads, inputs, number: 0 };
    let cache = make(KEYS + KEYS / 10);
    report(Work::Fill, run.fill(&cache));
    assert!(cache.len() > KEYS * 99 / 100, "{name} holds {} of {KEYS}", cache.len());
    for work in Work::LARGE {
        if let Some(cost) = run.one(work, &cache) {
            report(work, cost);
        }
    }
    drop(cache);
    let cache = make(KEYS / 10);
    for work in Work::SMALL {
        if let Some(cost) = run.one(work, &cache) {
            report(work, cost);
        }
    }
}

struct Run<'a> {
    threads: usize,
    inputs: &'a Arc<Inputs>,
    /// Works done so far.
    number: u64,
}

impl Run<'_> {
    fn fill(&mut self, cache: &Arc<dyn Cache>) -> Cost {
        self.timed(cache, |inputs, cache, at| {
            inputs.insert(cache, inputs.uniform[at]);
            true
        })
    }

    fn one(&mut self, work: Work, cache: &Arc<dyn Cache>) -> Option<Cost> {
        let batch = |inputs: &Inputs, cache: &dyn Cache, at: usize, spread: bool| {
            if !at.is_multiple_of(BATCH) {
                return true;
            }
            let number = |n: usize| if spread { inputs.uniform[at + n] } else { inputs.uniform[n] };
            let keys: [&Key; BATCH] = std::array::from_fn(|n| &inputs.keys[number(n) as usize]);
            cache.get_many(&keys) == Some(BATCH)
        };
        let cost = match work {
            Work::Fill => self.fill(cache),
            Work::Get => self.timed(cache, |inputs, cache, at| inputs.get(cache, inputs.zipf[at])),
            Work::HotKey => self.timed(cache, |inputs, cache, _| inputs.get(cache, inputs.zipf[0])),
            Work::BatchHot | Work::BatchSpread => {
                cache.get_many(&[])?;
                self.timed(cache, |inputs, cache, at| batch(inputs, cache, at, work == Work::BatchSpread))
            }
            Work::Mix | Work::MixSmall => self.timed(cache, |inputs, cache, at| {
                if at % 10 == 9 {
                    inputs.insert(cache, inputs.zipf[at]);
                    true
                } else {
                    inputs.get(cache, inputs.zipf[at]) || work == Work::MixSmall
                }
            }),
            Work::InsertSmall => self.fill(cache),
            Work::GetSmall => self.timed(cache, |inputs, cache, at| {
                std::hint::black_box(inputs.get(cache, inputs.zipf[at]));
                true
            }),
            Work::AsideSmall => self.timed(cache, |inputs, cache, at| {
                if !inputs.get(cache, inputs.zipf[at]) {
                    inputs.insert(cache, inputs.zipf[at]);
                }
                true
            }),
        };
        Some(cost)
    }

    /// Does an operation for every place from 0 to `OPS`, the threads taking turns in blocks. The operation says whether it
    /// found what had to be there.
    fn timed(&mut self, cache: &Arc<dyn Cache>, op: impl Fn(&Inputs, &dyn Cache, usize) -> bool + Sync) -> Cost {
        self.number += 1;
        let barrier = Barrier::new(self.threads);
        let share = OPS / self.threads;
        let took = std::thread::scope(|scope| {
            let thread = |worker: usize| {
                let (barrier, op, inputs, number) = (&barrier, &op, &**self.inputs, self.number);
                scope.spawn(move || {
                    become_worker(worker as u64, number * OPS as u64);
                    barrier.wait();
                    let (wall, cpu) = (Instant::now(), thread_cpu_ns());
                    let mut misses = 0;
                    for at in worker * share..(worker + 1) * share {
                        misses += usize::from(!op(inputs, &**cache, at));
                    }
                    assert_eq!(misses, 0, "keys that were inserted were not found");
                    (thread_cpu_ns() - cpu, wall.elapsed().as_nanos() as u64)
                })
            };
            let threads: Vec<_> = (0..self.threads).map(thread).collect();
            threads.into_iter().map(|thread| thread.join().expect("a thread found all its keys")).collect::<Vec<_>>()
        });
        let cpu: u64 = took.iter().map(|(cpu, _)| cpu).sum();
        let wall = took.iter().map(|(_, wall)| *wall).max().unwrap_or(0);
        Cost { cpu: cpu as f64 / OPS as f64, wall: wall as f64 / OPS as f64 }
    }
}

/// Processor time of this thread so far.
pub fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
