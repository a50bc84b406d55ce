//! Version 1: ranges had one copy each, and nodes no leases.
//!
//! Types that are the same today are taken from there; one that changes is to be copied here as it was. Enums have only
//! grown at their ends since.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;

use crate::{
    cluster::{
        command::{self, Rejection, RequestId},
        state::{self, Addresses, NodeState, RangeRecord},
    },
    config::{self, Backend, LfuAging, Strategy},
    ids::{ClusterId, Generation, Incarnation, NamespaceId, NodeId},
};

/// The version that is read here.
pub(super) const VERSION: u8 = 1;

#[derive(Deserialize)]
pub(super) struct ClusterState {
    cluster: ClusterId,
    hash_seed: u64,
    range_bits: u8,
    applied: u64,
    next_node: u64,
    nodes_changed_at: u64,
    nodes: BTreeMap<NodeId, Node>,
    ranges: Vec<RangeRecord>,
    plan: Option<Plan>,
    namespaces: BTreeMap<NamespaceId, Namespace>,
    configs: BTreeMap<(NamespaceId, Backend), ConfigRecord>,
    default_backend: Option<Backend>,
    settings: Settings,
    answered: VecDeque<(RequestId, Result<Reply, Rejection>)>,
}

#[derive(Deserialize)]
struct Node {
    birth: u64,
    boot: u64,
    incarnation: Option<Incarnation>,
    addresses: Addresses,
    zone: String,
    weight: u32,
    state: NodeState,
}

#[derive(Deserialize)]
struct Plan {
    id: u64,
    owners: Vec<Vec<NodeId>>,
}

#[derive(Deserialize)]
struct Namespace {
    name: String,
    generations: BTreeMap<Backend, Generation>,
}

#[derive(Deserialize)]
struct Settings {
    replication_factor: u8,
    min_in_sync: u8,
}

#[derive(Deserialize)]
struct ConfigRecord {
    config: CacheConfig,
    version: u64,
}

#[derive(Deserialize)]
struct CacheConfig {
    backend: Backend,
    strategy: Strategy,
    max_memory: u64,
    max_items: u64,
    default_ttl: u64,
    cleanup_interval: u64,
    compression_enabled: bool,
    encryption_enabled: bool,
}

#[derive(Deserialize)]
enum Reply {
    Done,
    Registered(NodeId, Option<NodeId>),
    Started(Incarnation),
    Namespace(NamespaceId),
    Cleared(Generation),
    Config(CacheConfig, u64),
}

/// Nobody holds a lease of a cluster of that time: its processes are followed by new ones, which are touched when they start.
/// So `touched_at` and `barrier_at` begin at zero. The number of copies stays as it was stored.
impl From<ClusterState> for state::ClusterState {
    fn from(old: ClusterState) -> Self {
        Self {
            cluster: old.cluster,
            hash_seed: old.hash_seed,
            range_bits: old.range_bits,
            applied: old.applied,
            next_node: old.next_node,
            nodes_changed_at: old.nodes_changed_at,
            barrier_at: 0,
            nodes: old.nodes.into_iter().map(|(id, node)| (id, node.into())).collect(),
            ranges: old.ranges,
            plan: old.plan.map(state::Plan::from),
            namespaces: old.namespaces.into_iter().map(|(id, namespace)| (id, namespace.into())).collect(),
            configs: old.configs.into_iter().map(|(key, record)| (key, record.into())).collect(),
            default_backend: old.default_backend,
            settings: old.settings.into(),
            keys: BTreeMap::new(),
            keys_changed_at: 0,
            answered: old
                .answered
                .into_iter()
                .map(|(name, outcome)| (name, outcome.map(command::Reply::from)))
                .collect(),
        }
    }
}

impl From<Node> for state::Node {
    fn from(old: Node) -> Self {
        Self {
            birth: old.birth,
            boot: old.boot,
            incarnation: old.incarnation,
            addresses: old.addresses,
            zone: old.zone,
            weight: old.weight,
            state: old.state,
            touched_at: 0,
            set_weight: None,
        }
    }
}

impl From<Plan> for state::Plan {
    fn from(old: Plan) -> Self {
        Self { id: old.id, owners: old.owners, absent: Default::default() }
    }
}

impl From<Namespace> for state::Namespace {
    fn from(old: Namespace) -> Self {
        Self { name: old.name, generations: old.generations, silent: BTreeMap::new() }
    }
}

impl From<Settings> for state::Settings {
    fn from(old: Settings) -> Self {
        let Settings { replication_factor, min_in_sync } = old;
        Self { replication_factor, min_in_sync, ..Self::default() }
    }
}

impl From<ConfigRecord> for state::ConfigRecord {
    fn from(old: ConfigRecord) -> Self {
        Self { config: old.config.into(), version: old.version }
    }
}

/// `lfu` did not age then.
impl From<CacheConfig> for config::CacheConfig {
    fn from(old: CacheConfig) -> Self {
        Self {
            backend: old.backend,
            strategy: old.strategy,
            max_memory: old.max_memory,
            max_items: old.max_items,
            default_ttl: old.default_ttl,
            cleanup_interval: old.cleanup_interval,
            compression_enabled: old.compression_enabled,
            encryption_enabled: old.encryption_enabled,
            lfu_aging: LfuAging::None,
        }
    }
}

impl From<Reply> for command::Reply {
    fn from(old: Reply) -> Self {
        match old {
            Reply::Done => Self::Done,
            Reply::Registered(node, former) => Self::Registered(node, former),
            Reply::Started(incarnation) => Self::Started(incarnation),
            Reply::Namespace(namespace) => Self::Namespace(namespace),
            Reply::Cleared(generation) => Self::Cleared(generation),
            Reply::Config(config, version) => Self::Config(config.into(), version),
        }
    }
}
