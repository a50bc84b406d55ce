//! The task that owns a served connection: reads requests, handles them, writes the replies, until it ends.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream as _, stream::FuturesUnordered};
use ringhold_model::wire::{Fault, Method};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::{
    alarm::Alarm,
    deadline::Deadline,
    encode::encode_onto,
    frame::{self, FrameError, PROBE, RequestHead, Status},
    hello::Hello,
    pipe::{Moved, Pipe},
    serve::{Call, Handled, LaterReply, ReplyBuffer, ServeLimits, Service},
    transport::Stream,
};

/// How often the limits of time are looked at.
const CHECK: Duration = Duration::from_secs(1);

type Reply = Result<Vec<u8>, Fault>;
type Tagged = Pin<Box<dyn Future<Output = (u64, Reply)> + Send>>;

pub(crate) struct Session<S> {
    pipe: Pipe<S>,
    hello: Hello,
    service: Arc<dyn Service>,
    limits: ServeLimits,
    later: FuturesUnordered<Tagged>,
    alarm: Alarm,
    next_check: Instant,
    /// When the requests in the inbox arrived.
    received_at: Instant,
    /// Since when the peer takes nothing of what waits for it.
    stalled_since: Option<Instant>,
    /// Set by a shutdown: when it stops waiting.
    leave_at: Option<Instant>,
}

impl<S: Stream> Session<S> {
    pub(crate) fn new(stream: S, hello: Hello, service: Arc<dyn Service>, limits: ServeLimits) -> Self {
        let now = Instant::now();
        Self {
            pipe: Pipe::new(stream),
            hello,
            service,
            limits,
            later: FuturesUnordered::new(),
            alarm: Alarm::new(now + CHECK),
            next_check: now + CHECK,
            received_at: now,
            stalled_since: None,
            leave_at: None,
        }
    }

    pub(crate) async fn run(mut self, cancel: &CancellationToken) -> io::Result<()> {
        {
            let mut cancelled = pin!(cancel.cancelled());
            poll_fn(|cx| self.poll(cx, cancelled.as_mut())).await?;
        }
        // The peer is gone or has had its time: closing in good order is a courtesy.
        poll_fn(|cx| self.pipe.poll_shutdown(cx)).await.or(Ok(()))
    }

