//! The task that owns a caller's connection: opens it, then moves requests out and answers in until it ends.

use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::time::{Instant, timeout};

use crate::{
    alarm::Alarm,
    frame::{self, PROBE, RequestHead},
    hello::{Welcome, say_hello},
    link::{End, Link, Tended},
    pipe::{Moved, Pipe},
    silence::{Silence, Verdict},
    transport::{BoxedStream, Stream},
};

/// While more than this waits for the socket, requests stay queued, where they still count as not sent.
const UNSENT_BYTES_MAX: usize = 1 << 20;
/// No call has this id.
const PROBE_ID: u64 = u64::MAX;

/// Runs one connection of `link`, from opening it to its end.
pub(crate) async fn run(link: Arc<Link>) {
    let mut guard = Guard { link, end: Some(End::Broken { reason: "the runtime ended".to_owned(), was_heard: false }) };
    let end = attempt(&guard.link).await;
    guard.end = Some(end);
}

/// Ends the calls even when the task is dropped with its runtime.
struct Guard {
    link: Arc<Link>,
    end: Option<End>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            self.link.over(end);
        }
    }
}

async fn attempt(link: &Link) -> End {
    let connected = tokio::select! {
        biased;
        connected = timeout(link.options.connect_timeout, connect(link)) => connected,
        () = until_closed(link) => return End::Failed("the caller was closed".to_owned()),
    };
    match connected {
        Ok(Ok((stream, welcome))) => {
            link.opened(welcome);
            let mut connection = Connection::new(link, stream);
            let end = poll_fn(|cx| connection.poll(cx)).await;
            if let End::Broken { reason, .. } = &end {
                tracing::debug!(address = link.address(), reason, "a connection was lost");
            }
            end
        }
        Ok(Err(error)) => End::Failed(error.to_string()),
        Err(_) => End::Failed("no connection within the time allowed".to_owned()),
    }
}

async fn connect(link: &Link) -> io::Result<(BoxedStream, Welcome)> {
    let mut stream = link.connector.connect(link.address()).await?;
    let welcome = say_hello(&mut stream, &link.options.hello).await?;
    Ok((stream, welcome))
}

/// Keeps the deadlines of the calls that wait for the connection; returns when nobody wants it any more.
async fn until_closed(link: &Link) {
    let mut alarm = Alarm::new(Instant::now() + link.options.connect_timeout);
    poll_fn(|cx| {
        loop {
            let tended = link.tend(cx, None);
            if tended.is_closed {
                return Poll::Ready(());
            }
            let Some(earliest) = tended.earliest else { return Poll::Pending };
            if alarm.poll(cx, earliest).is_pending() {
                return Poll::Pending;
            }
            link.expire(Instant::now());
        }
    })
    .await;
}

struct Connection<'a, S> {
    link: &'a Link,
    pipe: Pipe<S>,
    silence: Silence,
    alarm: Alarm,
    is_leaving: bool,
    was_heard: bool,
    /// Kept for its capacity.
    wakers: Vec<Waker>,
}

impl<'a, S: Stream> Connection<'a, S> {
    fn new(link: &'a Link, stream: S) -> Self {
        let silence = Silence::new(link.options.silence_max, link.options.idle_probe, Instant::now());
        Self {
            link,
            pipe: Pipe::new(stream),
            alarm: Alarm::new(silence.next_check()),
            silence,
            is_leaving: false,
            was_heard: false,
            wakers: Vec::new(),
        }
    }

    /// Moves what can be moved; ready when the connection is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.step(cx) {
                Ok(Step::Again) => {}
                Ok(Step::Wait) => return Poll::Pending,
                Ok(Step::Over) => return Poll::Ready(End::Left),
                Err(error) => {
                    return Poll::Ready(End::Broken { reason: error.to_string(), was_heard: self.was_heard });
                }
            }
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> io::Result<Step> {
        let may_take = !self.is_leaving && self.pipe.unsent() < UNSENT_BYTES_MAX;
        let tended = self.link.tend(cx, may_take.then_some(self.pipe.outbox()));
        if tended.is_closed {
            return Err(io::Error::other("the caller was closed"));
        }
        if let Some(now) = tended.took_at {
            self.silence.sent(now);
        }
        let has_room_again = self.write(cx)? && !may_take;
        if let Poll::Ready(moved) = self.pipe.poll_read(cx)? {
            self.arrived(moved)?;
            return Ok(Step::Again);
        }
        if self.is_leaving && !self.link.is_owed() {
            return Ok(Step::Over);
        }
        if has_room_again {
            return Ok(Step::Again);
        }
        self.look_at_the_clock(cx, &tended)
    }

    /// True when something left.
    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let moved = self.pipe.poll_write(cx)?;
        if moved > 0 && self.pipe.unsent() > 0 {
            self.silence.wrote_part(Instant::now());
        }
        Ok(moved > 0)
    }

    fn arrived(&mut self, moved: Moved) -> io::Result<()> {
        if moved == Moved::Ended {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.was_heard = true;
        let delivered = self.link.deliver(&mut self.pipe, &mut self.wakers).map_err(io::Error::other)?;
        self.is_leaving |= delivered.is_goodbye;
        self.silence.heard(Instant::now(), delivered.is_more_due);
        Ok(())
    }

    fn look_at_the_clock(&mut self, cx: &mut Context<'_>, tended: &Tended) -> io::Result<Step> {
        let next_check = self.silence.next_check();
        let at = tended.earliest.map_or(next_check, |earliest| earliest.min(next_check));
        if self.alarm.poll(cx, at).is_pending() {
            return Ok(Step::Wait);
        }
        let now = Instant::now();
        if tended.earliest.is_some_and(|earliest| earliest <= now) {
            self.link.expire(now);
        }
        if next_check <= now {
            match self.silence.check(now) {
                Verdict::Fine => {}
                Verdict::Probe => self.probe()?,
                Verdict::Dead => return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer is silent")),
            }
        }
        Ok(Step::Again)
    }

    fn probe(&mut self) -> io::Result<()> {
        let outbox = self.pipe.outbox();
        let start = frame::begin_request(outbox, RequestHead { id: PROBE_ID, method: PROBE, timeout_ms: u32::MAX });
        frame::finish(outbox, start).map_err(io::Error::other)
    }
}

enum Step {
    Again,
    Wait,
    /// The peer asked to leave and owes nothing any more.
    Over,
}
