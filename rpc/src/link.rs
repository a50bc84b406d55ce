//! What callers and the connection's task share: the calls that wait, the requests that are to leave, and whether there is
//! a connection. Every function here is short and never waits.

mod pace;
mod state;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parking_lot::Mutex;
use ringhold_model::wire::{self, Fault, Method, WireError};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::state::{Phase, State, closed};
use crate::{
    caller::CallerOptions,
    calls::{Look, Outcome},
    connection,
    deadline::Deadline,
    error::CallError,
    frame::{self, FrameError, Status},
    hello::Welcome,
    pipe::Pipe,
    transport::{Connector, Stream},
};

pub(crate) struct Link {
    pub(crate) options: CallerOptions,
    pub(crate) connector: Arc<dyn Connector>,
    tracker: TaskTracker,
    /// Written by callers (new calls, calls given up) and by the connection's task (answers, phase). On the data channel
    /// both are on one thread, so it is never contended there.
    state: Mutex<State>,
}

/// How a connection ended.
pub(crate) enum End {
    /// It never came about.
    Failed(String),
    /// It broke. `was_heard`: the peer answered something before.
    Broken { reason: String, was_heard: bool },
    /// The peer shuts down and everything it owed has arrived.
    Left,
}

/// What the task finds when it looks.
pub(crate) struct Tended {
    pub(crate) is_closed: bool,
    /// When a call is over its deadline or slow.
    pub(crate) earliest: Option<Instant>,
    /// When requests were taken, if any were.
    pub(crate) took_at: Option<Instant>,
}

/// What has arrived.
pub(crate) struct Delivered {
    /// The peer asks to leave.
    pub(crate) is_goodbye: bool,
    /// Calls that may have left have no answer yet.
    pub(crate) is_more_due: bool,
}

impl Link {
    pub(crate) fn new(options: CallerOptions, connector: Arc<dyn Connector>) -> Self {
        let state = Mutex::new(State::new(&options));
        Self { options, connector, tracker: TaskTracker::new(), state }
    }

    pub(crate) fn address(&self) -> &str {
        &self.options.address
    }

    pub(crate) fn welcome(&self) -> Option<Welcome> {
        self.state.lock().welcome
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().calls.waiting()
    }

    /// Queues a call whose body `write` appends, and sees to it that there is a task to send it.
    pub(crate) fn start(
        link: &Arc<Self>,
        method: Method,
        (deadline, slow_at): (Deadline, Option<Instant>),
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>,
    ) -> Result<PendingCall, CallError> {
        let (id, must_connect, waker) = {
            let mut state = link.state.lock();
            let must_connect = state.admit(&link.options, deadline)?;
            let id = state.enqueue(method, (deadline, slow_at), write)?;
            if must_connect {
                state.phase = Phase::Connecting;
            }
            (id, must_connect, state.task.take())
        };
        if must_connect {
            link.tracker.spawn(connection::run(Arc::clone(link)));
        } else if let Some(waker) = waker {
            waker.wake();
        }
        Ok(PendingCall { link: Arc::clone(link), id, is_over: false })
    }

    /// The task's look at the link: it is woken from now on when something changes; with an `outbox` it takes the queued
    /// requests.
    pub(crate) fn tend(&self, cx: &Context<'_>, outbox: Option<&mut Vec<u8>>) -> Tended {
        let mut state = self.state.lock();
        match &mut state.task {
            Some(task) => task.clone_from(cx.waker()),
            None => state.task = Some(cx.waker().clone()),
        }
        let took_at = outbox.and_then(|outbox| state.take_queued(outbox));
        Tended { is_closed: matches!(state.phase, Phase::Closed), earliest: state.earliest, took_at }
    }

