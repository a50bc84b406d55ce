//! Everything a node's control plane is told at its start.

use std::{net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

use ringhold_model::config::{Backend, CacheConfig};
use ringhold_rpc::Hello;
use tokio::sync::mpsc;

use crate::store::StoreKind;

/// Options of [`Node::build`](crate::Node::build).
pub struct Options {
    /// The node's data folder; created when absent. One process at a time.
    pub folder: PathBuf,
    /// Where to listen for the internal protocol.
    pub listen: Listen,
    /// `host:port` under which the others reach the internal port; `None`: the address it is bound to.
    pub advertise: Option<String>,
    /// `host:port` of the node's health and metrics port, told to the others; may be empty.
    pub health: String,
    /// Failure domain; empty: none given.
    pub zone: String,
    /// Share of the ranges, 100 is plain.
    pub weight: u32,
    /// How a node with an empty data folder finds its cluster. Ignored once it is a member, except that the addresses
    /// are asked for news.
    pub formation: Formation,
    /// What the cluster starts with, when this node happens to form it.
    pub founding: Founding,
    /// Engine of the Raft log; fixed when the data folder is made.
    pub store: StoreKind,
    /// Heartbeats, elections, waits.
    pub timings: Timings,
    /// When the log is cut.
    pub compaction: Compaction,
    /// Who takes connections of the data channel; `None`: they are refused, and barriers wait only for the state.
    pub data_sink: Option<mpsc::Sender<DataConnection>>,
    /// Called when the Raft log can no longer be trusted on disk; must end the process. The default exits with 74.
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Where to listen.
pub enum Listen {
    /// Bind this `host:port`; port 0 takes any.
    At(String),
    /// Bound already; so an address can be told to others before the node is built.
    Bound(TcpListener),
}

/// How a node without a cluster comes to one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Formation {
    /// A cluster of this node alone.
    #[default]
    Alone,
    /// Together with these `host:port` of internal ports, the own advertised one among them. Every seed is given the
    /// same list; the cluster forms once all of them agreed.
    Seeds(Vec<String>),
    /// Become a member of the running cluster that answers at one of these.
    Join(Vec<String>),
}

/// The first state of a cluster.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The hash space is cut into `2^range_bits` ranges, 1 to 16.
    pub range_bits: u8,
    /// Config of the namespace `default` on its backend.
    pub config: CacheConfig,
    /// Backend of requests that name none.
    pub default_backend: Backend,
}

impl Default for Founding {
    fn default() -> Self {
        Self { range_bits: 10, config: CacheConfig::default(), default_backend: Backend::Memory }
    }
}

/// Raft's clocks and this crate's waits.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// Between heartbeats; also what a peer has to store entries and answer.
    pub heartbeat: Duration,
    /// Shortest election timeout.
    pub election_min: Duration,
    /// Longest election timeout; also the leader lease.
    pub election_max: Duration,
    /// Between announcements to the peers.
    pub announce: Duration,
    /// How long the first plan waits for all seeds.
    pub first_plan_wait: Duration,
    /// A node may serve for so long after it asked for its lease. The longer, the longer the writes of a crashed primary's
    /// ranges wait; the shorter, the sooner a busy machine seems dead.
    pub lease: Duration,
    /// Between renewals of a lease that were granted; what else leases wait for scales with it.
    pub renew_every: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(100),
            election_min: Duration::from_millis(250),
            election_max: Duration::from_millis(450),
            announce: Duration::from_secs(1),
            first_plan_wait: Duration::from_secs(5),
            lease: Duration::from_millis(1_500),
            renew_every: Duration::from_millis(200),
        }
    }
}

/// When snapshots are taken and how much log stays.
#[derive(Clone, Copy, Debug)]
pub struct Compaction {
    /// A snapshot after so many entries.
    pub snapshot_after: u64,
    /// Entries that stay behind a snapshot, for peers that lag a little.
    pub keep: u64,
}

impl Default for Compaction {
    fn default() -> Self {
        Self { snapshot_after: 2000, keep: 500 }
    }
}

/// A connection of the data channel, its hello accepted and answered; nothing of its first call was read.
#[derive(Debug)]
pub struct DataConnection {
    /// The connection, non-blocking.
    pub stream: std::net::TcpStream,
    /// What the caller said.
    pub hello: Hello,
}

impl Options {
    /// A node in `folder` that listens at `listen`; the rest by default.
    pub fn new(folder: impl Into<PathBuf>, listen: Listen) -> Self {
        Self {
            folder: folder.into(),
            listen,
            advertise: None,
            health: String::new(),
            zone: String::new(),
            weight: 100,
            formation: Formation::default(),
            founding: Founding::default(),
            store: StoreKind::default(),
            timings: Timings::default(),
            compaction: Compaction::default(),
            data_sink: None,
            on_fatal: Arc::new(|_| std::process::exit(EXIT_IO)),
        }
    }
}

/// `EX_IOERR` of sysexits.
const EXIT_IO: i32 = 74;
