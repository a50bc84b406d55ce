//! A socket on which a peer that does not read cannot hold an answer for ever, and whose last answer is not lost to a peer
//! that still sends: a socket that is closed with unread bytes is reset, and the reset overtakes the answer.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Longest time for which what a peer still sends is read and thrown away after the last answer.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes thrown away in one go.
const LINGER_BYTES: usize = 16 * 1024;

/// Fails a write that made no progress for `stall`.
pub(super) struct TimedIo<S> {
    stream: S,
    stall: Duration,
    /// Runs while a write waits for the peer.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Runs once the last answer is out.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TimedIo<S> {
    pub(super) fn new(stream: S, stall: Duration) -> Self {
        Self { stream, stall, waiting: None, lingering: None }
    }

    /// Reads and throws away until the peer is done or the time is over.
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if end.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut waste = [MaybeUninit::uninit(); LINGER_BYTES];
        loop {
            let mut buffer = ReadBuf::uninit(&mut waste);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let stall = self.stall;
        let sleep = self.waiting.get_or_insert_with(|| Box::pin(sleep(stall)));
        if sleep.deadline() < Instant::now() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TimedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        self.linger(context).map(Ok)
    }
}
