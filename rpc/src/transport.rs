//! How a connection comes about: TCP, or whatever a test or a simulation puts in its place.

use std::{io, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A connection: bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Any connection.
pub type BoxedStream = Box<dyn Stream>;

/// Opens connections.
pub trait Connector: Send + Sync + 'static {
    /// Connects to `address` (`host:port`). The caller bounds the time by dropping the future.
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedStream>>;
}

/// Connects by TCP, without Nagle's delay; every address that the name resolves to is tried in turn.
#[derive(Clone, Debug)]
pub struct TcpConnector {
    /// Longest time for one attempt, name resolution included.
    pub connect_timeout: Duration,
}

impl Default for TcpConnector {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(1) }
    }
}

impl Connector for TcpConnector {
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedStream>> {
        Box::pin(async move {
            let stream = tokio::time::timeout(self.connect_timeout, TcpStream::connect(address))
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedStream)
        })
    }
}
