//! A router: build (bind) → run (until cancelled, then drained).

use std::{io, net::SocketAddr, sync::Arc, thread};

use ringhold_model::RouterId;
use ringhold_rpc::{Callers, CallersOptions, TcpConnector};
use thiserror::Error;
use tokio::{net::TcpListener, runtime};
use tokio_util::sync::CancellationToken;

use crate::{
    Options,
    api::{Api, Shared},
    dispatch::{Dispatcher, Nodes},
    http::{AccessLog, ServeOptions, Tls, TlsFault, listen, serve},
    view::ViewCell,
    view_watch,
};

/// Why a router could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot speak TLS: {0}")]
    Tls(#[from] TlsFault),
    /// No node was named.
    #[error("a router needs the internal address of at least one node (--nodes host:7400)")]
    NoNodes,
    /// A thread or runtime could not be made.
    #[error("cannot start the router's threads: {0}")]
    Threads(#[from] io::Error),
}

/// A router that listens but does not answer yet.
#[derive(Debug)]
pub struct Router {
    options: Options,
    listeners: Vec<std::net::TcpListener>,
    address: SocketAddr,
    view: ViewCell,
    tls: Option<Arc<Tls>>,
}

impl Router {
    /// Binds the REST port.
    pub fn build(mut options: Options) -> Result<Self, BuildError> {
        if options.nodes.is_empty() {
            return Err(BuildError::NoNodes);
        }
        let tls = options.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
        options.workers = options.workers.max(1);
        let (listeners, address) = listen(options.address, options.workers)
            .map_err(|source| BuildError::Listen { address: options.address, source })?;
        Ok(Self { options, listeners, address, view: ViewCell::new(), tls })
    }

    /// Where the REST API is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `cancel` and for the shutdown delay after it, then drains. Blocks the calling thread.
    pub fn run(self, cancel: CancellationToken) -> Result<(), BuildError> {
        let Self { options, listeners, view, tls, .. } = self;
        let (access, writer) = options.access_log.then(AccessLog::start).transpose()?.unzip();
        let shared = Arc::new(Shared::new(options, view.clone(), access, cancel.clone()));
        for warning in shared.options.warnings() {
            tracing::warn!("{warning}");
        }
        let serving = ServeOptions {
            head_timeout: shared.options.patience.head,
            write_stall: shared.options.patience.write_stall,
            connections_max: shared.options.connections_max,
            grace: shared.options.grace,
        };
        let control = runtime::Builder::new_current_thread().enable_all().build()?;
        let watch_cancel = CancellationToken::new();
        let ran = thread::scope(|scope| {
            let spawn = |(at, listener)| {
                let (shared, tls, cancel) = (shared.clone(), tls.clone(), cancel.clone());
                let worker = thread::Builder::new().name(format!("router-{at}"));
                worker.spawn_scoped(scope, move || run_worker(shared, (at == 0, listener), tls, serving, cancel))
            };
            let workers = listeners.into_iter().enumerate().map(spawn).collect::<io::Result<Vec<_>>>();
            // The view is followed for as long as requests may need it, which is until the last worker has drained.
            let seeds = shared.options.nodes.clone().into();
            let follow = thread::Builder::new().name("router-watch".into()).spawn_scoped(scope, || {
                control.block_on(view_watch::watch(view, tcp_callers(), seeds, watch_cancel.clone()));
            });
            let (workers, follow) = match (workers, follow) {
                (Ok(workers), Ok(follow)) => (workers, follow),
                // A thread that cannot be made ends those that were.
                (Err(error), _) | (_, Err(error)) => {
                    cancel.cancel();
                    watch_cancel.cancel();
                    return Err(BuildError::Threads(error));
                }
            };
            let mut outcome = Ok(());
            for worker in workers {
                outcome =
                    outcome.and(worker.join().unwrap_or_else(|_| Err(io::Error::other("a router worker panicked"))));
            }
            watch_cancel.cancel();
            let _ = follow.join();
            outcome.map_err(BuildError::Threads)
        });
        // The writer ends with its last sender, after the lines of the last requests.
        drop(shared);
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        ran
    }
}

/// One worker: a runtime, a listener, connections to the nodes and operation ids of its own.
fn run_worker(
    shared: Arc<Shared>,
    (is_first, listener): (bool, std::net::TcpListener),
    tls: Option<Arc<Tls>>,
    serving: ServeOptions,
    cancel: CancellationToken,
) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let router = RouterId(rand::random());
        let (nodes, delay) = (Nodes::new(tcp_callers()), shared.options.shutdown_delay);
        let dispatcher = Dispatcher::new(shared.view.clone(), nodes, router, shared.metrics.dispatch.clone());
        let stop = CancellationToken::new();
        let stopping = async {
            cancel.cancelled().await;
            tokio::time::sleep(delay).await;
            stop.cancel();
        };
        let api = Arc::new(Api::new(shared, dispatcher, router));
        let serving =
            async { tokio::join!(serve(listener, api.clone(), tls.clone(), serving, stop.clone()), stopping) };
        if !is_first {
            serving.await;
            return Ok(());
        }
        let follow = async {
            match &tls {
                Some(tls) => tls.follow().await,
                None => std::future::pending().await,
            }
        };
        // What one worker does for all.
        tokio::select! {
            _ = serving => {}
            () = api.note_uses() => {}
            () = follow => {}
        }
        Ok(())
    })
}

fn tcp_callers() -> Callers {
    Callers::new(CallersOptions::default(), Arc::new(TcpConnector::default()))
}
