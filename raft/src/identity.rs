//! Who this node is: drawn once with its data folder, and durable before anyone else hears of it.

use std::{fs, io, path::PathBuf};

use ringhold_model::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    folder::{Folder, write_atomically},
    sealed,
    store::StoreKind,
};

/// Place in the seal, so that no other file passes for an identity.
const PLACE: u64 = 0x1d;

/// What a node knows of itself over restarts. The file's version byte and checksum are the seal's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Random identity of the data folder: tells a wiped node from a restarted one.
    pub(crate) birth: u64,
    /// How often a process started on this folder; this one included.
    pub(crate) boot: u64,
    /// Name of the engine of the Raft log.
    pub(crate) store: String,
    /// How far it is on its way into a cluster.
    pub(crate) standing: Standing,
    /// Clusters that it had consented to and gave up for another; never heard again.
    pub(crate) refused: Vec<ClusterId>,
}

/// A node's way into a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Belongs to none.
    #[default]
    Pristine,
    /// Consented to `cluster`. With a seat it is one of the founding voters and its Raft runs, waiting for the first
    /// entry; from then on it is a member. Without one it registers as soon as the cluster is formed.
    Consented {
        /// The cluster to be.
        cluster: ClusterId,
        /// The id as a founding voter.
        seat: Option<NodeId>,
    },
    /// Was given an id by the running cluster.
    Registered {
        /// The cluster.
        cluster: ClusterId,
        /// The id.
        node: NodeId,
    },
}

impl Standing {
    /// The cluster, if any; zero: none.
    pub(crate) fn cluster(&self) -> ClusterId {
        match self {
            Self::Pristine => ClusterId(0),
            Self::Consented { cluster, .. } | Self::Registered { cluster, .. } => *cluster,
        }
    }

    /// The id under which Raft runs, if it does.
    pub(crate) fn node(&self) -> Option<NodeId> {
        match self {
            Self::Pristine => None,
            Self::Consented { seat, .. } => *seat,
            Self::Registered { node, .. } => Some(*node),
        }
    }
}

/// Why a node cannot use its data folder.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error("{0} is in use by another process; every node needs a data folder of its own")]
    Locked(PathBuf),
    /// The identity file is damaged.
    #[error(
        "the identity file is damaged ({0}): move the data folder away and start with an empty one, so that the node \
         joins under a new id"
    )]
    Corrupt(String),
    /// The folder was made for the other engine.
    #[error("the data folder keeps its Raft log in {found}, not in {asked}; start the node with {found}")]
    OtherStore {
        /// What it was made with.
        found: String,
        /// What was asked for.
        asked: &'static str,
    },
}

impl Identity {
    /// Reads (or draws) the identity and counts this start, durably. `birth` is the random number for a fresh folder.
    pub(crate) fn begin(folder: &Folder, kind: StoreKind, birth: u64) -> Result<Self, IdentityError> {
        let mut identity = Self::read(folder)?.unwrap_or_else(|| Self {
            birth,
            boot: 0,
            store: kind.name().to_owned(),
            standing: Standing::Pristine,
            refused: Vec::new(),
        });
        if identity.store != kind.name() {
            return Err(IdentityError::OtherStore { found: identity.store, asked: kind.name() });
        }
        identity.boot += 1;
        identity.save(folder)?;
        Ok(identity)
    }

    /// Makes it durable.
    pub(crate) fn save(&self, folder: &Folder) -> Result<(), IdentityError> {
        let bytes = sealed::seal(PLACE, self).map_err(|error| IdentityError::Corrupt(error.to_string()))?;
        let path = folder.identity();
        write_atomically(&path, &bytes).map_err(|source| IdentityError::Io { path, source })
    }

    fn read(folder: &Folder) -> Result<Option<Self>, IdentityError> {
        let path = folder.identity();
        match fs::read(&path) {
            Ok(bytes) => sealed::open(PLACE, "identity", &bytes)
                .map(Some)
                .map_err(|error| IdentityError::Corrupt(error.to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(IdentityError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_is_counted_and_the_birth_stays() {
        let dir = tempfile::tempdir().unwrap();
        for boot in 1..=3 {
            let folder = Folder::open(dir.path()).unwrap();
            let mut identity = Identity::begin(&folder, StoreKind::Sled, 40 + boot).unwrap();
            assert_eq!((identity.birth, identity.boot), (41, boot));
            identity.standing = Standing::Registered { cluster: ClusterId(9), node: NodeId(3) };
            identity.save(&folder).unwrap();
        }
    }

    #[test]
    fn two_owners_of_one_folder_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(dir.path()).unwrap();
        assert!(matches!(Folder::open(dir.path()), Err(IdentityError::Locked(_))));
        drop(first);
        assert!(Folder::open(dir.path()).is_ok());
    }

    #[test]
    fn a_folder_stays_with_its_engine_and_a_damaged_identity_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        Identity::begin(&folder, StoreKind::Sled, 1).unwrap();
        assert!(matches!(Identity::begin(&folder, StoreKind::Redb, 1), Err(IdentityError::OtherStore { .. })));
        let mut bytes = fs::read(folder.identity()).unwrap();
        bytes[10] ^= 1;
        fs::write(folder.identity(), bytes).unwrap();
        assert!(matches!(Identity::begin(&folder, StoreKind::Sled, 1), Err(IdentityError::Corrupt(_))));
    }
}
