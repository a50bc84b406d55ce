//! Keeps a backend that does not answer from holding up every request for its whole deadline.

use std::time::{Duration, Instant};

/// Failures one after another, after which it is not asked for a while.
const FAILURES_MAX: u32 = 3;
/// How long it is left alone first; it doubles with every attempt that fails.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest such time.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Closed: calls go through. Open: none does. Half open: one does, and decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Breaker {
    #[default]
    Closed,
    /// So many calls failed, none succeeded since.
    Failing(u32),
    Open {
        until: Instant,
        pause: Duration,
    },
    /// One call is under way; if it is lost, another may go at `until`.
    Probing {
        until: Instant,
        pause: Duration,
    },
}

impl Breaker {
    /// Whether a call may go. The error says in how long one may.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match *self {
            Self::Closed | Self::Failing(_) => Ok(()),
            Self::Open { until, pause } | Self::Probing { until, pause } if until <= now => {
                *self = Self::Probing { until: now + pause.max(PAUSE_MIN), pause };
                Ok(())
            }
            Self::Open { until, .. } | Self::Probing { until, .. } => Err(until - now),
        }
    }

    /// A call succeeded, or the backend said no by itself.
    pub(super) fn succeeded(&mut self) {
        *self = Self::Closed;
    }

    /// A call failed because the backend does not work.
    pub(super) fn failed(&mut self, now: Instant) {
        *self = match *self {
            Self::Closed => Self::Failing(1),
            Self::Failing(count) if count + 1 < FAILURES_MAX => Self::Failing(count + 1),
            Self::Failing(_) => Self::Open { until: now + PAUSE_MIN, pause: PAUSE_MIN },
            Self::Probing { pause, .. } => {
                let pause = (pause * 2).min(PAUSE_MAX);
                Self::Open { until: now + pause, pause }
            }
            // Sent before it opened: tells nothing new.
            open @ Self::Open { .. } => open,
        };
    }

    /// Name of the state, for people and dashboards.
    pub(super) const fn state(self) -> &'static str {
        match self {
            Self::Closed | Self::Failing(_) => "closed",
            Self::Open { .. } => "open",
            Self::Probing { .. } => "half_open",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_and_one_probe_closes_it() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        for _ in 0..3 {
            assert_eq!(breaker.admit(start), Ok(()));
            breaker.failed(start);
        }
        assert_eq!((breaker.admit(after(499)), breaker.state()), (Err(Duration::from_millis(1)), "open"));
        assert_eq!(breaker.admit(after(500)), Ok(()));
        assert_eq!(breaker.state(), "half_open");
        assert!(breaker.admit(after(500)).is_err(), "one probe at a time");
        breaker.failed(after(600));
        assert!(breaker.admit(after(1_599)).is_err(), "the pause has doubled");
        assert_eq!(breaker.admit(after(1_600)), Ok(()));
        breaker.succeeded();
        assert_eq!((breaker, breaker.admit(after(1_600))), (Breaker::Closed, Ok(())));
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed_and_a_lost_probe_is_replaced() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            breaker.failed(start);
            breaker.failed(start);
            breaker.succeeded();
        }
        assert_eq!(breaker, Breaker::Closed);
        (0..3).for_each(|_| breaker.failed(start));
        let probe = start + PAUSE_MIN;
        assert_eq!(breaker.admit(probe), Ok(()));
        assert!(breaker.admit(probe).is_err());
        assert_eq!(breaker.admit(probe + PAUSE_MIN), Ok(()));
    }
}
