//! Operation ids of one router worker, and which of them are still open.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Hands out ids counting up from 1 and tracks the lowest one that has no final answer. Nodes refuse ids below it and forget
/// their results, so it must not pass an operation that may still be sent again.
#[derive(Debug)]
pub(crate) struct OpWindow {
    inner: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    /// Id of the first entry of `closed`.
    base: u64,
    /// Per id from `base` on: whether it has its final answer.
    closed: VecDeque<bool>,
}

impl OpWindow {
    /// No id handed out yet.
    pub(crate) fn new() -> Self {
        Self { inner: Mutex::new(Window { base: 1, closed: VecDeque::new() }) }
    }

    /// Opens `count` consecutive ids.
    pub(crate) fn open(&self, count: usize) -> OpenIds<'_> {
        let mut window = self.inner.lock();
        let first = window.base + window.closed.len() as u64;
        let len = window.closed.len() + count;
        window.closed.resize(len, false);
        OpenIds { window: self, first, count }
    }

    /// The lowest open id, or the next one to be handed out.
    pub(crate) fn lowest_open(&self) -> u64 {
        self.inner.lock().base
    }
}

/// Open ids; dropping them closes them, whatever became of the operations (an abandoned request included).
#[derive(Debug)]
pub(crate) struct OpenIds<'a> {
    window: &'a OpWindow,
    /// The first of them.
    pub(crate) first: u64,
    count: usize,
}

impl Drop for OpenIds<'_> {
    fn drop(&mut self) {
        let mut window = self.window.inner.lock();
        let start = (self.first - window.base) as usize;
        for closed in window.closed.range_mut(start..start + self.count) {
            *closed = true;
        }
        while window.closed.front() == Some(&true) {
            window.closed.pop_front();
            window.base += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_open_id_waits_for_the_slowest_operation() {
        let window = OpWindow::new();
        let slow = window.open(1);
        let batch = window.open(3);
        assert_eq!((slow.first, batch.first), (1, 2));
        drop(batch);
        assert_eq!(window.lowest_open(), 1);
        drop(slow);
        assert_eq!(window.lowest_open(), 5);
        assert_eq!(window.open(1).first, 5);
    }
}
