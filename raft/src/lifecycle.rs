//! Owns the node's identity and its Raft: takes the node into a cluster, and its Raft up and down.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use openraft::{
    Config, SnapshotPolicy,
    error::{InitializeError, RaftError},
};
use ringhold_model::{
    ClusterId,
    cluster::{Command, Rejection, Reply},
    wire::{Channel, ConsentReply, ConsentRequest, Fault, Method},
};
use ringhold_rpc::{CallersOptions, Deadline};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    announce,
    bootstrap::{self, ConsentCall, Step, Verdict, Wait, on_consent},
    error::RunError,
    folder::Folder,
    identity::{Identity, Standing},
    network::Network,
    options::Formation,
    propose::propose_through,
    shared::{Me, Shared},
    snapshot::Snapshots,
    state_machine::StateMachine,
    store::{self, LogStore, OnFatal, StoreError, StoreKind},
    types::{Peer, Raft},
};

/// Between attempts to get into a cluster.
const TICK: Duration = Duration::from_millis(150);
/// A seed's consent takes one durable write.
const CONSENT_MAX: Duration = Duration::from_secs(5);
/// One attempt to register.
const REGISTER_MAX: Duration = Duration::from_secs(3);
/// How often what is waited for is said again, in attempts.
const REMIND_EVERY: u32 = 40;

/// See the module.
pub(crate) struct Lifecycle {
    shared: Arc<Shared>,
    folder: Folder,
    identity: Identity,
    kind: StoreKind,
    on_fatal: OnFatal,
    /// Open as soon as there is an id; stays open while Raft is down for a moment.
    log: Option<LogStore>,
    raft: Option<Raft>,
    raft_run: u64,
    waits: (Option<Wait>, u32),
}

impl Lifecycle {
    /// Opens the log when the node has an id already, so that damage is found before anything is promised. Blocking.
    pub(crate) fn open(
        shared: Arc<Shared>,
        folder: Folder,
        identity: Identity,
        kind: StoreKind,
        on_fatal: OnFatal,
    ) -> Result<Self, StoreError> {
        let log = match identity.standing.node() {
            Some(_) => Some(store::open(kind, &folder.log(identity.standing.cluster(), kind), Arc::clone(&on_fatal))?),
            None => None,
        };
        let lifecycle =
            Self { shared, folder, identity, kind, on_fatal, log, raft: None, raft_run: 0, waits: (None, 0) };
        lifecycle.introduce();
        Ok(lifecycle)
    }

    /// Runs until cancelled or broken. Raft is down when it returns.
    pub(crate) async fn run(mut self, mut consents: mpsc::Receiver<ConsentCall>) -> Result<(), RunError> {
        let ended = self.drive(&mut consents).await;
        self.stop_raft().await;
        ended
    }

