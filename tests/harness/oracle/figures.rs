//! What is counted: requests, failures, latencies, and for how long nothing worked.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A request that takes longer has failed, whatever its answer.
pub const SLOW: Duration = Duration::from_secs(2);

/// Failures of each kind that are kept in words.
const SAMPLES_MAX: u64 = 3;

/// The kinds of requests that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A read that any copy may answer.
    Fresh,
    /// A read that the primary answers.
    Strict,
    Write,
}

impl Class {
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Strict, Self::Write];
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The router could not be connected to.
    NoConnection,
    /// The connection broke.
    Broken,
    /// No answer at all within the client's patience.
    Silent,
    /// A good answer after more than [`SLOW`].
    Slow,
    /// An answer with this status.
    Status(u16),
}

/// Everything that is counted of a load.
#[derive(Debug)]
pub struct Figures {
    begun: Option<Instant>,
    /// When the load was stopped; gaps do not grow afterwards.
    stopped: Option<Instant>,
    pub requests: [u64; 3],
    pub failed: BTreeMap<(Class, Failure), u64>,
    /// The first failures of each kind, in words.
    pub samples: Vec<String>,
    /// Requests that were due while too many were under way already.
    pub held_back: u64,
    /// For how long the load's own thread did not get to run although it was due.
    pub starved: Duration,
    latencies: [Latencies; 3],
    /// By range and class.
    gaps: Vec<[Gap; 3]>,
}

/// For how long a range did not work, as far as anybody tried.
#[derive(Clone, Copy, Debug, Default)]
struct Gap {
    /// Begin of the first request since the last success.
    since: Option<Instant>,
    longest: Duration,
}

impl Gap {
    fn longest_at(&self, now: Instant) -> Duration {
        self.since.map_or(self.longest, |since| self.longest.max(now - since))
    }
}

impl Figures {
    pub fn new(ranges: usize) -> Self {
        Self {
            begun: None,
            stopped: None,
            requests: [0; 3],
            failed: BTreeMap::new(),
            samples: Vec::new(),
            held_back: 0,
            starved: Duration::ZERO,
            latencies: std::array::from_fn(|_| Latencies::default()),
            gaps: vec![[Gap::default(); 3]; ranges.max(1)],
        }
    }

    pub fn begin(&mut self, class: Class, range: usize, now: Instant) {
        self.gaps[range][class as usize].since.get_or_insert(now);
    }

    /// The load begins.
    pub fn start(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
        self.stopped = None;
        self.gaps.iter_mut().flatten().for_each(|gap| gap.since = None);
    }

    /// The load ends.
    pub fn stop(&mut self) {
        let now = Instant::now();
        self.stopped = Some(now);
        self.gaps.iter_mut().flatten().for_each(|gap| gap.longest = gap.longest_at(now));
    }

    fn now(&self) -> Instant {
        self.stopped.unwrap_or_else(Instant::now)
    }

    /// `outcome`: the answer's failure, if it is one. Slowness is found here.
    pub fn end(&mut self, class: Class, range: usize, began: Instant, outcome: Result<(), Failure>) {
        let (now, took) = (Instant::now(), began.elapsed());
        self.requests[class as usize] += 1;
        let outcome = if outcome.is_ok() && took > SLOW { Err(Failure::Slow) } else { outcome };
        if let Err(failure) = outcome {
            *self.failed.entry((class, failure)).or_default() += 1;
        }
        if matches!(outcome, Ok(()) | Err(Failure::Slow)) {
            self.latencies[class as usize].add(took);
            let gap = &mut self.gaps[range][class as usize];
            gap.longest = gap.longest_at(now);
            gap.since = None;
        }
    }

    /// Keeps the words of a failure, when it is one of the first of its kind.
    pub fn sample(&mut self, class: Class, failure: Failure, words: impl FnOnce() -> String) {
        if self.failed.get(&(class, failure)).is_none_or(|count| *count < SAMPLES_MAX) {
            let sample = format!("{class:?} {failure:?} at {} ms: {}", self.elapsed().as_millis(), words());
            self.samples.push(sample);
        }
    }

    /// Begins to measure gaps anew.
    pub fn restart_gaps(&mut self) {
        self.gaps.iter_mut().flatten().for_each(|gap| gap.longest = Duration::ZERO);
    }

    /// By range the longest time that it did not work for this class.
    pub fn gaps(&self, class: Class) -> Vec<Duration> {
        let now = self.now();
        self.gaps.iter().map(|gaps| gaps[class as usize].longest_at(now)).collect()
    }

    /// Latency that this share of the good answers of a class did not exceed.
    pub fn percentile(&self, class: Class, share: f64) -> Duration {
        self.latencies[class as usize].percentile(share)
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| self.now() - begun)
    }
}

/// Latencies in steps of a tenth of a millisecond.
#[derive(Clone, Debug)]
struct Latencies {
    counts: Vec<u32>,
    total: u64,
}

/// The last step takes all that is above.
const STEPS: usize = 100_000;
const STEP: Duration = Duration::from_micros(100);

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; STEPS], total: 0 }
    }
}

impl Latencies {
    fn add(&mut self, took: Duration) {
        let step = (took.as_micros() / STEP.as_micros()) as usize;
        self.counts[step.min(STEPS - 1)] += 1;
        self.total += 1;
    }

    fn percentile(&self, share: f64) -> Duration {
        let rank = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        let step = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        STEP * step.map_or(0, |step| step as u32 + 1)
    }
}
