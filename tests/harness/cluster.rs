//! A cluster in this process, as a value: build, start, act, assert, drop.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, Command, Plan, RangeRecord, SettingsPatch},
    config::{Backend, CacheConfig},
};
use ringhold_node::{Formation, Founding, Handle, Listen, Node, StoreKind};
use ringhold_router::Router;
use ringhold_rpc::Deadline;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{client::Api, process::free_address, wait};

/// How the cluster is made.
#[derive(Clone, Debug)]
pub struct Options {
    pub nodes: usize,
    pub range_bits: u8,
    pub config: CacheConfig,
    pub store: StoreKind,
    /// Changed before the cluster counts as started.
    pub settings: SettingsPatch,
    /// The folder of the files is in each node's own.
    pub backends: ringhold_node::backend::Settings,
    /// Changes each node's options before it is built.
    pub node: fn(&mut ringhold_node::Options),
    /// Changes the router's options before it is built.
    pub router: fn(&mut ringhold_router::Options),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 3,
            range_bits: 6,
            config: CacheConfig::default(),
            store: StoreKind::default(),
            settings: SettingsPatch::default(),
            backends: Default::default(),
            node: |_| {},
            router: |_| {},
        }
    }
}

/// Nodes and a router on loopback, with data in a temporary folder.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    folder: TempDir,
    pub nodes: Vec<TestNode>,
    router: Running,
    router_address: SocketAddr,
    /// Routers that were started later.
    more_routers: Vec<Running>,
}

/// A node that runs, or has been stopped and may run again.
#[derive(Debug)]
pub struct TestNode {
    folder: PathBuf,
    pub rpc: SocketAddr,
    pub health: SocketAddr,
    running: Option<Running>,
    formation: Formation,
    handle: Option<DebugHandle>,
}

#[derive(Clone)]
struct DebugHandle(Handle);

impl std::fmt::Debug for DebugHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

/// A thread and what stops it.
#[derive(Debug)]
struct Running {
    /// In good order.
    cancel: CancellationToken,
    /// At once.
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn stop(&mut self) {
        self.cancel.cancel();
        self.join();
    }

    fn kill(&mut self) {
        self.end.cancel();
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the thread ends without a panic");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.end.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("a part of the cluster panicked");
        }
    }
}

impl TestNode {
    /// The node's view of the cluster.
    pub fn handle(&self) -> Handle {
        self.handle.as_ref().expect("the node was started").0.clone()
    }

    fn start(&mut self, options: &Options) {
        self.start_on(options, self.rpc, self.health);
    }

    fn start_on(&mut self, options: &Options, rpc: SocketAddr, health: SocketAddr) {
        assert!(self.running.is_none(), "the node runs already");
        let (listen, health) = (bind(rpc), bind(health));
        self.rpc = listen.local_addr().expect("bound");
        self.health = health.local_addr().expect("bound");
        let founding = Founding {
            range_bits: options.range_bits,
            config: options.config.clone(),
            default_backend: Backend::Memory,
        };
        let mut node = ringhold_node::Options::new(&self.folder, Listen::Bound(listen), health, founding);
        node.formation = self.formation.clone();
        node.store = options.store;
        node.backends = options.backends.clone();
        node.backends.file = node.backends.file.map(|path| self.folder.join(path));
        node.workers = 1;
        node.grace = Duration::from_secs(1);
        (options.node)(&mut node);
        let node = Node::build(node).expect("the node can be built");
        self.handle = Some(DebugHandle(node.handle()));
        let (cancel, end) = (CancellationToken::new(), CancellationToken::new());
        let (leave, stop) = (cancel.clone(), end.clone());
        let thread = thread::spawn(move || node.run_until(leave, stop).expect("the node runs until it is stopped"));
        self.running = Some(Running { cancel, end, thread: Some(thread) });
    }

    /// Stops the node as SIGTERM does: it hands over what it holds. Its data folder stays.
    pub fn stop(&mut self) {
        self.running.take().expect("the node runs").stop();
    }

