//! The bytes of a [`ClusterState`], as snapshots hold them: one byte of version, then postcard.
//!
//! A change of any type that the state is made of is a new version, with a migration from the one before beside it; the
//! golden test fails until both exist.

mod v1;

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::state::ClusterState;

/// The version that this program writes.
pub const FORMAT_VERSION: u8 = 2;

/// Why bytes are not a state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatFault {
    /// There are no bytes at all.
    #[error("the cluster state is empty")]
    Empty,
    /// Written by a program that this one does not understand.
    #[error(
        "the cluster state has format {found}; this program reads up to {FORMAT_VERSION}: run a newer version of it"
    )]
    UnknownVersion {
        /// The version found.
        found: u8,
    },
    /// The version is known, the rest is damaged.
    #[error("the cluster state is damaged: {0}")]
    Damaged(postcard::Error),
    /// More bytes than the state needs.
    #[error("the cluster state is followed by {0} bytes that do not belong to it")]
    TrailingBytes(usize),
    /// The state cannot be written; a bug.
    #[error("the cluster state cannot be written: {0}")]
    Unwritable(postcard::Error),
}

impl ClusterState {
    /// This state as bytes of version [`FORMAT_VERSION`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatFault> {
        postcard::to_extend(self, vec![FORMAT_VERSION]).map_err(FormatFault::Unwritable)
    }

    /// Reads a state of any version that this program knows.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatFault> {
        match bytes.split_first() {
            None => Err(FormatFault::Empty),
            Some((&FORMAT_VERSION, body)) => whole(body),
            Some((&v1::VERSION, body)) => whole::<v1::ClusterState>(body).map(Self::from),
            Some((&found, _)) => Err(FormatFault::UnknownVersion { found }),
        }
    }
}

/// All of `body` as one value.
fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, FormatFault> {
    match postcard::take_from_bytes(body).map_err(FormatFault::Damaged)? {
        (value, []) => Ok(value),
        (_, rest) => Err(FormatFault::TrailingBytes(rest.len())),
    }
}

#[cfg(test)]
mod tests;
