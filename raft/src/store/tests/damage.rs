//! Damaged, missing and oversized records; a disk that fails.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use openraft::{RaftLogReader as _, storage::RaftLogStorage as _};
use parking_lot::Mutex;

use super::{KINDS, StoreKind, append, block_on, entry, log_id, opened, sound};
use crate::{
    store::{LogDisk, LogStore, Meta, READ_ENTRIES_MAX, Record, RedbDisk, SledDisk, StoreError},
    types::Vote,
};

fn disk(kind: StoreKind, folder: &std::path::Path) -> Arc<dyn LogDisk> {
    match kind {
        StoreKind::Sled => Arc::new(SledDisk::open(folder).unwrap()),
        StoreKind::Redb => Arc::new(RedbDisk::open(folder).unwrap()),
    }
}

/// Ten entries, then `harm`, then open again.
fn after(kind: StoreKind, harm: impl FnOnce(&dyn LogDisk)) -> Result<LogStore, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let mut store = opened(kind, dir.path()).unwrap();
    block_on(async {
        append(&mut store, (0..10).map(|index| entry(index, 50))).await.unwrap();
        store.save_vote(&Vote::new(3, 1)).await.unwrap();
    });
    drop(store);
    let raw = disk(kind, dir.path());
    harm(&*raw);
    raw.sync().unwrap();
    drop(raw);
    opened(kind, dir.path())
}

fn refused(result: Result<LogStore, StoreError>, why: &str) {
    match result {
        Err(error @ StoreError::Corrupt(_)) => {
            let text = error.to_string();
            assert!(text.contains(why) && text.contains("joins under a new id"), "{text}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened although: {why}"),
    }
}

#[test]
fn a_damaged_log_is_refused_with_the_remedy() {
    for kind in KINDS {
        assert!(after(kind, |_| {}).is_ok());
        refused(after(kind, |disk| flip(disk, 4)), "entry 4: wrong checksum");
        refused(after(kind, |disk| cut(disk, 5)), "entry 5");
        refused(after(kind, |disk| lose(disk, 3, 6)), "entries 3 to 5 are missing");
        refused(after(kind, |disk| lose(disk, 0, 2)), "entries 0 to 1 are missing");
        refused(after(kind, |disk| swap(disk, 7, 8)), "entry 7: wrong checksum");
        let torn = vec![1, 2, 3];
        refused(after(kind, |disk| disk.put_meta(Meta::Vote, torn).unwrap()), "vote: cut short");
    }
}

fn record(disk: &dyn LogDisk, index: u64) -> Record {
    disk.read(index, index + 1, 1, usize::MAX).unwrap().remove(0)
}

fn flip(disk: &dyn LogDisk, index: u64) {
    let mut record = record(disk, index);
    let at = record.bytes.len() - 1;
    record.bytes[at] ^= 1;
    disk.append(vec![record]).unwrap();
}

fn cut(disk: &dyn LogDisk, index: u64) {
    let mut record = record(disk, index);
    record.bytes.truncate(6);
    disk.append(vec![record]).unwrap();
}

fn lose(disk: &dyn LogDisk, from: u64, to: u64) {
    let rest = disk.read(to, u64::MAX, usize::MAX, usize::MAX).unwrap();
    disk.truncate(from).unwrap();
    disk.append(rest).unwrap();
}

fn swap(disk: &dyn LogDisk, one: u64, other: u64) {
    let (first, second) = (record(disk, one), record(disk, other));
    disk.append(vec![Record { index: one, ..second }, Record { index: other, ..first }]).unwrap();
}

#[test]
fn a_purge_that_a_crash_cut_short_is_finished_at_the_next_start() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let mut store = opened(kind, dir.path()).unwrap();
        block_on(async {
            append(&mut store, (0..10).map(|index| entry(index, 50))).await.unwrap();
            store.purge(log_id(4)).await.unwrap();
        });
        drop(store);
        let raw = disk(kind, dir.path());
        let leftover = entry(3, 50);
        let bytes = crate::sealed::seal(3, &leftover).unwrap();
        raw.append(vec![Record { index: 3, bytes }]).unwrap();
        drop(raw);
        let mut store = opened(kind, dir.path()).unwrap();
        let indexes = block_on(async { store.try_get_log_entries(..).await.unwrap() });
        assert_eq!(indexes.first().map(|entry| entry.log_id.index), Some(5));
    }
}

