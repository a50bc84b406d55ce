//! Calls under way, and what a request waits for.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use ringhold_rpc::{CallError, PendingCall, Progress};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{nodes::Process, plan::Group};
use crate::view::ViewCell;

/// A call under way with a group of operations.
#[derive(Debug)]
pub(super) struct Flight {
    /// Whom it went to.
    pub(super) process: Arc<Process>,
    /// The call itself.
    pub(super) call: PendingCall,
    /// When it was sent.
    pub(super) sent_at: Instant,
    /// Whether the node was told that the operations may have been executed before.
    pub(super) is_retry: bool,
    /// Whether the node was asked as a copy.
    pub(super) any_copy: bool,
    /// Whether all operations are reads.
    pub(super) is_read: bool,
    /// Positions of the operations.
    pub(super) at: Vec<usize>,
    /// Whether the answer is late.
    pub(super) is_slow: bool,
    /// Whether another copy should be asked as well, as soon as the budget allows it.
    pub(super) wants_hedge: bool,
}

impl Flight {
    /// A call that has just begun: `call` to `process`.
    pub(super) fn new(
        group: Group,
        is_read: bool,
        (process, call): (Arc<Process>, PendingCall),
        sent_at: Instant,
    ) -> Self {
        let Group { retry, any_copy, at, .. } = group;
        Self { process, call, sent_at, is_retry: retry, any_copy, is_read, at, is_slow: false, wants_hedge: false }
    }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    /// The call at this position is over.
    Over(usize, Result<Bytes, CallError>),
    /// The call at this position should have been answered by now.
    Slow(usize),
    /// There is a newer view.
    NewView,
    /// The pause is over.
    Resume,
}

/// The timer and the watch on the view that one request has once it needs them: nearly none does.
#[derive(Default)]
pub(super) struct Waiter {
    sleep: Option<Pin<Box<Sleep>>>,
    watch: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Waiter {
    /// The next thing that happens. `known`: index of the view that is known; `None`: a newer one does not matter.
    pub(super) async fn next(
        &mut self,
        flights: &mut [Flight],
        resume_at: Option<Instant>,
        (view, known): (&ViewCell, Option<u64>),
    ) -> Event {
        if let (None, Some(known)) = (&self.watch, known) {
            self.watch = Some(Box::pin(view.newer_than(known)));
        }
        match (resume_at, &mut self.sleep) {
            (None, sleep) => *sleep = None,
            (Some(at), Some(sleep)) => sleep.as_mut().reset(at),
            (Some(at), sleep) => *sleep = Some(Box::pin(sleep_until(at))),
        }
        poll_fn(|cx| self.poll(flights, cx)).await
    }

    fn poll(&mut self, flights: &mut [Flight], cx: &mut Context<'_>) -> Poll<Event> {
        for (at, flight) in flights.iter_mut().enumerate() {
            match flight.call.poll_progress(cx) {
                Poll::Ready(Progress::Over(outcome)) => return Poll::Ready(Event::Over(at, outcome)),
                Poll::Ready(Progress::Slow) => return Poll::Ready(Event::Slow(at)),
                Poll::Pending => {}
            }
        }
        if self.watch.as_mut().is_some_and(|watch| watch.as_mut().poll(cx).is_ready()) {
            self.watch = None;
            return Poll::Ready(Event::NewView);
        }
        if self.sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Event::Resume);
        }
        Poll::Pending
    }
}
