//! What is known of all keys, and what went wrong.

use std::collections::BTreeMap;

use super::{
    claims::Claims,
    counters::Counters,
    figures::Figures,
    options::{Options, Placement},
    registers::Registers,
    violation::{Violation, Wrong},
};

/// Violations that are kept with their details; all are counted.
const DETAILS_MAX: usize = 20;

/// One lock around it: every check sees the operations in one order.
#[derive(Debug)]
pub struct Book {
    pub registers: Registers,
    pub counters: Counters,
    pub claims: Claims,
    pub figures: Figures,
    pub violations: Vec<Violation>,
    pub wrong: BTreeMap<Wrong, u64>,
}

impl Book {
    pub fn new(options: &Options, placement: Placement) -> Self {
        Self {
            registers: Registers::new(options.registers).evicting(options.evicts),
            counters: Counters::new(options.counters),
            claims: Claims::default(),
            figures: Figures::new(placement.ranges()),
            violations: Vec::new(),
            wrong: BTreeMap::new(),
        }
    }

    /// Notes a violation, if it is one.
    pub fn judge(&mut self, key: impl FnOnce() -> String, checked: Result<(), Violation>) {
        let Err(violation) = checked else { return };
        let violation = Violation { key: key(), ..violation };
        *self.wrong.entry(violation.wrong).or_default() += 1;
        if self.violations.len() < DETAILS_MAX {
            eprintln!("violation: {violation}");
            self.violations.push(violation);
        }
    }
}

/// Names of keys.
#[derive(Clone, Copy, Debug)]
pub struct Names(pub &'static str);

impl Names {
    pub fn register(self, key: u32) -> String {
        format!("{}r-{key}", self.0)
    }

    pub fn counter(self, key: usize) -> String {
        format!("{}c-{key}", self.0)
    }

    pub fn claim(self, key: u32) -> String {
        format!("{}a-{key}", self.0)
    }
}

/// Value of write `n` of a register: tells whose it is, padded to `bytes`.
pub fn value_of(name: &str, n: u32, bytes: usize) -> String {
    let mut value = format!("{name}#{n}#");
    while value.len() < bytes {
        value.push('.');
    }
    value
}

/// The number in a register's value; `None`: it is not `name`'s.
pub fn number_in(value: &str, name: &str) -> Option<u32> {
    value.strip_prefix(name)?.strip_prefix('#')?.split('#').next()?.parse().ok()
}

/// The text behind `"name":` in the answer of a single call, up to the end of a string or number. The answers of the calls
/// that are made here hold each name once before any text of a client.
pub fn member<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let at = body.find(&format!("\"{name}\":"))? + name.len() + 3;
    let text = &body[at..];
    match text.strip_prefix('"') {
        Some(text) => text.split('"').next(),
        None => text.split([',', '}', ']']).next(),
    }
}
