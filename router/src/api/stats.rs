//! `GET /api/cache/stats`: the figures of every node and their exact sum.

use std::collections::BTreeSet;

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{NamespaceId, NodeId, cluster::NodeState, key::DEFAULT_NAMESPACE};

use super::{
    core::{Core, shown},
    respond,
};
use crate::{
    dispatch::Coverage,
    rest::{
        self, ApiError, CallKind,
        figures::Figures,
        render::{self, NodeRow, StatsView},
    },
};

/// Names no namespace: ids are log indexes, and the first entry of a log makes none.
const NOBODY: NamespaceId = NamespaceId(0);
/// Room for the figures of one node.
const NODE_BYTES: usize = 1_024;

/// Merged statistics of the namespace and backend.
pub(super) async fn stats(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let backend = core.backend(rest::query::backend(request.uri().query())?.backend);
    let namespace = core.namespace(request.headers(), deadline, CallKind::Read).await?;
    let view = core.shared.view.load_full();
    let config_namespace = namespace.or_else(|| view.namespace(DEFAULT_NAMESPACE)).unwrap_or_default();
    let (config, _) = view.state.config_of(config_namespace, backend);
    // A namespace that nobody has written to has no figures, above all not those of another one.
    let wanted = namespace.unwrap_or(NOBODY);
    let nodes = core.dispatcher.node_stats(Some(wanted), deadline).await;
    let coverage = shown(&stats_coverage(core, &nodes));
    let rows = nodes.into_iter().map(|(id, stats)| {
        let node = view.state.nodes.get(&id);
        NodeRow {
            node: id,
            state: render::state_word(node.map_or(NodeState::Joining, |node| node.state), stats.is_none()),
            address: node.map_or_else(String::new, |node| node.addresses.rpc.clone()),
            rss_bytes: stats.as_ref().map_or(0, |stats| stats.rss_bytes),
            uptime_ms: stats.as_ref().map_or(0, |stats| stats.uptime_ms),
            figures: stats.map(|stats| {
                let mut figures = Figures::of_node(&stats, wanted, backend);
                // The node has not heard of the namespace yet. Zero would say that there is no limit.
                if !stats.spaces.iter().any(|space| space.namespace == wanted && space.backend == backend) {
                    (figures.space.max_memory, figures.space.max_items) = (config.max_memory, config.max_items);
                }
                figures
            }),
        }
    });
    let shape = StatsView { config: &config, nodes: rows.collect(), coverage };
    Ok(respond::json_covered(NODE_BYTES * (shape.nodes.len() + 1), &coverage, |out| render::stats(out, &shape)))
}

/// Who told its figures, of those that hold ranges or could.
pub(super) fn stats_coverage<T>(core: &Core, nodes: &[(NodeId, Option<T>)]) -> Coverage {
    let view = core.shared.view.load();
    let missing: BTreeSet<NodeId> = nodes.iter().filter(|(_, stats)| stats.is_none()).map(|(node, _)| *node).collect();
    let lost = |primary: Option<NodeId>| primary.is_none_or(|primary| missing.contains(&primary));
    let ranges_lost = view.state.ranges.iter().filter(|record| lost(record.primary)).count();
    Coverage {
        nodes_total: nodes.len(),
        ranges_total: view.ranges(),
        ranges_done: view.ranges() - ranges_lost,
        missing,
    }
}
