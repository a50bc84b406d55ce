//! Why a node cannot start, or ended.

use std::io;

use ringhold_model::NodeId;
use thiserror::Error;

use crate::{identity::IdentityError, store::StoreError};

/// Why a node cannot start.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The internal port cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The Raft log cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings contradict each other.
    #[error("{0}")]
    Settings(String),
}

/// Why a running node ended by itself.
#[derive(Debug, Error)]
pub enum RunError {
    /// Raft stopped: its store failed, or it broke one of its own rules.
    #[error("raft stopped: {0}")]
    Raft(String),
    /// The cluster removed this node, or knows its id under another data folder.
    #[error(
        "node {0} was removed from the cluster for good, or its data folder is an old copy; start it with an empty data \
         folder to join as a new node"
    )]
    Removed(NodeId),
    /// The data folder failed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The Raft log failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread or its runtime cannot be made.
    #[error("cannot run the control thread: {0}")]
    Thread(io::Error),
    /// The control thread panicked.
    #[error("the control thread panicked")]
    Panicked,
}
