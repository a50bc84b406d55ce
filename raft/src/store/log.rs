//! openraft's log storage over any [`LogDisk`].

use std::{fmt::Debug, ops::RangeBounds, sync::Arc};

use openraft::{
    AnyError, LogState, OptionalSend, RaftLogReader, StorageIOError,
    storage::{LogFlushed, RaftLogStorage},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use super::{
    ENTRY_BYTES_MAX, LogDisk, Meta, OnFatal, Record, StoreError,
    sync::{SyncThread, Waiter},
};
use crate::sealed;
use crate::types::{Entry, LogId, StorageError, TypeConfig, Vote};

/// Most entries that go to a peer in one call: it must be stored there within a heartbeat.
pub(crate) const READ_ENTRIES_MAX: usize = 64;
/// Most bytes that go to a peer in one call.
pub(crate) const READ_BYTES_MAX: usize = 1 << 20;
/// Entries that the check at start reads at a time.
const CHECK_ENTRIES: usize = 256;

/// The log, vote and committed index of one node; clones share the disk and its sync thread.
#[derive(Clone)]
pub(crate) struct LogStore {
    disk: Arc<dyn LogDisk>,
    sync: Arc<SyncThread>,
}

impl LogStore {
    /// Checks the whole log (records whole, indexes without a hole) and starts the sync thread.
    pub(crate) fn open(disk: Arc<dyn LogDisk>, on_fatal: OnFatal) -> Result<Self, StoreError> {
        check(&*disk)?;
        let sync = Arc::new(SyncThread::start(Arc::clone(&disk), on_fatal)?);
        Ok(Self { disk, sync })
    }

    /// True when there was never an entry; a vote may have been given.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.disk.last()?.is_none() && self.disk.meta(Meta::Purged)?.is_none())
    }

    /// Index of the last purged entry.
    pub(crate) fn purged(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.value::<LogId>(Meta::Purged)?.map(|id| id.index))
    }

    fn value<T: DeserializeOwned>(&self, meta: Meta) -> Result<Option<T>, StoreError> {
        read_value(&*self.disk, meta)
    }

    fn put<T: Serialize>(&self, meta: Meta, value: &T) -> Result<(), StoreError> {
        self.sync.check()?;
        self.note(self.disk.put_meta(meta, sealed::seal(meta_place(meta), value)?))
    }

    /// A write that failed may be half done: poison.
    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| self.sync.poison(error))
    }

    /// Waits until everything written is durable.
    async fn synced(&self) -> Result<(), StoreError> {
        let (done, waiting) = oneshot::channel();
        self.sync.submit(Waiter::Call(done));
        waiting.await.unwrap_or_else(|_| Err(StoreError::Poisoned("the sync thread ended".to_owned())))
    }

    fn write(&self, entries: impl Iterator<Item = Entry>) -> Result<(), StoreError> {
        self.sync.check()?;
        let records = entries.map(|entry| record(&entry)).collect::<Result<Vec<_>, _>>()?;
        self.note(self.disk.append(records))
    }

    fn entries(&self, from: u64, to: u64, entries_max: usize, bytes_max: usize) -> Result<Vec<Entry>, StoreError> {
        self.disk.read(from, to, entries_max, bytes_max)?.iter().map(entry).collect()
    }

    fn state(&self) -> Result<LogState<TypeConfig>, StoreError> {
        let purged = self.value::<LogId>(Meta::Purged)?;
        let last = self.disk.last()?.map(|record| entry(&record)).transpose()?.map(|entry| entry.log_id);
        // Entries up to `purged` may outlive it by a crash.
        Ok(LogState { last_purged_log_id: purged, last_log_id: last.max(purged) })
    }

    async fn drop_since(&self, since: u64) -> Result<(), StoreError> {
        self.sync.check()?;
        self.note(self.disk.truncate(since))?;
        self.synced().await
    }

    /// `purged` is durable before the first entry goes, so that a crash between them leaves no unexplained gap.
    async fn drop_up_to(&self, id: LogId) -> Result<(), StoreError> {
        self.put(Meta::Purged, &id)?;
        self.synced().await?;
        self.note(self.disk.purge(id.index))
    }
}

