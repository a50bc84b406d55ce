//! How long a node takes for each kind of operation, per (namespace, backend): histograms whose bounds are the same on every
//! node, so that they merge exactly.

use std::{
    collections::HashMap,
    iter,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use ringhold_model::{
    NamespaceId,
    config::Backend,
    wire::{Action, Fault, HistogramParts, Operation, OperationTimes, PointRequest},
};

use crate::engine::{Engine, Outcome};

/// Each doubling of the time has so many buckets, so that a bound is at most an eighth above the time.
const STEPS: u64 = 8;
/// Buckets, the last one from a minute on.
const BUCKETS: usize = 192;

type Key = (NamespaceId, Backend);

/// Times and failures of all spaces.
#[derive(Debug)]
pub(crate) struct Times {
    /// Whether times are kept; counts always are.
    is_tracking: bool,
    spaces: RwLock<HashMap<Key, Arc<SpaceTimes>>>,
}

/// Relaxed throughout: mere counts.
#[derive(Debug, Default)]
struct SpaceTimes {
    /// By operation; made at its first one.
    operations: [OnceLock<Box<Buckets>>; Operation::ALL.len()],
    failed: AtomicU64,
    deferred: AtomicU64,
}

#[derive(Debug)]
struct Buckets {
    count: AtomicU64,
    sum_us: AtomicU64,
    counts: [AtomicU64; BUCKETS],
}

/// A call that is being executed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) start: Instant,
    pub(super) key: Key,
    pub(super) operation: Operation,
}

impl Job {
    /// A frame of operations on single keys, which begins now.
    pub(super) fn of(request: &PointRequest<'_>) -> Self {
        let operation = match &*request.ops {
            [op] => match op.action {
                Action::Get | Action::Peek => Operation::Get,
                Action::Set { .. } => Operation::Set,
                Action::Swap { .. } => Operation::Swap,
                Action::Increment { .. } => Operation::Increment,
                Action::Delete { .. } => Operation::Delete,
                Action::Touch { .. } => Operation::Touch,
            },
            _ => Operation::Batch,
        };
        Self { start: Instant::now(), key: (request.namespace, request.backend), operation }
    }
}

impl Times {
    pub(crate) fn new(is_tracking: bool) -> Self {
        Self { is_tracking, spaces: RwLock::default() }
    }

    /// Notes a frame that was executed, and which of its operations failed.
    pub(super) fn note(&self, engine: &Engine, job: Job, outcomes: &[Outcome]) {
        let Some(space) = self.space(engine, job.key) else { return };
        space.note(job, self.is_tracking);
        for outcome in outcomes {
            if let Outcome::Failed(fault) = outcome {
                space.fail(fault);
            }
        }
    }

    /// Notes a call over many keys.
    pub(super) fn note_call(&self, engine: &Engine, job: Job, fault: Option<&Fault>) {
        let Some(space) = self.space(engine, job.key) else { return };
        match fault {
            None => space.note(job, self.is_tracking),
            Some(fault) => space.fail(fault),
        }
    }

    /// What was noted: operations, failed ones, deferred ones.
    pub(crate) fn of(&self, key: Key) -> (Vec<OperationTimes>, u64, u64) {
        let Some(space) = self.spaces.read().get(&key).cloned() else { return Default::default() };
        (space.operations(), space.failed.load(Relaxed), space.deferred.load(Relaxed))
    }

    /// What was noted of all spaces together.
    pub(crate) fn all(&self) -> Vec<OperationTimes> {
        let spaces: Vec<_> = self.spaces.read().values().cloned().collect();
        let mut all = ringhold_model::wire::Usage::default();
        for space in spaces {
            all.add(&ringhold_model::wire::Usage { operations: space.operations(), ..Default::default() });
        }
        all.operations
    }