#[test]
fn an_entry_above_the_bound_is_refused_and_reads_are_bounded() {
    for kind in KINDS {
        let dir = tempfile::tempdir().unwrap();
        let mut store = opened(kind, dir.path()).unwrap();
        block_on(async {
            append(&mut store, (0..200).map(|index| entry(index, 60_000 * usize::from(index < 30)))).await.unwrap();
            let heavy = store.limited_get_log_entries(0, 200).await.unwrap();
            assert!((10..=20).contains(&heavy.len()), "about a MiB, not {} entries", heavy.len());
            let light = store.limited_get_log_entries(30, 200).await.unwrap();
            assert_eq!(light.len(), READ_ENTRIES_MAX);
            let error = append(&mut store, [entry(200, 70_000)]).await.unwrap_err();
            assert!(error.contains("above the bound of 65536"), "{error}");
        });
    }
}

/// A disk in memory whose syncs fail once told to.
#[derive(Default)]
struct Failing {
    records: Mutex<Vec<Record>>,
    is_broken: AtomicBool,
    syncs: AtomicUsize,
}

impl LogDisk for Failing {
    fn append(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.records.lock().extend(records);
        Ok(())
    }
    fn truncate(&self, _: u64) -> Result<(), StoreError> {
        Ok(())
    }
    fn purge(&self, _: u64) -> Result<(), StoreError> {
        Ok(())
    }
    fn read(&self, from: u64, to: u64, _: usize, _: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.records.lock().iter().filter(|record| (from..to).contains(&record.index)).cloned().collect())
    }
    fn last(&self) -> Result<Option<Record>, StoreError> {
        Ok(self.records.lock().last().cloned())
    }
    fn put_meta(&self, _: Meta, _: Vec<u8>) -> Result<(), StoreError> {
        Ok(())
    }
    fn meta(&self, _: Meta) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }
    fn sync(&self) -> Result<(), StoreError> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(StoreError::Engine { action: "sync", message: "the disk is on fire".to_owned() });
        }
        Ok(())
    }
}

#[test]
fn after_one_failed_sync_nothing_is_acknowledged_and_no_sync_is_tried_again() {
    let disk = Arc::new(Failing::default());
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let on_fatal = Arc::new(move |_: &StoreError| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let mut store = LogStore::open(Arc::clone(&disk) as _, on_fatal).unwrap();
    block_on(async {
        append(&mut store, [entry(0, 10)]).await.unwrap();
        disk.is_broken.store(true, Ordering::Relaxed);
        assert!(append(&mut store, [entry(1, 10)]).await.unwrap_err().contains("on fire"));
        disk.is_broken.store(false, Ordering::Relaxed);
        assert!(append(&mut store, [entry(2, 10)]).await.is_err());
        assert!(store.save_vote(&Vote::new(1, 1)).await.is_err());
    });
    assert_eq!(told.load(Ordering::Relaxed), 1, "the process is told to end, once");
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 2);
}

#[test]
fn many_waiters_share_one_sync() {
    let disk = Arc::new(Failing::default());
    let store = LogStore::open(Arc::clone(&disk) as _, sound()).unwrap();
    block_on(async {
        let mut votes = tokio::task::JoinSet::new();
        for term in 0..200 {
            let mut store = store.clone();
            votes.spawn(async move { store.save_vote(&Vote::new(term, 1)).await.unwrap() });
        }
        while let Some(vote) = votes.join_next().await {
            vote.unwrap();
        }
    });
    let syncs = disk.syncs.load(Ordering::Relaxed);
    assert!(syncs < 200, "{syncs} syncs for 200 writes");
}
