//! Reads typed values and collects what is wrong with them.

use std::{ops::RangeInclusive, str::FromStr};

use super::{
    fault::Fault,
    given::{Given, Origin},
    parse,
    variables::Variable,
};

/// Reads variables of a [`Given`] by name; a fault is kept and the default read in its place.
pub(crate) struct Reader<'a> {
    given: &'a Given,
    /// What was wrong so far.
    pub(crate) faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Nothing read yet.
    pub(crate) const fn new(given: &'a Given) -> Self {
        Self { given, faults: Vec::new() }
    }

    /// The value of `name` as `parse` understands it.
    pub(crate) fn parsed<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> T {
        let variable = Self::variable(name);
        let (text, origin) = self.given.get(variable);
        if let Some(value) = parse(text) {
            return value;
        }
        self.keep(Fault::new(name, text, variable.expected, &origin));
        parse(variable.default).expect("every default is a value of its variable, as a test reads them all")
    }

    /// The same; `None` when there is neither a value nor a default.
    pub(crate) fn optional<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.parsed(name, |text| if text.is_empty() { Some(None) } else { parse(text).map(Some) })
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, name: &'static str) -> bool {
        self.parsed(name, parse::boolean)
    }

    /// A whole number within `range`.
    pub(crate) fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>) -> u64 {
        self.parsed(name, |text| parse::integer(text).filter(|number| range.contains(number)))
    }

    /// The same as a length or count in memory.
    pub(crate) fn count(&mut self, name: &'static str, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.integer(name, range)).unwrap_or(usize::MAX)
    }

    /// One of the words of `T`.
    pub(crate) fn word<T: FromStr>(&mut self, name: &'static str) -> T {
        self.parsed(name, |text| text.parse().ok())
    }

    /// Refuses the value of `name`, which is well formed, because of `expected`.
    pub(crate) fn refuse(&mut self, name: &'static str, expected: &str) {
        let (text, origin) = self.given.get(Self::variable(name));
        self.keep(Fault::new(name, text, expected, &origin));
    }

    /// A variable that several roles read is at fault once.
    fn keep(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// True when somebody gave `name` another value than its default.
    pub(crate) fn is_changed(&self, name: &'static str) -> bool {
        let variable = Self::variable(name);
        self.given.get(variable).0 != variable.default
    }

    /// True when somebody gave `name`, even if the default.
    pub(crate) fn is_given(&self, name: &'static str) -> bool {
        self.given.get(Self::variable(name)).1 != Origin::Default
    }

    fn variable(name: &'static str) -> &'static Variable {
        Variable::named(name).expect("the names read are those of the table, as a test reads them all")
    }
}
