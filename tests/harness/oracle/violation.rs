//! What no client may ever see.

use std::fmt;

/// An answer that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub wrong: Wrong,
    pub key: String,
    pub detail: String,
}

/// In which way it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wrong {
    /// Older than a write that was acknowledged before the read began.
    Stale,
    /// Older than what an earlier read returned.
    WentBack,
    /// A miss where a value must be.
    Lost,
    /// A value that was removed.
    Resurrected,
    /// A value that nobody wrote, or another key's.
    NeverWritten,
    /// A value whose write was answered with `not_applied`, or with a conflict.
    Refused,
    /// A counter beyond all increments, or a sum given out twice: an increment was done twice.
    CountedTwice,
    /// Two writers were told that they were the first.
    WonTwice,
}

impl Violation {
    pub fn new(wrong: Wrong, key: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { wrong, key: key.into(), detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} ({})", self.wrong, self.key, self.detail)
    }
}

/// What became of a write, as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Done,
    /// Surely without effect.
    NotApplied,
    /// Nobody knows.
    Unknown,
}