    async fn drive(&mut self, consents: &mut mpsc::Receiver<ConsentCall>) -> Result<(), RunError> {
        if self.log.is_some() {
            self.start_raft().await?;
        }
        let cancel = self.shared.cancel.clone();
        loop {
            let is_settled = self.is_member()?;
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                why = failure(self.raft.as_ref()) => return Err(RunError::Raft(why)),
                Some(call) = consents.recv() => self.consent(call).await?,
                () = tokio::time::sleep(TICK), if !is_settled => self.approach().await?,
            }
        }
    }

    /// The cluster counts on this node, or its log holds an entry.
    pub(crate) fn is_member(&self) -> Result<bool, StoreError> {
        match (&self.identity.standing, &self.log) {
            (Standing::Registered { .. }, _) => Ok(true),
            (Standing::Consented { .. }, Some(log)) => Ok(!log.is_empty()?),
            _ => Ok(false),
        }
    }

    /// One step towards a cluster.
    async fn approach(&mut self) -> Result<(), RunError> {
        let formation = self.shared.settings.formation.clone();
        let me = self.shared.addresses.rpc.clone();
        let others = match &formation {
            Formation::Alone => Vec::new(),
            Formation::Seeds(addresses) | Formation::Join(addresses) => {
                addresses.iter().filter(|address| **address != me).cloned().collect()
            }
        };
        // A stop does not wait for others to answer, here and below; what was agreed by then is durable and goes on later.
        let Some(answers) = self.shared.cancel.run_until_cancelled(announce::ask(&self.shared, &others)).await else {
            return Ok(());
        };
        if self.is_member()? {
            return Ok(());
        }
        match bootstrap::next_step(&self.identity.standing, &me, &formation, &answers) {
            Step::Register { cluster, through } => self.register(cluster, &through).await,
            Step::AskConsents { seeds } => self.form(&seeds).await,
            Step::Wait(wait) => {
                self.remind(wait);
                Ok(())
            }
        }
    }

    /// Forms a cluster if all seeds agree. Repeated after a crash or a refusal under the same cluster id.
    async fn form(&mut self, seeds: &[String]) -> Result<(), RunError> {
        let me = self.shared.addresses.rpc.clone();
        if self.identity.standing == Standing::Pristine {
            let cluster = ClusterId(rand::random::<u64>().max(1));
            self.take(Standing::Consented { cluster, seat: bootstrap::seat_of(&me, seeds) }).await?;
        }
        let request = ConsentRequest {
            cluster: self.identity.standing.cluster(),
            seeds: seeds.to_vec(),
            birth: self.identity.birth,
        };
        let collected = self.shared.cancel.run_until_cancelled(collect(&self.shared, &request, &me)).await;
        let Some(mut peers) = collected.flatten() else { return Ok(()) };
        let own = &self.shared.addresses;
        peers.insert(me, Peer { rpc: own.rpc.clone(), health: own.health.clone(), birth: self.identity.birth });
        let voters: BTreeMap<u64, Peer> = (1..)
            .zip(bootstrap::founders(seeds))
            .filter_map(|(id, address)| peers.remove(address).map(|peer| (id, peer)))
            .collect();
        let Some(raft) = &self.raft else { return Ok(()) };
        tracing::info!(cluster = request.cluster.0, ?seeds, "all seeds agreed; forming the cluster");
        match raft.initialize(voters).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(RunError::Raft(error.to_string())),
        }
    }

    async fn register(&mut self, cluster: ClusterId, through: &[String]) -> Result<(), RunError> {
        if self.identity.standing.node().is_some() && !self.give_up(Standing::Pristine).await? {
            return Ok(());
        }
        let settings = &self.shared.settings;
        let proposal = self.shared.name(Command::Register {
            birth: self.identity.birth,
            addresses: self.shared.addresses.clone(),
            zone: settings.zone.clone(),
            weight: settings.weight,
        });
        let asked = propose_through(&self.shared, through, &proposal, Deadline::after(REGISTER_MAX));
        let Some(answer) = self.shared.cancel.run_until_cancelled(asked).await else { return Ok(()) };
        match answer {
            Ok((_, Ok(Reply::Registered(node, replaced)))) => {
                tracing::info!(node.id = node.0, cluster = cluster.0, ?replaced, "registered with the cluster");
                self.take(Standing::Registered { cluster, node }).await
            }
            Ok((_, Err(Rejection::NodeGone(node)))) => Err(RunError::Removed(node)),
            Ok((_, Err(Rejection::NotFormed))) => Ok(()),
            other => {
                tracing::warn!(answer = ?other, "the cluster did not register this node; trying again");
                Ok(())
            }
        }
    }

    /// Answers a seed's request for consent; durable before the answer.
    async fn consent(&mut self, call: ConsentCall) -> Result<(), RunError> {
        let reply = self.decide(&call.request).await?;
        // The asking seed may have stopped waiting; it asks again.
        drop(call.done.send(reply));
        Ok(())
    }

    async fn decide(&mut self, request: &ConsentRequest) -> Result<Result<ConsentReply, Fault>, RunError> {
        let (me, is_member) = (self.shared.addresses.rpc.clone(), self.is_member()?);
        let formation = &self.shared.settings.formation;
        match on_consent(&self.identity, is_member, &me, formation, request) {
            Verdict::Again => {}
            Verdict::Grant(standing) => self.take(standing).await?,
            Verdict::Supersede(standing) => {
                if !self.give_up(standing).await? {
                    return Ok(Ok(ConsentReply::Member { cluster: self.identity.standing.cluster() }));
                }
            }
            Verdict::Member(cluster) => return Ok(Ok(ConsentReply::Member { cluster })),
            Verdict::OtherSeeds(seeds) => {
                tracing::error!(own = ?seeds, theirs = ?request.seeds, "a seed was started with another list of seeds");
                return Ok(Ok(ConsentReply::OtherSeeds { seeds }));
            }
            Verdict::GivenUp => return Ok(Err(Fault::WrongPeer)),
        }
        Ok(Ok(ConsentReply::Granted { birth: self.identity.birth, addresses: self.shared.addresses.clone() }))
    }

    /// Gives up the cluster consented to, for `next`, under a new birth. False when its log holds an entry by now: then
    /// this node is a member and stays one.
    async fn give_up(&mut self, next: Standing) -> Result<bool, RunError> {
        self.stop_raft().await;
        if self.is_member()? {
            self.start_raft().await?;
            return Ok(false);
        }
        let old = self.identity.standing.cluster();
        tracing::warn!(cluster = old.0, "giving up a cluster that was never formed");
        self.log = None;
        self.identity.birth = rand::random();
        self.identity.refused.push(old);
        self.take(next).await?;
        self.folder.remove_cluster(old);
        Ok(true)
    }

    /// Makes a new standing durable and acts by it.
    async fn take(&mut self, standing: Standing) -> Result<(), RunError> {
        self.identity.standing = standing;
        self.identity.save(&self.folder)?;
        self.shared.book.clear();
        if self.identity.standing.node().is_some() {
            let path = self.folder.log(self.identity.standing.cluster(), self.kind);
            self.log = Some(store::open(self.kind, &path, Arc::clone(&self.on_fatal))?);
            self.start_raft().await?;
        } else {
            self.introduce();
        }
        Ok(())
    }

    async fn start_raft(&mut self) -> Result<(), RunError> {
        let (Some(node), Some(log)) = (self.identity.standing.node(), self.log.clone()) else { return Ok(()) };
        let snapshots = Snapshots::open(&self.folder.snapshots(self.identity.standing.cluster()))?;
        let machine = StateMachine::open(snapshots, log.purged()?, Arc::clone(&self.shared.view))?;
        self.shared.learn_from(&self.shared.view.state());
        let config = raft_config(&self.shared)?;
        let cluster = self.identity.standing.cluster();
        self.shared.peers.identify(CallersOptions { cluster, from: Some(node) });
        let network = Network { shared: Arc::clone(&self.shared) };
        self.shared.leasing.raft_begins();
        self.raft_run += 1;
        let raft = Raft::new(node.0, Arc::new(config), network, log, machine)
            .await
            .map_err(|error| RunError::Raft(error.to_string()))?;
        self.raft = Some(raft);
        self.introduce();
        Ok(())
    }

    async fn stop_raft(&mut self) {
        let Some(raft) = self.raft.take() else { return };
        self.introduce();
        if let Err(error) = raft.shutdown().await {
            tracing::warn!(%error, "raft did not end cleanly");
        }
    }

    /// Tells the other tasks who this node is.
    fn introduce(&self) {
        let standing = &self.identity.standing;
        let has_log = self.log.as_ref().is_some_and(|log| !log.is_empty().unwrap_or(true));
        self.shared.set_me(Me {
            cluster: standing.cluster(),
            node: standing.node(),
            birth: self.identity.birth,
            boot: self.identity.boot,
            registered: matches!(standing, Standing::Registered { .. }) || has_log,
            raft: self.raft.clone(),
            raft_run: self.raft_run,
        });
    }

    /// Says what is waited for: at once, and again from time to time.
    fn remind(&mut self, wait: Wait) {
        let (last, times) = &mut self.waits;
        *times = if last.as_ref() == Some(&wait) { *times + 1 } else { 0 };
        if times.is_multiple_of(REMIND_EVERY) {
            match &wait {
                Wait::Founding => tracing::info!("waiting for the cluster that this node helps to form"),
                Wait::Members(at) => tracing::warn!(?at, "no member of a formed cluster answers yet"),
                Wait::Seeds(silent) => {
                    tracing::warn!(?silent, "waiting for seeds: a cluster is formed only when all agree");
                }
                Wait::Proposer(seed) => tracing::info!(%seed, "waiting for the seed that forms the cluster"),
                Wait::Split(clusters) => {
                    tracing::error!(?clusters, "the seeds belong to several clusters; give the seeds of one of them");
                }
            }
        }
        *last = Some(wait);
    }
}

