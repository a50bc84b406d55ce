//! Linearizability of single keys: is there an order of the operations that real time agrees with and that explains every
//! answer?
//!
//! The search is that of Wing and Gong with Lowe's memory of configurations. It is written here because it is short and
//! what is to be had brings a benchmark suite along as a dependency and gives up after a time; this one gives up after a
//! number of steps, so that a verdict does not depend on the machine. Giving up counts as a failure of the test.

pub mod clients;

use std::collections::HashMap;

/// Longest history of one key: the search is exponential in the worst case.
pub const OPERATIONS_MAX: usize = 500;
/// Most operations of unknown outcome on one key; with more the search gives up.
const UNKNOWN_MAX: usize = 64;
/// Configurations after which the search gives up.
const STEPS_MAX: usize = 500_000;
const WORDS: usize = OPERATIONS_MAX.div_ceil(64);

/// What a client asked for. A key holds a whole number or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    Get,
    Set(i64),
    SetIfAbsent(i64),
    Delete,
    Increment,
}

/// What it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Of a get.
    Value(Option<i64>),
    /// Of a set.
    Stored,
    /// Of a set-if-absent or a delete: whether it did anything.
    Changed(bool),
    /// Of an increment.
    Sum(i64),
}

/// One operation of one client.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub input: Input,
    /// `None`: unknown; it may have happened at any time since its begin, or never.
    pub output: Option<Output>,
    /// Places of begin and end in the order of all such moments.
    pub begin: u64,
    pub end: u64,
}

/// What the search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    Violated,
    /// It gave up. Counts as a failure.
    Undecided,
}

/// Searches an order for the operations on one key, which begins without a value.
pub fn check(history: &[Operation]) -> Verdict {
    check_within(history, STEPS_MAX)
}

/// The same, with another number of steps after which the search gives up.
pub fn check_within(history: &[Operation], steps_max: usize) -> Verdict {
    assert!(history.len() <= OPERATIONS_MAX, "{} operations on one key are too many", history.len());
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for op in history {
        match op.output {
            Some(_) => known.push(*op),
            // A read without an answer says nothing.
            None if op.input == Input::Get => {}
            None => unknown.push(*op),
        }
    }
    if unknown.len() > UNKNOWN_MAX {
        return Verdict::Undecided;
    }
    known.sort_by_key(|op| op.begin);
    Search { known, unknown, seen: HashMap::new() }.run(steps_max)
}

struct Search {
    /// Operations with an answer, by begin.
    known: Vec<Operation>,
    /// Operations that may have happened.
    unknown: Vec<Operation>,
    /// Of what was tried, by what has its place and the value: the sets of unknown operations used for it, none of which
    /// holds another one. With more of them used, less is possible.
    seen: HashMap<Reached, Vec<u64>>,
}

/// Which operations with an answer have their place already, and what the key holds after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Reached {
    done: [u64; WORDS],
    value: Option<i64>,
}

/// A point of the search.
#[derive(Clone, Copy, Debug)]
struct Configuration {
    reached: Reached,
    /// Unknown operations that have their place, too.
    used: u64,
}

impl Configuration {
    fn has(&self, at: usize) -> bool {
        self.reached.done[at / 64] & (1 << (at % 64)) != 0
    }

    fn with(mut self, at: usize, value: Option<i64>) -> Self {
        self.reached.done[at / 64] |= 1 << (at % 64);
        self.reached.value = value;
        self
    }

    fn with_unknown(mut self, at: usize, value: Option<i64>) -> Self {
        self.used |= 1 << at;
        self.reached.value = value;
        self
    }

    fn first_open(&self) -> usize {
        let word = self.reached.done.iter().position(|word| *word != u64::MAX).unwrap_or(WORDS);
        word * 64 + self.reached.done.get(word).map_or(0, |word| word.trailing_ones() as usize)
    }
}

impl Search {
    fn run(mut self, steps_max: usize) -> Verdict {
        let start = Reached { done: [0; WORDS], value: None };
        let mut open = vec![Configuration { reached: start, used: 0 }];
        let mut steps = 0;
        while let Some(mut configuration) = open.pop() {
            let (mut next, mut horizon) = self.candidates(&configuration);
            // A read that fits can as well come at once: nothing is lost by it.
            while let Some(at) = next.iter().find(|at| changes_nothing(&self.known[**at], configuration.reached.value))
            {
                configuration = configuration.with(*at, configuration.reached.value);
                (next, horizon) = self.candidates(&configuration);
            }
            if next.is_empty() {
                return Verdict::Linearizable;
            }
            if !self.is_new(&configuration) {
                continue;
            }
            steps += 1;
            if steps > steps_max {
                return Verdict::Undecided;
            }
            self.push_next(&configuration, &next, horizon, &mut open);
        }
        Verdict::Violated
    }

    /// Operations with an answer that may come next: they began before any other open one ended. And when the first ended.
    fn candidates(&self, configuration: &Configuration) -> (Vec<usize>, u64) {
        let (mut found, mut first_end) = (Vec::new(), u64::MAX);
        for at in configuration.first_open()..self.known.len() {
            let op = &self.known[at];
            if op.begin >= first_end {
                break;
            }
            if !configuration.has(at) {
                found.push(at);
                first_end = first_end.min(op.end);
            }
        }
        found.retain(|at| self.known[*at].begin < first_end);
        (found, first_end)
    }

    fn is_new(&mut self, configuration: &Configuration) -> bool {
        let tried = self.seen.entry(configuration.reached).or_default();
        if tried.iter().any(|used| used & !configuration.used == 0) {
            return false;
        }
        tried.retain(|used| configuration.used & !used != 0);
        tried.push(configuration.used);
        true
    }

    /// Those with an answer come off the stack first.
    fn push_next(&self, from: &Configuration, known: &[usize], horizon: u64, open: &mut Vec<Configuration>) {
        for (at, op) in self.unknown.iter().enumerate() {
            let is_open = from.used & (1 << at) == 0 && op.begin < horizon;
            if let Some(value) = apply(op, from.reached.value).filter(|value| is_open && *value != from.reached.value) {
                open.push(from.with_unknown(at, value));
            }
        }
        for at in known.iter().rev() {
            if let Some(value) = apply(&self.known[*at], from.reached.value) {
                open.push(from.with(*at, value));
            }
        }
    }
}

/// An operation that may be answered so here and could not have changed anything.
fn changes_nothing(op: &Operation, value: Option<i64>) -> bool {
    matches!(op.output, Some(Output::Value(_) | Output::Changed(false))) && apply(op, value).is_some()
}

/// The value after an operation; `None`: it cannot have been answered so here.
#[expect(clippy::option_option, reason = "outside: possible or not; inside: the value")]
fn apply(op: &Operation, value: Option<i64>) -> Option<Option<i64>> {
    let (output, after) = match op.input {
        Input::Get => (Output::Value(value), value),
        Input::Set(new) => (Output::Stored, Some(new)),
        Input::SetIfAbsent(new) => (Output::Changed(value.is_none()), value.or(Some(new))),
        Input::Delete => (Output::Changed(value.is_some()), None),
        Input::Increment => {
            let sum = value.unwrap_or(0) + 1;
            (Output::Sum(sum), Some(sum))
        }
    };
    op.output.is_none_or(|answered| answered == output).then_some(after)
}
