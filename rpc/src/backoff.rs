//! Pauses between attempts: doubling, bounded, jittered, so that many callers do not come back in step.

use std::time::Duration;

use rand::Rng as _;

/// An endless iterator over pauses.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses that grow from `min` to `max`, each drawn from the upper half of its step.
    pub fn new(min: Duration, max: Duration) -> Self {
        let max = max.max(min);
        Self { min, max, next: min }
    }

    /// Starts over; after a success.
    pub const fn reset(&mut self) {
        self.next = self.min;
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let step = self.next;
        self.next = step.saturating_mul(2).min(self.max);
        let low = (step / 2).max(self.min);
        if low >= step { step } else { rand::rng().random_range(low..=step) }
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.pause())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_their_bounds_and_start_over() {
        let (min, max) = (Duration::from_millis(10), Duration::from_millis(200));
        let mut backoff = Backoff::new(min, max);
        let pauses: Vec<_> = backoff.by_ref().take(50).collect();
        assert_eq!(pauses[0], min);
        assert!(pauses.iter().all(|pause| (min..=max).contains(pause)));
        assert!(pauses[10..].iter().all(|pause| *pause >= max / 2));
        backoff.reset();
        assert_eq!(backoff.pause(), min);
    }
}
