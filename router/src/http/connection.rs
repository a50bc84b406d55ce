//! Accepting connections and serving requests on them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Request, Response, header::CONNECTION};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{timed_io::TimedIo, tls::Tls, watched_body::WatchedBody};
use crate::api::Api;

/// Most headers of a request; more are answered 431.
const HEADERS_MAX: usize = 100;
/// Bound of the request line and headers together, in bytes; also the unit in which bodies are read.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bounds of the connections of one worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServeOptions {
    /// Time for a request's head to arrive, which also closes idle connections.
    pub(crate) head_timeout: Duration,
    /// Time for which a peer may leave an answer unread.
    pub(crate) write_stall: Duration,
    /// Most connections at once; more wait to be accepted.
    pub(crate) connections_max: usize,
    /// Time that requests in flight get at shutdown.
    pub(crate) grace: Duration,
}

/// Accepts and serves until `cancel`, then lets requests in flight finish within the grace time.
///
/// With `tls`, connections are encrypted.
pub(crate) async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    tls: Option<Arc<Tls>>,
    options: ServeOptions,
    cancel: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(options.connections_max));
    let abort = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, slot)) = accepted else { continue };
        let (api, tls, cancel, abort) = (api.clone(), tls.clone(), cancel.clone(), abort.clone());
        tracker.spawn(async move {
            tokio::select! {
                () = greet(stream, api, tls, options, cancel) => {}
                () = abort.cancelled() => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    tracker.close();
    if tokio::time::timeout(options.grace, tracker.wait()).await.is_err() {
        tracing::warn!("requests still ran at the end of the grace time and were cut off");
        abort.cancel();
        tracker.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, slot)),
        Err(error) => {
            // Out of file descriptors, or the peer is gone already. The pause keeps the first from becoming a busy loop.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}

/// Answers one request. A client whose body was not read to its end is told that the connection closes: the next request
/// would be lost on it. So is every client of a router that was told to stop.
async fn answer(api: &Api, request: Request<Incoming>) -> Response<Body> {
    let (mut response, is_read) = if request.body().is_end_stream() {
        (api.handle(request.map(Body::new)).await, true)
    } else {
        let (head, body) = request.into_parts();
        let (body, watch) = WatchedBody::new(body);
        let response = api.handle(Request::from_parts(head, Body::new(body))).await;
        (response, watch.is_read())
    };
    if !is_read || api.is_leaving() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn greet(
    stream: TcpStream,
    api: Arc<Api>,
    tls: Option<Arc<Tls>>,
    options: ServeOptions,
    cancel: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_connection(stream, api, options, cancel).await,
        // Apart, so that plain connections do not pay for what only this one holds.
        Some(tls) => Box::pin(serve_encrypted(stream, api, tls, options, cancel)).await,
    }
}

/// A client that does not get on with its greeting is closed as one that does not send a head.
async fn serve_encrypted(
    stream: TcpStream,
    api: Arc<Api>,
    tls: Arc<Tls>,
    options: ServeOptions,
    cancel: CancellationToken,
) {
    let greeted = tokio::select! {
        () = cancel.cancelled() => return,
        greeted = tokio::time::timeout(options.head_timeout, tls.accept(stream)) => greeted,
    };
    match greeted {
        Ok(Ok(stream)) => serve_connection(stream, api, options, cancel).await,
        Ok(Err(error)) => tracing::debug!(%error, "a client could not be greeted"),
        Err(_) => tracing::debug!("a client did not get on with its greeting"),
    }
}

async fn serve_connection<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    api: Arc<Api>,
    options: ServeOptions,
    cancel: CancellationToken,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(answer(&api, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(TimedIo::new(stream, options.write_stall)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
