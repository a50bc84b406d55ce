//! What can go wrong with the log on disk.

use std::{io, path::PathBuf};

use thiserror::Error;

/// A failure of the store. None of them is safe to retry on the same store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The engine failed.
    #[error("the log store failed to {action}: {message}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// What the engine said.
        message: String,
    },
    /// A record is damaged, of an unknown version, or missing.
    #[error(
        "the Raft log is damaged ({0}); this node's promises cannot be kept. Do not repair it: stop the node, move its \
         data folder away, and start it again with an empty one, so that it joins under a new id"
    )]
    Corrupt(String),
    /// An entry above the bound, refused before it was written.
    #[error("a log entry of {bytes} bytes is above the bound of {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// An earlier failure made the store unusable.
    #[error("the log store failed earlier and is closed: {0}")]
    Poisoned(String),
}

impl From<crate::sealed::SealError> for StoreError {
    fn from(error: crate::sealed::SealError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl StoreError {
    /// For `map_err` on file operations.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// For `map_err` on engine calls.
    pub(crate) fn engine<E: std::fmt::Display>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Engine { action, message: error.to_string() }
    }
}
