//! Keys that anybody increments by one, at the same time.

use std::collections::HashSet;

use super::violation::{Outcome, Violation, Wrong};

/// All counters, by number.
#[derive(Debug, Default)]
pub struct Counters(Vec<Counter>);

/// One counter. It begins absent, which reads as zero.
#[derive(Clone, Debug, Default)]
struct Counter {
    begun: i64,
    acked: i64,
    void: i64,
    unknown: i64,
    /// Highest sum that anybody was told.
    floor: i64,
    /// Sums that increments were answered with.
    sums: HashSet<i64>,
}

/// An increment or a read under way, with the least that it must return.
#[derive(Clone, Copy, Debug)]
pub struct CountTicket {
    pub counter: usize,
    least: i64,
}

impl Counters {
    /// So many counters that do not exist yet.
    pub fn new(counters: usize) -> Self {
        Self(vec![Counter::default(); counters])
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn begin_increment(&mut self, counter: usize) -> CountTicket {
        let CountTicket { least, .. } = self.begin_read(counter);
        self.0[counter].begun += 1;
        CountTicket { counter, least: least + 1 }
    }

    /// `sum`: what the increment was answered with, when it was.
    ///
    /// # Errors
    /// The sum cannot be.
    pub fn end_increment(&mut self, ticket: CountTicket, outcome: Outcome, sum: Option<i64>) -> Result<(), Violation> {
        let counter = &mut self.0[ticket.counter];
        match outcome {
            Outcome::NotApplied => counter.void += 1,
            Outcome::Unknown => counter.unknown += 1,
            Outcome::Done => counter.acked += 1,
        }
        let (Outcome::Done, Some(sum)) = (outcome, sum) else { return Ok(()) };
        counter.check(ticket, sum)?;
        if counter.sums.insert(sum) {
            return Ok(());
        }
        Err(Violation::new(Wrong::CountedTwice, "", format!("the sum {sum} was given out twice")))
    }

    pub fn begin_read(&self, counter: usize) -> CountTicket {
        let Counter { acked, floor, .. } = self.0[counter];
        CountTicket { counter, least: acked.max(floor) }
    }

    /// # Errors
    /// The value cannot be.
    pub fn end_read(&mut self, ticket: CountTicket, value: i64) -> Result<(), Violation> {
        self.0[ticket.counter].check(ticket, value)
    }

    /// Notes that all copies of everything were lost.
    pub fn reset(&mut self) {
        self.0.iter_mut().for_each(|counter| *counter = Counter::default());
    }

    /// Increments with unknown outcome.
    pub fn unknown(&self) -> i64 {
        self.0.iter().map(|counter| counter.unknown).sum()
    }
}

impl Counter {
    fn check(&mut self, ticket: CountTicket, value: i64) -> Result<(), Violation> {
        let most = self.begun - self.void;
        let detail = || format!("{value}, which must be {} to {most}", ticket.least);
        if value > most {
            return Err(Violation::new(Wrong::CountedTwice, "", detail()));
        }
        if value < ticket.least {
            let wrong = if value == 0 { Wrong::Lost } else { Wrong::Stale };
            return Err(Violation::new(wrong, "", detail()));
        }
        self.floor = self.floor.max(value);
        Ok(())
    }
}
