//! What is behind a link's lock, and what a call does to it.

use std::{mem, task::Waker};

use ringhold_model::wire::{Fault, Method, WireError};
use tokio::time::Instant;

use super::pace::Pace;
use crate::{
    backoff::Backoff,
    caller::CallerOptions,
    calls::Calls,
    deadline::Deadline,
    error::CallError,
    frame::{self, RequestHead},
    hello::Welcome,
};

/// Everything behind the link's lock.
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) calls: Calls,
    /// Encoded requests that the task has not taken yet, and where each starts.
    pub(super) queue: Vec<u8>,
    pub(super) queued: Vec<(u64, usize)>,
    /// Wakes the task; taken by the first call, so that a burst of calls wakes it once.
    pub(super) task: Option<Waker>,
    /// No call is over its deadline or slow before this.
    pub(super) earliest: Option<Instant>,
    /// How fast the peer answers, while many calls wait.
    pace: Pace,
    pub(super) backoff: Backoff,
    pub(super) welcome: Option<Welcome>,
}

pub(super) enum Phase {
    /// No connection; the next call opens one.
    Idle,
    /// The last attempt failed; calls fail at once until then.
    Resting {
        until: Instant,
        reason: String,
    },
    /// A task opens a connection; calls queue.
    Connecting,
    Open,
    /// The peer asked to leave; what was sent is waited for, new calls fail.
    Leaving,
    Closed,
}

impl State {
    pub(super) fn new(options: &CallerOptions) -> Self {
        Self {
            phase: Phase::Idle,
            calls: Calls::default(),
            queue: Vec::new(),
            queued: Vec::new(),
            task: None,
            earliest: None,
            pace: Pace::default(),
            backoff: Backoff::new(options.backoff_min, options.backoff_max),
            welcome: None,
        }
    }

    /// Whether a call may be queued; true when a connection must be opened for it.
    pub(super) fn admit(&mut self, options: &CallerOptions, deadline: Deadline) -> Result<bool, CallError> {
        let must_connect = match &self.phase {
            Phase::Idle => true,
            Phase::Connecting | Phase::Open => false,
            Phase::Resting { until, reason } if Instant::now() < *until => {
                return Err(CallError::Unreachable(reason.clone()));
            }
            Phase::Resting { .. } => true,
            Phase::Leaving => return Err(CallError::Fault(Fault::ShuttingDown)),
            Phase::Closed => return Err(closed()),
        };
        if self.calls.waiting() >= options.queue_calls_max || self.queue.len() >= options.queue_bytes_max {
            return Err(CallError::Overloaded);
        }
        if self.calls.waiting() >= options.shed_calls_min {
            let wait = self.pace.wait_of(self.calls.waiting(), self.calls.answered(), Instant::now());
            if wait.is_some_and(|wait| wait > deadline.remaining()) {
                return Err(CallError::Overloaded);
            }
        }
        Ok(must_connect)
    }

    pub(super) fn enqueue(
        &mut self,
        method: Method,
        (deadline, slow_at): (Deadline, Option<Instant>),
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>,
    ) -> Result<u64, CallError> {
        let id = self.calls.open(deadline, slow_at);
        let start = frame::begin_request(&mut self.queue, RequestHead { id, method: method as u8, timeout_ms: 0 });
        let written = write(&mut self.queue).map_err(CallError::Malformed);
        if let Err(error) = written.and_then(|()| finish(&mut self.queue, start)) {
            self.queue.truncate(start);
            self.calls.abandon(id);
            return Err(error);
        }
        self.queued.push((id, start));
        let instant = slow_at.map_or(deadline.instant(), |slow_at| slow_at.min(deadline.instant()));
        self.earliest = Some(self.earliest.map_or(instant, |known| known.min(instant)));
        Ok(id)
    }

    /// Moves the queued requests to `outbox`, each with the time it has left; those that were given up have none.
    pub(super) fn take_queued(&mut self, outbox: &mut Vec<u8>) -> Option<Instant> {
        if self.queued.is_empty() {
            return None;
        }
        let now = Instant::now();
        for (id, start) in self.queued.drain(..) {
            let timeout_ms = self.calls.mark_sent(id).map_or(0, |deadline| deadline.timeout_ms_at(now));
            frame::set_timeout(&mut self.queue, start, timeout_ms);
        }
        if outbox.is_empty() {
            mem::swap(outbox, &mut self.queue);
        } else {
            outbox.append(&mut self.queue);
        }
        Some(now)
    }

    /// The peer shuts down: what it was not sent it will not execute.
    pub(super) fn leave(&mut self, wakers: &mut Vec<Waker>) {
        if matches!(self.phase, Phase::Closed) {
            return;
        }
        self.phase = Phase::Leaving;
        self.clear_queue();
        self.earliest =
            self.calls.finish_where(wakers, |_, is_sent| (!is_sent).then_some(CallError::Fault(Fault::ShuttingDown)));
    }

    pub(super) fn fail_all(&mut self, wakers: &mut Vec<Waker>, error: impl Fn(bool) -> CallError) {
        self.clear_queue();
        self.earliest = self.calls.finish_where(wakers, |_, is_sent| Some(error(is_sent)));
    }

    fn clear_queue(&mut self) {
        self.queue = Vec::new();
        self.queued.clear();
    }
}

pub(super) fn closed() -> CallError {
    CallError::Unreachable("the caller was closed".to_owned())
}

fn finish(queue: &mut Vec<u8>, start: usize) -> Result<(), CallError> {
    frame::finish(queue, start).map_err(|error| CallError::Fault(error.as_fault()))
}
