//! How long answers take, to tell when one is late.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;

/// Shortest wait for an answer before another copy is asked: below it lie pauses that every process makes.
const DELAY_MIN: Duration = Duration::from_millis(5);
/// Longest such wait: with more, too little of the request's time is left.
const DELAY_MAX: Duration = Duration::from_millis(250);
/// Such a wait while nothing is known.
const DELAY_UNKNOWN: Duration = Duration::from_millis(20);
/// After so many answers the delay is computed anew.
const STEP: u32 = 128;
/// While more than so many answers count, each step halves the weight of the older ones.
const COUNTED_MAX: u32 = 2_048;
/// Quarters of a power of two, from 1 microsecond up to about 4 seconds.
const BUCKETS: usize = 22 * 4;

/// Recent latencies of one kind of call, as counts that fade.
#[derive(Debug)]
pub(super) struct Latencies {
    delay_us: AtomicU64,
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    buckets: [u32; BUCKETS],
    sum: u32,
    since_step: u32,
}

impl Latencies {
    /// Nothing known.
    pub(super) const fn new() -> Self {
        Self {
            delay_us: AtomicU64::new(DELAY_UNKNOWN.as_micros() as u64),
            counts: Mutex::new(Counts { buckets: [0; BUCKETS], sum: 0, since_step: 0 }),
        }
    }

    /// An answer took so long.
    pub(super) fn record(&self, latency: Duration) {
        let mut counts = self.counts.lock();
        counts.buckets[bucket(latency)] += 1;
        counts.sum += 1;
        counts.since_step += 1;
        if counts.since_step == STEP {
            let delay = counts.p95().clamp(DELAY_MIN, DELAY_MAX);
            self.delay_us.store(delay.as_micros() as u64, Relaxed);
            counts.step();
        }
    }

    /// How long to wait for an answer before another copy is asked too: the 95th percentile, within bounds.
    pub(super) fn hedge_delay(&self) -> Duration {
        Duration::from_micros(self.delay_us.load(Relaxed))
    }
}

impl Counts {
    /// Upper end of the bucket in which the 95th percentile lies.
    fn p95(&self) -> Duration {
        let mut left = self.sum - self.sum / 20;
        for (at, count) in self.buckets.iter().enumerate() {
            left = left.saturating_sub(*count);
            if left == 0 {
                return upper_end(at);
            }
        }
        DELAY_MAX
    }

    fn step(&mut self) {
        self.since_step = 0;
        if self.sum > COUNTED_MAX {
            self.buckets.iter_mut().for_each(|count| *count /= 2);
            self.sum = self.buckets.iter().sum();
        }
    }
}

fn bucket(latency: Duration) -> usize {
    let micros = (latency.as_micros() as u64).max(1);
    let power = micros.ilog2() as usize;
    // The two bits below the highest one.
    let quarter = ((micros << 2 >> power) & 3) as usize;
    (power * 4 + quarter).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> Duration {
    let (power, quarter) = (bucket / 4, bucket % 4);
    Duration::from_micros(((quarter as u64 + 5) << power) / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(latencies: &Latencies, of: impl Fn(u64) -> u64, count: u64) -> Duration {
        (0..count).for_each(|n| latencies.record(Duration::from_micros(of(n))));
        latencies.hedge_delay()
    }

    #[test]
    fn buckets_contain_what_they_are_for() {
        for micros in (0..200_000).chain([1 << 22, u64::MAX / 2]) {
            let latency = Duration::from_micros(micros);
            let at = bucket(latency);
            assert!(at == BUCKETS - 1 || latency <= upper_end(at), "{micros} in {at}");
            assert!(micros < 8 || upper_end(at - 1) <= latency + Duration::from_micros(1), "{micros} in {at}");
        }
    }

    #[test]
    fn the_delay_is_the_95th_percentile_within_bounds() {
        let latencies = Latencies::new();
        assert_eq!(latencies.hedge_delay(), DELAY_UNKNOWN);
        assert_eq!(fed(&latencies, |n| if n % 25 == 0 { 900_000 } else { 300 }, 2_000), DELAY_MIN);
        let delay = fed(&latencies, |n| if n % 10 == 0 { 40_000 } else { 300 }, 20_000);
        assert!((40..=50).contains(&delay.as_millis()), "{delay:?}");
        assert_eq!(fed(&latencies, |_| 3_000_000, 20_000), DELAY_MAX);
    }

    #[test]
    fn what_was_is_forgotten() {
        let latencies = Latencies::new();
        fed(&latencies, |_| 100_000, 100_000);
        assert_eq!(fed(&latencies, |_| 200, 20_000), DELAY_MIN);
    }
}
