//! A node's control plane: Options → build → run.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
};

use ringhold_model::cluster::Addresses;
use ringhold_rpc::{Callers, CallersOptions, TcpConnector};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    announce,
    bootstrap::{ConsentCall, sorted},
    error::{BuildError, RunError},
    folder::Folder,
    handle::Handle,
    identity::Identity,
    leader,
    leasing::{self, Leasing},
    lifecycle::Lifecycle,
    listen::{self, Sink},
    options::{Formation, Listen, Options},
    propose,
    shared::{Parts, ProposeCall, Seen, Settings, Shared},
    start, status,
    store::StoreError,
};

/// Consents asked for at the same time; seeds ask rarely.
const CONSENTS_MAX: usize = 16;
/// Proposals of handles that wait to be taken up.
const PROPOSALS_MAX: usize = 1024;

/// A node that is bound and opened, and not running yet.
pub struct Node {
    listener: TcpListener,
    shared: Arc<Shared>,
    lifecycle: Lifecycle,
    consents: mpsc::Receiver<ConsentCall>,
    proposals: mpsc::Receiver<ProposeCall>,
    leases: leasing::Inbox,
    sink: Sink,
}

impl Node {
    /// Binds the port, locks the data folder, counts the start and opens the log. Blocking.
    pub fn build(options: Options) -> Result<Self, BuildError> {
        let (listener, bound) = bind(options.listen)?;
        let rpc = advertised(options.advertise, bound)?;
        let folder = Folder::open(&options.folder)?;
        let identity = Identity::begin(&folder, options.store, rand::random())?;
        let formation = options.formation.clone();
        let (consents, consents_taken) = mpsc::channel(CONSENTS_MAX);
        let (proposals, proposals_taken) = mpsc::channel(PROPOSALS_MAX);
        let (leasing, leases) = Leasing::new();
        let connector = Arc::new(TcpConnector::default());
        let shared = Arc::new(Shared::new(Parts {
            settings: Settings {
                zone: options.zone,
                weight: options.weight,
                formation: options.formation,
                founding: options.founding,
                timings: options.timings,
                compaction: options.compaction,
                has_data_plane: options.data_sink.is_some(),
            },
            addresses: Addresses { rpc, health: options.health },
            peers: Callers::new(CallersOptions::default(), Arc::clone(&connector) as _),
            strangers: Callers::new(CallersOptions::default(), connector),
            consents,
            proposals,
            leasing,
            proposer: rand::random(),
        }));
        let on_fatal = options.on_fatal;
        let on_fatal = Arc::new(move |error: &StoreError| on_fatal(&error.to_string()));
        let lifecycle = Lifecycle::open(Arc::clone(&shared), folder, identity, options.store, on_fatal)?;
        if !lifecycle.is_member()? {
            check_formation(&formation, &shared.addresses.rpc)?;
        }
        Ok(Self {
            listener,
            shared,
            lifecycle,
            consents: consents_taken,
            proposals: proposals_taken,
            leases,
            sink: options.data_sink,
        })
    }

