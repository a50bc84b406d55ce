//! The outcome of a load, to be printed and asserted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::{
    book::Book,
    figures::{Class, Failure},
    violation::{Violation, Wrong},
};

/// Share of the time in which the load's own thread may be kept from running.
const STARVED_SHARE: f64 = 0.02;

/// Environment variable that makes the suite of faults larger and longer when it is set.
pub const LONG: &str = "RINGHOLD_LONG";

/// What was seen.
#[derive(Clone, Debug)]
pub struct Report {
    pub elapsed: Duration,
    pub requests: [u64; 3],
    pub failed: BTreeMap<(Class, Failure), u64>,
    /// The first failures of each kind, in words.
    pub samples: Vec<String>,
    pub held_back: u64,
    /// For how long the load's own thread did not get to run although it was due.
    pub starved: Duration,
    /// Writes whose outcome stayed unknown.
    pub unknown: u64,
    /// How many keys there are in all.
    pub keys: usize,
    pub wrong: BTreeMap<Wrong, u64>,
    pub violations: Vec<Violation>,
    /// Of the good answers, half and 99 of 100 came within this time.
    pub latencies: [(Duration, Duration); 3],
    /// By class and range.
    gaps: [Vec<Duration>; 3],
}

impl Report {
    pub(super) fn of(book: &Book) -> Self {
        let figures = &book.figures;
        Self {
            elapsed: figures.elapsed(),
            requests: figures.requests,
            failed: figures.failed.clone(),
            samples: figures.samples.clone(),
            held_back: figures.held_back,
            starved: figures.starved,
            unknown: book.registers.wild() as u64 + book.counters.unknown() as u64,
            keys: book.registers.len() + book.counters.len() + book.claims.keys().count(),
            wrong: book.wrong.clone(),
            violations: book.violations.clone(),
            latencies: Class::ALL.map(|class| (figures.percentile(class, 0.5), figures.percentile(class, 0.99))),
            gaps: Class::ALL.map(|class| figures.gaps(class)),
        }
    }

    /// How many requests of a class failed.
    pub fn failures(&self, class: Class) -> u64 {
        self.failed.iter().filter(|((of, _), _)| *of == class).map(|(_, count)| count).sum()
    }

    /// The longest time that any range did not work for a class.
    pub fn gap(&self, class: Class) -> Duration {
        self.gaps[class as usize].iter().copied().max().unwrap_or_default()
    }

    /// The same of these ranges alone.
    pub fn gap_in(&self, class: Class, ranges: &BTreeSet<usize>) -> Duration {
        ranges.iter().filter_map(|range| self.gaps[class as usize].get(*range)).copied().max().unwrap_or_default()
    }

    /// Fails the test when anything was seen that must not be.
    #[track_caller]
    pub fn assert_right(&self) {
        assert!(self.wrong.is_empty(), "{:?}\n{:#?}", self.wrong, self.violations);
    }

    /// Whether the machine had so much else to do that failures say nothing about what is tested: leases end when nobody
    /// gets to renew them. What was answered is judged all the same. The long version wants a machine for itself.
    fn is_excused(&self) -> bool {
        let is_starved = self.starved > self.elapsed.mul_f64(STARVED_SHARE) && std::env::var_os(LONG).is_none();
        if is_starved {
            println!(
                "  NOT JUDGED: requests failed, but the machine was too busy with other things: {:?}",
                self.failed
            );
        }
        is_starved
    }

    /// Fails the test when a request of any class failed.
    #[track_caller]
    pub fn assert_all_answered(&self) {
        assert!(self.failed.is_empty() || self.is_excused(), "requests failed: {:?}", self.failed);
    }

    /// Fails the test when a read failed that any copy might have answered.
    #[track_caller]
    pub fn assert_reads_answered(&self) {
        let has_failed = self.failures(Class::Fresh) > 0;
        assert!(!has_failed || self.is_excused(), "reads failed: {:?}", self.failed);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wrong: &[Wrong]| wrong.iter().filter_map(|wrong| self.wrong.get(wrong)).sum::<u64>();
        let requests: u64 = self.requests.iter().sum();
        let rate = requests as f64 / self.elapsed.as_secs_f64().max(0.001);
        writeln!(
            f,
            "  {requests} requests in {:.1} s ({rate:.0}/s) on {} keys; lost {}, stale {}, done twice {}, strange {}; \
             unknown outcomes {}, held back {}, starved {:.1} s",
            self.elapsed.as_secs_f64(),
            self.keys,
            count(&[Wrong::Lost]),
            count(&[Wrong::Stale, Wrong::WentBack, Wrong::Resurrected]),
            count(&[Wrong::CountedTwice, Wrong::WonTwice]),
            count(&[Wrong::NeverWritten, Wrong::Refused]),
            self.unknown,
            self.held_back,
            self.starved.as_secs_f64(),
        )?;
        for class in Class::ALL {
            let (half, most) = self.latencies[class as usize];
            let failed = self.failed.iter().filter(|((of, _), _)| *of == class);
            let kinds: Vec<String> = failed.map(|((_, failure), count)| format!("{failure:?} {count}")).collect();
            writeln!(
                f,
                "  {class:?}: {} requests, {} failed [{}], p50 {:.1} ms, p99 {:.1} ms, longest gap of a range {} ms",
                self.requests[class as usize],
                self.failures(class),
                kinds.join(", "),
                half.as_secs_f64() * 1e3,
                most.as_secs_f64() * 1e3,
                self.gap(class).as_millis(),
            )?;
        }
        self.samples.iter().try_for_each(|sample| writeln!(f, "  {sample}"))
    }
}
