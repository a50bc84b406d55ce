//! The moment after which nobody waits for an answer any more. It travels as the milliseconds that remain.

use std::time::Duration;

use tokio::time::Instant;

/// Stands for "never" where a duration cannot be added to the clock.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// When a call must be over. Passed down through everything that serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `timeout` from now on.
    pub fn after(timeout: Duration) -> Self {
        Self::since(Instant::now(), timeout)
    }

    /// At `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// `timeout` from `start` on.
    pub fn since(start: Instant, timeout: Duration) -> Self {
        Self(start.checked_add(timeout).unwrap_or_else(|| start + FAR))
    }

    /// The moment itself.
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// Time left; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether nobody waits any more.
    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }

    /// The earlier of the two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        self.min(other)
    }

    /// Milliseconds left, rounded up, so that 0 always means "passed".
    pub fn timeout_ms(self) -> u32 {
        self.timeout_ms_at(Instant::now())
    }

    /// Milliseconds left at `now`, rounded up.
    pub(crate) fn timeout_ms_at(self, now: Instant) -> u32 {
        let micros = self.0.saturating_duration_since(now).as_micros();
        u32::try_from(micros.div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_rounded_up_and_zero_means_passed() {
        let now = Instant::now();
        assert_eq!(Deadline::since(now, Duration::from_micros(1)).timeout_ms_at(now), 1);
        assert_eq!(Deadline::since(now, Duration::from_millis(7)).timeout_ms_at(now), 7);
        assert_eq!(Deadline::at(now).timeout_ms_at(now), 0);
        assert!(Deadline::at(now).has_passed());
        assert_eq!(Deadline::at(now).remaining(), Duration::ZERO);
    }

    #[test]
    fn an_endless_timeout_is_a_far_deadline_and_no_overflow() {
        let deadline = Deadline::after(Duration::MAX);
        assert!(!deadline.has_passed());
        assert_eq!(deadline.timeout_ms(), u32::MAX);
    }

    #[test]
    fn the_earlier_of_two_wins() {
        let now = Instant::now();
        let (near, far) = (Deadline::at(now), Deadline::since(now, Duration::from_secs(1)));
        assert_eq!(near.earlier(far), near);
        assert_eq!(far.earlier(near), near);
    }
}
