//! Whether a node answers, as far as one worker has seen: reads that another copy can answer avoid one that does not.
//!
//! It decides where reads go first and nothing else. Writes always go to the primary, and only the replicated state says who
//! that is.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// A node that has answered nothing for so long after an answer was late counts as failed.
const SILENCE_MAX: Duration = Duration::from_millis(25);
/// How long a node that failed is avoided at first; it doubles with every attempt that fails.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Longest such time.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What is known of one run of a node.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Whether `trouble` says anything; read on every call, so that a sound node costs no lock.
    is_troubled: AtomicBool,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// When an answer was late; nothing was answered since.
    silent_since: Option<Instant>,
    /// Set when it failed: until when it is avoided.
    avoid_until: Option<Instant>,
    pause: Duration,
}

impl Health {
    /// It answered.
    pub(super) fn answered(&self) {
        if self.is_troubled.load(Relaxed) {
            *self.trouble.lock() = Trouble::default();
            self.is_troubled.store(false, Relaxed);
        }
    }

    /// It cannot be reached, or it said that it does not serve.
    pub(super) fn failed(&self, now: Instant) {
        self.is_troubled.store(true, Relaxed);
        self.trouble.lock().fail(now);
    }

    /// An answer is late.
    pub(super) fn slow(&self, now: Instant) {
        self.is_troubled.store(true, Relaxed);
        let mut trouble = self.trouble.lock();
        let since = *trouble.silent_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= SILENCE_MAX {
            trouble.fail(now);
        }
    }

    /// Whether it failed and nothing was heard of it since.
    pub(super) fn has_failed(&self) -> bool {
        self.is_troubled.load(Relaxed) && self.trouble.lock().avoid_until.is_some()
    }

    /// Whether anything is wrong with it.
    pub(super) fn is_troubled(&self) -> bool {
        self.is_troubled.load(Relaxed)
    }

    /// Whether a read should rather go elsewhere. One in a while is told that it need not, and finds out whether the node
    /// answers again.
    pub(super) fn is_avoided(&self, now: Instant) -> bool {
        if !self.is_troubled.load(Relaxed) {
            return false;
        }
        let mut trouble = self.trouble.lock();
        let Some(until) = trouble.avoid_until else { return false };
        if until <= now {
            trouble.fail(now);
            return false;
        }
        true
    }
}

impl Trouble {
    /// What fails while it is avoided anyway was sent before, and tells nothing new.
    fn fail(&mut self, now: Instant) {
        if self.avoid_until.is_none_or(|until| until <= now) {
            self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
            self.avoid_until = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_failed_is_avoided_and_tried_by_one_read_a_while() {
        let (health, start) = (Health::default(), Instant::now());
        assert!(!health.is_avoided(start));
        (0..50).for_each(|_| health.failed(start));
        let after = |millis| start + Duration::from_millis(millis);
        assert!(health.is_avoided(after(199)));
        assert!(!health.is_avoided(after(200)), "one read tries");
        assert!(health.is_avoided(after(200)) && health.is_avoided(after(599)), "the others wait, and longer");
        assert!(!health.is_avoided(after(600)) && health.has_failed());
        health.answered();
        assert!(!health.is_avoided(after(600)) && !health.has_failed() && !health.is_troubled());
    }

    #[test]
    fn one_late_answer_is_no_failure_but_silence_is() {
        let (health, start) = (Health::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        health.slow(after(5));
        assert!(!health.has_failed());
        health.answered();
        health.slow(after(31));
        assert!(!health.has_failed(), "it answered in between");
        health.slow(after(56));
        assert!(health.has_failed());
    }
}
