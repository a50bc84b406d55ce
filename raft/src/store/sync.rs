//! The thread that makes writes durable.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use openraft::storage::LogFlushed;
use tokio::sync::oneshot;

use super::{LogDisk, StoreError};
use crate::types::TypeConfig;

/// Called once, on the sync thread, when the store failed for good: the process must end, since openraft may have
/// promised what the disk does not hold. The error was logged already.
pub(crate) type OnFatal = Arc<dyn Fn(&StoreError) + Send + Sync>;

/// openraft waits for each append before the next, so only a handful of waiters exist at a time; when the queue is full
/// the Raft thread waits for the disk.
const WAITERS_MAX: usize = 1024;

/// Who waits for durability.
pub(super) enum Waiter {
    /// openraft, for appended entries.
    Append(LogFlushed<TypeConfig>),
    /// A call of the adaptor.
    Call(oneshot::Sender<Result<(), StoreError>>),
}

impl Waiter {
    fn complete(self, poison: Option<&str>) {
        match self {
            Self::Append(flushed) => {
                flushed.log_io_completed(poison.map_or(Ok(()), |why| Err(io::Error::other(why.to_owned()))));
            }
            // The caller may have given up waiting.
            Self::Call(done) => drop(done.send(match poison {
                None => Ok(()),
                Some(why) => Err(StoreError::Poisoned(why.to_owned())),
            })),
        }
    }
}

/// Group commit: collects all waiters, syncs once, answers all. Ends (and is joined) when dropped.
pub(super) struct SyncThread {
    queue: Option<SyncSender<Waiter>>,
    poison: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
}

impl SyncThread {
    pub(super) fn start(disk: Arc<dyn LogDisk>, on_fatal: OnFatal) -> Result<Self, StoreError> {
        let (queue, waiters) = sync_channel(WAITERS_MAX);
        let poison = Arc::new(OnceLock::new());
        let shared = Arc::clone(&poison);
        let thread = thread::Builder::new()
            .name("raft-sync".to_owned())
            .spawn(move || run(&*disk, &waiters, &shared, &*on_fatal))
            .map_err(StoreError::io("thread raft-sync"))?;
        Ok(Self { queue: Some(queue), poison, thread: Some(thread) })
    }

    /// Completes `waiter` once everything written so far is durable, or with an error.
    pub(super) fn submit(&self, waiter: Waiter) {
        match &self.queue {
            Some(queue) => {
                if let Err(refused) = queue.send(waiter) {
                    refused.0.complete(Some("the sync thread ended"));
                }
            }
            None => waiter.complete(Some("the store is closing")),
        }
    }

    /// An error once the store failed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.poison.get().map_or(Ok(()), |why| Err(StoreError::Poisoned(why.clone())))
    }

    /// Notes a failed write: nothing more is acknowledged.
    pub(super) fn poison(&self, error: &StoreError) {
        // The first failure is the one that counts.
        drop(self.poison.set(error.to_string()));
    }
}

impl Drop for SyncThread {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by its own hook.
            drop(thread.join());
        }
    }
}

fn run(disk: &dyn LogDisk, waiters: &Receiver<Waiter>, poison: &OnceLock<String>, on_fatal: &dyn Fn(&StoreError)) {
    let mut told = false;
    while let Ok(first) = waiters.recv() {
        let group: Vec<_> = std::iter::once(first).chain(waiters.try_iter()).collect();
        if poison.get().is_none()
            && let Err(error) = disk.sync()
        {
            drop(poison.set(error.to_string()));
        }
        if let (Some(why), false) = (poison.get(), told) {
            told = true;
            tracing::error!(error = %why, "the raft log cannot be made durable; the process must end");
            on_fatal(&StoreError::Poisoned(why.clone()));
        }
        for waiter in group {
            waiter.complete(poison.get().map(String::as_str));
        }
    }
}
