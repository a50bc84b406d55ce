//! The effective settings for people: name, value, origin.

use super::{
    given::Given,
    variables::{VARIABLES, Variable},
};

/// One line of `ringhold settings`.
#[derive(Debug)]
pub(crate) struct Row {
    /// The variable.
    pub(crate) variable: &'static Variable,
    /// Its value, secrets hidden.
    pub(crate) value: String,
    /// Where it comes from.
    pub(crate) origin: String,
}

/// Every variable as it stands.
pub(crate) fn rows(given: &Given) -> Vec<Row> {
    VARIABLES
        .iter()
        .map(|variable| {
            let (value, origin) = given.get(variable);
            Row { variable, value: variable.masked(value), origin: origin.to_string() }
        })
        .collect()
}
