//! The node's HTTP port: health and metrics, nothing else.
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /livez` | 200 while the process serves |
//! | `GET /readyz` (`?verbose`) | 200 when the node may serve and holds what it is to hold, else 503 |
//! | `GET /health` | the same with figures, as JSON |
//! | `GET /metrics` | Prometheus text |

use std::{io, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{data::Node, filled, metrics};

/// Time that requests in flight get at shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `cancel`.
pub(crate) async fn serve(listener: TcpListener, node: Arc<Node>, cancel: CancellationToken) -> io::Result<()> {
    let app = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/health", get(health))
        .route("/metrics", get(metrics_text))
        .with_state(node);
    let stop = cancel.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        ended = serving.into_future() => ended,
        () = async { cancel.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

#[derive(Deserialize)]
struct ReadyQuery {
    verbose: Option<String>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

async fn ready(State(node): State<Arc<Node>>, Query(query): Query<ReadyQuery>) -> Response {
    let checks = checks(&node);
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if query.verbose.is_some() {
        return (status, Json(checks)).into_response();
    }
    (status, if ready { "ready\n" } else { "not ready; see /readyz?verbose\n" }).into_response()
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    node: Option<u64>,
    leader: Option<u64>,
    term: u64,
    applied: u64,
    primary_ranges: u32,
    copy_ranges: u32,
    pending_ranges: u32,
    items: u64,
    bytes: u64,
    checks: Vec<Check>,
}

async fn health(State(node): State<Arc<Node>>) -> Json<Health> {
    let checks = checks(&node);
    let status = node.control.status();
    let stats = node.stats(None);
    let progress = node.progress().unwrap_or_default();
    Json(Health {
        status: if checks.iter().all(|check| check.ok) { "healthy" } else { "unhealthy" },
        version: env!("CARGO_PKG_VERSION"),
        node: status.node.map(|node| node.0),
        leader: status.leader.map(|leader| leader.0),
        term: status.term,
        applied: status.applied,
        primary_ranges: stats.as_ref().map_or(0, |stats| stats.primary_ranges),
        copy_ranges: progress.copies,
        pending_ranges: progress.pending,
        items: stats.as_ref().map_or(0, |stats| stats.total_records),
        bytes: stats.as_ref().map_or(0, |stats| stats.total_bytes),
        checks,
    })
}

fn checks(node: &Node) -> Vec<Check> {
    let status = node.control.status();
    let leader = match status.leader {
        Some(leader) => format!("node {leader} leads in term {}", status.term),
        None => "no leader is known; is a majority of the voters running?".into(),
    };
    let member = match (status.node, node.control.incarnation()) {
        (Some(id), Some(_)) => format!("node {id} has started"),
        (Some(id), None) => format!("node {id} waits for its start to be committed"),
        (None, _) => "not a member yet; waiting for the seeds".into(),
    };
    vec![
        Check { name: "leader", ok: status.leader.is_some() && node.control.is_ready(), detail: leader },
        Check { name: "member", ok: node.control.incarnation().is_some(), detail: member },
        lease(node),
        filled(node),
        Check { name: "staying", ok: !node.is_leaving(), detail: staying(node).into() },
    ]
}

fn lease(node: &Node) -> Check {
    let ok = node.control.lease().holds_now();
    let detail =
        if ok { "the leader lets this node serve" } else { "no lease: this node refuses to serve until it has one" };
    Check { name: "lease", ok, detail: detail.into() }
}

fn filled(node: &Node) -> Check {
    let ok = node.is_filled();
    let missing = node.control.node_id().map_or(0, |id| filled::missing(&node.control.state(), id));
    let detail = match (ok, missing) {
        (true, 0) => "every copy that is wanted here is in sync".into(),
        (true, missing) => format!("{missing} copies are to come; what was wanted at the start is here"),
        (false, 0) => "waits for a plan that counts on this node".into(),
        (false, missing) => format!("{missing} copies are still to be filled"),
    };
    Check { name: "filled", ok, detail }
}

fn staying(node: &Node) -> &'static str {
    if node.is_leaving() { "was told to stop, hands over what it holds" } else { "was not told to stop" }
}

async fn metrics_text(State(node): State<Arc<Node>>) -> Response {
    if !node.metrics_enabled {
        return StatusCode::NOT_FOUND.into_response();
    }
    match metrics::render(&node) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "could not write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
