//! One end of a connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Net;
use crate::chance::now_ms;

/// Bytes under way in one direction before a writer has to wait.
const WINDOW_BYTES: usize = 1 << 20;

/// Reads from one pipe and writes to another.
pub(super) struct SimulatedStream {
    /// `None` until someone holds the end.
    net: Option<Net>,
    reads: u64,
    writes: u64,
    has_ended: bool,
}

impl SimulatedStream {
    pub(super) const fn new(reads: u64, writes: u64) -> Self {
        Self { net: None, reads, writes, has_ended: false }
    }

    /// It is in use from now on.
    pub(super) fn attach(mut self, net: &Net) -> Self {
        self.net = Some(net.clone());
        self
    }

    fn end(&mut self) {
        let Some(net) = self.net.as_ref().filter(|_| !self.has_ended) else { return };
        self.has_ended = true;
        let mut state = net.0.lock();
        let Some(pipe) = state.pipes.get(&self.writes) else { return };
        let (from, to) = (pipe.from, pipe.to);
        if state.vanished.contains(&from) {
            return;
        }
        let at_ms = now_ms() + state.latency_ms(from, to);
        if let Some(pipe) = state.pipes.get_mut(&self.writes) {
            let at_ms = pipe.flying.back().map_or(at_ms, |(at, _)| at_ms.max(*at));
            pipe.flying.push_back((at_ms, None));
            state.busy.insert(self.writes);
        }
    }
}

impl AsyncRead for SimulatedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(net) = &self.net else { return Poll::Ready(Ok(())) };
        let mut state = net.0.lock();
        let Some(pipe) = state.pipes.get_mut(&self.reads) else { return Poll::Ready(Ok(())) };
        if pipe.is_broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let Some(front) = pipe.arrived.front_mut() else {
            if pipe.has_ended {
                return Poll::Ready(Ok(()));
            }
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let count = front.len().min(to.remaining());
        to.put_slice(&front[..count]);
        front.advance(count);
        if front.is_empty() {
            pipe.arrived.pop_front();
        }
        pipe.bytes -= count;
        pipe.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(net) = &self.net else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        let mut state = net.0.lock();
        let Some(pipe) = state.pipes.get_mut(&self.writes) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        if pipe.is_broken || self.has_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW_BYTES.saturating_sub(pipe.bytes);
        if room == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = room.min(bytes.len());
        let (from, to) = (pipe.from, pipe.to);
        let at_ms = now_ms() + state.latency_ms(from, to);
        if let Some(pipe) = state.pipes.get_mut(&self.writes) {
            pipe.bytes += count;
            let at_ms = pipe.flying.back().map_or(at_ms, |(at, _)| at_ms.max(*at));
            pipe.flying.push_back((at_ms, Some(Bytes::copy_from_slice(&bytes[..count]))));
        }
        state.busy.insert(self.writes);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimulatedStream {
    fn drop(&mut self) {
        self.end();
        let Some(net) = &self.net else { return };
        let mut state = net.0.lock();
        if let Some(pipe) = state.pipes.get_mut(&self.reads) {
            pipe.is_read = false;
            pipe.bytes -= pipe.arrived.drain(..).map(|bytes| bytes.len()).sum::<usize>();
            pipe.writer.take().into_iter().for_each(Waker::wake);
        }
        if let Some(pipe) = state.pipes.get_mut(&self.writes) {
            pipe.is_written = false;
        }
    }
}