    /// Moves what can be moved; ready when the connection is over.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut cancelled: Pin<&mut WaitForCancellationFuture<'_>>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.leave_at.is_none() && cancelled.as_mut().poll(cx).is_ready() {
                self.begin_leaving()?;
            }
            match self.step(cx) {
                Ok(Step::Again) => {}
                Ok(Step::Wait) => return Poll::Pending,
                Ok(Step::Over) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> io::Result<Step> {
        self.collect_later(cx)?;
        let was_full = self.is_full();
        self.write(cx)?;
        if was_full && !self.is_full() {
            // Requests may have been left in the inbox.
            self.handle_arrived()?;
            return Ok(Step::Again);
        }
        if !self.is_full()
            && let Poll::Ready(moved) = self.pipe.poll_read(cx)?
        {
            if moved == Moved::Ended {
                return Ok(Step::Over);
            }
            self.received_at = Instant::now();
            self.handle_arrived()?;
            return Ok(Step::Again);
        }
        self.look_at_the_clock(cx)
    }

    /// The peer does not read its replies: nothing more is taken from it.
    const fn is_full(&self) -> bool {
        self.pipe.unsent() > self.limits.reply_bytes_max
    }

    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let moved = self.pipe.poll_write(cx)?;
        if self.pipe.unsent() == 0 {
            self.stalled_since = None;
        } else if moved > 0 || self.stalled_since.is_none() {
            self.stalled_since = Some(Instant::now());
        }
        Ok(())
    }

    /// Appends the replies that have become ready.
    fn collect_later(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.later.is_empty() && !self.is_full() {
            match Pin::new(&mut self.later).poll_next(cx) {
                Poll::Ready(Some((id, Ok(body)))) => self.reply(id, &body)?,
                Poll::Ready(Some((id, Err(fault)))) => self.fail(id, &fault)?,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Handles the complete requests in the inbox, as long as there is room for their replies.
    fn handle_arrived(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while !self.is_full() {
            let Some(payload) = self.pipe.next_payload().map_err(breach)? else { break };
            let (head, body) = frame::split_request(payload).map_err(breach)?;
            self.handle(head, body, now)?;
        }
        Ok(())
    }

    fn handle(&mut self, head: RequestHead, body: Bytes, now: Instant) -> io::Result<()> {
        if head.method == PROBE {
            return self.reply(head.id, &[]);
        }
        let deadline = Deadline::since(self.received_at, Duration::from_millis(head.timeout_ms.into()));
        if head.timeout_ms == 0 || deadline.instant() <= now {
            return self.fail(head.id, &Fault::DeadlinePassed);
        }
        if self.leave_at.is_some() {
            return self.fail(head.id, &Fault::ShuttingDown);
        }
        let Some(method) = Method::from_u8(head.method) else {
            return self.fail(head.id, &Fault::Unsupported(format!("method {}", head.method)));
        };
        self.serve(head.id, method, body, deadline)
    }

    /// Lets the service write its reply straight behind those that wait to leave.
    fn serve(&mut self, id: u64, method: Method, body: Bytes, deadline: Deadline) -> io::Result<()> {
        let mut outbox = self.pipe.take_outbox();
        let start = frame::begin_reply(&mut outbox, id, Status::Done);
        let mut reply = ReplyBuffer::begin(outbox);
        let handled = self.service.call(Call { method, body, deadline, reply: &mut reply, hello: &self.hello });
        let mut outbox = reply.into_bytes();
        let finished = match &handled {
            Handled::Replied => frame::finish(&mut outbox, start),
            Handled::Failed(_) | Handled::Later(_) => {
                outbox.truncate(start);
                Ok(())
            }
        };
        self.pipe.put_outbox(outbox);
        match handled {
            Handled::Replied => finished.or_else(|error| self.fail(id, &error.as_fault())),
            Handled::Failed(fault) => self.fail(id, &fault),
            Handled::Later(_) if self.later.len() >= self.limits.in_flight_max => self.fail(id, &Fault::Overloaded),
            Handled::Later(future) => {
                self.later.push(Box::pin(until(id, deadline, future)));
                Ok(())
            }
        }
    }

    fn reply(&mut self, id: u64, body: &[u8]) -> io::Result<()> {
        let outbox = self.pipe.outbox();
        let start = frame::begin_reply(outbox, id, Status::Done);
        outbox.extend_from_slice(body);
        let finished = frame::finish(outbox, start);
        finished.or_else(|error| self.fail(id, &error.as_fault()))
    }

    fn fail(&mut self, id: u64, fault: &Fault) -> io::Result<()> {
        let outbox = self.pipe.outbox();
        let start = frame::begin_reply(outbox, id, Status::Fault);
        encode_onto(fault, outbox).map_err(io::Error::other)?;
        frame::finish(outbox, start).map_err(breach)
    }

    fn begin_leaving(&mut self) -> io::Result<()> {
        self.leave_at = Some(Instant::now() + self.limits.drain_grace);
        self.next_check = Instant::now();
        let outbox = self.pipe.outbox();
        let start = frame::begin_reply(outbox, 0, Status::Goodbye);
        frame::finish(outbox, start).map_err(breach)
    }

    fn look_at_the_clock(&mut self, cx: &mut Context<'_>) -> io::Result<Step> {
        if self.alarm.poll(cx, self.next_check).is_pending() {
            return Ok(Step::Wait);
        }
        let now = Instant::now();
        if now < self.next_check {
            return Ok(Step::Again);
        }
        self.next_check = self.leave_at.map_or(now + CHECK, |leave_at| leave_at.min(now + CHECK));
        if self.leave_at.is_some_and(|leave_at| leave_at <= now) {
            return Ok(Step::Over);
        }
        if self.stalled_since.is_some_and(|since| now - since >= self.limits.write_stall_max) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read its replies"));
        }
        if self.later.is_empty() && now - self.received_at >= self.limits.idle_max {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer is idle"));
        }
        Ok(Step::Again)
    }
}

enum Step {
    Again,
    Wait,
    Over,
}

/// The reply of `future`, if it comes in time.
async fn until(id: u64, deadline: Deadline, future: LaterReply) -> (u64, Reply) {
    (id, timeout_at(deadline.instant(), future).await.unwrap_or(Err(Fault::DeadlinePassed)))
}

fn breach(error: FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests;