    /// Stops the node without handing anything over, as if it had crashed. Its data folder stays.
    pub fn kill(&mut self) {
        self.running.take().expect("the node runs").kill();
    }

    /// The same as [`TestNode::stop`]; other tasks go on meanwhile.
    pub fn stopping(&mut self) -> impl Future<Output = ()> + use<> {
        let mut running = self.running.take().expect("the node runs");
        let stopped = tokio::task::spawn_blocking(move || running.stop());
        async move { stopped.await.expect("the node stops without a panic") }
    }

    /// Whether it was started and not stopped since.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

impl Cluster {
    /// Three nodes and a router, healthy.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// As told, healthy.
    pub async fn start_with(options: Options) -> Self {
        let cluster = Self::build(options);
        cluster.wait_healthy().await;
        if cluster.options.settings != SettingsPatch::default() {
            cluster.patch(cluster.options.settings.clone()).await;
            cluster.settled().await;
        }
        cluster
    }

    /// As told, on its way.
    pub fn build(options: Options) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let ports: Vec<(TcpListener, TcpListener)> = (0..options.nodes).map(|_| (bind(any()), bind(any()))).collect();
        let addresses: Vec<(SocketAddr, SocketAddr)> = ports
            .iter()
            .map(|(rpc, health)| (rpc.local_addr().expect("bound"), health.local_addr().expect("bound")))
            .collect();
        drop(ports);
        let seeds: Vec<String> = addresses.iter().map(|(rpc, _)| rpc.to_string()).collect();
        let mut nodes: Vec<TestNode> = addresses
            .iter()
            .enumerate()
            .map(|(number, (rpc, health))| TestNode {
                folder: folder.path().join(format!("node-{number}")),
                rpc: *rpc,
                health: *health,
                running: None,
                formation: Formation::Seeds(seeds.clone()),
                handle: None,
            })
            .collect();
        nodes.iter_mut().for_each(|node| node.start(&options));
        let (router, router_address) = start_router(&options, seeds);
        Self { options, folder, nodes, router, router_address, more_routers: Vec::new() }
    }

    /// Where the router serves.
    pub fn router_address(&self) -> SocketAddr {
        self.router_address
    }

    /// Where the nodes keep their data.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A client of the router.
    pub fn api(&self) -> Api {
        Api::new(format!("http://{}", self.router_address))
    }

    /// The newest state that a running node has applied.
    pub fn state(&self) -> Arc<ClusterState> {
        let running = self.nodes.iter().filter(|node| node.is_running());
        running.map(|node| node.handle().state()).max_by_key(|state| state.applied).expect("a node runs")
    }

    /// The id of a node that was started.
    pub fn id(&self, number: usize) -> NodeId {
        self.nodes[number].handle().node_id().expect("it has an id")
    }

    /// A running node that does not lead.
    pub async fn follower(&self) -> usize {
        let leader = self.leader().await;
        let mut others = (0..self.nodes.len()).filter(|number| *number != leader);
        others.find(|number| self.nodes[*number].is_running()).expect("another node runs")
    }

    /// Changes the settings of the data plane.
    pub async fn patch(&self, patch: SettingsPatch) {
        let node = self.nodes.iter().find(|node| node.is_running()).expect("a node runs");
        let (command, deadline) = (Command::PatchSettings { patch }, Deadline::after(wait::PATIENCE));
        node.handle().propose(command, deadline).await.expect("the settings are legal");
    }

    /// Waits until every range is where a plan that knows of all nodes wants it, and nothing moves.
    pub async fn settled(&self) -> Arc<ClusterState> {
        wait::until("every range to be where the plan wants it", async || {
            let state = self.state();
            let plan = state.plan.as_ref().filter(|plan| plan.id >= state.nodes_changed_at)?;
            let is_settled = is_settled(&state, plan);
            is_settled.then_some(state)
        })
        .await
    }

    /// Waits until the router says that the cluster is healthy, and every running node may serve.
    pub async fn wait_healthy(&self) {
        wait_healthy(&self.api()).await;
        wait::until("leases", async || {
            let mut running = self.nodes.iter().filter(|node| node.is_running());
            running.all(|node| node.handle().is_ready()).then_some(())
        })
        .await;
    }

