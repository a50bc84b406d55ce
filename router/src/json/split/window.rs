//! The part of the stream that is in memory.

use std::ops::Range;

/// A token that was found.
pub(super) enum Cut {
    /// Where it lies in the window.
    Whole(Range<usize>),
    /// It is longer than allowed and was thrown away.
    TooLarge,
}

/// Bytes from the start of the current token on. What was consumed is dropped with the next `feed`.
#[derive(Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// Next byte to look at.
    at: usize,
    /// Start of the token that must stay.
    mark: Option<usize>,
    /// Bytes dropped so far.
    dropped: u64,
    is_ended: bool,
}

impl Window {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let keep_from = self.mark.unwrap_or(self.at);
        self.bytes.drain(..keep_from);
        self.dropped += keep_from as u64;
        self.at -= keep_from;
        self.mark = self.mark.map(|_| 0);
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn end(&mut self) {
        self.is_ended = true;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// What was not looked at yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Position in the stream, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.dropped + self.at as u64
    }

    /// Steps over `count` bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.at += count;
    }

    /// Steps over JSON whitespace and shows the byte after it, if it is there yet.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let space = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += space;
        self.bytes.get(self.at).copied()
    }

    /// The token that begins here must stay in memory.
    pub(super) fn mark(&mut self) {
        self.mark = Some(self.at);
    }

    /// Length of the marked token so far.
    pub(super) fn marked(&self) -> usize {
        self.mark.map_or(0, |mark| self.at - mark)
    }

    /// The marked token may go.
    pub(super) fn forget(&mut self) {
        self.mark = None;
    }

    /// The marked token up to here; it stays in memory until the next `feed`.
    pub(super) fn take(&mut self) -> Range<usize> {
        let start = self.mark.take().unwrap_or(self.at);
        start..self.at
    }
}
