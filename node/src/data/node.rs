//! What the parts of a running node share.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use prometheus_client::metrics::histogram::Histogram;
use ringhold_model::{
    NamespaceId,
    config::Backend,
    wire::{AnalyticsRequest, Fault, Method, NodeStats, ProgressReply, Usage},
};
use ringhold_raft::Handle;
use ringhold_rpc::{Call, Deadline, Handled, Service};
use tokio::sync::watch;

use super::{latency::Latency, many, point, replicate, times::Times, writing::Writing};
use crate::{
    backend::Stores,
    clock::Clock,
    engine::{Engine, Options},
    lease::ServingLease,
    links::{Reach, Wakes},
    metrics,
};

/// Longest wait for a state that a router has seen already; the router then tries again.
const CATCH_UP_WAIT: Duration = Duration::from_millis(50);

/// A node's engine and control plane. Answers the calls of the data channel.
pub(crate) struct Node {
    /// Made when the first state tells how many ranges there are. Written by the keeper alone.
    engine: OnceLock<Engine>,
    /// `applied` of the state that the engine acts by. Written by the keeper alone; tells those who wait for it.
    acted: watch::Sender<u64>,
    pub(crate) control: Handle,
    pub(crate) clock: Clock,
    pub(crate) latency: Option<Latency>,
    pub(crate) times: Times,
    /// From when a message leaves for a copy until its answer is here.
    pub(crate) replication: Histogram,
    pub(crate) metrics_enabled: bool,
    /// Rung by the engine, heard by the links.
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) reach: Reach,
    pub(crate) writing: Writing,
    /// Backends outside.
    pub(crate) stores: Stores,
    /// It was told to stop. Set once.
    leaving: AtomicBool,
    /// Every copy that the plan wants here was complete once in this run. Set once.
    filled: AtomicBool,
    started: Instant,
    /// Nothing runs on blocking threads: for simulations, which order everything themselves.
    pub(crate) is_single_threaded: bool,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.control.node_id()).finish_non_exhaustive()
    }
}

impl Node {
    pub(crate) fn new(control: Handle, stores: Stores, tracking: bool, metrics_enabled: bool) -> Self {
        Self {
            engine: OnceLock::new(),
            acted: watch::Sender::new(0),
            clock: Clock::new(),
            latency: tracking.then(Latency::new),
            times: Times::new(tracking),
            replication: metrics::replication(),
            metrics_enabled,
            wakes: Arc::default(),
            reach: Reach::new(control.clone()),
            writing: Writing::default(),
            stores,
            leaving: AtomicBool::new(false),
            filled: AtomicBool::new(false),
            control,
            started: Instant::now(),
            is_single_threaded: false,
        }
    }

    /// The engine, once this run of the node is part of a cluster.
    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.engine.get()
    }

    /// The engine, made on the first call.
    pub(crate) fn engine_for(&self, range_bits: u8) -> &Engine {
        self.engine.get_or_init(|| {
            let lease = Arc::new(ServingLease(self.control.lease()));
            let engine = Engine::new(Options { lease, ..Options::new(range_bits) });
            let wakes = self.wakes.clone();
            engine.set_wake(Arc::new(move |node| wakes.wake(node)));
            engine
        })
    }

    /// Notes that the engine acts by the state at `index`.
    pub(crate) fn set_acted(&self, index: u64) {
        self.acted.send_replace(index);
        self.control.set_acted(index);
    }

    /// Tells by which state the engine acts; zero before it acts by any.
    pub(crate) fn acted(&self) -> watch::Receiver<u64> {
        self.acted.subscribe()
    }

    /// Waits until the engine acts by the state at `index`, at most [`CATCH_UP_WAIT`] and until `deadline`.
    ///
    /// # Errors
    /// `Busy`, on which the caller tries again; `NotFormed` before this run is part of a cluster.
    pub(crate) async fn caught_up(&self, index: u64, deadline: Deadline) -> Result<&Engine, Fault> {
        let wait = Deadline::after(CATCH_UP_WAIT).earlier(deadline).remaining();
        let mut acted = self.acted.subscribe();
        let caught_up = tokio::time::timeout(wait, acted.wait_for(|acted| *acted >= index)).await;
        match caught_up {
            Ok(Ok(_)) => self.engine().ok_or(Fault::NotFormed),
            _ => Err(Fault::Busy),
        }
    }

    /// Waits without bound until the engine acts by the state at `index`.
    pub(crate) async fn wait_until_acted(&self, index: u64) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.acted.subscribe().wait_for(|acted| *acted >= index).await;
    }

    /// Says, here and to the leader, that this node is about to stop.
    pub(crate) fn set_leaving(&self) {
        self.leaving.store(true, Relaxed);
        self.control.set_stopping();
    }

    /// Whether it is about to stop.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// Notes that every copy that the plan wants here is complete.
    pub(crate) fn set_filled(&self) {
        self.filled.store(true, Relaxed);
    }

    /// Whether every copy that the plan wants here was complete once in this run.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Relaxed)
    }

    /// What it holds and fills; `None` before it is a member of a cluster.
    pub(crate) fn progress(&self) -> Option<ProgressReply> {
        let progress = self.engine()?.progress(self.clock.now());
        Some(ProgressReply { has_lease: self.control.lease().holds_now(), ..progress })
    }

    /// The node's figures; `None` before it is a member of a cluster.
    pub(crate) fn stats(&self, namespace: Option<NamespaceId>) -> Option<NodeStats> {
        let mut counts = self.engine()?.stats(namespace, self.clock.now());
        counts.spaces.retain(|space| space.backend == Backend::Memory || self.stores.get(space.backend).is_some());
        Some(NodeStats {
            node: self.control.node_id()?,
            incarnation: self.control.incarnation()?,
            uptime_ms: self.started.elapsed().as_millis() as u64,
            primary_ranges: counts.primary_ranges,
            total_bytes: counts.total_bytes,
            total_records: counts.total_records,
            rss_bytes: resident_bytes(),
            latency_us: self.latency.as_ref().map(Latency::parts),
            spaces: counts.spaces,
            backends: self.stores.states(),
        })
    }

    /// What is counted of one (namespace, backend); all zero when there is no such space here, `None` before it is a member of a
    /// cluster.
    pub(crate) fn usage(&self, request: &AnalyticsRequest) -> Option<Usage> {
        let engine = self.engine()?;
        let (namespace, backend) = (request.namespace, request.backend);
        let usage = engine.usage(namespace, backend, request.hot_keys_max as usize, self.clock.now());
        let Some(usage) = usage else { return Some(Usage::default()) };
        let (operations, failed, deferred) = self.times.of((namespace, backend));
        Some(Usage { operations, failed, deferred, ..usage })
    }
}

/// Resident set size of the process in bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// The service of the data channel.
pub(crate) struct DataService(pub(crate) Arc<Node>);

impl Service for DataService {
    fn call(&self, call: Call<'_>) -> Handled {
        match call.method {
            Method::Point => point::call(&self.0, call),
            Method::Scan
            | Method::FirstKeys
            | Method::Count
            | Method::Remove
            | Method::Purge
            | Method::Survey
            | Method::Stats
            | Method::Analytics => many::call(&self.0, call),
            Method::Replicate => replicate::call(&self.0, call),
            Method::Progress => replicate::progress(&self.0, call.reply),
            _ => Handled::Failed(Fault::Malformed),
        }
    }
}