/// Asks all other seeds for their consent; what they granted, by address, or `None` if not all did.
async fn collect(shared: &Arc<Shared>, request: &ConsentRequest, me: &str) -> Option<BTreeMap<String, Peer>> {
    let mut calls = JoinSet::new();
    for seed in request.seeds.iter().filter(|seed| *seed != me).cloned() {
        let (caller, request) = (shared.strangers.to(&seed, Channel::Control, None), request.clone());
        calls.spawn(async move {
            let reply = caller.call_typed::<_, ConsentReply>(Method::Consent, &request, Deadline::after(CONSENT_MAX));
            (seed, reply.await)
        });
    }
    let mut granted = BTreeMap::new();
    let mut all = true;
    while let Some(Ok((seed, reply))) = calls.join_next().await {
        match reply {
            Ok(ConsentReply::Granted { birth, addresses }) => {
                granted.insert(seed, Peer { rpc: addresses.rpc, health: addresses.health, birth });
                continue;
            }
            Ok(ConsentReply::Member { cluster }) => {
                tracing::info!(%seed, cluster = cluster.0, "a seed is a member of a cluster already");
            }
            Ok(ConsentReply::OtherSeeds { seeds }) => {
                let own = &request.seeds;
                tracing::error!(%seed, theirs = ?seeds, ?own, "a seed was started with another list of seeds");
            }
            Err(error) => tracing::warn!(%seed, %error, "a seed did not consent yet"),
        }
        all = false;
    }
    (all && granted.len() + 1 == request.seeds.len()).then_some(granted)
}

