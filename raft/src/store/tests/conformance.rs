//! openraft's conformance suite on each engine, with the real state machine and its snapshots.

use std::sync::Arc;

use openraft::testing::{StoreBuilder, Suite};
use tempfile::TempDir;

use super::{StoreKind, opened};
use crate::{
    snapshot::Snapshots,
    state_machine::StateMachine,
    store::LogStore,
    types::{StorageError, TypeConfig},
};

struct Builder(StoreKind);

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError> {
        let dir = tempfile::tempdir().unwrap();
        let log = opened(self.0, &dir.path().join("log")).unwrap();
        let snapshots = Snapshots::open(&dir.path().join("snapshots")).unwrap();
        let machine = StateMachine::open(snapshots, None, Arc::default()).unwrap();
        Ok((dir, log, machine))
    }
}

#[test]
fn sled_passes_openrafts_conformance_suite() {
    Suite::test_all(Builder(StoreKind::Sled)).unwrap();
}

#[test]
fn redb_passes_openrafts_conformance_suite() {
    Suite::test_all(Builder(StoreKind::Redb)).unwrap();
}
