//! What follows for an operation that a node did not do. Pure.

use ringhold_model::wire::Fault;
use ringhold_rpc::CallError;

use super::outcome::{Applied, Failure, Reason};

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: this is the outcome.
    Settle,
    /// It is sent again with a view of at least this index, which the node acts by.
    WithView(u64),
    /// The node cannot be reached: reads go to another copy at once, everything else tries again. That costs no node anything.
    Unreachable,
    /// The node does not serve at the moment: reads go to another copy at once, everything else waits.
    Elsewhere,
    /// The node serves, but not this operation yet.
    Soon,
    /// The range has fewer copies than its writes need.
    WithCopies,
    /// The node works at its bound: it is asked again only where the budget allows it.
    Spared,
}

/// A node's or a connection's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) next: Next,
    /// What the client is told if nothing better comes.
    pub(super) reason: Reason,
    /// Whether a write may have been executed all the same.
    pub(super) may_be_done: bool,
}

impl Verdict {
    /// On one operation that the node answered. `is_retry`: it was told that the operation may have reached a node before.
    pub(super) fn of_fault(fault: &Fault, is_retry: bool) -> Self {
        let unavailable = |next| Self { next, reason: Reason::Unavailable, may_be_done: false };
        match fault {
            Fault::WrongEpoch { view, .. } | Fault::NotPrimary { view, .. } => unavailable(Next::WithView(*view)),
            Fault::Busy | Fault::NotCommitted => unavailable(Next::Soon),
            Fault::ShuttingDown => unavailable(Next::Elsewhere),
            Fault::NoLease => Self { next: Next::Elsewhere, reason: Reason::NoLease, may_be_done: false },
            Fault::NotEnoughCopies { .. } => {
                Self { next: Next::WithCopies, reason: Reason::Refused(fault.clone()), may_be_done: false }
            }
            Fault::Overloaded => Self { next: Next::Spared, reason: Reason::Overloaded, may_be_done: false },
            // It lost the range while the operation was under way. Whoever has the range now can tell, if told that it may
            // be done already.
            Fault::Unknown if !is_retry => Self { may_be_done: true, ..unavailable(Next::Soon) },
            fault => {
                let Failure { reason, applied } = Failure::from_fault(fault.clone());
                Self { next: Next::Settle, reason, may_be_done: applied == Applied::Unknown }
            }
        }
    }

    /// On operations of ranges without a primary.
    pub(super) fn of_nobody() -> Self {
        Self { next: Next::Unreachable, reason: Reason::Unavailable, may_be_done: false }
    }

    /// On all operations of a call without an answer.
    pub(super) fn of_error(error: &CallError, is_retry: bool) -> Self {
        let may_be_done = !error.is_surely_not_executed();
        match error {
            CallError::Fault(fault) => Self::of_fault(fault, is_retry),
            CallError::Overloaded => Self { next: Next::Spared, reason: Reason::Overloaded, may_be_done },
            CallError::TimedOut => Self { next: Next::Soon, reason: Reason::DeadlinePassed, may_be_done },
            CallError::Unreachable(_) | CallError::Lost | CallError::Malformed(_) => {
                Self { next: Next::Unreachable, reason: Reason::Unavailable, may_be_done }
            }
        }
    }

    /// Whether the node is one to avoid for a while.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.next, Next::Unreachable | Next::Elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::{Epoch, cluster::Rejection};

    use super::*;

    #[test]
    fn every_retryable_fault_is_tried_again_and_no_other_that_says_what_became_of_it() {
        let view = 9;
        for fault in [
            Fault::WrongEpoch { epoch: Epoch(1), view },
            Fault::NotPrimary { primary: None, view },
            Fault::Busy,
            Fault::Overloaded,
            Fault::ShuttingDown,
            Fault::NoLease,
            Fault::NotCommitted,
            Fault::NotEnoughCopies { have: 1, need: 2 },
        ] {
            let verdict = Verdict::of_fault(&fault, false);
            assert!(fault.is_retryable() && verdict.next != Next::Settle && !verdict.may_be_done, "{fault}");
        }
        for fault in [
            Fault::TooLarge { bytes: 1, max: 0 },
            Fault::UnknownNamespace,
            Fault::DeadlinePassed,
            Fault::Malformed,
            Fault::Rejected(Rejection::NotFormed),
        ] {
            assert_eq!(Verdict::of_fault(&fault, false).next, Next::Settle, "{fault}");
        }
    }

    #[test]
    fn who_has_the_range_now_is_asked_once_whether_a_write_was_done() {
        let first = Verdict::of_fault(&Fault::Unknown, false);
        assert!(first.may_be_done && first.next == Next::Soon);
        assert_eq!(Verdict::of_fault(&Fault::Unknown, true).next, Next::Settle);
    }

    #[test]
    fn what_was_lost_may_be_done_and_what_never_left_is_not() {
        for (error, may_be_done) in [
            (CallError::Lost, true),
            (CallError::TimedOut, true),
            (CallError::Unreachable(String::new()), false),
            (CallError::Overloaded, false),
            (CallError::Fault(Fault::Busy), false),
        ] {
            assert_eq!(Verdict::of_error(&error, false).may_be_done, may_be_done, "{error}");
        }
    }
}
