//! The threads that serve data connections.

use std::{io, sync::Arc, thread};

use ringhold_raft::DataConnection;
use ringhold_rpc::{ServeLimits, Service, serve_connection};
use tokio::{
    net::TcpStream,
    runtime,
    sync::{Mutex, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Calls over many keys that one worker runs at the same time; more wait their turn.
const BLOCKING_THREADS_MAX: usize = 4;

/// Connections on their way to the workers. The lock is fair, so waiting workers take connections in turn.
type Queue = Arc<Mutex<mpsc::Receiver<DataConnection>>>;

/// The running threads.
#[derive(Debug)]
pub(crate) struct Workers(Vec<thread::JoinHandle<io::Result<()>>>);

impl Workers {
    /// Waits until all have drained their connections, after the cancellation.
    pub(crate) fn join(self) -> io::Result<()> {
        self.0
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a data worker panicked"))))
            .fold(Ok(()), Result::and)
    }
}

/// Starts `count` workers that serve what comes out of `connections` until `cancel`.
pub(crate) fn spawn_workers(
    count: usize,
    connections: mpsc::Receiver<DataConnection>,
    service: Arc<dyn Service>,
    cancel: &CancellationToken,
) -> io::Result<Workers> {
    let queue: Queue = Arc::new(Mutex::new(connections));
    let spawn = |at| {
        let (queue, service, cancel) = (queue.clone(), service.clone(), cancel.clone());
        thread::Builder::new().name(format!("data-{at}")).spawn(move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(BLOCKING_THREADS_MAX)
                .build()?;
            runtime.block_on(work(&queue, &service, &cancel));
            Ok(())
        })
    };
    Ok(Workers((0..count.max(1)).map(spawn).collect::<io::Result<_>>()?))
}

async fn work(queue: &Queue, service: &Arc<dyn Service>, cancel: &CancellationToken) {
    let tracker = TaskTracker::new();
    loop {
        let next = tokio::select! {
            () = cancel.cancelled() => break,
            next = async { queue.lock().await.recv().await } => next,
        };
        let Some(DataConnection { stream, hello }) = next else { break };
        match TcpStream::from_std(stream) {
            Ok(stream) => {
                let (service, cancel) = (service.clone(), cancel.clone());
                tracker.spawn(async move {
                    if let Err(error) = serve_connection(stream, hello, service, ServeLimits::default(), cancel).await {
                        tracing::debug!(%error, "a data connection ended early");
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "could not take over a data connection"),
        }
    }
    tracker.close();
    tracker.wait().await;
}