    /// The figures of a space, made at its first call. `None`: the engine knows no such space.
    fn space(&self, engine: &Engine, key: Key) -> Option<Arc<SpaceTimes>> {
        if let Some(space) = self.spaces.read().get(&key) {
            return Some(space.clone());
        }
        engine.has_space(key.0, key.1).then(|| {
            let mut spaces = self.spaces.write();
            // Namespaces that were removed meanwhile: there never are more entries than namespaces at this moment.
            spaces.retain(|(namespace, backend), _| engine.has_space(*namespace, *backend));
            spaces.entry(key).or_default().clone()
        })
    }
}

impl SpaceTimes {
    fn note(&self, job: Job, is_tracking: bool) {
        let buckets = self.operations[job.operation as usize].get_or_init(Box::default);
        buckets.count.fetch_add(1, Relaxed);
        if is_tracking {
            buckets.note(job.start.elapsed());
        }
    }

    fn fail(&self, fault: &Fault) {
        let counter = if fault.is_retryable() { &self.deferred } else { &self.failed };
        counter.fetch_add(1, Relaxed);
    }

    fn operations(&self) -> Vec<OperationTimes> {
        let noted = |(operation, buckets): (&Operation, &OnceLock<Box<Buckets>>)| {
            let buckets = buckets.get()?;
            Some(OperationTimes {
                operation: *operation,
                count: buckets.count.load(Relaxed),
                sum_us: buckets.sum_us.load(Relaxed),
                times_us: buckets.parts(),
            })
        };
        iter::zip(Operation::ALL, &self.operations).filter_map(noted).collect()
    }
}

impl Default for Buckets {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), sum_us: AtomicU64::new(0), counts: [const { AtomicU64::new(0) }; BUCKETS] }
    }
}

impl Buckets {
    fn note(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(us, Relaxed);
        self.counts[bucket(us)].fetch_add(1, Relaxed);
    }

    fn parts(&self) -> HistogramParts {
        let counts = self.counts.iter().enumerate().map(|(at, count)| (bound(at), count.load(Relaxed)));
        HistogramParts(counts.filter(|(_, count)| *count > 0).collect())
    }
}

/// The bucket of a time: one a microsecond at first, then [`STEPS`] a doubling.
fn bucket(us: u64) -> usize {
    if us < STEPS {
        return us as usize;
    }
    let doublings = u64::from(us.ilog2() - STEPS.ilog2());
    ((doublings * STEPS + (us >> doublings)) as usize).min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let doublings = bucket / STEPS - 1;
    ((bucket % STEPS + STEPS + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_buckets_and_at_most_an_eighth_too_long() {
        assert_eq!((bucket(0), bucket(7), bucket(8), bucket(15), bucket(16)), (0, 7, 8, 15, 16));
        for at in 0..BUCKETS - 1 {
            let bound = bound(at);
            assert_eq!((bucket(bound), bucket(bound + 1)), (at, at + 1), "{bound}");
        }
        for us in (0..60_000_000u64).step_by(9_973) {
            let bound = bound(bucket(us));
            assert!(bound >= us && bound - us <= us / 8, "{us} {bound}");
        }
        assert!(bound(BUCKETS - 2) >= 60_000_000);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn counts_and_times_are_told_by_operation_and_failures_by_what_helps() {
        let space = SpaceTimes::default();
        let job = |operation| Job { start: Instant::now(), key: (NamespaceId(1), Backend::Memory), operation };
        space.note(job(Operation::Set), false);
        space.note(job(Operation::Get), true);
        space.note(job(Operation::Get), true);
        space.fail(&Fault::Busy);
        space.fail(&Fault::Malformed);
        space.fail(&Fault::Malformed);
        let told: Vec<_> =
            space.operations().iter().map(|times| (times.operation, times.count, times.times_us.total())).collect();
        assert_eq!(told, [(Operation::Get, 2, 2), (Operation::Set, 1, 0)]);
        assert_eq!((space.failed.load(Relaxed), space.deferred.load(Relaxed)), (2, 1));
    }
}
