//! A node's side of the control plane for simulations: the state, the lease and the proposals of a real [`Handle`], with one
//! authority somewhere on the network in the place of Raft.
//!
//! Real: the holder's side of leases, the forwarding of proposals, the announcement of the start, and the service that routers
//! speak to. Not here: openraft, its log, and whoever decides; the authority is the simulation's.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use ringhold_model::{
    ClusterId, NodeId,
    cluster::Addresses,
    wire::{
        self, Channel, Fault, KnownNode, LeaseRefusal, LeasesReply, Method, NodeStatus, RenewReply, WatchReply,
        WatchRequest,
    },
};
use ringhold_rpc::{Call, Callers, CallersOptions, Connector, Deadline, Handled, Service};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use crate::{
    handle::Handle,
    lease::{Holder, Rules},
    leasing::{Leasing, keeper, now_ms},
    options::{Compaction, Formation, Founding, Timings},
    propose,
    service::Control,
    shared::{Me, Parts, ProposeCall, Seen, Settings, Shared},
    start,
};

/// Longest wait of one poll for a newer state.
const POLL_WAIT: Duration = Duration::from_millis(500);
/// What is added to that before the authority counts as silent.
const POLL_SLACK: Duration = Duration::from_millis(300);
/// After a poll that failed.
const POLL_PAUSE: Duration = Duration::from_millis(50);

/// One process of a node.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster, formed already.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// Of its data folder.
    pub birth: u64,
    /// How often it has started.
    pub boot: u64,
    /// Where others reach it.
    pub address: String,
    /// Its failure domain.
    pub zone: String,
    /// Names its proposals; not zero, and another in every process.
    pub proposer: u64,
    /// Who decides, and where it is.
    pub authority: (NodeId, String),
    /// Of leases.
    pub timings: Timings,
    /// Of leases.
    pub rules: Rules,
}

/// See the module.
pub struct Simulated {
    shared: Arc<Shared>,
    proposals: mpsc::Receiver<ProposeCall>,
    authority: NodeId,
    rules: Rules,
}

impl Simulated {
    /// A process that has not announced itself yet.
    pub fn new(options: Options, connector: Arc<dyn Connector>) -> Self {
        let (consents, _) = mpsc::channel(1);
        let (proposed, proposals) = mpsc::channel(256);
        let (leasing, _) = Leasing::new();
        let identity = CallersOptions { cluster: options.cluster, from: Some(options.node) };
        let addresses = Addresses { rpc: options.address, health: String::new() };
        let shared = Shared::new(Parts {
            settings: Settings {
                zone: options.zone,
                weight: 100,
                formation: Formation::Alone,
                founding: Founding::default(),
                timings: options.timings,
                compaction: Compaction::default(),
                has_data_plane: true,
            },
            addresses,
            peers: Callers::new(identity, Arc::clone(&connector)),
            strangers: Callers::new(CallersOptions::default(), connector),
            consents,
            proposals: proposed,
            leasing,
            proposer: options.proposer,
        });
        shared.set_me(Me {
            cluster: options.cluster,
            node: Some(options.node),
            birth: options.birth,
            boot: options.boot,
            registered: true,
            raft: None,
            raft_run: 0,
        });
        let (authority, address) = options.authority;
        // The only one that proposals can be brought to.
        shared.learn([KnownNode {
            node: authority,
            boot: 1,
            addresses: Addresses { rpc: address, health: String::new() },
        }]);
        Self { shared: Arc::new(shared), proposals, authority, rules: options.rules }
    }

    /// What the data plane holds.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// The service of the control channel.
    pub fn service(&self) -> Arc<dyn Service> {
        let control = Control { shared: Arc::clone(&self.shared) };
        Arc::new(Desk { control, authority: self.authority })
    }

