//! An accept loop for those who need nothing special: every connection is served on the runtime that accepts it.

use std::{io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    deadline::Deadline,
    hello::{Hello, Refusal, Welcome, accept_hello},
    serve::{ServeLimits, Service, serve_connection},
    transport::BoxedStream,
};

/// Pause after a failed accept (out of file descriptors, most likely), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Peers that are told that the server is full, at the same time; more are dropped unheard.
const TURNED_AWAY_MAX: usize = 64;

/// Yields connections.
pub trait Listener: Send + 'static {
    /// The next connection. Must be safe to drop and ask again.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<BoxedStream>>;
}

impl Listener for TcpListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<BoxedStream>> {
        Box::pin(async move {
            let (stream, _) = TcpListener::accept(self).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedStream)
        })
    }
}

/// How [`serve_listener`] behaves.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// Longest time for a peer's hello.
    pub hello_timeout: Duration,
    /// Most connections at the same time, those in the handshake included; above it peers are turned away.
    pub connections_max: usize,
    /// What one connection may take.
    pub limits: ServeLimits,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { hello_timeout: Duration::from_secs(2), connections_max: 4096, limits: ServeLimits::default() }
    }
}

/// Accepts and serves connections until `cancel` fires and all of them are drained. Dropping the future breaks them.
pub async fn serve_listener(
    mut listener: impl Listener,
    me: impl Fn(&Hello) -> Result<Welcome, Refusal> + Send + Sync + 'static,
    service: Arc<dyn Service>,
    options: ServeOptions,
    cancel: CancellationToken,
) {
    let me = Arc::new(me);
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        if connections.len() >= options.connections_max + TURNED_AWAY_MAX {
            continue;
        }
        let is_full = connections.len() >= options.connections_max;
        let (me, service, cancel) = (Arc::clone(&me), Arc::clone(&service), cancel.clone());
        connections.spawn(async move {
            let me = |hello: &Hello| if is_full { Err(Refusal::Full) } else { me(hello) };
            if let Err(error) = serve_accepted(stream, me, service, options, cancel).await {
                tracing::debug!(%error, "a connection ended with an error");
            }
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_accepted(
    stream: BoxedStream,
    me: impl Fn(&Hello) -> Result<Welcome, Refusal>,
    service: Arc<dyn Service>,
    options: ServeOptions,
    cancel: CancellationToken,
) -> io::Result<()> {
    let (stream, hello) = tokio::select! {
        () = cancel.cancelled() => return Ok(()),
        accepted = accept_hello(stream, me, Deadline::after(options.hello_timeout)) => accepted?,
    };
    serve_connection(stream, hello, service, options.limits, cancel).await
}
