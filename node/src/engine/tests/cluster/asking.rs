//! How operations look on the wire, and what came back.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use ringhold_model::{
    Epoch,
    config::DataType,
    wire::{Action, Condition, NewRecord, PointOp, Ttl},
};

use super::history::Ask;
use crate::engine::Commit;

/// True when there is nothing to wait for any more; `settle` was called with what came of it.
pub(super) fn poll(commit: &mut Option<Commit>, settle: &mut dyn FnMut(crate::engine::CommitOutcome)) -> bool {
    let Some(waited) = commit else { return true };
    match Pin::new(waited).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => {
            *commit = None;
            settle(outcome);
            true
        }
        Poll::Pending => false,
    }
}

pub(super) fn number(value: &[u8]) -> i64 {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).expect("all values are whole numbers")
}

/// An operation with the number `n`.
pub(super) fn point<'a>(
    (ask, n): (&Ask, u64),
    (key, hash, epoch): (&'a str, u64, Epoch),
    value: &'a str,
    ttl: Ttl,
) -> PointOp<'a> {
    let record = NewRecord {
        value: value.as_bytes(),
        metadata: None,
        tags: if n.is_multiple_of(3) { vec!["red"] } else { vec![] },
        data_type: DataType::Number,
        strategy: None,
        ttl,
        history: None,
        when: if matches!(*ask, Ask::SetAbsent(_)) { vec![Condition::Absent] } else { vec![] },
    };
    let action = match ask {
        Ask::Get | Ask::Wipe => Action::Get,
        Ask::Set(_) | Ask::SetAbsent(_) => Action::Set { n, record },
        Ask::Delete => Action::Delete { n, when: vec![] },
        Ask::Increment(by) => Action::Increment { n, by: *by, initial: 0, record },
        Ask::Swap(_) => Action::Swap { n, record },
        Ask::Touch => Action::Touch { n, ttl, when: vec![] },
    };
    PointOp { hash, epoch, key, action }
}
