//! Applies committed entries to the rule book's state and publishes it.
//!
//! The state lives in memory; after a restart it is the newest snapshot plus the committed log behind it. What a command
//! does is the model's business alone.

use std::{io::Cursor, sync::Arc};

use openraft::{
    AnyError, EntryPayload, OptionalSend, RaftSnapshotBuilder, Snapshot, StorageIOError, storage::RaftStateMachine,
};
use ringhold_model::cluster::ClusterState;

use crate::{
    snapshot::{Snapshots, Stored},
    store::StoreError,
    types::{Applied, Entry, LogId, SnapshotMeta, StorageError, StoredMembership, TypeConfig},
    view::View,
};

/// openraft's state machine.
pub(crate) struct StateMachine {
    state: Arc<ClusterState>,
    last_applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: Snapshots,
    view: Arc<View>,
}

/// Writes the state as of when it was made.
pub(crate) struct SnapshotBuilder {
    state: Arc<ClusterState>,
    last_applied: Option<LogId>,
    membership: StoredMembership,
    snapshots: Snapshots,
}

impl StateMachine {
    /// Starts from the newest snapshot; the log begins behind `purged`. Blocking.
    pub(crate) fn open(snapshots: Snapshots, purged: Option<u64>, view: Arc<View>) -> Result<Self, StoreError> {
        let mut machine = Self {
            state: Arc::default(),
            last_applied: None,
            membership: StoredMembership::default(),
            snapshots,
            view,
        };
        if let Some(stored) = machine.snapshots.newest(purged)? {
            machine.restore(&stored.meta, decode(&stored.state)?);
        }
        machine.view.publish(Arc::clone(&machine.state));
        Ok(machine)
    }

    fn restore(&mut self, meta: &SnapshotMeta, state: ClusterState) {
        self.state = Arc::new(state);
        self.last_applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        Ok((self.last_applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Applied>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut replies = Vec::new();
        let mut changed = false;
        for entry in entries {
            let index = entry.log_id.index;
            self.last_applied = Some(entry.log_id);
            let outcome = match entry.payload {
                EntryPayload::Blank => None,
                EntryPayload::Membership(membership) => {
                    self.membership = StoredMembership::new(Some(entry.log_id), membership);
                    None
                }
                EntryPayload::Normal(proposal) => {
                    changed = true;
                    // Copied once a batch: until then readers share the published one.
                    Some(Arc::make_mut(&mut self.state).apply(index, &proposal))
                }
            };
            replies.push(Applied { index, outcome });
        }
        if changed {
            self.view.publish(Arc::clone(&self.state));
        }
        Ok(replies)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder {
            state: Arc::clone(&self.state),
            last_applied: self.last_applied,
            membership: self.membership.clone(),
            snapshots: self.snapshots.clone(),
        }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let bytes = snapshot.into_inner();
        let state = decode(&bytes).map_err(|error| failed_read(&error))?;
        save(&self.snapshots, Stored { meta: meta.clone(), state: bytes }).await?;
        self.restore(meta, state);
        self.view.publish(Arc::clone(&self.state));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        let snapshots = self.snapshots.clone();
        let stored = blocking(move || snapshots.newest(None)).await.map_err(|error| failed_read(&error))?;
        Ok(stored.map(|stored| Snapshot { meta: stored.meta, snapshot: Box::new(Cursor::new(stored.state)) }))
    }
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<TypeConfig>, StorageError> {
        let (index, term) = self.last_applied.map_or((0, 0), |id| (id.index, id.leader_id.term));
        let meta = SnapshotMeta {
            last_log_id: self.last_applied,
            last_membership: self.membership.clone(),
            snapshot_id: format!("{index}-{term}"),
        };
        let state =
            self.state.to_bytes().map_err(|error| StorageIOError::write_snapshot(None, AnyError::new(&error)))?;
        save(&self.snapshots, Stored { meta: meta.clone(), state: state.clone() }).await?;
        Ok(Snapshot { meta, snapshot: Box::new(Cursor::new(state)) })
    }
}

async fn save(snapshots: &Snapshots, stored: Stored) -> Result<(), StorageError> {
    let snapshots = snapshots.clone();
    let saved = blocking(move || snapshots.save(&stored)).await;
    saved.map_err(|error| StorageIOError::write_snapshot(None, AnyError::new(&error)).into())
}

/// Files are written beside the Raft thread, which must go on sending heartbeats.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Engine { action: "use a snapshot", message: error.to_string() }))
}

fn decode(bytes: &[u8]) -> Result<ClusterState, StoreError> {
    ClusterState::from_bytes(bytes).map_err(|error| StoreError::Corrupt(format!("snapshot: {error}")))
}

fn failed_read(error: &StoreError) -> StorageError {
    StorageIOError::read_state_machine(AnyError::new(error)).into()
}
