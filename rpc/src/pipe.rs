//! A connection's bytes in both directions: what has arrived and what is to leave.
//!
//! Reads and writes go on independently, in one task and without splitting the stream.

use std::{
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;

use crate::{
    frame::{self, FrameError},
    transport::Stream,
};

/// Room that is made for reading when little is left: many small frames a read.
const READ_BYTES: usize = 64 << 10;
/// Below this much room, more is made.
const READ_BYTES_MIN: usize = 8 << 10;
/// Buffers that grew beyond this for a large frame are given back once they are empty.
const KEEP_BYTES_MAX: usize = 1 << 20;

pub(crate) struct Pipe<S> {
    stream: S,
    inbox: BytesMut,
    /// What is to leave; the first `written` bytes have left.
    outbox: Vec<u8>,
    written: usize,
}

/// What moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Bytes arrived.
    Read,
    /// The peer sends nothing more.
    Ended,
}

impl<S: Stream> Pipe<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, inbox: BytesMut::new(), outbox: Vec::new(), written: 0 }
    }

    /// The next complete payload that has arrived.
    pub(crate) fn next_payload(&mut self) -> Result<Option<Bytes>, FrameError> {
        frame::next_payload(&mut self.inbox)
    }

    /// Bytes that are to leave.
    pub(crate) const fn unsent(&self) -> usize {
        self.outbox.len() - self.written
    }

    /// Lends the outgoing bytes to append to; give them back with [`Pipe::put_outbox`].
    pub(crate) fn take_outbox(&mut self) -> Vec<u8> {
        mem::take(&mut self.outbox)
    }

    /// Takes the outgoing bytes back.
    pub(crate) fn put_outbox(&mut self, outbox: Vec<u8>) {
        self.outbox = outbox;
    }

    /// The outgoing bytes, to append to or, when nothing is unsent, to swap.
    pub(crate) const fn outbox(&mut self) -> &mut Vec<u8> {
        &mut self.outbox
    }

    /// Writes what can be written. Returns how much left; the waker is registered if something stays.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<usize> {
        let mut moved = 0;
        while self.written < self.outbox.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.outbox[self.written..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    self.written += written;
                    moved += written;
                }
                Poll::Pending => break,
            }
        }
        self.tidy_outbox();
        Ok(moved)
    }

    /// Reads once.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Moved>> {
        self.make_room();
        let reading = pin!(self.stream.read_buf(&mut self.inbox));
        let read = ready!(reading.poll(cx))?;
        Poll::Ready(Ok(if read == 0 { Moved::Ended } else { Moved::Read }))
    }

    /// Says that nothing more will be sent.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn make_room(&mut self) {
        if self.inbox.is_empty() && self.inbox.capacity() > KEEP_BYTES_MAX {
            self.inbox = BytesMut::new();
        }
        let wanted = frame::room_wanted(&self.inbox).max(READ_BYTES_MIN);
        if self.inbox.capacity() - self.inbox.len() < wanted {
            self.inbox.reserve(wanted.max(READ_BYTES));
        }
    }

    fn tidy_outbox(&mut self) {
        if self.written == self.outbox.len() {
            self.written = 0;
            self.outbox.clear();
            if self.outbox.capacity() > KEEP_BYTES_MAX {
                self.outbox = Vec::new();
            }
        } else if self.written > READ_BYTES && self.written > self.outbox.len() / 2 {
            self.outbox.drain(..self.written);
            self.written = 0;
        }
    }
}
