//! The data folder: its layout, its lock, and files that are either old or new after a crash.
//!
//! ```text
//! <folder>/lock                        held while a process uses the folder
//!          identity                    who this node is
//!          raft-<cluster>/log-sled/    the Raft log (log-redb/ with redb)
//!                         snapshots/   the last two snapshots
//! ```
//!
//! What belongs to a cluster lies under its name, so that nothing of another one can ever be opened by mistake.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use ringhold_model::ClusterId;
use rustix::fs::{FlockOperation, flock};

use crate::{identity::IdentityError, store::StoreKind};

/// A data folder that this process has for itself.
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock goes with the descriptor.
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, IdentityError> {
        let failed = |source| IdentityError::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(IdentityError::Locked(path.to_owned())),
            Err(error) => Err(failed(error.into())),
        }
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.path.join("identity")
    }

    pub(crate) fn log(&self, cluster: ClusterId, kind: StoreKind) -> PathBuf {
        self.cluster(cluster).join(format!("log-{}", kind.name()))
    }

    pub(crate) fn snapshots(&self, cluster: ClusterId) -> PathBuf {
        self.cluster(cluster).join("snapshots")
    }

    /// Removes what is left of a cluster that this node turned away from; its name is not used again.
    pub(crate) fn remove_cluster(&self, cluster: ClusterId) {
        let folder = self.cluster(cluster);
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "cannot remove the data of a cluster that was given up");
        }
    }

    fn cluster(&self, cluster: ClusterId) -> PathBuf {
        self.path.join(format!("raft-{:016x}", cluster.0))
    }
}

/// Writes a file so that a crash leaves the old or the new content, and makes it durable.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let part = folder.join(name);
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, path)?;
    File::open(folder)?.sync_all()
}
