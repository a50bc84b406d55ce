//! A server as a value, a service that does what tests need, and the two transports.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use ringhold_model::{
    ClusterId, NodeId,
    wire::{Channel, Fault, Method},
};
use ringhold_rpc::{
    Call, CallError, Caller, CallerOptions, Connector, Deadline, Handled, Hello, Listener, ServeOptions, Service,
    TcpConnector, Welcome, memory::MemoryNetwork, serve_listener,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub(crate) const CLUSTER: ClusterId = ClusterId(77);
pub(crate) const NODE: NodeId = NodeId(3);

/// Echoes its body.
pub(crate) const ECHO: Method = Method::Point;
/// Echoes its body (a little-endian u64) once the gate is at or below it.
pub(crate) const GATED: Method = Method::Watch;
/// Fails.
pub(crate) const FAILS: Method = Method::Stats;
/// Replies with as many zeros as its body (a little-endian u64) says.
pub(crate) const ZEROS: Method = Method::Scan;
/// Never answers.
pub(crate) const NEVER: Method = Method::Purge;

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

pub(crate) fn hello() -> Hello {
    Hello { channel: Channel::Data, cluster: CLUSTER, from: None, target: Some(NODE) }
}

pub(crate) fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

/// What the tests call.
pub(crate) struct Lab {
    pub(crate) gate: watch::Sender<u64>,
    pub(crate) executed: AtomicU64,
    pub(crate) seen: Mutex<HashSet<Bytes>>,
}

impl Lab {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { gate: watch::Sender::new(u64::MAX), executed: AtomicU64::new(0), seen: Mutex::default() })
    }

    /// Waits until the service has seen `count` calls.
    pub(crate) async fn wait_executed(&self, count: u64) {
        wait_until("calls to be executed", || self.executed.load(Ordering::SeqCst) >= count).await;
    }
}

impl Service for Lab {
    fn call(&self, call: Call<'_>) -> Handled {
        self.executed.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().insert(call.body.clone());
        match call.method {
            ECHO => call.reply.extend_from_slice(&call.body),
            ZEROS => call.reply.extend(std::iter::repeat_n(0, usize::try_from(number(&call.body)).unwrap())),
            FAILS => {
                // Whatever was begun must not reach the caller.
                call.reply.extend_from_slice(b"half a reply");
                return Handled::Failed(Fault::NotPrimary { primary: Some(NodeId(9)), view: 12 });
            }
            NEVER => return Handled::later(std::future::pending()),
            GATED => {
                let mut gate = self.gate.subscribe();
                return Handled::later(async move {
                    let wanted = number(&call.body);
                    gate.wait_for(|gate| *gate <= wanted).await.map_err(|_| Fault::ShuttingDown)?;
                    Ok(call.body.to_vec())
                });
            }
            _ => return Handled::Failed(Fault::Malformed),
        }
        Handled::Replied
    }
}

/// A transport.
pub(crate) struct Net {
    pub(crate) memory: Option<MemoryNetwork>,
}

impl Net {
    pub(crate) fn tcp() -> Self {
        Self { memory: None }
    }

    pub(crate) fn memory() -> Self {
        Self { memory: Some(MemoryNetwork::default()) }
    }

    pub(crate) fn connector(&self) -> Arc<dyn Connector> {
        match &self.memory {
            Some(network) => network.connector("client"),
            None => Arc::new(TcpConnector::default()),
        }
    }

    /// Listens at `address`, or anywhere.
    pub(crate) async fn listen(&self, address: Option<&str>) -> (Box<dyn Listener>, String) {
        match &self.memory {
            Some(network) => (Box::new(network.bind(address.unwrap_or("server"))), "server".to_owned()),
            None => {
                let listener = TcpListener::bind(address.unwrap_or("127.0.0.1:0")).await.unwrap();
                let address = listener.local_addr().unwrap().to_string();
                (Box::new(listener), address)
            }
        }
    }

    pub(crate) async fn serve(&self, lab: &Arc<Lab>) -> Server {
        self.serve_with(lab, ServeOptions::default(), None).await
    }

    pub(crate) async fn serve_with(&self, lab: &Arc<Lab>, options: ServeOptions, address: Option<&str>) -> Server {
        let (listener, address) = self.listen(address).await;
        let cancel = CancellationToken::new();
        let me = |hello: &Hello| {
            let welcome = Welcome { cluster: CLUSTER, node: Some(NODE) };
            welcome.check(hello).map(|()| welcome)
        };
        let serving = serve_listener(Boxed(listener), me, Arc::clone(lab) as Arc<dyn Service>, options, cancel.clone());
        #[expect(clippy::disallowed_methods, reason = "the handle joins it")]
        let task = AbortOnDropHandle::new(tokio::spawn(serving));
        Server { address, cancel, task }
    }

    pub(crate) fn caller(&self, address: &str) -> Caller {
        self.caller_with(CallerOptions::new(address, hello()))
    }

    pub(crate) fn caller_with(&self, options: CallerOptions) -> Caller {
        Caller::new(options, self.connector())
    }
}

struct Boxed(Box<dyn Listener>);

impl Listener for Boxed {
    fn accept(&mut self) -> futures_util::future::BoxFuture<'_, std::io::Result<ringhold_rpc::BoxedStream>> {
        self.0.accept()
    }
}

/// A running server. Dropping it is a crash: its connections break.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) cancel: CancellationToken,
    pub(crate) task: AbortOnDropHandle<()>,
}

impl Server {
    /// Crashes and waits until everything is gone.
    pub(crate) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Polls `condition` until it holds.
pub(crate) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = soon();
    while !condition() {
        assert!(!deadline.has_passed(), "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Echoes until it works; how a caller would retry.
pub(crate) async fn echo_until_it_works(caller: &Caller) {
    let deadline = soon();
    loop {
        match caller.call(ECHO, "again", deadline).await {
            Ok(reply) => return assert_eq!(&reply[..], b"again"),
            Err(error) => assert!(!deadline.has_passed(), "never worked again: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn is_unreachable(outcome: &Result<Bytes, CallError>, text: &str) -> bool {
    matches!(outcome, Err(CallError::Unreachable(reason)) if reason.contains(text))
}
