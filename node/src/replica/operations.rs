//! The results of recent writes, so that a write that is sent again is applied once.

use std::collections::VecDeque;

use ringhold_model::{
    OpId, RouterId, Version,
    config::Strategy,
    rules::Rule,
    wire::{Conflict, Fault},
};
use serde::{Deserialize, Serialize};

use super::message::OpRecord;

/// Most results that one range remembers. A result stays until its router says that it has the answer; when all places are
/// taken, new writes are refused, because to forget an open one could apply it twice.
pub(super) const RESULTS_MAX: usize = 4_096;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpResult {
    /// The record was stored.
    Stored {
        /// Its version.
        version: Version,
        /// Milliseconds it was given; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
    },
    /// The record that was there did not allow it.
    Conflict(Conflict),
    /// The record is gone.
    Deleted {
        /// True when there was one.
        found: bool,
    },
    /// A whole number was incremented, or made.
    Counted {
        /// The sum.
        value: i64,
        /// Version of the record that holds it.
        version: Version,
        /// Milliseconds that remained; `None`: it does not expire.
        ttl_ms: Option<u64>,
    },
    /// The record was stored. What it replaced is kept apart, and not for longer than its answer is on its way.
    Swapped {
        /// Its version.
        version: Version,
        /// Milliseconds it was given; `None`: it does not expire.
        ttl_ms: Option<u64>,
        /// The strategy that governs it.
        strategy: Strategy,
        /// True when it replaced one.
        found: bool,
    },
    /// The record was given a new time to live.
    Touched {
        /// Its version since then.
        version: Version,
        /// Milliseconds it was given; `None`: it does not expire.
        ttl_ms: Option<u64>,
    },
    /// There was no record to work on.
    Missed,
}

/// Whether a write may be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Apply it, then [`Operations::remember`] its result.
    New,
    /// It was applied before, with this result.
    Known(OpResult),
    /// Refuse it.
    Refused(Fault),
}

/// Results by router and number.
#[derive(Debug, Default)]
pub struct Operations {
    routers: Vec<Router>,
    results: usize,
}

#[derive(Debug)]
struct Router {
    id: RouterId,
    /// Numbers below have their answer; they are forgotten and refused.
    lowest_open: u64,
    heard_at_ms: u64,
    /// Ascending by number.
    results: VecDeque<(u64, OpResult)>,
}

impl Router {
    /// Numbers below `lowest_open` have their answers; says how many results were forgotten.
    fn close_below(&mut self, lowest_open: u64) -> usize {
        self.lowest_open = self.lowest_open.max(lowest_open);
        let before = self.results.len();
        while self.results.front().is_some_and(|(n, _)| *n < self.lowest_open) {
            self.results.pop_front();
        }
        before - self.results.len()
    }

    /// The remembered result of a number; mostly it is above all of them.
    fn result(&self, n: u64) -> Option<OpResult> {
        self.results.back().filter(|(last, _)| *last >= n)?;
        let at = self.results.binary_search_by_key(&n, |(known, _)| *known).ok()?;
        Some(self.results[at].1)
    }
}

impl Operations {
    /// Decides on a write.
    ///
    /// A retry that is not known here has had no effect and never will have: the table goes with the effects through every change
    /// of primary, and an attempt that is still under way to a former one is refused there.
    pub fn admit(&mut self, op: OpId, lowest_open: u64, now_ms: u64) -> Admission {
        let router = self.router(op.router);
        router.heard_at_ms = router.heard_at_ms.max(now_ms);
        let forgotten = router.close_below(lowest_open);
        let (is_answered, known) = (op.n < router.lowest_open, router.result(op.n));
        self.results -= forgotten;
        if is_answered {
            return Admission::Refused(Fault::Unknown);
        }
        // A first attempt may be known as well: it can arrive on its old connection after its retry did on a new one.
        if let Some(known) = known.filter(|_| Rule::KnownOperations.holds()) {
            return Admission::Known(known);
        }
        if self.results >= RESULTS_MAX { Admission::Refused(Fault::Overloaded) } else { Admission::New }
    }

    /// Keeps the result of an admitted write.
    pub fn remember(&mut self, op: OpId, result: OpResult) {
        let Some(router) = self.routers.iter_mut().find(|router| router.id == op.router) else { return };
        let at = match router.results.back() {
            Some((last, _)) if *last >= op.n => router.results.partition_point(|(n, _)| *n < op.n),
            _ => router.results.len(),
        };
        if router.results.get(at).is_some_and(|(n, _)| *n == op.n) {
            router.results[at].1 = result;
        } else {
            router.results.insert(at, (op.n, result));
            self.results += 1;
        }
    }

