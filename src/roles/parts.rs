//! From settings to the options of nodes and routers.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

use anyhow::Context;
use ringhold_node::{Formation, Founding, Listen};

use crate::settings::{InitialConfig, Limits, NodeSettings, RouterSettings, StoreKind};

/// A bound listener of a node.
pub(super) fn bind(address: &str, what: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .with_context(|| format!("the {what} {address} cannot be listened on; is another node running?"))
}

/// Where a node is put; the rest comes from the settings.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) listen: TcpListener,
    pub(super) health: TcpListener,
    pub(super) formation: Formation,
}

/// Options of a node at `place`.
pub(super) fn node_options(settings: &NodeSettings, place: Place) -> ringhold_node::Options {
    let founding = founding(&settings.initial, settings.ranges);
    let mut backends = settings.backends.clone();
    backends.file = backends.file.map(|path| place.folder.join(path));
    let mut options = ringhold_node::Options::new(place.folder, Listen::Bound(place.listen), place.health, founding);
    options.formation = place.formation;
    options.backends = backends;
    options.zone.clone_from(&settings.zone);
    options.weight = settings.weight;
    options.store = match settings.store {
        StoreKind::Sled => ringhold_node::StoreKind::Sled,
        StoreKind::Redb => ringhold_node::StoreKind::Redb,
    };
    options.workers = settings.workers;
    options.metrics = settings.metrics_enabled;
    options.tracking = settings.performance_tracking;
    options
}

fn founding(initial: &InitialConfig, ranges: u32) -> Founding {
    Founding {
        range_bits: ranges.ilog2() as u8,
        config: initial.config.clone(),
        default_backend: initial.default_backend,
    }
}

/// Options of a router at `address` that finds the cluster at `nodes`.
pub(super) fn router_options(
    settings: &RouterSettings,
    address: SocketAddr,
    nodes: Vec<String>,
) -> ringhold_router::Options {
    ringhold_router::Options {
        address,
        nodes,
        workers: settings.workers,
        limits: limits(settings.limits),
        request_timeout: settings.request_timeout,
        shutdown_delay: settings.shutdown_delay,
        allowed_origins: settings.allowed_origins.clone(),
        access_log: settings.access_log_enabled,
        metrics: settings.metrics_enabled,
        tracking: settings.performance_tracking,
        authentication: settings.authentication.clone(),
        tls: settings.tls.clone(),
        ..ringhold_router::Options::default()
    }
}

fn limits(limits: Limits) -> ringhold_router::Limits {
    ringhold_router::Limits {
        key_bytes: limits.key_bytes_max,
        value_bytes: limits.value_bytes_max,
        batch_items: limits.batch_items_max,
        body_bytes: limits.body_bytes_max,
        ttl_seconds: limits.ttl_seconds_max,
    }
}