fn failed_write(error: &StoreError) -> StorageError {
    StorageIOError::write_logs(AnyError::new(error)).into()
}

fn failed_read(error: &StoreError) -> StorageError {
    StorageIOError::read_logs(AnyError::new(error)).into()
}

fn failed_vote(error: &StoreError) -> StorageError {
    StorageIOError::write_vote(AnyError::new(error)).into()
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = match range.start_bound() {
            Included(at) => *at,
            Excluded(at) => at + 1,
            Unbounded => 0,
        };
        let to = match range.end_bound() {
            Included(at) => at + 1,
            Excluded(at) => *at,
            Unbounded => u64::MAX,
        };
        self.entries(from, to, usize::MAX, usize::MAX).map_err(|error| failed_read(&error))
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        self.entries(start, end, READ_ENTRIES_MAX, READ_BYTES_MAX).map_err(|error| failed_read(&error))
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        self.state().map_err(|error| failed_read(&error))
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        self.put(Meta::Vote, vote).map_err(|error| failed_vote(&error))?;
        self.synced().await.map_err(|error| failed_vote(&error))
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        self.value(Meta::Vote).map_err(|error| StorageIOError::read_vote(AnyError::new(&error)).into())
    }

    /// Not synced: openraft waits for it before every apply, and a lost one only means that entries are applied later.
    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.put(Meta::Committed, &committed).map_err(|error| failed_write(&error))
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        let value = self.value::<Option<LogId>>(Meta::Committed).map_err(|error| failed_read(&error))?;
        Ok(value.flatten())
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.write(entries.into_iter()).map_err(|error| failed_write(&error))?;
        self.sync.submit(Waiter::Append(callback));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.drop_since(log_id.index).await.map_err(|error| failed_write(&error))
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.drop_up_to(log_id).await.map_err(|error| failed_write(&error))
    }
}

fn record(entry: &Entry) -> Result<Record, StoreError> {
    let index = entry.log_id.index;
    let bytes = sealed::seal(index, entry)?;
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(StoreError::TooLarge { bytes: bytes.len(), max: ENTRY_BYTES_MAX });
    }
    Ok(Record { index, bytes })
}

fn entry(record: &Record) -> Result<Entry, StoreError> {
    let name = format!("entry {}", record.index);
    let entry: Entry = sealed::open(record.index, &name, &record.bytes)?;
    if entry.log_id.index != record.index {
        return Err(StoreError::Corrupt(format!("{name} says it is entry {}", entry.log_id.index)));
    }
    Ok(entry)
}

/// Places of the values, apart from all log indexes in use.
fn meta_place(meta: Meta) -> u64 {
    u64::MAX - meta as u64
}

fn read_value<T: DeserializeOwned>(disk: &dyn LogDisk, meta: Meta) -> Result<Option<T>, StoreError> {
    Ok(disk.meta(meta)?.map(|bytes| sealed::open(meta_place(meta), meta.key(), &bytes)).transpose()?)
}

/// Every record opens, and the log goes from behind `purged` to its end without a hole.
fn check(disk: &dyn LogDisk) -> Result<(), StoreError> {
    read_value::<Vote>(disk, Meta::Vote)?;
    read_value::<Option<LogId>>(disk, Meta::Committed)?;
    let purged = read_value::<LogId>(disk, Meta::Purged)?;
    let mut next = purged.map_or(0, |id| id.index + 1);
    disk.purge_leftovers(next)?;
    loop {
        let records = disk.read(next, u64::MAX, CHECK_ENTRIES, usize::MAX)?;
        if records.is_empty() {
            return Ok(());
        }
        for record in records {
            if record.index != next {
                return Err(StoreError::Corrupt(format!("entries {next} to {} are missing", record.index - 1)));
            }
            entry(&record)?;
            next += 1;
        }
    }
}

impl dyn LogDisk {
    /// Finishes a purge that a crash cut short.
    fn purge_leftovers(&self, first: u64) -> Result<(), StoreError> {
        match first.checked_sub(1) {
            Some(upto) => self.purge(upto),
            None => Ok(()),
        }
    }
}
