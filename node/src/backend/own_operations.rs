//! Names for the writes that a node does by itself, as a router names those of its clients.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use ringhold_model::RouterId;

/// See the module.
#[derive(Debug)]
pub(crate) struct OwnOperations {
    run: RouterId,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    numbers: BTreeSet<u64>,
}

/// One write, until it is dropped.
#[derive(Debug)]
pub(crate) struct OwnOperation<'a> {
    operations: &'a OwnOperations,
    /// Its number.
    pub(crate) n: u64,
    /// The lowest number without an answer.
    pub(crate) lowest_open: u64,
}

impl OwnOperations {
    /// `run` is drawn at random.
    pub(crate) fn new(run: RouterId) -> Self {
        Self { run, open: Mutex::default() }
    }

    /// Who does them.
    pub(crate) fn run(&self) -> RouterId {
        self.run
    }

    /// The next one.
    pub(crate) fn begin(&self) -> OwnOperation<'_> {
        let mut open = self.open.lock();
        open.last += 1;
        let n = open.last;
        open.numbers.insert(n);
        let lowest_open = open.numbers.first().copied().unwrap_or(n);
        OwnOperation { operations: self, n, lowest_open }
    }
}

impl Drop for OwnOperation<'_> {
    fn drop(&mut self) {
        self.operations.open.lock().numbers.remove(&self.n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_open_number_waits_for_the_oldest_write() {
        let operations = OwnOperations::new(RouterId(5));
        let first = operations.begin();
        let second = operations.begin();
        assert_eq!((first.n, second.n, second.lowest_open), (1, 2, 1));
        drop(first);
        assert_eq!(operations.begin().lowest_open, 2);
    }
}
