//! Why a backend did not do what it was asked.

use thiserror::Error as ThisError;

/// A variant for each reaction of the caller.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum Error {
    /// It cannot be reached, or is not asked for a while because it could not be. Nothing was done.
    #[error("{0}")]
    Down(String),
    /// It was asked and did not answer in time, or the connection broke: what was asked may have been done.
    #[error("{0}")]
    Silent(String),
    /// It works and refused, for a reason of its own such as no memory, no room on the disk, no right to write. Nothing was done.
    #[error("{0}")]
    Refused(String),
    /// The row is larger than it takes.
    #[error("the item takes {bytes} bytes there, and at most {max} are taken")]
    TooLarge {
        /// Bytes of the row.
        bytes: u64,
        /// Most that it takes.
        max: u64,
    },
    /// It cannot tell which keys it holds.
    #[error("it cannot list its keys")]
    Unlistable,
}

impl Error {
    /// True when it says that the backend does not work, not only that it does not do this.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Down(_) | Self::Silent(_))
    }
}
