//! Snapshots of the replicated state as files: whole or absent after a crash, checked when read, the last two kept.
//!
//! ```text
//! sealed { meta, state }        the seal's version byte and checksum, then postcard
//! ```

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    folder::write_atomically,
    sealed,
    store::StoreError,
    types::{LogId, SnapshotMeta},
};

/// Place in the seal, so that no other file passes for a snapshot.
const PLACE: u64 = 0x5a;
/// How many stay: the newest, and the one before in case the newest is damaged.
const KEEP: usize = 2;
const SUFFIX: &str = "snapshot";

/// A snapshot and what it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) meta: SnapshotMeta,
    /// The state, as the model writes it.
    pub(crate) state: Vec<u8>,
}

/// A folder of snapshots; all calls block.
#[derive(Clone, Debug)]
pub(crate) struct Snapshots {
    folder: PathBuf,
}

impl Snapshots {
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        if let Some(parent) = folder.parent() {
            File::open(parent).and_then(|dir| dir.sync_all()).map_err(StoreError::io(parent))?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Stores a snapshot durably, then drops those before the last two.
    pub(crate) fn save(&self, stored: &Stored) -> Result<(), StoreError> {
        let path = self.folder.join(file_name(stored.meta.last_log_id));
        write_atomically(&path, &sealed::seal(PLACE, stored)?).map_err(StoreError::io(&path))?;
        for old in self.files()?.iter().rev().skip(KEEP) {
            fs::remove_file(old).map_err(StoreError::io(old))?;
        }
        Ok(())
    }

    /// The newest snapshot that is whole. `purged`: the log begins behind it, so a snapshot must cover it.
    pub(crate) fn newest(&self, purged: Option<u64>) -> Result<Option<Stored>, StoreError> {
        let mut found = None;
        for path in self.files()?.iter().rev() {
            match read(path) {
                Ok(stored) => {
                    found = Some(stored);
                    break;
                }
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "a snapshot is damaged; trying the one before");
                }
            }
        }
        let covered = found.as_ref().and_then(|stored| stored.meta.last_log_id).map(|id| id.index);
        if purged > covered {
            let from = covered.map_or(0, |index| index + 1);
            let upto = purged.unwrap_or_default();
            return Err(StoreError::Corrupt(format!("no snapshot covers the purged entries {from} to {upto}")));
        }
        Ok(found)
    }

    /// Oldest first.
    fn files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let entries = fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<_> =
            entries.map_err(StoreError::io(&self.folder))?.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX));
        paths.sort();
        Ok(paths)
    }
}

fn read(path: &Path) -> Result<Stored, StoreError> {
    let bytes = fs::read(path).map_err(StoreError::io(path))?;
    Ok(sealed::open(PLACE, &path.display().to_string(), &bytes)?)
}

/// Sorts by what is covered.
fn file_name(last: Option<LogId>) -> String {
    let (index, term) = last.map_or((0, 0), |id| (id.index, id.leader_id.term));
    format!("{index:020}-{term:020}.{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use openraft::CommittedLeaderId;

    use super::*;

    fn stored(index: u64) -> Stored {
        let last_log_id = Some(LogId::new(CommittedLeaderId::new(1, 1), index));
        Stored { meta: SnapshotMeta { last_log_id, ..SnapshotMeta::default() }, state: vec![index as u8; 100] }
    }

    #[test]
    fn the_last_two_snapshots_stay_and_the_newest_whole_one_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::open(dir.path()).unwrap();
        assert_eq!(snapshots.newest(None).unwrap(), None);
        for index in [9, 10, 100] {
            snapshots.save(&stored(index)).unwrap();
        }
        let files = snapshots.files().unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(snapshots.newest(Some(100)).unwrap(), Some(stored(100)));

        let mut bytes = fs::read(&files[1]).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(&files[1], bytes).unwrap();
        assert_eq!(snapshots.newest(Some(10)).unwrap(), Some(stored(10)));
        let refused = snapshots.newest(Some(11)).unwrap_err();
        assert!(refused.to_string().contains("11 to 11"), "{refused}");
    }
}
