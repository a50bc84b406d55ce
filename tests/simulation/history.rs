//! What clients asked, and what they were answered.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use ringhold_model::{RangeId, Version};
use ringhold_router::simulated::Answer;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Get {
        is_strict: bool,
    },
    /// Values are never used twice.
    Set {
        value: u64,
        if_absent: bool,
    },
    Delete,
    Increment,
    RemoveByTag {
        tag: usize,
    },
    Clear,
    Keys,
}

/// One call of one client. Times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) client: usize,
    /// `None`: about all.
    pub(crate) key: Option<usize>,
    pub(crate) call: Call,
    pub(crate) answer: Answer,
    pub(crate) began_ms: u64,
    pub(crate) ended_ms: u64,
}

/// Everything, in the order in which the calls ended.
#[derive(Clone, Default)]
pub(crate) struct History(Arc<Mutex<Vec<Event>>>);

impl History {
    pub(crate) fn add(&self, event: Event) {
        self.0.lock().push(event);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().clone()
    }
}

/// When a range lost what it held, as must be: nobody was left who had it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses(BTreeMap<RangeId, Vec<u64>>);

impl Losses {
    pub(crate) fn add(&mut self, range: RangeId, at_ms: u64) {
        self.0.entry(range).or_default().push(at_ms);
    }

    /// Whether it lost something after `since_ms` and before `until_ms`.
    pub(crate) fn any_between(&self, range: RangeId, since_ms: u64, until_ms: u64) -> bool {
        self.0.get(&range).is_some_and(|all| all.iter().any(|at| (since_ms..=until_ms).contains(at)))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// The value that an answer shows.
pub(crate) fn value_of(answer: &Answer) -> Option<(u64, Version)> {
    match answer {
        Answer::Hit(bytes, version) => Some((std::str::from_utf8(bytes).ok()?.parse().ok()?, *version)),
        _ => None,
    }
}
