//! What a node tells Prometheus.
//!
//! A scrape reads the same figures as the statistics calls and writes them through a registry made for it, so that
//! nothing is counted in two places. Labels are bounded: one series per namespace and backend.

use std::{fmt, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use ringhold_model::wire::{ProgressReply, SpaceStats};

use self::operations::Durations;
use crate::data::Node;

mod backends;
mod cluster;
mod operations;

/// Content type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = [(&'static str, String); 2];
type Caused = [(&'static str, String); 3];
/// Name, meaning, figure.
type Column<T> = (&'static str, &'static str, fn(&T) -> u64);

const COUNTERS: &[Column<SpaceStats>] = &[
    ("ringhold_node_hits", "Reads that found a live record", |space| space.hits),
    ("ringhold_node_misses", "Reads that did not", |space| space.misses),
    ("ringhold_node_sets", "Records written", |space| space.sets),
    ("ringhold_node_deletes", "Live records removed by request", |space| space.deletes),
    ("ringhold_node_evictions", "Records removed to make room", |space| space.evictions),
    ("ringhold_node_expired", "Records removed because their time was over", |space| space.expired),
    ("ringhold_node_invalidated", "Records removed by clear, tag or pattern", |space| space.invalidated),
];

const GAUGES: &[Column<SpaceStats>] = &[
    ("ringhold_node_items", "Live items of ranges whose primary the node is", |space| space.items),
    ("ringhold_node_copy_items", "Live items held as copies", |space| space.copy_items),
    ("ringhold_node_max_items", "Limit of items in force; 0: none", |space| space.max_items),
];

const BYTES: &[Column<SpaceStats>] = &[
    ("ringhold_node_items_size", "Bytes charged to the items of primaries", |space| space.bytes),
    ("ringhold_node_copy_items_size", "Bytes charged to copies", |space| space.copy_bytes),
    ("ringhold_node_max_memory", "Limit of bytes in force; 0: none", |space| space.max_memory),
];

/// Ranges by what the node is to them, and copies under way.
const RANGES: &[Column<ProgressReply>] = &[
    ("ringhold_node_taking_over_ranges", "Ranges that the node is to serve but is still taking over", |progress| {
        progress.taking_over.into()
    }),
    ("ringhold_node_copy_ranges", "Ranges of which the node is an in-sync copy", |progress| progress.copies.into()),
    ("ringhold_node_pending_ranges", "Ranges that the node is being filled with", |progress| progress.pending.into()),
    ("ringhold_node_fills", "Copies that the node is filling now", |progress| progress.fills.len() as u64),
];

const COPIED: &[Column<ProgressReply>] = &[
    ("ringhold_node_filled_copies", "Copies that the node has filled", |progress| progress.filled.ranges),
    ("ringhold_node_filled_records", "Records sent to copies to fill them", |progress| progress.filled.records),
    ("ringhold_node_single_copy_writes", "Writes acknowledged by a single copy although more are wanted", |progress| {
        progress.single_copy_writes
    }),
];

/// How long copies take to answer: from 100 microseconds to about 3 seconds, beyond which they count as lost.
pub(crate) fn replication() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 16))
}

