//! What one worker knows of its calls so far: when an answer is late, and what may be sent beyond one call a request.

use std::time::Duration;

use super::{budget::Budget, latency::Latencies};
use crate::metrics::DispatchCounters;

/// After so long a call that only one node can answer looks whether its range has changed hands.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// Shared by the requests of one worker.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) budget: Budget,
    pub(super) counters: DispatchCounters,
    of_one: Latencies,
    of_batches: Latencies,
}

impl Extra {
    /// Nothing known yet.
    pub(super) fn new(counters: DispatchCounters) -> Self {
        Self { budget: Budget::new(), counters, of_one: Latencies::new(), of_batches: Latencies::new() }
    }

    /// How long calls with so many reads take.
    pub(super) fn latencies(&self, operations: usize) -> &Latencies {
        if operations == 1 { &self.of_one } else { &self.of_batches }
    }

    /// When the answer to a call with so many operations is late, from its start.
    pub(super) fn late_after(&self, operations: usize, is_hedged: bool) -> Duration {
        if is_hedged { self.latencies(operations).hedge_delay() } else { LOOK_AFTER }
    }
}
