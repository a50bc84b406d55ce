//! The thread of the links: a task for every other node that runs, and the ticks.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use ringhold_model::{
    NodeId,
    cluster::{ClusterState, NodeState},
};
use ringhold_rpc::{Callers, CallersOptions, Connector, TcpConnector};
use tokio::{
    runtime,
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{
    bucket::Bucket,
    peer::{Peer, Target},
};
use crate::data::Node;

/// How often the engine looks for what nobody announces, and filling goes on that had to wait.
const TICK: Duration = Duration::from_millis(50);

/// What the tasks have in common.
pub(super) struct Shared {
    pub(super) node: Arc<Node>,
    pub(super) callers: Callers,
    /// Shared by all peers: the bound is the node's.
    bucket: Mutex<Bucket>,
    /// Bytes a second for filling; written when the state changes.
    fill_rate: AtomicU64,
    /// A peer had to wait with filling; the next tick wakes it.
    has_waiting: AtomicBool,
}

impl Shared {
    /// Bytes that may be sent now to fill copies.
    pub(super) fn may_fill(&self) -> usize {
        let allowance = self.bucket.lock().allowance(self.fill_rate.load(Relaxed), Instant::now());
        if allowance == 0 {
            self.has_waiting.store(true, Relaxed);
        }
        allowance
    }

    /// Notes bytes that were sent to fill copies.
    pub(super) fn note_filled(&self, bytes: u64) {
        if bytes > 0 {
            self.bucket.lock().take(bytes);
        }
    }

    /// Whether it is of interest which peers are there at all.
    pub(super) fn asks_all(&self) -> bool {
        self.node.is_leaving()
    }
}

/// The running thread.
#[derive(Debug)]
pub(crate) struct Links {
    thread: thread::JoinHandle<io::Result<()>>,
    cancel: CancellationToken,
}

impl Links {
    /// Starts the thread.
    pub(crate) fn spawn(node: Arc<Node>) -> io::Result<Self> {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let thread = thread::Builder::new().name("links".into()).spawn(move || run(node, &stop))?;
        Ok(Self { thread, cancel })
    }

    /// Ends it; what is in flight is given up.
    pub(crate) fn stop(self) -> io::Result<()> {
        self.cancel.cancel();
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the links panicked")))
    }
}

fn run(node: Arc<Node>, cancel: &CancellationToken) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(speak(node, Arc::new(TcpConnector::default()), cancel));
    Ok(())
}

/// Serves all peers until `cancel`, on the runtime that polls it.
pub(crate) async fn speak(node: Arc<Node>, connector: Arc<dyn Connector>, cancel: &CancellationToken) {
    let callers = Callers::new(CallersOptions::default(), connector);
    let shared = Arc::new(Shared {
        node,
        callers,
        bucket: Mutex::new(Bucket::new(Instant::now())),
        fill_rate: AtomicU64::new(0),
        has_waiting: AtomicBool::new(false),
    });
    tokio::join!(follow(&shared, cancel), tick(&shared, cancel));
    shared.callers.close().await;
}

/// Has a task for each peer that the engine may want to speak to.
async fn follow(shared: &Arc<Shared>, cancel: &CancellationToken) {
    let node = &shared.node;
    let mut tasks = JoinSet::new();
    let mut peers: BTreeMap<NodeId, watch::Sender<Target>> = BTreeMap::new();
    let mut acted = node.acted();
    loop {
        if *acted.borrow_and_update() > 0 {
            let state = node.control.state();
            shared.fill_rate.store(state.settings.fill_bytes_per_s, Relaxed);
            let me = node.control.node_id();
            // Only the first call changes anything: neither the cluster nor the id of a node that acts ever changes.
            shared.callers.identify(CallersOptions { cluster: state.cluster, from: me });
            meet_peers(shared, &state, me, &mut peers, &mut tasks);
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = tasks.join_next() => {}
            changed = acted.changed() => if changed.is_err() { break },
        }
    }
    drop(peers);
    while tasks.join_next().await.is_some() {}
}

fn meet_peers(
    shared: &Arc<Shared>,
    state: &ClusterState,
    me: Option<NodeId>,
    peers: &mut BTreeMap<NodeId, watch::Sender<Target>>,
    tasks: &mut JoinSet<()>,
) {
    let targets = targets(state, me);
    peers.retain(|id, _| {
        let stays = targets.contains_key(id);
        if !stays {
            shared.node.wakes.dismiss(*id);
        }
        stays
    });
    for (id, target) in targets {
        match peers.get(&id) {
            Some(known) => {
                known.send_if_modified(|known| {
                    let is_news = *known != target;
                    *known = target;
                    is_news
                });
            }
            None => {
                let (sender, receiver) = watch::channel(target);
                let wake = shared.node.wakes.enroll(id);
                tasks.spawn(Peer::new(id, shared.clone(), wake, receiver).run());
                peers.insert(id, sender);
            }
        }
    }
}

/// The other nodes that have started and are not gone, and where they are.
fn targets(state: &ClusterState, me: Option<NodeId>) -> BTreeMap<NodeId, Target> {
    let others = state.nodes.iter().filter(|(id, node)| Some(**id) != me && node.state != NodeState::Gone);
    let target = |(id, node): (&NodeId, &ringhold_model::cluster::Node)| {
        Some((*id, Target { incarnation: node.incarnation?, address: node.addresses.rpc.clone() }))
    };
    others.filter_map(target).collect()
}

async fn tick(shared: &Arc<Shared>, cancel: &CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Some(engine) = shared.node.engine() {
            engine.nudge();
        }
        if shared.has_waiting.swap(false, Relaxed) || shared.asks_all() {
            shared.node.wakes.wake_all();
        }
    }
}
