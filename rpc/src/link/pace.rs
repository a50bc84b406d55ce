//! How long a call that is queued now would wait, told by how fast the peer answers.

use std::time::Duration;

use tokio::time::Instant;

/// Length of a measurement, at least.
const WINDOW: Duration = Duration::from_millis(100);
/// A measurement that began so long ago says nothing about now: the queue was short meanwhile.
const STALE: Duration = Duration::from_secs(1);

/// Answers a second, measured only while the queue is long.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the measurement under way began, and how many answers there had been by then.
    begun: Option<(Instant, u64)>,
    /// What the one before found.
    per_s: Option<f64>,
}

impl Pace {
    /// How long `waiting` calls will take; `None`: it cannot be told. `answered` counts all answers so far.
    ///
    /// Without any answer it is silence, not load: it cannot be told how long that lasts.
    pub(super) fn wait_of(&mut self, waiting: usize, answered: u64, now: Instant) -> Option<Duration> {
        match self.begun {
            Some((start, before)) if now - start < STALE => {
                let elapsed = now - start;
                if elapsed >= WINDOW {
                    self.per_s = Some((answered - before) as f64 / elapsed.as_secs_f64());
                    self.begun = Some((now, answered));
                }
            }
            _ => (self.begun, self.per_s) = (Some((now, answered)), None),
        }
        let per_s = self.per_s.filter(|per_s| *per_s > 0.0)?;
        Duration::try_from_secs_f64(waiting as f64 / per_s).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn the_wait_is_the_queue_over_the_rate_of_answers() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.wait_of(1_000, 5_000, start), None, "nothing is measured yet");
        assert_eq!(pace.wait_of(1_000, 5_020, start + STEP / 2), None);
        assert_eq!(pace.wait_of(1_000, 5_050, start + STEP), Some(Duration::from_secs(2)), "500 a second");
        assert_eq!(pace.wait_of(3_000, 5_050, start + STEP), Some(Duration::from_secs(6)));
    }

    #[test]
    fn silence_and_a_queue_that_was_short_for_long_tell_nothing() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.wait_of(1_000, 0, start);
        assert_eq!(pace.wait_of(1_000, 0, start + STEP), None);
        assert_eq!(pace.wait_of(1_000, 1, start + STEP * 50), None, "the rate since then would be that of idleness");
        assert_eq!(pace.wait_of(1_000, 101, start + STEP * 51), Some(Duration::from_secs(1)));
    }
}
