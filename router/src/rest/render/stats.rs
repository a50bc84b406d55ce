//! Answer of stats.

use ringhold_model::{
    NamespaceId, NodeId,
    config::{Backend, CacheConfig, Strategy},
    wire::{HistogramParts, SpaceStats},
};
use serde::Serialize;

use super::{
    super::{coverage::Coverage, figures::Figures},
    config::ConfigBody,
    splice::{raw, serde},
};

/// The merged figures and what they are made of.
#[derive(Clone, Debug)]
pub struct StatsView<'a> {
    /// The effective configuration of the (namespace, backend).
    pub config: &'a CacheConfig,
    /// Every node that takes part, also the ones that did not answer.
    pub nodes: Vec<NodeRow>,
    /// Who contributed.
    pub coverage: Coverage,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeRow {
    /// Who.
    pub node: NodeId,
    /// `joining`, `active`, `leaving`, `gone` or `down`.
    pub state: &'static str,
    /// Its RPC address.
    pub address: String,
    /// Resident set size in bytes.
    pub rss_bytes: u64,
    /// Milliseconds since its process began.
    pub uptime_ms: u64,
    /// Its figures; `None`: it did not answer.
    pub figures: Option<Figures>,
}

#[derive(Serialize)]
struct Statistics {
    total_items: u64,
    total_memory_usage: u64,
    copy_items: u64,
    copy_memory_usage: u64,
    hit_rate: f64,
    miss_rate: f64,
    eviction_count: u64,
    expired_count: u64,
    evictions_per_second: f64,
    ops_per_second: f64,
    max_memory: u64,
    max_items: u64,
    latency_us: Latency,
    backend: &'static str,
    strategy: &'static str,
}

#[derive(Serialize)]
struct Latency {
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    p999: Option<u64>,
    max: Option<u64>,
}

#[derive(Serialize)]
struct RawStats {
    hits: u64,
    misses: u64,
    sets: u64,
    deletes: u64,
    evictions: u64,
    expired: u64,
    invalidated: u64,
    total_items: u64,
    total_memory_usage: u64,
}

#[derive(Serialize)]
struct Node<'a> {
    node: u64,
    state: &'a str,
    address: &'a str,
    uptime_seconds: Option<u64>,
    rss_bytes: Option<u64>,
    statistics: Option<Statistics>,
    raw_stats: Option<RawStats>,
}

/// Answer of stats.
pub fn stats(out: &mut Vec<u8>, view: &StatsView<'_>) {
    let (backend, strategy) = (view.config.backend, view.config.strategy);
    let none =
        || Figures { space: SpaceStats::empty(NamespaceId::default(), backend), latency_us: HistogramParts::default() };
    let total = Figures::sum(view.nodes.iter().filter_map(|node| node.figures.as_ref())).unwrap_or_else(none);
    raw(out, "{\"success\":true,\"statistics\":");
    serde(out, &statistics(&total, backend, strategy));
    raw(out, ",\"config\":");
    serde(out, &ConfigBody::from(view.config));
    raw(out, ",\"raw_stats\":");
    serde(out, &raw_stats(&total));
    raw(out, ",\"nodes\":");
    let nodes: Vec<_> = view.nodes.iter().map(|row| node(row, backend, strategy)).collect();
    serde(out, &nodes);
    view.coverage.write_members(out);
    out.push(b'}');
}

fn node(row: &NodeRow, backend: Backend, strategy: Strategy) -> Node<'_> {
    let answered = row.figures.is_some();
    Node {
        node: row.node.0,
        state: row.state,
        address: &row.address,
        uptime_seconds: answered.then_some(row.uptime_ms / 1_000),
        rss_bytes: answered.then_some(row.rss_bytes),
        statistics: row.figures.as_ref().map(|figures| statistics(figures, backend, strategy)),
        raw_stats: row.figures.as_ref().map(raw_stats),
    }
}

fn statistics(figures: &Figures, backend: Backend, strategy: Strategy) -> Statistics {
    Statistics {
        total_items: figures.space.items,
        total_memory_usage: figures.space.bytes,
        copy_items: figures.space.copy_items,
        copy_memory_usage: figures.space.copy_bytes,
        hit_rate: figures.space.hit_rate(),
        miss_rate: figures.space.miss_rate(),
        eviction_count: figures.space.evictions,
        expired_count: figures.space.expired,
        evictions_per_second: figures.space.evictions_per_second(),
        ops_per_second: figures.space.ops_per_second(),
        max_memory: figures.space.max_memory,
        max_items: figures.space.max_items,
        latency_us: Latency {
            p50: figures.latency_us.quantile(500),
            p90: figures.latency_us.quantile(900),
            p99: figures.latency_us.quantile(990),
            p999: figures.latency_us.quantile(999),
            max: figures.latency_us.quantile(1_000),
        },
        backend: backend.as_str(),
        strategy: strategy.as_str(),
    }
}

fn raw_stats(figures: &Figures) -> RawStats {
    RawStats {
        hits: figures.space.hits,
        misses: figures.space.misses,
        sets: figures.space.sets,
        deletes: figures.space.deletes,
        evictions: figures.space.evictions,
        expired: figures.space.expired,
        invalidated: figures.space.invalidated,
        total_items: figures.space.items,
        total_memory_usage: figures.space.bytes,
    }
}
