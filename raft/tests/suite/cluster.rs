//! A cluster as a value: build, start, wait, act, assert.

use std::{
    future::Future,
    net::TcpListener,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, Command, NodeState, Reply},
};
use ringhold_raft::{
    Compaction, DataConnection, Formation, Founding, Handle, Listen, Node, NodeThread, Options, ProposeError, RunError,
    StoreKind, Timings,
};
use ringhold_rpc::Deadline;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Debug builds on a loaded machine are slow; what is waited for usually takes a hundredth of this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Nodes and their folders.
pub(crate) struct Cluster {
    dir: TempDir,
    pub(crate) places: Vec<Place>,
    pub(crate) store: StoreKind,
    pub(crate) compaction: Compaction,
    /// Nodes are given a data plane that takes connections here.
    pub(crate) data_sink: Option<mpsc::Sender<DataConnection>>,
}

/// One node's address and folder, and the node while it runs.
pub(crate) struct Place {
    pub(crate) address: String,
    folder: PathBuf,
    /// Holds the port until the node takes it.
    reserved: Option<TcpListener>,
    pub(crate) formation: Formation,
    thread: Option<NodeThread>,
}

impl Cluster {
    /// Places for `count` seeds; nothing runs yet.
    pub(crate) fn of_seeds(count: usize) -> Self {
        // The first caller wins.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        drop(tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init());
        let mut cluster = Self {
            dir: tempfile::tempdir().unwrap(),
            places: Vec::new(),
            store: StoreKind::default(),
            compaction: Compaction::default(),
            data_sink: None,
        };
        for _ in 0..count {
            cluster.add_place(Formation::Alone);
        }
        let seeds: Vec<String> = cluster.places.iter().map(|place| place.address.clone()).collect();
        for place in &mut cluster.places {
            place.formation = Formation::Seeds(seeds.clone());
        }
        cluster
    }

    /// Starts all and waits until they are one healthy cluster.
    pub(crate) fn started(count: usize) -> Self {
        let mut cluster = Self::of_seeds(count);
        cluster.start_all();
        cluster.wait_healthy();
        cluster
    }

    pub(crate) fn add_place(&mut self, formation: Formation) -> usize {
        let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
        self.places.push(Place {
            address: reserved.local_addr().unwrap().to_string(),
            folder: self.dir.path().join(format!("node-{}", self.places.len())),
            reserved: Some(reserved),
            formation,
            thread: None,
        });
        self.places.len() - 1
    }

    pub(crate) fn start(&mut self, at: usize) {
        let node = Node::build(self.options(at)).unwrap();
        self.places[at].thread = Some(node.spawn_thread().unwrap());
    }

    /// What the node at `at` is started with.
    pub(crate) fn options(&mut self, at: usize) -> Options {
        let (store, compaction, data_sink) = (self.store, self.compaction, self.data_sink.clone());
        let place = &mut self.places[at];
        let listen = match place.reserved.take() {
            Some(listener) => Listen::Bound(listener),
            None => Listen::At(place.address.clone()),
        };
        Options {
            formation: place.formation.clone(),
            founding: Founding { range_bits: 6, ..Founding::default() },
            timings: timings(),
            store,
            compaction,
            data_sink,
            on_fatal: Arc::new(|why| panic!("the store failed: {why}")),
            ..Options::new(&place.folder, listen)
        }
    }

    pub(crate) fn start_all(&mut self) {
        for at in 0..self.places.len() {
            if self.places[at].thread.is_none() {
                self.start(at);
            }
        }
    }

    pub(crate) fn stop(&mut self, at: usize) {
        self.places[at].thread.take().expect("it runs").stop().unwrap();
    }

    /// Waits for a node that ends by itself.
    pub(crate) fn end_of(&mut self, at: usize) -> Result<(), RunError> {
        wait_for("the node to end", || self.is_finished(at));
        self.places[at].thread.take().expect("it ran").wait()
    }

    /// Another port for the next start; the folder stays.
    pub(crate) fn move_away(&mut self, at: usize) {
        let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
        self.places[at].address = reserved.local_addr().unwrap().to_string();
        self.places[at].reserved = Some(reserved);
    }

    pub(crate) fn wipe(&mut self, at: usize) {
        assert!(self.places[at].thread.is_none(), "stop it first");
        std::fs::remove_dir_all(&self.places[at].folder).unwrap();
    }

