//! What the tasks of one node and its handles share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use ringhold_model::{
    ClusterId, Incarnation, NodeId,
    cluster::{Addresses, ClusterState, Command, Proposal, Reply, RequestId},
    rules::Rule,
    wire::{self, KnownNode, NodeStatus},
};
use ringhold_rpc::{Callers, Deadline};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    book::Book,
    bootstrap::ConsentCall,
    handle::ProposeError,
    leasing::Leasing,
    options::{Compaction, Formation, Founding, Timings},
    store::ENTRY_BYTES_MAX,
    types::Raft,
    view::View,
};

/// What an encoded entry adds to its command: envelope, log id, request id.
const ENTRY_OVERHEAD: usize = 128;
/// A status older than this says that the control thread is stuck.
const STATUS_AGE_MAX: Duration = Duration::from_secs(2);

/// The settings that do not change while the node runs.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) zone: String,
    pub(crate) weight: u32,
    pub(crate) formation: Formation,
    pub(crate) founding: Founding,
    pub(crate) timings: Timings,
    pub(crate) compaction: Compaction,
    /// Whether a data plane says by which state it acts.
    pub(crate) has_data_plane: bool,
}

/// Who this node is at the moment. Written by the lifecycle alone.
#[derive(Clone, Default)]
pub(crate) struct Me {
    pub(crate) cluster: ClusterId,
    pub(crate) node: Option<NodeId>,
    pub(crate) birth: u64,
    pub(crate) boot: u64,
    /// Registered with the cluster. A founding voter is a member only from its first log entry on.
    pub(crate) registered: bool,
    /// Running Raft; `None` before there is an id and after the end.
    pub(crate) raft: Option<Raft>,
    /// How often this process has started Raft.
    pub(crate) raft_run: u64,
}

/// How the node sees the cluster, as of `at`. Written by the status task alone.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) status: NodeStatus,
    /// A leader is known and was heard from.
    pub(crate) has_leader: bool,
    pub(crate) at: Instant,
}

impl Default for Seen {
    fn default() -> Self {
        Self { status: NodeStatus::default(), has_leader: false, at: Instant::now() }
    }
}

/// A proposal on its way from a handle to the control thread.
pub(crate) struct ProposeCall {
    pub(crate) proposal: Proposal,
    pub(crate) deadline: Deadline,
    pub(crate) done: oneshot::Sender<Result<(u64, Reply), ProposeError>>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) addresses: Addresses,
    pub(crate) view: Arc<View>,
    pub(crate) book: Book,
    /// Callers that introduce themselves with cluster and id, for Raft.
    pub(crate) peers: Callers,
    /// Callers that say nothing of themselves, for bootstrap and proposals.
    pub(crate) strangers: Callers,
    pub(crate) cancel: CancellationToken,
    pub(crate) consents: mpsc::Sender<ConsentCall>,
    pub(crate) leasing: Leasing,
    me: ArcSwap<Me>,
    seen: ArcSwap<Seen>,
    /// Milliseconds since `started` at which a leader was last heard from, plus one; zero: never.
    heard: AtomicU64,
    started: Instant,
    acted: watch::Sender<u64>,
    proposals: mpsc::Sender<ProposeCall>,
    proposer: u64,
    proposed: AtomicU64,
}