    /// What the rest of the process holds.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Runs until [`Handle::shutdown`] or a failure. Wants a `current_thread` runtime of its own: neither load nor slow
    /// work elsewhere may hold up heartbeats.
    pub async fn run(self) -> Result<(), RunError> {
        let shared = self.shared;
        let cancel = shared.cancel.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(propose::serve_handles(Arc::clone(&shared), self.proposals));
        tasks.spawn(status::watch(Arc::clone(&shared)));
        tasks.spawn(announce::keep_announcing(Arc::clone(&shared)));
        tasks.spawn(leader::keep_members(Arc::clone(&shared)));
        tasks.spawn(leader::do_duties(Arc::clone(&shared)));
        tasks.spawn(leasing::desk::run(Arc::clone(&shared), self.leases));
        tasks.spawn(leasing::keeper::run(Arc::clone(&shared)));
        let mut started = JoinSet::new();
        started.spawn(start::announce_start(Arc::clone(&shared)));
        let mut serving = JoinSet::new();
        serving.spawn(listen::serve(self.listener, Arc::clone(&shared), self.sink));
        let mut lifecycle = Box::pin(self.lifecycle.run(self.consents));
        let ended = loop {
            tokio::select! {
                ended = &mut lifecycle => break ended,
                Some(refused) = started.join_next() => if let Ok(Some(node)) = refused {
                    cancel.cancel();
                    break lifecycle.await.and(Err(RunError::Removed(node)));
                },
                Some(served) = serving.join_next() => if !cancel.is_cancelled() {
                    cancel.cancel();
                    let why = served.map_or_else(|error| error.to_string(), |served| format!("{served:?}"));
                    tracing::error!(why, "the internal port is no longer served");
                },
            }
        };
        cancel.cancel();
        while serving.join_next().await.is_some() {}
        while tasks.join_next().await.is_some() {}
        // Handles outlive the node.
        shared.set_seen(Seen::default());
        shared.leasing.lease.set_until(0);
        shared.peers.close().await;
        shared.strangers.close().await;
        ended
    }

    /// Runs on a thread of its own.
    pub fn spawn_thread(self) -> Result<NodeThread, RunError> {
        let handle = self.handle();
        let cancel = self.shared.cancel.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Thread)?;
        let thread = thread::Builder::new()
            .name("raft".to_owned())
            .spawn(move || {
                // Whoever waits for the node's end sees it, also after a panic.
                let _ended = cancel.drop_guard();
                runtime.block_on(self.run())
            })
            .map_err(RunError::Thread)?;
        Ok(NodeThread { handle, thread: Some(thread) })
    }
}

/// A running node and its thread; dropping it stops the node and waits for its end.
pub struct NodeThread {
    handle: Handle,
    thread: Option<JoinHandle<Result<(), RunError>>>,
}

impl NodeThread {
    /// The node's handle.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// True once the node has ended, by itself or because it was asked to.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops the node, waits for its end and says how it ended. Blocking.
    pub fn stop(mut self) -> Result<(), RunError> {
        self.handle.shutdown();
        self.join()
    }

    /// Waits for the node's end without asking for it. Blocking.
    pub fn wait(mut self) -> Result<(), RunError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), RunError> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Err(RunError::Panicked)))
    }
}

impl Drop for NodeThread {
    fn drop(&mut self) {
        self.handle.shutdown();
        if let Err(error) = self.join() {
            tracing::error!(%error, "the control plane ended with an error");
        }
    }
}

/// What the others are told; an address that means "all of this machine's" leads them nowhere.
fn advertised(given: Option<String>, bound: SocketAddr) -> Result<String, BuildError> {
    match given {
        Some(address) => Ok(address),
        None if bound.ip().is_unspecified() => Err(BuildError::Settings(format!(
            "the node listens on {bound}, which the others cannot call; say under which address they reach it"
        ))),
        None => Ok(bound.to_string()),
    }
}

fn bind(listen: Listen) -> Result<(TcpListener, SocketAddr), BuildError> {
    let (listener, address) = match listen {
        Listen::Bound(listener) => (Ok(listener), "the socket given".to_owned()),
        Listen::At(address) => (TcpListener::bind(&address), address),
    };
    let failed = |source| BuildError::Listen { address: address.clone(), source };
    let listener = listener.map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// A node that belongs to no cluster yet must find itself in its list of seeds.
fn check_formation(formation: &Formation, me: &str) -> Result<(), BuildError> {
    match formation {
        Formation::Seeds(seeds) if !seeds.iter().any(|seed| seed == me) => Err(BuildError::Settings(format!(
            "the list of seeds {:?} does not name this node's own address {me}; correct the list or the advertised \
             address, or use --join to enter a running cluster",
            sorted(seeds)
        ))),
        Formation::Join(addresses) if addresses.is_empty() => {
            Err(BuildError::Settings("there is no address to join".to_owned()))
        }
        _ => Ok(()),
    }
}
