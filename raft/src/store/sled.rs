//! The log on sled.
//!
//! sled's `flush` pushes its buffer into the kernel but never syncs the file on Linux, so [`LogDisk::sync`] flushes and
//! then calls `fdatasync` on sled's file through a second descriptor. Its large-page files (`blobs/`) are kept out of use
//! by the bound on entries and large segments, and are synced too should one appear.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use sled::{Batch, Config, Db, IVec, Tree};

use super::{LogDisk, Meta, Record, StoreError};

/// Page cache; the log that is kept is far smaller.
const CACHE_BYTES: u64 = 16 << 20;
/// Fixed at creation. A page above a quarter of it would go to a file of its own.
const SEGMENT_BYTES: usize = 8 << 20;
/// How long to wait for a former owner in this process to let go of sled's lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A log in a sled database.
pub struct SledDisk {
    db: Db,
    log: Tree,
    meta: Tree,
    file: File,
    folder: PathBuf,
}

impl SledDisk {
    /// Opens or creates the database in `folder`.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let fresh = !folder.exists();
        fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        let db = open_db(folder)?;
        let log = db.open_tree("log").map_err(StoreError::engine("open the log"))?;
        let meta = db.open_tree("meta").map_err(StoreError::engine("open the values"))?;
        let path = folder.join("db");
        let file = File::open(&path).map_err(StoreError::io(&path))?;
        let disk = Self { db, log, meta, file, folder: folder.to_owned() };
        if fresh {
            disk.sync()?;
            disk.file.sync_all().map_err(StoreError::io(&path))?;
            sync_folder(folder)?;
            if let Some(parent) = folder.parent() {
                sync_folder(parent)?;
            }
        }
        Ok(disk)
    }

    /// Syncs pages that sled put into files of their own; there are none as long as the bounds hold.
    fn sync_blobs(&self) -> Result<(), StoreError> {
        let folder = self.folder.join("blobs");
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        let mut any = false;
        for entry in entries.flatten() {
            match File::open(entry.path()) {
                Ok(file) => file.sync_all().map_err(StoreError::io(entry.path()))?,
                // sled drops blobs that it no longer needs at any time.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(StoreError::Io { path: entry.path(), source }),
            }
            any = true;
        }
        if any { sync_folder(&folder) } else { Ok(()) }
    }
}

impl LogDisk for SledDisk {
    fn append(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for record in records {
            batch.insert(&record.index.to_be_bytes(), record.bytes);
        }
        self.log.apply_batch(batch).map_err(StoreError::engine("append"))
    }

    fn truncate(&self, since: u64) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for key in self.log.range(since.to_be_bytes()..).keys().rev() {
            batch.remove(key.map_err(StoreError::engine("truncate"))?);
        }
        self.log.apply_batch(batch).map_err(StoreError::engine("truncate"))
    }

    fn purge(&self, upto: u64) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for key in self.log.range(..=upto.to_be_bytes()).keys() {
            batch.remove(key.map_err(StoreError::engine("purge"))?);
        }
        self.log.apply_batch(batch).map_err(StoreError::engine("purge"))
    }

    fn read(&self, from: u64, to: u64, entries_max: usize, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut bytes = 0;
        if from >= to {
            return Ok(records);
        }
        for item in self.log.range(from.to_be_bytes()..to.to_be_bytes()) {
            let record = record(item.map_err(StoreError::engine("read"))?)?;
            bytes += record.bytes.len();
            records.push(record);
            if records.len() >= entries_max || bytes >= bytes_max {
                break;
            }
        }
        Ok(records)
    }

    fn last(&self) -> Result<Option<Record>, StoreError> {
        self.log.last().map_err(StoreError::engine("read the last entry"))?.map(record).transpose()
    }

    fn put_meta(&self, meta: Meta, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.meta.insert(meta.key(), bytes).map(drop).map_err(StoreError::engine("write a value"))
    }

    fn meta(&self, meta: Meta) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.meta.get(meta.key()).map_err(StoreError::engine("read a value"))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(StoreError::engine("flush"))?;
        self.file.sync_data().map_err(StoreError::io(self.folder.join("db")))?;
        self.sync_blobs()
    }
}

fn record((key, value): (IVec, IVec)) -> Result<Record, StoreError> {
    let index = key.as_ref().try_into().map_err(|_| StoreError::Corrupt("a key that is no log index".to_owned()))?;
    Ok(Record { index: u64::from_be_bytes(index), bytes: value.to_vec() })
}

/// A former owner in the same process may still be letting go of the lock: its threads end a moment after it.
fn open_db(folder: &Path) -> Result<Db, StoreError> {
    let config =
        Config::new().path(folder).cache_capacity(CACHE_BYTES).segment_size(SEGMENT_BYTES).flush_every_ms(None);
    let start = Instant::now();
    loop {
        match config.open() {
            Ok(db) => return Ok(db),
            Err(error) if error.to_string().contains("lock") && start.elapsed() < LOCK_WAIT => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(error @ sled::Error::Corruption { .. }) => return Err(StoreError::Corrupt(error.to_string())),
            Err(error) => return Err(StoreError::Engine { action: "open", message: error.to_string() }),
        }
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|dir| dir.sync_all()).map_err(StoreError::io(folder))
}