/// The parts of [`Shared`] that the builder brings.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) addresses: Addresses,
    pub(crate) peers: Callers,
    pub(crate) strangers: Callers,
    pub(crate) consents: mpsc::Sender<ConsentCall>,
    pub(crate) proposals: mpsc::Sender<ProposeCall>,
    pub(crate) leasing: Leasing,
    pub(crate) proposer: u64,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            settings: parts.settings,
            addresses: parts.addresses,
            view: Arc::default(),
            book: Book::default(),
            peers: parts.peers,
            strangers: parts.strangers,
            cancel: CancellationToken::new(),
            consents: parts.consents,
            leasing: parts.leasing,
            me: ArcSwap::default(),
            seen: ArcSwap::default(),
            heard: AtomicU64::new(0),
            started: Instant::now(),
            acted: watch::Sender::new(0),
            proposals: parts.proposals,
            proposer: parts.proposer,
            proposed: AtomicU64::new(0),
        }
    }

    pub(crate) fn me(&self) -> Arc<Me> {
        self.me.load_full()
    }

    pub(crate) fn set_me(&self, me: Me) {
        self.me.store(Arc::new(me));
    }

    pub(crate) fn raft(&self) -> Option<Raft> {
        self.me.load().raft.clone()
    }

    pub(crate) fn seen(&self) -> Arc<Seen> {
        self.seen.load_full()
    }

    pub(crate) fn set_seen(&self, seen: Seen) {
        self.seen.store(Arc::new(seen));
    }

    /// True once the cluster counts on this node: it will never turn to another.
    pub(crate) fn is_member(&self) -> bool {
        let me = self.me.load();
        let has_log = || me.raft.as_ref().is_some_and(|raft| raft.metrics().borrow().last_log_index.is_some());
        me.node.is_some() && (me.registered || has_log())
    }

    /// Takes news of where nodes are, and lets go of connections to where nobody is any more.
    pub(crate) fn learn(&self, news: impl IntoIterator<Item = KnownNode>) {
        self.leave(self.book.merge(news));
    }

    /// The same with what the replicated state says.
    pub(crate) fn learn_from(&self, state: &ClusterState) {
        self.leave(self.book.merge_state(state));
    }

    fn leave(&self, addresses: Vec<String>) {
        for address in addresses {
            self.peers.forget(&address);
            self.strangers.forget(&address);
        }
    }

    /// This node as the others should know it; `None` before it has an id.
    pub(crate) fn card(&self) -> Option<KnownNode> {
        let me = self.me.load();
        me.node.map(|node| KnownNode { node, boot: me.boot, addresses: self.addresses.clone() })
    }

    pub(crate) fn incarnation(&self) -> Option<Incarnation> {
        let me = self.me.load();
        let state = self.view.state();
        let node = state.nodes.get(&me.node?)?;
        let is_this_run = node.boot == me.boot || !Rule::Incarnation.holds();
        (node.birth == me.birth && is_this_run && state.cluster == me.cluster).then_some(node.incarnation)?
    }

    pub(crate) fn is_ready(&self) -> bool {
        let seen = self.seen.load();
        seen.has_leader
            && seen.at.elapsed() < STATUS_AGE_MAX
            && self.incarnation().is_some()
            && self.leasing.lease.holds_now()
    }

    /// A leader's message was accepted.
    pub(crate) fn heard_leader(&self) {
        let now = self.started.elapsed().as_millis() as u64;
        self.heard.store(now + 1, Ordering::Relaxed);
    }

    /// How long ago a leader was heard from.
    pub(crate) fn leader_silence(&self) -> Option<Duration> {
        let heard = self.heard.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.started.elapsed().saturating_sub(Duration::from_millis(heard)))
    }

    pub(crate) fn set_acted(&self, index: u64) {
        self.acted.send_if_modified(|acted| {
            let newer = index > *acted;
            *acted = index.max(*acted);
            newer
        });
    }

    pub(crate) fn acted(&self) -> watch::Receiver<u64> {
        self.acted.subscribe()
    }

    /// Names a proposal of this process.
    pub(crate) fn name(&self, command: Command) -> Proposal {
        let n = self.proposed.fetch_add(1, Ordering::Relaxed) + 1;
        Proposal { request: RequestId { proposer: self.proposer, n }, command }
    }

    /// Hands a proposal to the control thread and waits for its end.
    pub(crate) async fn submit(&self, proposal: Proposal, deadline: Deadline) -> Result<(u64, Reply), ProposeError> {
        if self.cancel.is_cancelled() {
            return Err(ProposeError::ShuttingDown);
        }
        check_size(&proposal)?;
        let (done, waiting) = oneshot::channel();
        self.proposals.try_send(ProposeCall { proposal, deadline, done }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ProposeError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => ProposeError::ShuttingDown,
        })?;
        // Dropped unanswered when the control thread ends: it may have been sent before.
        waiting.await.unwrap_or(Err(ProposeError::NoLeader))
    }
}

/// Refuses what could not be stored, before Raft sees it: there, it would be fatal.
pub(crate) fn check_size(proposal: &Proposal) -> Result<(), ProposeError> {
    let bytes = wire::encode(proposal).map_or(usize::MAX, |bytes| bytes.len().saturating_add(ENTRY_OVERHEAD));
    if bytes > ENTRY_BYTES_MAX { Err(ProposeError::TooLarge { bytes, max: ENTRY_BYTES_MAX }) } else { Ok(()) }
}
