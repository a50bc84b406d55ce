//! `GET /`, `/health`, `/livez`, `/readyz`, `/metrics`.

use std::time::Duration;

use axum::{body::Body, response::Response};
use http::{HeaderValue, Request, StatusCode, header::CONTENT_TYPE};
use ringhold_model::{NodeId, config::Backend, wire::NodeStats};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, shown, wall_ms},
    respond,
    stats::stats_coverage,
};
use crate::{
    metrics,
    rest::{
        ApiError,
        render::{self, Check, Health, HealthDetails},
    },
};

/// The version of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Room for an answer.
const ANSWER_BYTES: usize = 1_024;
/// Longest wait for the nodes: health is asked often and must answer soon.
const HEALTH_WAIT: Duration = Duration::from_millis(1_000);

/// Who this is.
pub(super) async fn root(_: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    Ok(respond::json(ANSWER_BYTES, |out| render::root(out, VERSION)))
}

/// The process serves.
pub(super) async fn live(_: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    Ok(answer(StatusCode::OK, Health::Healthy, HealthDetails::default()))
}

/// 200 when requests can be served: the cluster is in sight, with a leader and owners for all ranges, and the router was not
/// told to stop.
pub(super) async fn ready(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let checks = checks(core);
    let is_ready = checks.iter().all(|check| check.ok);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("verbose")));
    let health = if is_ready { Health::Healthy } else { Health::Unhealthy };
    Ok(answer(status, health, HealthDetails { checks: verbose.then_some(&checks[..]), warnings: &[] }))
}

/// The cluster as this router sees it. Always 200: the status is in the body, for people and dashboards.
pub(super) async fn health(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    let mut checks = checks(core);
    let nodes = core.dispatcher.node_stats(None, Deadline::after(HEALTH_WAIT)).await;
    checks.extend(backends(&nodes));
    let coverage = stats_coverage(core, &nodes);
    let health = match (checks.iter().all(|check| check.ok), coverage.is_complete()) {
        (true, true) => Health::Healthy,
        (true, false) => Health::Degraded,
        (false, _) if coverage.nodes_done() > 0 => Health::Degraded,
        (false, _) => Health::Unhealthy,
    };
    let details = HealthDetails { checks: Some(&checks), warnings: &core.options().warnings() };
    Ok(respond::covered(answer(StatusCode::OK, health, details), &shown(&coverage)))
}

fn answer(status: StatusCode, health: Health, details: HealthDetails<'_>) -> Response {
    respond::with_status(status, ANSWER_BYTES, |out| render::health(out, health, wall_ms(), VERSION, details))
}

fn checks(core: &Core) -> Vec<Check> {
    let view = core.shared.view.load();
    let leader = core.shared.view.status().leader;
    let unassigned = view.state.ranges.iter().filter(|record| record.primary.is_none()).count();
    let check = |name, ok, good: String, bad: &str| Check { name, ok, detail: if ok { good } else { bad.to_owned() } };
    vec![
        check(
            "view",
            view.index() > 0,
            format!("state {} of the cluster", view.index()),
            "no node could be asked yet; are the nodes running?",
        ),
        check(
            "leader",
            leader.is_some(),
            leader.map_or_else(String::new, |leader| format!("node {leader} leads")),
            "no leader is known; is a majority of the nodes running?",
        ),
        check(
            "ranges",
            unassigned == 0 && view.ranges() > 0,
            format!("all {} ranges have an owner", view.ranges()),
            "ranges have no owner yet; the cluster is forming",
        ),
        check(
            "staying",
            !core.shared.is_leaving(),
            "was not told to stop".into(),
            "was told to stop, serves on for a moment",
        ),
    ]
}

/// One check a backend that any node has: what is wrong with it, and where.
fn backends(nodes: &[(NodeId, Option<NodeStats>)]) -> Vec<Check> {
    let states = || {
        let told = nodes.iter().filter_map(|(node, stats)| Some((node, stats.as_ref()?)));
        told.flat_map(|(node, stats)| stats.backends.iter().map(move |state| (*node, state)))
    };
    let check = |backend: Backend| {
        states().any(|(_, state)| state.backend == backend).then_some(())?;
        let troubles: Vec<String> = states()
            .filter(|(_, state)| state.backend == backend)
            .filter_map(|(node, state)| Some(format!("node {node}: {}", state.trouble.as_ref()?)))
            .collect();
        let ok = troubles.is_empty();
        let detail = if ok { "answers".to_owned() } else { troubles.join("; ") };
        Some(Check { name: backend.as_str(), ok, detail })
    };
    Backend::ALL.iter().copied().filter_map(check).collect()
}

/// Prometheus text.
pub(super) async fn metrics(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    if !core.options().metrics {
        return Err(ApiError::UnknownRoute);
    }
    let is_ready = checks(core).iter().all(|check| check.ok);
    let dropped = core.shared.access_lines_dropped();
    let text = core.shared.metrics.render(core.shared.view.load().index(), dropped, is_ready);
    let text = text.map_err(|_| ApiError::Internal("the metrics could not be written".into()))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    Ok(response)
}
