//! What is wrong with the settings, all at once.

use std::fmt;

use super::{given::Origin, variables::Variable};

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    name: String,
    /// Already masked.
    value: String,
    expected: String,
    origin: String,
    cause: Option<String>,
}

impl Fault {
    /// `name` has `value`, which is not what is `expected`. The value of a known variable is masked as it asks for.
    pub(crate) fn new(name: &str, value: &str, expected: &str, origin: &Origin) -> Self {
        let value = match Variable::named(name) {
            Some(variable) => variable.masked(value),
            None => value.to_owned(),
        };
        Self { name: name.to_owned(), value, expected: expected.to_owned(), origin: origin.to_string(), cause: None }
    }

    /// The same, with what the system said.
    pub(crate) fn because(self, cause: &dyn fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {:?} ({}): expected {}", self.name, self.value, self.origin, self.expected)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

/// Every fault found; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "one setting cannot be used; nothing was started")?,
            count => writeln!(f, "{count} settings cannot be used; nothing was started")?,
        }
        for fault in &self.0 {
            writeln!(f, "  {fault}")?;
        }
        f.write_str(
            "Correct them in the `.env` file, the environment or the flags; `ringhold settings` shows what counts.",
        )
    }
}

impl std::error::Error for Faults {}