/// Resolves when Raft broke.
async fn failure(raft: Option<&Raft>) -> String {
    let Some(raft) = raft else { return std::future::pending().await };
    let mut metrics = raft.metrics();
    loop {
        if let Err(why) = metrics.borrow_and_update().running_state.clone() {
            return why.to_string();
        }
        if metrics.changed().await.is_err() {
            return "raft ended".to_owned();
        }
    }
}

fn raft_config(shared: &Shared) -> Result<Config, RunError> {
    let (timings, compaction) = (&shared.settings.timings, &shared.settings.compaction);
    let millis = |duration: Duration| duration.as_millis() as u64;
    Config {
        cluster_name: "ringhold".to_owned(),
        heartbeat_interval: millis(timings.heartbeat),
        election_timeout_min: millis(timings.election_min),
        election_timeout_max: millis(timings.election_max),
        // The default re-sends the first chunk for ever to a peer that takes longer to store it.
        install_snapshot_timeout: 10_000,
        snapshot_max_chunk_size: 1 << 20,
        max_payload_entries: store::READ_ENTRIES_MAX as u64,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(compaction.snapshot_after),
        replication_lag_threshold: compaction.snapshot_after + compaction.keep + 1,
        max_in_snapshot_log_to_keep: compaction.keep,
        purge_batch_size: 256.min(compaction.keep.max(1)),
        ..Config::default()
    }
    .validate()
    .map_err(|error| RunError::Raft(error.to_string()))
}