    /// Starts a stopped node on its data folder, at its former addresses.
    pub fn restart(&mut self, number: usize) {
        let options = self.options.clone();
        self.nodes[number].start(&options);
    }

    /// Starts a stopped node on its data folder, at new addresses.
    pub fn restart_elsewhere(&mut self, number: usize) {
        let options = self.options.clone();
        self.nodes[number].start_on(&options, any(), any());
    }

    /// Deletes the data folder of a stopped node.
    pub fn wipe(&mut self, number: usize) {
        assert!(!self.nodes[number].is_running(), "only a stopped node can be wiped");
        std::fs::remove_dir_all(&self.nodes[number].folder).expect("the folder can be removed");
    }

    /// Starts one more node, which joins through the first one. Returns its number.
    pub fn add_node(&mut self) -> usize {
        let number = self.nodes.len();
        let mut node = TestNode {
            folder: self.folder.path().join(format!("node-{number}")),
            rpc: any(),
            health: any(),
            running: None,
            formation: Formation::Join(vec![self.nodes[0].rpc.to_string()]),
            handle: None,
        };
        node.start(&self.options);
        self.nodes.push(node);
        number
    }

    /// Number of the node that leads, once the running nodes agree on one of them.
    pub async fn leader(&self) -> usize {
        wait::until("a leader that all running nodes know", async || {
            let running = || self.nodes.iter().filter(|node| node.is_running());
            let leader = running().next()?.handle().status().leader?;
            let agreed = running().all(|node| node.handle().status().leader == Some(leader));
            let number =
                self.nodes.iter().position(|node| node.is_running() && node.handle().node_id() == Some(leader))?;
            agreed.then_some(number)
        })
        .await
    }

    /// Starts one more router with the same options, waits until it is healthy, and gives a client of it.
    /// It is stopped when the cluster is dropped.
    pub async fn start_router(&mut self) -> Api {
        let nodes = self.nodes.iter().map(|node| node.rpc.to_string()).collect();
        let (router, address) = start_router(&self.options, nodes);
        self.more_routers.push(router);
        let api = Api::new(format!("http://{address}"));
        wait_healthy(&api).await;
        api
    }

    /// Stops the router as SIGTERM does.
    pub fn stop_router(&mut self) {
        self.router.stop();
    }
}

fn is_settled(state: &ClusterState, plan: &Plan) -> bool {
    let is_there = |(record, owners): (&RangeRecord, &Vec<NodeId>)| {
        let members: BTreeSet<NodeId> = record.in_sync.iter().map(|member| member.node).collect();
        let wanted: BTreeSet<NodeId> = owners.iter().copied().collect();
        record.pending.is_none() && record.primary == owners.first().copied() && members == wanted
    };
    state.ranges.iter().zip(&plan.owners).all(is_there)
}

async fn wait_healthy(api: &Api) {
    wait::until("a healthy cluster", async || {
        let ready = api.get("/readyz").await.status == 200;
        (ready && api.get("/health").await.json()["status"] == "healthy").then_some(())
    })
    .await;
}

fn start_router(options: &Options, nodes: Vec<String>) -> (Running, SocketAddr) {
    let mut settings = ringhold_router::Options {
        address: any(),
        nodes,
        workers: 2,
        access_log: false,
        grace: Duration::from_secs(2),
        ..ringhold_router::Options::default()
    };
    (options.router)(&mut settings);
    let router = Router::build(settings).expect("the router can be built");
    let address = router.address();
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let thread = thread::spawn(move || router.run(stop).expect("the router runs until it is stopped"));
    (Running { cancel, end: CancellationToken::new(), thread: Some(thread) }, address)
}

/// Not port 0: while a node is stopped, its port must not go to somebody else by chance.
fn any() -> SocketAddr {
    free_address()
}

fn bind(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).unwrap_or_else(|error| panic!("{address} cannot be bound: {error}"))
}
