//! A counterexample as sentences.

use std::fmt;

use crate::{ids::Key, state::State, step::Step};

/// The steps from the start to a violation.
#[derive(Clone, Debug)]
pub struct Trace {
    start: String,
    lines: Vec<String>,
}

impl Trace {
    /// A trace without a step.
    pub fn starting_at(state: &State) -> Self {
        Self { start: state.log.last().to_string(), lines: Vec::new() }
    }

    /// Adds a step and what it changed that readers or Raft know.
    pub fn push(&mut self, step: Step, before: &State, after: &State) {
        let mut line = step.to_string();
        let (old, new) = (before.log.last(), after.log.last());
        if old != new {
            line += &format!("\n        range: {new}");
        }
        for (number, (old, new)) in (0..).zip(before.ghost.floors.iter().zip(&after.ghost.floors)) {
            if old != new {
                line += &format!("\n        acknowledged or read of key{}: {new}", Key(number));
            }
        }
        self.lines.push(line);
    }

    /// Adds the step that breaks the promise.
    pub fn end_with(&mut self, step: Step) {
        self.lines.push(step.to_string());
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "     start: {}", self.start)?;
        for (number, line) in (1..).zip(&self.lines) {
            writeln!(out, "    {number:2}. {line}")?;
        }
        Ok(())
    }
}
