//! One suite for every engine: openraft's own conformance tests, crashes, damage, and what the system calls show.

mod conformance;
mod crash;
mod damage;
mod trace;

use std::{path::Path, sync::Arc};

use openraft::{CommittedLeaderId, EntryPayload, storage::RaftLogStorageExt};
use ringhold_model::cluster::{Command, Proposal, RequestId};

use super::{LogStore, OnFatal, StoreError, StoreKind, open};
use crate::types::{Entry, LogId};

/// Both engines.
const KINDS: [StoreKind; 2] = [StoreKind::Sled, StoreKind::Redb];

/// A store that must not fail.
fn sound() -> OnFatal {
    Arc::new(|error| panic!("the store failed: {error}"))
}

fn opened(kind: StoreKind, folder: &Path) -> Result<LogStore, StoreError> {
    open(kind, folder, sound())
}

fn log_id(index: u64) -> LogId {
    LogId::new(CommittedLeaderId::new(3, 1), index)
}

/// An entry whose command has a name of `bytes` bytes.
fn entry(index: u64, bytes: usize) -> Entry {
    let command = Command::CreateNamespace { name: "n".repeat(bytes) };
    let request = RequestId { proposer: 1, n: index };
    Entry { log_id: log_id(index), payload: EntryPayload::Normal(Proposal { request, command }) }
}

/// Appends and waits for the acknowledgement.
async fn append(store: &mut LogStore, entries: impl IntoIterator<Item = Entry> + Send) -> Result<(), String> {
    let entries: Vec<_> = entries.into_iter().collect();
    store.blocking_append(entries).await.map_err(|error| error.to_string())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