    /// Takes the result of an operation that another node did.
    pub fn absorb(&mut self, record: OpRecord, now_ms: u64) {
        let router = self.router(record.id.router);
        router.heard_at_ms = router.heard_at_ms.max(now_ms);
        self.results -= self.router(record.id.router).close_below(record.lowest_open);
        self.remember(record.id, record.result);
    }

    /// All results, for another copy.
    pub fn records(&self) -> impl Iterator<Item = OpRecord> + '_ {
        self.routers.iter().flat_map(|router| {
            let record = |&(n, result): &(u64, OpResult)| OpRecord {
                id: OpId { router: router.id, n },
                lowest_open: router.lowest_open,
                result,
            };
            router.results.iter().map(record)
        })
    }

    fn router(&mut self, id: RouterId) -> &mut Router {
        let at = self.routers.iter().position(|router| router.id == id).unwrap_or_else(|| {
            self.routers.push(Router { id, lowest_open: 0, heard_at_ms: 0, results: VecDeque::new() });
            self.routers.len() - 1
        });
        &mut self.routers[at]
    }

    /// Forgets routers that were silent since before `since_ms`: longer than any deadline, so that none of their writes can
    /// still arrive.
    pub fn forget_silent(&mut self, since_ms: u64) {
        self.routers.retain(|router| {
            let stays = router.heard_at_ms >= since_ms;
            if !stays {
                self.results -= router.results.len();
            }
            stays
        });
    }

    /// Results remembered.
    pub fn len(&self) -> usize {
        self.results
    }

    /// True when nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.results == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: OpResult = OpResult::Deleted { found: true };

    fn op(n: u64) -> OpId {
        OpId { router: RouterId(1), n }
    }

    #[test]
    fn a_retry_gets_the_remembered_result_and_anything_else_is_new() {
        let mut table = Operations::default();
        assert_eq!(table.admit(op(5), 3, 0), Admission::New);
        table.remember(op(5), FOUND);
        assert_eq!(table.admit(op(5), 3, 0), Admission::Known(FOUND));
        assert_eq!(table.admit(op(4), 3, 0), Admission::New, "it surely never came");
        assert_eq!(table.admit(OpId { router: RouterId(2), n: 5 }, 0, 0), Admission::New);
    }

    #[test]
    fn a_first_attempt_that_comes_after_its_retry_is_not_applied_again() {
        let mut table = Operations::default();
        for n in [4, 5, 9] {
            assert_eq!(table.admit(op(n), 3, 0), Admission::New);
            table.remember(op(n), FOUND);
        }
        assert_eq!(table.admit(op(5), 3, 0), Admission::Known(FOUND));
        assert_eq!(table.admit(op(6), 3, 0), Admission::New);
    }

    #[test]
    fn numbers_below_the_lowest_open_are_forgotten_and_refused() {
        let mut table = Operations::default();
        for n in [1, 3, 2, 9] {
            assert_eq!(table.admit(op(n), 1, 0), Admission::New);
            table.remember(op(n), FOUND);
        }
        assert_eq!(table.len(), 4);
        assert_eq!(table.admit(op(10), 3, 0), Admission::New);
        assert_eq!(table.len(), 2);
        assert_eq!(table.admit(op(2), 1, 0), Admission::Refused(Fault::Unknown));
        assert_eq!(table.admit(op(3), 1, 0), Admission::Known(FOUND));
    }

    #[test]
    fn a_full_table_refuses_rather_than_forgets() {
        let mut table = Operations::default();
        for n in 1..=RESULTS_MAX as u64 {
            assert_eq!(table.admit(op(n), 1, n), Admission::New);
            table.remember(op(n), FOUND);
        }
        let next = RESULTS_MAX as u64 + 1;
        assert_eq!(table.admit(op(next), 1, 0), Admission::Refused(Fault::Overloaded));
        assert_eq!(table.admit(op(1), 1, 0), Admission::Known(FOUND));
        assert_eq!(table.admit(op(next), 2, 0), Admission::New, "an answer made room");
        table.forget_silent(next);
        assert!(table.is_empty());
    }
}
