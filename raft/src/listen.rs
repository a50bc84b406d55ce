//! The internal port: control connections are served here, data connections are handed to the data plane.

use std::{io, net::TcpListener as StdListener, sync::Arc, time::Duration};

use ringhold_model::wire::Channel;
use ringhold_rpc::{Deadline, Hello, Refusal, ServeLimits, Service, Welcome, accept_hello, serve_connection};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_util::task::TaskTracker;

use crate::{options::DataConnection, service::Control, shared::Shared};

/// A peer has so long to introduce itself.
const HELLO_MAX: Duration = Duration::from_secs(2);
/// Most connections in the handshake or on the control channel.
const CONNECTIONS_MAX: usize = 4096;
/// Pause after a failed accept (out of file descriptors, most likely), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Answers that are under way at the end get so long.
const DRAIN_GRACE: Duration = Duration::from_millis(500);

/// Where data connections go.
pub(crate) type Sink = Option<mpsc::Sender<DataConnection>>;

/// Accepts until cancelled and all control connections have ended.
pub(crate) async fn serve(listener: StdListener, shared: Arc<Shared>, sink: Sink) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let service: Arc<dyn Service> = Arc::new(Control { shared: Arc::clone(&shared) });
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) if tracker.len() < CONNECTIONS_MAX => stream,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (shared, service, sink) = (Arc::clone(&shared), Arc::clone(&service), sink.clone());
        tracker.spawn(async move {
            if let Err(error) = connection(stream, &shared, service, sink).await {
                tracing::debug!(%error, "a connection ended with an error");
            }
        });
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
    Ok(())
}

async fn connection(stream: TcpStream, shared: &Shared, service: Arc<dyn Service>, sink: Sink) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let me = |hello: &Hello| welcome(shared, hello, sink.as_ref().map(|sink| sink.capacity() > 0));
    let (stream, hello) = tokio::select! {
        () = shared.cancel.cancelled() => return Ok(()),
        accepted = accept_hello(stream, me, Deadline::after(HELLO_MAX)) => accepted?,
    };
    match (hello.channel, sink) {
        (Channel::Data, Some(sink)) => {
            let connection = DataConnection { stream: stream.into_std()?, hello };
            // Full against what was seen a moment ago: the caller finds its connection closed and comes again.
            sink.try_send(connection).map_err(|_| io::Error::other("the data plane takes no more connections"))
        }
        (Channel::Data, None) => Ok(()),
        (Channel::Control, _) => {
            let limits = ServeLimits { drain_grace: DRAIN_GRACE, ..ServeLimits::default() };
            serve_connection(stream, hello, service, limits, shared.cancel.clone()).await
        }
    }
}

/// `has_place`: whether the data plane takes one more; `None`: there is no data plane.
fn welcome(shared: &Shared, hello: &Hello, has_place: Option<bool>) -> Result<Welcome, Refusal> {
    match (hello.channel, has_place) {
        (Channel::Data, None) => return Err(Refusal::WrongChannel),
        (Channel::Data, Some(false)) => return Err(Refusal::Full),
        _ => {}
    }
    let me = shared.me();
    let welcome = Welcome { cluster: me.cluster, node: me.node };
    welcome.check(hello)?;
    Ok(welcome)
}
