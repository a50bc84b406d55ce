//! What a node is built from.

use std::{net::TcpListener, path::PathBuf, time::Duration};

use crate::backend;
use ringhold_raft::{Formation, Founding, Listen, StoreKind, Timings};

/// Settings of one node.
pub struct Options {
    /// The node's data folder; created when absent.
    pub folder: PathBuf,
    /// Where to listen for the internal protocol.
    pub listen: Listen,
    /// `host:port` under which others reach the internal port; `None`: the address it is bound to.
    pub advertise: Option<String>,
    /// Where health and metrics are served, bound already so that the address can be told to the others.
    pub health: TcpListener,
    /// `host:port` under which others reach the health port; `None`: the address it is bound to.
    pub advertise_health: Option<String>,
    /// Failure domain; empty: none given.
    pub zone: String,
    /// Share of the ranges, 100 is plain.
    pub weight: u32,
    /// How a node with an empty data folder finds its cluster.
    pub formation: Formation,
    /// What the cluster starts with, when this node happens to form it.
    pub founding: Founding,
    /// Engine of the Raft log.
    pub store: StoreKind,
    /// Raft's clocks.
    pub timings: Timings,
    /// Threads that serve data connections; at least 1.
    pub workers: usize,
    /// Whether `/metrics` answers.
    pub metrics: bool,
    /// Whether latencies are measured.
    pub tracking: bool,
    /// Backends outside that the node has.
    pub backends: backend::Settings,
    /// Time that connections get to drain at shutdown.
    pub grace: Duration,
}

impl Options {
    /// A node in `folder`, internal port at `listen`, health port at `health`; the rest by default.
    pub fn new(folder: impl Into<PathBuf>, listen: Listen, health: TcpListener, founding: Founding) -> Self {
        Self {
            folder: folder.into(),
            listen,
            advertise: None,
            health,
            advertise_health: None,
            zone: String::new(),
            weight: 100,
            formation: Formation::default(),
            founding,
            store: StoreKind::default(),
            timings: Timings::default(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            metrics: true,
            tracking: true,
            backends: backend::Settings::default(),
            grace: Duration::from_secs(5),
        }
    }
}
