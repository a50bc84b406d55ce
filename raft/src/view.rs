//! The newest applied state, for everyone to read.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ringhold_model::cluster::ClusterState;
use tokio::sync::watch;

/// Written by the state machine alone; read from any thread. The cell is for reads that must not lock, the channel for
/// those who wait for changes.
#[derive(Debug)]
pub(crate) struct View {
    cell: ArcSwap<ClusterState>,
    changes: watch::Sender<Arc<ClusterState>>,
}

impl Default for View {
    fn default() -> Self {
        let state = Arc::new(ClusterState::default());
        Self { cell: ArcSwap::new(Arc::clone(&state)), changes: watch::Sender::new(state) }
    }
}

impl View {
    /// The newest state.
    pub(crate) fn state(&self) -> Arc<ClusterState> {
        self.cell.load_full()
    }

    /// Tells of every newer state.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<ClusterState>> {
        self.changes.subscribe()
    }

    pub(crate) fn publish(&self, state: Arc<ClusterState>) {
        self.cell.store(Arc::clone(&state));
        self.changes.send_replace(state);
    }
}