    /// Swaps the folder with the one set aside under `name`, if there is one.
    pub(crate) fn set_aside(&mut self, at: usize, name: &str) {
        assert!(self.places[at].thread.is_none(), "stop it first");
        let (folder, aside) = (&self.places[at].folder, self.dir.path().join(name));
        let between = self.dir.path().join("between");
        std::fs::rename(folder, &between).unwrap();
        if aside.exists() {
            std::fs::rename(&aside, folder).unwrap();
        }
        std::fs::rename(between, aside).unwrap();
    }

    pub(crate) fn is_finished(&self, at: usize) -> bool {
        self.places[at].thread.as_ref().is_none_or(NodeThread::is_finished)
    }

    pub(crate) fn handle(&self, at: usize) -> Handle {
        self.places[at].thread.as_ref().expect("it runs").handle().clone()
    }

    /// The running ones.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|at| self.places[*at].thread.is_some()).collect()
    }

    pub(crate) fn handles(&self) -> Vec<Handle> {
        self.running().into_iter().map(|at| self.handle(at)).collect()
    }

    /// All running nodes are ready, active, of one cluster, follow one leader, have a plan, and vote as they should.
    pub(crate) fn wait_healthy(&self) {
        let handles = self.handles();
        wait_for("a healthy cluster", || {
            let statuses: Vec<_> = handles.iter().map(Handle::status).collect();
            let states: Vec<_> = handles.iter().map(Handle::state).collect();
            let first = &statuses[0];
            handles.iter().all(Handle::is_ready)
                && statuses.iter().all(|status| status.leader.is_some() && status.leader == first.leader)
                && states.iter().all(|state| state.applied == states[0].applied && *state == states[0])
                && states[0].plan.is_some()
                && handles.iter().all(|handle| is_active(&states[0], handle.node_id()))
                && first.voters.len() == voters_of(&states[0])
        });
    }

    /// Place of the leader that the running nodes agree on.
    pub(crate) fn leader(&self) -> usize {
        let mut leader = None;
        wait_for("a leader that all agree on", || {
            let named: Vec<_> = self.handles().iter().map(|handle| handle.status().leader).collect();
            leader = self.running().into_iter().find(|at| self.handle(*at).node_id() == named[0]);
            named[0].is_some() && named.iter().all(|name| *name == named[0]) && leader.is_some()
        });
        leader.unwrap()
    }

    /// A running place that does not lead.
    pub(crate) fn follower(&self) -> usize {
        let leader = self.leader();
        self.running().into_iter().find(|at| *at != leader).expect("more than one runs")
    }

    /// All running nodes have applied what the first of them has.
    pub(crate) fn wait_equal(&self) {
        let handles = self.handles();
        wait_for("equal states", || {
            let states: Vec<_> = handles.iter().map(Handle::state).collect();
            states.iter().all(|state| *state == states[0])
        });
    }
}

/// Slow enough for debug builds that share two cores, fast enough to fail over within 3 s.
pub(crate) fn timings() -> Timings {
    Timings {
        heartbeat: Duration::from_millis(100),
        election_min: Duration::from_millis(350),
        election_max: Duration::from_millis(650),
        announce: Duration::from_millis(300),
        first_plan_wait: Duration::from_secs(5),
        lease: Duration::from_secs(2),
        renew_every: Duration::from_millis(150),
    }
}

fn is_active(state: &ClusterState, id: Option<NodeId>) -> bool {
    id.and_then(|id| state.nodes.get(&id)).is_some_and(|node| node.state == NodeState::Active)
}

fn voters_of(state: &ClusterState) -> usize {
    match state.nodes.values().filter(|node| node.state == NodeState::Active).count() {
        0..=2 => 1,
        3..=4 => 3,
        _ => 5,
    }
}

/// Waits for a condition; fails with `what` after [`PATIENCE`].
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// That nothing happens can only be watched for a while.
pub(crate) fn stays(what: &str, during: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < during {
        assert!(condition(), "no longer: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Makes a namespace, the smallest change there is.
pub(crate) fn write(handle: &Handle, name: &str, timeout: Duration) -> Result<u64, ProposeError> {
    let command = Command::CreateNamespace { name: name.to_owned() };
    let written = block_on(async { handle.propose(command, Deadline::after(timeout)).await });
    written.map(|(index, reply)| {
        assert!(matches!(reply, Reply::Namespace(_)), "{reply:?}");
        index
    })
}

/// As [`write`], with patience.
pub(crate) fn write_surely(handle: &Handle, name: &str) -> u64 {
    write(handle, name, PATIENCE).unwrap()
}
