//! The log on redb: one file, crash-safe commits.
//!
//! Writes are committed without durability; [`LogDisk::sync`] is one durable commit, which covers all before it.

use std::{
    fs::{self, File},
    path::Path,
};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{LogDisk, Meta, Record, StoreError};

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Page cache; the log that is kept is far smaller.
const CACHE_BYTES: usize = 16 << 20;

/// A log in a redb database.
pub struct RedbDisk {
    db: Database,
}

impl RedbDisk {
    /// Opens or creates the database in `folder`.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        let path = folder.join("log.redb");
        let fresh = !path.exists();
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let db = builder.create(&path).map_err(|error| match error {
            redb::DatabaseError::Storage(redb::StorageError::Corrupted(why)) => StoreError::Corrupt(why),
            error => StoreError::Engine { action: "open", message: error.to_string() },
        })?;
        let disk = Self { db };
        if fresh {
            let write = disk.begin("create the tables")?;
            write.open_table(LOG).map_err(StoreError::engine("create the log"))?;
            write.open_table(META).map_err(StoreError::engine("create the values"))?;
            write.commit().map_err(StoreError::engine("create the tables"))?;
            for folder in [Some(folder), folder.parent()].into_iter().flatten() {
                File::open(folder).and_then(|dir| dir.sync_all()).map_err(StoreError::io(folder))?;
            }
        }
        Ok(disk)
    }

    fn begin(&self, action: &'static str) -> Result<WriteTransaction, StoreError> {
        self.db.begin_write().map_err(StoreError::engine(action))
    }

    /// Changes the log in one commit that is durable after the next sync.
    fn change(
        &self,
        action: &'static str,
        change: impl FnOnce(&mut Table<'_, u64, &[u8]>) -> Result<(), redb::StorageError>,
    ) -> Result<(), StoreError> {
        let mut write = self.begin(action)?;
        write.set_durability(Durability::None).map_err(StoreError::engine(action))?;
        {
            let mut log = write.open_table(LOG).map_err(StoreError::engine(action))?;
            change(&mut log).map_err(StoreError::engine(action))?;
        }
        write.commit().map_err(StoreError::engine(action))
    }
}

impl LogDisk for RedbDisk {
    fn append(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.change("append", |log| {
            for record in &records {
                log.insert(record.index, record.bytes.as_slice())?;
            }
            Ok(())
        })
    }

    fn truncate(&self, since: u64) -> Result<(), StoreError> {
        self.change("truncate", |log| log.retain_in(since.., |_, _| false))
    }

    fn purge(&self, upto: u64) -> Result<(), StoreError> {
        self.change("purge", |log| log.retain_in(..=upto, |_, _| false))
    }

    fn read(&self, from: u64, to: u64, entries_max: usize, bytes_max: usize) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut bytes = 0;
        if from >= to {
            return Ok(records);
        }
        let read = self.db.begin_read().map_err(StoreError::engine("read"))?;
        let log = read.open_table(LOG).map_err(StoreError::engine("read"))?;
        for item in log.range(from..to).map_err(StoreError::engine("read"))? {
            let (index, value) = item.map_err(StoreError::engine("read"))?;
            bytes += value.value().len();
            records.push(Record { index: index.value(), bytes: value.value().to_vec() });
            if records.len() >= entries_max || bytes >= bytes_max {
                break;
            }
        }
        Ok(records)
    }

    fn last(&self) -> Result<Option<Record>, StoreError> {
        let read = self.db.begin_read().map_err(StoreError::engine("read"))?;
        let log = read.open_table(LOG).map_err(StoreError::engine("read"))?;
        let last = log.last().map_err(StoreError::engine("read the last entry"))?;
        Ok(last.map(|(index, value)| Record { index: index.value(), bytes: value.value().to_vec() }))
    }

    fn put_meta(&self, meta: Meta, bytes: Vec<u8>) -> Result<(), StoreError> {
        let mut write = self.begin("write a value")?;
        write.set_durability(Durability::None).map_err(StoreError::engine("write a value"))?;
        {
            let mut table = write.open_table(META).map_err(StoreError::engine("write a value"))?;
            table.insert(meta.key(), bytes.as_slice()).map_err(StoreError::engine("write a value"))?;
        }
        write.commit().map_err(StoreError::engine("write a value"))
    }

    fn meta(&self, meta: Meta) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.db.begin_read().map_err(StoreError::engine("read a value"))?;
        let table = read.open_table(META).map_err(StoreError::engine("read a value"))?;
        let value = table.get(meta.key()).map_err(StoreError::engine("read a value"))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.begin("sync")?.commit().map_err(StoreError::engine("sync"))
    }
}
