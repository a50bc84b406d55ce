//! The server's side: what a service is and how a connection is served.

use std::{fmt, io, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use ringhold_model::wire::{Fault, Method, WireError};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{deadline::Deadline, encode::encode_onto, hello::Hello, session::Session, transport::Stream};

/// Answers calls.
pub trait Service: Send + Sync + 'static {
    /// Answers one call. Runs on the connection's task: it must not block, and what takes long is answered
    /// [`Later`](Handled::Later).
    fn call(&self, call: Call<'_>) -> Handled;
}

/// One call.
pub struct Call<'a> {
    /// Which.
    pub method: Method,
    /// The encoded request: a slice of the connection's read buffer.
    pub body: Bytes,
    /// When the caller stops waiting. A call whose deadline has passed never gets here.
    pub deadline: Deadline,
    /// Where the encoded reply goes, for [`Handled::Replied`]. Whatever is in it is dropped otherwise.
    pub reply: &'a mut ReplyBuffer,
    /// Who calls.
    pub hello: &'a Hello,
}

/// The encoded reply, or why there is none. Dropped unfinished when the connection ends or the call's deadline passes.
pub type LaterReply = Pin<Box<dyn Future<Output = Result<Vec<u8>, Fault>> + Send>>;

/// What became of a call.
pub enum Handled {
    /// The reply is in the call's buffer.
    Replied,
    /// It was not done.
    Failed(Fault),
    /// The reply will come; other calls of the connection go on meanwhile.
    Later(LaterReply),
}

impl fmt::Debug for Handled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replied => f.write_str("Replied"),
            Self::Failed(fault) => f.debug_tuple("Failed").field(fault).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

impl Handled {
    /// Replies later with what `future` says.
    pub fn later(future: impl Future<Output = Result<Vec<u8>, Fault>> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

/// The body of a reply, at the end of the connection's outgoing buffer.
#[derive(Debug, Default)]
pub struct ReplyBuffer {
    bytes: Vec<u8>,
    body_start: usize,
}

impl ReplyBuffer {
    /// Appends an encoded message.
    pub fn write<T: Serialize + ?Sized>(&mut self, message: &T) -> Result<(), WireError> {
        encode_onto(message, &mut self.bytes)
    }

    /// Appends bytes that are encoded already.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Length of the body so far.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.body_start
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops what was written of this reply.
    pub fn clear(&mut self) {
        self.bytes.truncate(self.body_start);
    }

    /// A buffer whose body begins at the end of `bytes`.
    pub(crate) const fn begin(bytes: Vec<u8>) -> Self {
        let body_start = bytes.len();
        Self { bytes, body_start }
    }

    /// The bytes it began with and the body.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Extend<u8> for ReplyBuffer {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.bytes.extend(bytes);
    }
}

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Most calls of a connection that are answered later at the same time; above it they fail with `Overloaded`.
    pub in_flight_max: usize,
    /// While more bytes of replies wait for the peer to read them, no request of it is read.
    pub reply_bytes_max: usize,
    /// A peer that takes nothing of what waits for it for so long is cut off.
    pub write_stall_max: Duration,
    /// A connection without requests for so long is closed. Callers probe far more often.
    pub idle_max: Duration,
    /// How long a shutdown waits for answers that are still to come and for the peer to leave.
    pub drain_grace: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            in_flight_max: 1024,
            reply_bytes_max: 4 << 20,
            write_stall_max: Duration::from_secs(30),
            idle_max: Duration::from_secs(180),
            drain_grace: Duration::from_secs(5),
        }
    }
}

/// Serves a connection whose hello was accepted, until the peer leaves or breaks the protocol, or `cancel` fires: then
/// the peer is told to leave, new calls fail with `ShuttingDown`, and answers still to come have `drain_grace`.
///
/// `Ok`: the peer left or the shutdown is complete. `Err`: the connection broke, or was broken off for a breach of protocol
/// or a limit.
pub async fn serve_connection<S: Stream>(
    stream: S,
    hello: Hello,
    service: Arc<dyn Service>,
    limits: ServeLimits,
    cancel: CancellationToken,
) -> io::Result<()> {
    Session::new(stream, hello, service, limits).run(&cancel).await
}
