//! The pace at which copies are filled.

use std::time::Duration;

use tokio::time::Instant;

/// What may be sent at once after a pause.
const BURST: Duration = Duration::from_millis(100);

/// A token bucket in bytes. May be overdrawn by one message, which is then waited for.
#[derive(Debug)]
pub(super) struct Bucket {
    level: f64,
    filled_at: Instant,
}

impl Bucket {
    /// Full from now on.
    pub(super) const fn new(now: Instant) -> Self {
        Self { level: f64::INFINITY, filled_at: now }
    }

    /// How many bytes may be sent now, at `rate` bytes a second; rate 0: no bound.
    pub(super) fn allowance(&mut self, rate: u64, now: Instant) -> usize {
        if rate == 0 {
            self.level = f64::INFINITY;
            self.filled_at = now;
            return usize::MAX;
        }
        let gained = rate as f64 * now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.level = (self.level + gained).min(rate as f64 * BURST.as_secs_f64());
        self.filled_at = now;
        self.level.max(0.0) as usize
    }

    /// Notes that `bytes` were sent.
    pub(super) fn take(&mut self, bytes: u64) {
        self.level -= bytes as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_second_the_rate_is_kept_whatever_the_size_of_messages() {
        for size in [1_000_u64, 70_000, 300_000] {
            let start = Instant::now();
            let mut bucket = Bucket::new(start);
            let mut sent = 0;
            for ms in 0..10_000 {
                if bucket.allowance(1_000_000, start + Duration::from_millis(ms)) > 0 {
                    bucket.take(size);
                    sent += size;
                }
            }
            assert!((9_900_000..=10_100_000 + size).contains(&sent), "{sent} bytes in messages of {size}");
        }
    }

    #[test]
    fn without_a_bound_it_is_always_open_and_a_new_bound_rules_at_once() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        for _ in 0..3 {
            assert_eq!(bucket.allowance(0, start), usize::MAX);
            bucket.take(1 << 40);
        }
        assert_eq!(bucket.allowance(1_000, start), 100);
        bucket.take(200);
        assert_eq!(bucket.allowance(1_000, start + Duration::from_millis(50)), 0);
        assert_eq!(bucket.allowance(1_000, start + Duration::from_millis(150)), 50);
    }
}
