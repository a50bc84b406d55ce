//! `GET /api/cluster`: nodes, leader, ranges, settings, and what moves.

use axum::{body::Body, response::Response};
use http::Request;

use super::{
    super::{core::Core, respond},
    gather::gather,
};
use crate::rest::{
    ApiError, CallKind,
    cluster::{bytes_sent, outlook, transfers},
    render::{self, ClusterView},
};

/// Room for an answer.
const CLUSTER_BYTES: usize = 8_192;

/// The cluster as it is.
pub(in crate::api) async fn cluster(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    core.await_view(core.deadline(), CallKind::Read).await?;
    let (sights, coverage) = gather(core).await;
    let view = core.shared.view.load_full();
    let status = core.shared.view.status();
    let plan = view.state.plan.as_ref();
    let outlook = plan.map(|plan| outlook(&view.state, &plan.owners, &sights)).unwrap_or_default();
    let mut transfers = transfers(&outlook, &sights);
    if let Some(seen) = core.shared.pace(&bytes_sent(&sights)) {
        transfers.bytes_per_s = seen;
    }
    let shape = ClusterView {
        state: &view.state,
        status: &status,
        sights: &sights,
        outlook: &outlook,
        transfers: &transfers,
        coverage,
    };
    Ok(respond::json_covered(CLUSTER_BYTES, &coverage, |out| render::cluster(out, &shape)))
}