/// The text of one scrape.
pub(crate) fn render(node: &Node) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let status = node.control.status();
    gauge(
        &mut registry,
        "ringhold_node_ready",
        "1 when the node knows a leader, has started and holds a lease",
        node.control.is_ready().into(),
    );
    gauge(&mut registry, "ringhold_raft_term", "The Raft term", status.term);
    gauge(&mut registry, "ringhold_raft_last_log_index", "Index of the last entry in the log", status.last_log);
    gauge(&mut registry, "ringhold_raft_applied_index", "Index of the last entry applied", status.applied);
    let leads = status.leader.is_some() && status.leader == status.node;
    gauge(&mut registry, "ringhold_raft_is_leader", "1 on the leader", leads.into());
    cluster::register(&mut registry, &node.control.state(), &status);
    copies(&mut registry, node);
    backends::register(&mut registry, node);
    if let Some(stats) = node.stats(None) {
        gauge(
            &mut registry,
            "ringhold_node_primary_ranges",
            "Ranges whose primary the node is",
            stats.primary_ranges.into(),
        );
        gauge(
            &mut registry,
            "ringhold_node_records",
            "Records held, expired ones not yet freed included",
            stats.total_records,
        );
        bytes_gauge(&mut registry, "ringhold_node_records_size", "Bytes charged to all records")
            .set(stats.total_bytes as i64);
        bytes_gauge(&mut registry, "ringhold_node_resident_memory", "Resident set size of the process")
            .set(stats.rss_bytes as i64);
        per_space(&mut registry, node, &stats.spaces);
    }
    let help = "Time from a call's arrival to its encoded answer, by operation";
    let durations = Durations(node.times.all());
    registry.register_with_unit("ringhold_node_operation_duration", help, Unit::Seconds, durations);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// What the node is to ranges, and what it tells its copies.
fn copies(registry: &mut Registry, node: &Node) {
    let help = "Time from a message to a copy until its answer";
    registry.register_with_unit("ringhold_node_replication_duration", help, Unit::Seconds, node.replication.clone());
    let Some(progress) = node.progress() else { return };
    let remaining = Gauge::<f64, AtomicU64>::default();
    remaining.set(node.control.lease().remaining_ms() as f64 / 1_000.0);
    let help = "Time for which the node may still serve without another word of the leader";
    registry.register_with_unit("ringhold_node_lease_remaining", help, Unit::Seconds, remaining);
    for (name, help, read) in RANGES {
        gauge(registry, name, help, read(&progress));
    }
    for (name, help, read) in COPIED {
        let counter = Counter::<u64>::default();
        counter.inc_by(read(&progress));
        registry.register(*name, *help, counter);
    }
    let filled = Counter::<u64>::default();
    filled.inc_by(progress.filled.bytes);
    registry.register_with_unit("ringhold_node_filled_size", "Bytes sent to copies to fill them", Unit::Bytes, filled);
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value as i64);
    registry.register(name, help, gauge);
}

fn bytes_gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::<i64>::default();
    registry.register_with_unit(name, help, Unit::Bytes, gauge.clone());
    gauge
}

fn per_space(registry: &mut Registry, node: &Node, spaces: &[SpaceStats]) {
    let state = node.control.state();
    let labels = |space: &SpaceStats| -> Labels {
        let name =
            state.namespaces.get(&space.namespace).map_or_else(|| space.namespace.to_string(), |ns| ns.name.clone());
        [("namespace", name), ("backend", space.backend.to_string())]
    };
    let causes = Family::<Caused, Counter>::default();
    for space in spaces {
        let by_cause = node.engine().map(|engine| engine.evictions_by_cause(space.namespace, space.backend));
        let [namespace, backend] = labels(space);
        for (cause, count) in by_cause.unwrap_or_default().by_cause() {
            let labels = [namespace.clone(), backend.clone(), ("cause", cause.to_owned())];
            causes.get_or_create(&labels).inc_by(count);
        }
    }
    let help = "Records removed to make room, by what made that necessary";
    registry.register("ringhold_node_evictions_by_cause", help, causes);
    for (name, help, read) in COUNTERS {
        let family = Family::<Labels, Counter>::default();
        spaces.iter().for_each(|space| {
            family.get_or_create(&labels(space)).inc_by(read(space));
        });
        registry.register(*name, *help, family);
    }
    for (name, help, read) in GAUGES {
        let family = Family::<Labels, Gauge>::default();
        spaces.iter().for_each(|space| {
            family.get_or_create(&labels(space)).set(read(space) as i64);
        });
        registry.register(*name, *help, family);
    }
    for (name, help, read) in BYTES {
        let family = Family::<Labels, Gauge>::default();
        spaces.iter().for_each(|space| {
            family.get_or_create(&labels(space)).set(read(space) as i64);
        });
        registry.register_with_unit(*name, *help, Unit::Bytes, family);
    }
}
