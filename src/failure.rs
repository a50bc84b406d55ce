//! How a command ends, and the exit code that says so.

use std::{io, process::ExitCode};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked for wrongly, or a setting is wrong.
    Usage(anyhow::Error),
    /// What was asked for is not there.
    NotFound(String),
    /// The answer to a question is no.
    No(String),
    /// Anything else.
    Failed(anyhow::Error),
    /// Whoever read the output has gone, as `head` does; nothing to say.
    ReaderGone,
}

impl Failure {
    /// 1 failed, or no; 2 usage, 3 not found; a reader that has gone is no failure.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::ReaderGone => 0,
            Self::Failed(_) | Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
        }
    }

    /// Says it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) | Self::Failed(error) => eprintln!("error: {error:#}"),
            Self::NotFound(what) | Self::No(what) => eprintln!("{what}"),
            Self::ReaderGone => {}
        }
        ExitCode::from(self.code())
    }

    /// A [`Failure::Usage`] from a message.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(anyhow::Error::msg(message.into()))
    }

    /// A [`Failure::Failed`] from a message.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(message.into()))
    }

    /// A failure to write the output.
    pub(crate) fn of_output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(anyhow::Error::new(error).context("the output cannot be written")),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}
