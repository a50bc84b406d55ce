//! The client's side: calls to one address over one connection, opened when it is needed.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use ringhold_model::wire::{self, Method};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{
    deadline::Deadline,
    encode::encode_onto,
    error::CallError,
    hello::{Hello, Welcome},
    link::{Link, PendingCall},
    transport::Connector,
};

/// How a [`Caller`] behaves. The fields left at their defaults by [`CallerOptions::new`] suit both channels.
#[derive(Clone, Debug)]
pub struct CallerOptions {
    /// Whom to call: `host:port`.
    pub address: String,
    /// What to say first.
    pub hello: Hello,
    /// Longest time for connecting and the handshake together.
    pub connect_timeout: Duration,
    /// Most calls that wait for an answer at the same time; above it calls fail with `Overloaded`.
    pub queue_calls_max: usize,
    /// Most bytes of requests not yet given to the socket; above it calls fail with `Overloaded`.
    pub queue_bytes_max: usize,
    /// While so many calls wait, one fails with `Overloaded` if at the pace of the peer's answers its deadline would pass first.
    pub shed_calls_min: usize,
    /// A connection on which nothing arrives for so long although an answer is due is given up.
    pub silence_max: Duration,
    /// An idle connection is probed after so long.
    pub idle_probe: Duration,
    /// Shortest pause after a failed attempt to connect, in which calls fail at once.
    pub backoff_min: Duration,
    /// Longest such pause.
    pub backoff_max: Duration,
}

impl CallerOptions {
    /// The defaults for a peer.
    pub fn new(address: impl Into<String>, hello: Hello) -> Self {
        Self {
            address: address.into(),
            hello,
            connect_timeout: Duration::from_secs(1),
            queue_calls_max: 16 * 1024,
            queue_bytes_max: 64 << 20,
            shed_calls_min: 256,
            silence_max: Duration::from_secs(5),
            idle_probe: Duration::from_secs(30),
            backoff_min: Duration::from_millis(10),
            backoff_max: Duration::from_millis(200),
        }
    }
}

/// Calls one peer. Cheap to clone; the connection is closed with the last clone.
///
/// The connection's task runs on the runtime of the call that opened it.
#[derive(Clone)]
pub struct Caller(Arc<Owner>);

struct Owner {
    link: Arc<Link>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("address", &self.address()).finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller that is not connected yet.
    pub fn new(options: CallerOptions, connector: Arc<dyn Connector>) -> Self {
        Self(Arc::new(Owner { link: Arc::new(Link::new(options, connector)) }))
    }

    /// Sends `body` and waits for the answer, a slice of the read buffer: copy out of it what is to be kept for long.
    ///
    /// Dropping the future gives the call up; a request that was not sent by then is not executed.
    pub async fn call(&self, method: Method, body: impl AsRef<[u8]>, deadline: Deadline) -> Result<Bytes, CallError> {
        let pending = Link::start(&self.0.link, method, (deadline, None), |out| {
            out.extend_from_slice(body.as_ref());
            Ok(())
        })?;
        pending.await
    }

    /// Begins a call and returns at once. At `slow_at` its owner is told if there is no answer yet: that costs no timer, the
    /// connection's task looks after it together with the deadlines.
    pub fn start<Req: Serialize + ?Sized>(
        &self,
        method: Method,
        request: &Req,
        deadline: Deadline,
        slow_at: Option<Instant>,
    ) -> Result<PendingCall, CallError> {
        Link::start(&self.0.link, method, (deadline, slow_at), |out| encode_onto(request, out))
    }

    /// Like [`Caller::call`]; encodes `request` straight into the outgoing buffer.
    pub async fn call_encoded<Req: Serialize + ?Sized>(
        &self,
        method: Method,
        request: &Req,
        deadline: Deadline,
    ) -> Result<Bytes, CallError> {
        self.start(method, request, deadline, None)?.await
    }

    /// A call with messages that borrow nothing.
    pub async fn call_typed<Req: Serialize + ?Sized, Rep: DeserializeOwned>(
        &self,
        method: Method,
        request: &Req,
        deadline: Deadline,
    ) -> Result<Rep, CallError> {
        let reply = self.call_encoded(method, request, deadline).await?;
        Ok(wire::decode(&reply)?)
    }

    /// Whom this calls.
    pub fn address(&self) -> &str {
        self.0.link.address()
    }

    /// What the peer said of itself when it was last connected; `None`: never yet.
    pub fn welcome(&self) -> Option<Welcome> {
        self.0.link.welcome()
    }

    /// How many calls wait for an answer.
    pub fn waiting(&self) -> usize {
        self.0.link.waiting()
    }

    /// Closes the connection for good: waiting calls end with `Lost` (or `Unreachable` when unsent), later ones with
    /// `Unreachable`.
    pub fn close(&self) {
        self.0.link.close();
    }

    /// Waits until the connection's task has ended; after [`Caller::close`].
    pub async fn closed(&self) {
        self.0.link.ended().await;
    }
}
