//! What the nodes and the leader say at this moment.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join3;
use ringhold_model::NodeId;
use ringhold_rpc::Deadline;

use super::super::{
    core::{Core, shown},
    stats::stats_coverage,
};
use crate::rest::{
    ApiError, CallKind, Coverage,
    cluster::{Holdings, Sight, Sights},
};

/// Longest wait for the nodes.
const NODES_WAIT: Duration = Duration::from_millis(1_000);

/// Asks every node for its figures and fills, and the leader for the leases; tells who answered.
pub(super) async fn gather(core: &Core) -> (Sights, Coverage) {
    let deadline = Deadline::after(NODES_WAIT);
    let dispatcher = &core.dispatcher;
    let asked =
        join3(dispatcher.node_stats(None, deadline), dispatcher.progress(deadline), dispatcher.leases(deadline));
    let (stats, progress, leases) = asked.await;
    let coverage = shown(&stats_coverage(core, &stats));
    let mut nodes: BTreeMap<NodeId, Sight> = BTreeMap::new();
    for (node, stats) in stats {
        nodes.entry(node).or_default().holdings = stats.as_ref().map(Holdings::from);
    }
    for (node, progress) in progress {
        nodes.entry(node).or_default().progress = progress;
    }
    let has_leader_answered = leases.is_some();
    for lease in leases.into_iter().flat_map(|leases| leases.nodes) {
        nodes.entry(lease.node).or_default().lease = Some(lease);
    }
    (Sights { nodes, has_leader_answered }, coverage)
}

/// Waits until the view is as new as what any node acts by, because operators decide by what they are told.
pub(super) async fn catch_up(core: &Core, kind: CallKind, deadline: Deadline) -> Result<(), ApiError> {
    core.await_view(deadline, kind).await?;
    core.dispatcher.catch_up(deadline).await.map_err(|failure| core.error(&failure, kind))
}
