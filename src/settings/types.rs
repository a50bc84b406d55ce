//! The settings as the roles get them: parsed, checked, and without a trace of where they came from.

use std::{net::SocketAddr, net::ToSocketAddrs, path::PathBuf, str::FromStr, time::Duration};

use anyhow::Context;
use ringhold_model::config::{Backend, CacheConfig, UnknownWord};
use ringhold_node::backend::Settings as Backends;

/// Everything that was set.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// For the `dev` role.
    pub(crate) dev: DevSettings,
    /// For a node.
    pub(crate) node: NodeSettings,
    /// For a router.
    pub(crate) router: RouterSettings,
    /// For the log.
    pub(crate) log: LogSettings,
    /// What a person should know; to be logged once the log is open.
    pub(crate) warnings: Vec<String>,
}

/// What a newly formed cluster begins with; later the replicated config rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InitialConfig {
    /// Config of the default backend in the namespace `default`.
    pub(crate) config: CacheConfig,
    /// Backend of requests that name none.
    pub(crate) default_backend: Backend,
}

/// Limits on what clients may send; the same for the whole cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Longest key, in bytes.
    pub(crate) key_bytes_max: usize,
    /// Largest value, in bytes of JSON.
    pub(crate) value_bytes_max: usize,
    /// Most items in a batch.
    pub(crate) batch_items_max: usize,
    /// Largest body, in bytes; import is exempt.
    pub(crate) body_bytes_max: usize,
    /// Longest TTL, in seconds.
    pub(crate) ttl_seconds_max: u64,
}

/// What the `dev` role needs besides node and router settings, of which it takes all but addresses and folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DevSettings {
    /// How many nodes to run.
    pub(crate) nodes: usize,
    /// Folder in which each node has its own.
    pub(crate) data: PathBuf,
}

/// What a node needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeSettings {
    /// `host:port` of the internal listener.
    pub(crate) listen: String,
    /// `host:port` that the others reach it at.
    pub(crate) advertise: String,
    /// `host:port` of health and metrics.
    pub(crate) health_listen: String,
    /// `host:port` that the others reach health and metrics at; `None`: where it listens.
    pub(crate) advertise_health: Option<String>,
    /// Data folder.
    pub(crate) data: PathBuf,
    /// `host:port` of all nodes that form the cluster, as given; empty: it forms one alone, unless it joins one.
    pub(crate) seeds: Vec<String>,
    /// `host:port` of nodes of a running cluster to join; empty: it does not join.
    pub(crate) join: Vec<String>,
    /// Failure zone; empty: none given.
    pub(crate) zone: String,
    /// Share of the ranges relative to other nodes; 100: a plain node.
    pub(crate) weight: u32,
    /// Ranges of the hash space when the cluster is formed, a power of two.
    pub(crate) ranges: u32,
    /// Store of the Raft log.
    pub(crate) store: StoreKind,
    /// Worker threads; never 0.
    pub(crate) workers: usize,
    /// What a newly formed cluster begins with.
    pub(crate) initial: InitialConfig,
    /// Backends outside; the folder of the files is in the data folder unless it is absolute.
    pub(crate) backends: Backends,
    /// Whether `/metrics` is served.
    pub(crate) metrics_enabled: bool,
    /// Whether latency histograms are kept.
    pub(crate) performance_tracking: bool,
}

/// What a router needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouterSettings {
    /// Address of the API.
    pub(crate) host: String,
    /// Port of the API; 0: any free one.
    pub(crate) port: u16,
    /// `host:port` of the internal listeners of any nodes; never empty.
    pub(crate) nodes: Vec<String>,
    /// Worker threads; never 0.
    pub(crate) workers: usize,
    /// Limits on what clients may send.
    pub(crate) limits: Limits,
    /// Deadline of a request.
    pub(crate) request_timeout: Duration,
    /// For how long it serves on after it was told to stop.
    pub(crate) shutdown_delay: Duration,
    /// Origins for CORS, lower case; `*` alone: any.
    pub(crate) allowed_origins: Vec<String>,
    /// Whether `/metrics` is served.
    pub(crate) metrics_enabled: bool,
    /// Whether requests are logged.
    pub(crate) access_log_enabled: bool,
    /// Whether latency histograms are kept.
    pub(crate) performance_tracking: bool,
    /// How callers are told apart; `None`: they are not.
    pub(crate) authentication: Option<ringhold_router::Authentication>,
    /// The certificate of the API; `None`: it speaks plain HTTP.
    pub(crate) tls: Option<ringhold_router::TlsFiles>,
}

impl RouterSettings {
    /// Address to bind, resolved. Blocks on name resolution.
    pub(crate) fn listen_addr(&self) -> anyhow::Result<SocketAddr> {
        let mut found = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .with_context(|| format!("HOST = {:?} cannot be resolved; give an address of this machine", self.host))?;
        found.next().with_context(|| format!("HOST = {:?} has no address", self.host))
    }
}

/// Store of the Raft log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// sled, the default.
    Sled,
    /// redb.
    Redb,
}

impl FromStr for StoreKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "sled" => Ok(Self::Sled),
            "redb" => Ok(Self::Redb),
            _ => Err(UnknownWord),
        }
    }
}

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub(crate) filter: String,
    /// Text or JSON lines.
    pub(crate) format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// As the place it goes to suggests.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownWord),
        }
    }
}
