//! How long frames of point operations take to serve.

use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use ringhold_model::wire::HistogramParts;

/// Longest time told apart, in microseconds (one minute).
const MAX_US: u64 = 60_000_000;

/// One histogram, in microseconds with two significant digits; locked for nanoseconds at a time.
#[derive(Debug)]
pub(crate) struct Latency(Mutex<Histogram<u64>>);

impl Latency {
    /// Nothing recorded yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Histogram::new_with_bounds(1, MAX_US, 2).expect("the bounds are legal constants")))
    }

    /// Notes one frame.
    pub(crate) fn record(&self, duration: Duration) {
        self.0.lock().saturating_record((duration.as_micros() as u64).clamp(1, MAX_US));
    }

    /// What was recorded, for merging.
    pub(crate) fn parts(&self) -> HistogramParts {
        let histogram = self.0.lock();
        HistogramParts(
            histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_carry_every_count() {
        let latency = Latency::new();
        for us in [0, 3, 3, 40, 100_000_000] {
            latency.record(Duration::from_micros(us));
        }
        let HistogramParts(parts) = latency.parts();
        assert_eq!(parts.iter().map(|(_, count)| count).sum::<u64>(), 5);
        assert_eq!(parts[1], (3, 2));
    }
}