    /// Follows the authority for as long as it is polled.
    pub async fn run(self) {
        let Self { shared, proposals, authority, rules } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(propose::serve_handles(Arc::clone(&shared), proposals));
        tasks.spawn(keep_lease(Arc::clone(&shared), authority, rules));
        tasks.spawn(follow(Arc::clone(&shared), authority));
        start::announce_start(shared).await;
        while tasks.join_next().await.is_some() {}
    }
}

/// A node's control service; who holds a lease it asks the authority, as if that were this node.
struct Desk {
    control: Control,
    authority: NodeId,
}

impl Service for Desk {
    fn call(&self, call: Call<'_>) -> Handled {
        if call.method != Method::Leases {
            return self.control.call(call);
        }
        let (shared, authority, deadline) = (Arc::clone(&self.control.shared), self.authority, call.deadline);
        Handled::later(async move {
            let leases: LeasesReply =
                ask(&shared, authority, Method::Leases, &(), deadline).await.ok_or(Fault::NoLeader)?;
            wire::encode(&leases).map_err(|_| Fault::Malformed)
        })
    }
}

fn ask<'a, Req: serde::Serialize, Rep: serde::de::DeserializeOwned>(
    shared: &'a Shared,
    authority: NodeId,
    method: Method,
    request: &'a Req,
    deadline: Deadline,
) -> impl Future<Output = Option<Rep>> + use<'a, Req, Rep> {
    let address = shared.book.rpc_address(authority).unwrap_or_default();
    let caller = shared.peers.to(&address, Channel::Control, Some(authority));
    async move { caller.call_typed::<_, Rep>(method, request, deadline).await.ok() }
}

/// Brings each newer state. While the authority is out of reach no leader is known.
async fn follow(shared: Arc<Shared>, authority: NodeId) {
    loop {
        let request = WatchRequest { since: shared.view.state().applied, timeout_ms: POLL_WAIT.as_millis() as u32 };
        let deadline = Deadline::after(POLL_WAIT + POLL_SLACK);
        let reply: Option<WatchReply> = ask(&shared, authority, Method::Watch, &request, deadline).await;
        let is_heard = reply.is_some();
        if let Some(state) = reply.and_then(|reply| reply.state).filter(|state| state.applied > request.since) {
            shared.view.publish(Arc::new(*state));
        }
        let me = shared.me().node;
        let leader = me.filter(|_| is_heard);
        let status = NodeStatus { node: me, leader, applied: shared.view.state().applied, ..NodeStatus::default() };
        shared.set_seen(Seen { status, has_leader: is_heard, at: std::time::Instant::now() });
        if !is_heard {
            sleep(POLL_PAUSE).await;
        }
    }
}

/// The holder's side, with the authority in the place of the leader.
async fn keep_lease(shared: Arc<Shared>, authority: NodeId, rules: Rules) {
    let every = shared.settings.timings.renew_every;
    let mut holder = Holder::with_rules(rules);
    loop {
        let began = Instant::now();
        let pause = match keeper::request(&shared) {
            None => every / 2,
            Some(request) => {
                let sent_ms = now_ms();
                match ask(&shared, authority, Method::Renew, &request, Deadline::after(every * 3)).await {
                    Some(RenewReply::Granted { lease_ms }) => {
                        holder.granted(sent_ms, now_ms(), lease_ms);
                        shared.leasing.lease.set_until(holder.until_ms());
                        every
                    }
                    Some(RenewReply::Refused(LeaseRefusal::Behind(index))) => {
                        let acts = timeout_at(Instant::now() + every / 2, keeper::acts_by(&shared, index));
                        if acts.await.is_ok() { every / 10 } else { every / 2 }
                    }
                    _ => every / 2,
                }
            }
        };
        tokio::select! {
            biased;
            () = shared.leasing.renew_now.notified() => {}
            () = sleep_until(began + pause) => {}
        }
    }
}

/// Voters of a cluster whose leader is this authority alone.
pub fn voters(authority: NodeId) -> Vec<BTreeSet<NodeId>> {
    vec![BTreeSet::from([authority])]
}
