//! The node's clocks: one that runs steadily for deadlines, one for what people read.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::engine::Now;

/// Reads both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now() }
    }

    /// This moment.
    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono_ms: self.origin.elapsed().as_millis() as u64, wall_ms: wall.as_millis() as u64 }
    }
}
