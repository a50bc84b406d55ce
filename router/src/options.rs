//! What a router is built from.

use std::{net::SocketAddr, time::Duration};

use crate::{auth::Secret, http::TlsFiles, rest::Limits};

/// Settings of one router process.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the REST API listens; port 0 takes a free port.
    pub address: SocketAddr,
    /// `host:port` of the internal ports of any nodes of the cluster, at least one.
    pub nodes: Vec<String>,
    /// Worker threads, each with its own runtime, listener and connections; at least 1.
    pub workers: usize,
    /// Bounds of requests.
    pub limits: Limits,
    /// Deadline of a request; long work such as export is bounded by its steps instead.
    pub request_timeout: Duration,
    /// Origins that browsers may call from; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// Whether each request is noted on standard output.
    pub access_log: bool,
    /// Whether `/metrics` answers.
    pub metrics: bool,
    /// Whether latencies are measured.
    pub tracking: bool,
    /// For how long a router that was told to stop serves on, while `/readyz` says 503, so that balancers look elsewhere.
    pub shutdown_delay: Duration,
    /// Time that requests in flight get at shutdown.
    pub grace: Duration,
    /// Most connections of one worker.
    pub connections_max: usize,
    /// What slow clients are given.
    pub patience: Patience,
    /// How callers are told apart; `None`: the API is open to everyone who reaches it.
    pub authentication: Option<Authentication>,
    /// The certificate of the API; `None`: it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
}

/// How callers are told apart, beside the keys that the cluster keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// A key that opens everything, to make the first ones with.
    pub api_key: Option<Secret>,
    /// Signs the JSON web tokens that are taken; `None`: none are.
    pub jwt_secret: Option<Secret>,
}

impl Options {
    /// What a person should know of these settings: it shows at the start and in `/health`.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let is_open = self.authentication.is_none() && !self.address.ip().is_loopback();
        let open = || {
            format!(
                "authentication is off (CACHE_AUTH_ENABLED) and the API listens on {}: whoever reaches it may read, change and \
                 remove everything",
                self.address
            )
        };
        is_open.then(open).into_iter().collect()
    }
}

/// How long clients may take. A slow one is closed, so that it cannot hold a connection for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the head of a request; also closes idle connections.
    pub head: Duration,
    /// For any body, whatever its size.
    pub body: Duration,
    /// Slowest rate at which a larger body may arrive, in bytes a second.
    pub body_rate_min: u64,
    /// For taking up an answer: longest time without any progress.
    pub write_stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(10),
            body_rate_min: 16 * 1024,
            write_stall: Duration::from_secs(30),
        }
    }
}

impl Patience {
    /// Time that a client may take to send a body of `bytes`.
    pub(crate) fn for_body(&self, bytes: u64) -> Duration {
        self.body + Duration::from_secs(bytes / self.body_rate_min.max(1))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8000)),
            nodes: Vec::new(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
            request_timeout: Duration::from_millis(5_000),
            allowed_origins: vec!["http://localhost:3000".into()],
            access_log: true,
            metrics: true,
            tracking: true,
            shutdown_delay: Duration::ZERO,
            grace: Duration::from_secs(10),
            connections_max: 10_000,
            patience: Patience::default(),
            authentication: None,
            tls: None,
        }
    }
}
