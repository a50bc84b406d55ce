//! A node: build (bind, open the log) → run (until cancelled, then drained).

use std::{io, net::SocketAddr, sync::Arc, thread};

use ringhold_raft::{Handle, Options as RaftOptions};
use thiserror::Error;
use tokio::{net::TcpListener, runtime, sync::mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    Options,
    backend::Stores,
    data::{self, DataService, spawn_workers},
    health, keeper, leaving,
    links::Links,
};

/// Accepted data connections that may wait for a worker.
const CONNECTIONS_WAITING_MAX: usize = 1_024;

/// Why a node could not be built or ended early.
#[derive(Debug, Error)]
pub enum Error {
    /// The control plane could not start.
    #[error(transparent)]
    Build(#[from] ringhold_raft::BuildError),
    /// The control plane failed.
    #[error(transparent)]
    Run(#[from] ringhold_raft::RunError),
    /// A socket, thread or runtime could not be made or failed.
    #[error("the node's sockets or threads failed: {0}")]
    Io(#[from] io::Error),
}

/// A node that listens but does not serve yet.
pub struct Node {
    control: ringhold_raft::Node,
    handle: Handle,
    connections: mpsc::Receiver<ringhold_raft::DataConnection>,
    health: std::net::TcpListener,
    health_address: SocketAddr,
    workers: usize,
    metrics: bool,
    tracking: bool,
    stores: Stores,
}

impl Node {
    /// Opens the data folder and binds the internal port.
    pub fn build(options: Options) -> Result<Self, Error> {
        let health_address = options.health.local_addr()?;
        options.health.set_nonblocking(true)?;
        let (data_sink, connections) = mpsc::channel(CONNECTIONS_WAITING_MAX);
        let mut raft = RaftOptions::new(options.folder, options.listen);
        raft.founding = options.founding;
        raft.advertise = options.advertise;
        raft.health = options.advertise_health.unwrap_or_else(|| health_address.to_string());
        raft.zone = options.zone;
        raft.weight = options.weight;
        raft.formation = options.formation;
        raft.store = options.store;
        raft.timings = options.timings;
        raft.data_sink = Some(data_sink);
        let stores = Stores::open(&options.backends)?;
        let control = ringhold_raft::Node::build(raft)?;
        let handle = control.handle();
        let Options { health, workers, metrics, tracking, .. } = options;
        Ok(Self { control, handle, connections, health, health_address, workers, metrics, tracking, stores })
    }

    /// The control plane; usable from any thread, also while the node runs.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where health and metrics are served.
    pub fn health_address(&self) -> SocketAddr {
        self.health_address
    }

    /// Serves until `leave`; then hands over what it holds, and ends. Blocks the calling thread.
    pub fn run(self, leave: CancellationToken) -> Result<(), Error> {
        self.run_until(leave, CancellationToken::new())
    }

    /// Serves until `leave`, and ends after handing over what it holds, or until `end`, and ends without: for when the whole
    /// cluster stops. Blocks the calling thread.
    ///
    /// The order of the end: handing over, then data connections drain, then the health port closes, then Raft stops; so the
    /// node says that it is there for as long as it answers.
    pub fn run_until(self, leave: CancellationToken, end: CancellationToken) -> Result<(), Error> {
        let node = Arc::new(data::Node::new(self.handle.clone(), self.stores, self.tracking, self.metrics));
        let control = self.control.spawn_thread()?;
        // Also when the control plane ended by itself: without one the data plane must not serve.
        let cancel = CancellationToken::new();
        let workers = spawn_workers(self.workers, self.connections, Arc::new(DataService(node.clone())), &cancel)?;
        let links = Links::spawn(node.clone())?;
        let keeper_cancel = CancellationToken::new();
        let keeping = {
            let (node, cancel) = (node.clone(), keeper_cancel.clone());
            thread::Builder::new().name("keeper".into()).spawn(move || keeper::run(&node, &cancel))?
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let drained = runtime.block_on(async {
            let listener = TcpListener::from_std(self.health)?;
            let health_cancel = CancellationToken::new();
            let serving = health::serve(listener, node.clone(), health_cancel.clone());
            let draining = async {
                until_drained(&node, &leave, &end).await;
                cancel.cancel();
                let drained = tokio::task::spawn_blocking(move || workers.join()).await;
                health_cancel.cancel();
                drained.unwrap_or_else(|_| Err(io::Error::other("waiting for the data workers failed")))
            };
            let (served, drained) = tokio::join!(serving, draining);
            served.and(drained)
        });
        let linked = links.stop();
        keeper_cancel.cancel();
        let kept = keeping.join().unwrap_or_else(|_| Err(io::Error::other("the keeper panicked")));
        control.stop()?;
        drained?;
        linked?;
        kept?;
        Ok(())
    }
}

/// Returns when the node is to serve no longer.
async fn until_drained(node: &Arc<data::Node>, leave: &CancellationToken, end: &CancellationToken) {
    tokio::select! {
        () = end.cancelled() => {}
        () = node.control.ending() => {}
        () = async { leave.cancelled().await; leaving::leave(node, end).await } => {}
    }
}