    /// Ends the calls whose deadline has passed, and tells which are slow.
    pub(crate) fn expire(&self, now: Instant) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock();
        state.calls.tell_slow(now, &mut wakers);
        state.earliest = state.calls.finish_where(&mut wakers, |deadline, is_sent| {
            (deadline.instant() <= now).then(|| match is_sent {
                true => CallError::TimedOut,
                false => CallError::Unreachable("the deadline passed before the call was sent".to_owned()),
            })
        });
        drop(state);
        wake(&mut wakers);
    }

    /// Hands out the answers that have arrived.
    pub(crate) fn deliver<S: Stream>(
        &self,
        pipe: &mut Pipe<S>,
        wakers: &mut Vec<Waker>,
    ) -> Result<Delivered, FrameError> {
        let mut is_goodbye = false;
        let mut state = self.state.lock();
        let read = loop {
            let payload = match pipe.next_payload() {
                Ok(Some(payload)) => payload,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let (id, outcome): (u64, Outcome) = match frame::split_reply(payload) {
                Ok((id, Status::Done, body)) => (id, Ok(body)),
                Ok((id, Status::Fault, body)) => (id, Err(fault_in(&body))),
                Ok((_, Status::Goodbye, _)) => {
                    is_goodbye = true;
                    continue;
                }
                Err(error) => break Err(error),
            };
            wakers.extend(state.calls.finish(id, outcome));
        };
        if is_goodbye {
            state.leave(wakers);
        }
        let is_more_due = state.calls.sent() > 0;
        drop(state);
        wake(wakers);
        read.map(|()| Delivered { is_goodbye, is_more_due })
    }

    /// Whether a call that may have left has no answer yet.
    pub(crate) fn is_owed(&self) -> bool {
        self.state.lock().calls.sent() > 0
    }

    /// The handshake is done.
    pub(crate) fn opened(&self, welcome: Welcome) {
        let mut state = self.state.lock();
        state.welcome = Some(welcome);
        if matches!(state.phase, Phase::Connecting) {
            state.phase = Phase::Open;
        }
    }

    /// The connection's task is over.
    pub(crate) fn over(&self, end: End) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock();
        state.task = None;
        let reason = match &end {
            End::Failed(reason) | End::Broken { reason, .. } => reason.clone(),
            End::Left => "the peer has shut down".to_owned(),
        };
        state.fail_all(&mut wakers, |is_sent| match is_sent {
            true => CallError::Lost,
            false => CallError::Unreachable(reason.clone()),
        });
        let is_closed = matches!(state.phase, Phase::Closed);
        if !is_closed {
            state.phase = match end {
                End::Broken { was_heard: true, .. } => {
                    state.backoff.reset();
                    Phase::Idle
                }
                End::Failed(_) | End::Broken { .. } | End::Left => {
                    Phase::Resting { until: Instant::now() + state.backoff.pause(), reason }
                }
            };
        }
        drop(state);
        wake(&mut wakers);
    }

    /// No calls any more.
    pub(crate) fn close(&self) {
        let mut wakers = Vec::new();
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        state.fail_all(&mut wakers, |is_sent| match is_sent {
            true => CallError::Lost,
            false => closed(),
        });
        wakers.extend(state.task.take());
        drop(state);
        wake(&mut wakers);
    }

    /// Waits for the connection's task.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// A call on its way: a future of its answer. Dropping it gives the call up.
pub struct PendingCall {
    link: Arc<Link>,
    id: u64,
    is_over: bool,
}

/// How a call stands.
#[derive(Debug)]
pub enum Progress {
    /// It is over; do not poll it again.
    Over(Result<Bytes, CallError>),
    /// The time at which its caller wanted to be told has come without an answer. Told once; the call goes on.
    Slow,
}

impl PendingCall {
    /// Ready when the call is over, and once before when it is slow.
    pub fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Progress> {
        let mut old = None;
        let look = self.link.state.lock().calls.poll(self.id, cx, &mut old);
        // Outside the lock: the last waker of a task may drop the task, and with it other calls of this link.
        drop(old);
        look.map(|look| match look {
            Look::Over(outcome) => {
                self.is_over = true;
                Progress::Over(outcome)
            }
            Look::Slow => Progress::Slow,
        })
    }
}

impl Future for PendingCall {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        loop {
            match std::task::ready!(self.poll_progress(cx)) {
                Progress::Over(outcome) => return Poll::Ready(outcome),
                Progress::Slow => {}
            }
        }
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("address", &self.link.address()).finish_non_exhaustive()
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if !self.is_over {
            let waker = self.link.state.lock().calls.abandon(self.id);
            drop(waker);
        }
    }
}

fn wake(wakers: &mut Vec<Waker>) {
    for waker in wakers.drain(..) {
        waker.wake();
    }
}

fn fault_in(body: &[u8]) -> CallError {
    wire::decode::<Fault>(body).map_or_else(CallError::Malformed, CallError::Fault)
}
