//! `GET /api/cache/analytics/hot-keys`, `access-patterns`, `memory`, `ttl`, `backends`: how a namespace is used and what it
//! holds, merged over the nodes.

use axum::{body::Body, response::Response};
use http::{HeaderMap, Request};
use ringhold_model::{
    NamespaceId,
    config::{Backend, is_backend_built},
    wire::{AnalyticsRequest, SpaceStats, Survey, Usage},
};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, shown, wall_ms},
    respond,
    stats::stats_coverage,
};
use crate::{
    dispatch::{Coverage, Filter},
    rest::{self, ApiError, CallKind, render},
};

/// Room for an answer; most are about this long.
const BODY_BYTES: usize = 4_096;

/// Keys used most.
pub(super) async fn hot_keys(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let query = rest::query::hot_keys(request.uri().query())?;
    let backend = core.backend(query.backend);
    let (mut usage, coverage) = used(core, request.headers(), backend, query.limit, core.deadline()).await?;
    usage.hot_keys.truncate(query.limit as usize);
    let shape = render::HotKeysView { backend, limit: query.limit, hot_keys: &usage.hot_keys };
    let coverage = shown(&coverage);
    Ok(respond::json_covered(BODY_BYTES, &coverage, |out| render::hot_keys(out, &shape, &coverage)))
}

/// Use by prefix and over time.
pub(super) async fn access_patterns(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let query = rest::query::prefixes(request.uri().query())?;
    let backend = core.backend(query.backend);
    let (mut usage, coverage) = used(core, request.headers(), backend, 0, core.deadline()).await?;
    usage.prefixes.truncate(query.limit as usize);
    let coverage = shown(&coverage);
    Ok(respond::json_covered(BODY_BYTES, &coverage, |out| {
        render::access_patterns(out, backend, &usage, wall_ms(), &coverage);
    }))
}

/// What takes how much memory.
pub(super) async fn memory(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let query = rest::query::prefixes(request.uri().query())?;
    let backend = core.backend(query.backend);
    let (mut survey, coverage) = surveyed(core, request.headers(), backend).await?;
    survey.truncate_prefixes(query.limit as usize);
    let coverage = shown(&coverage);
    Ok(respond::json_covered(BODY_BYTES, &coverage, |out| render::memory(out, backend, &survey, &coverage)))
}

/// For how long items live still.
pub(super) async fn ttl(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let backend = core.backend(rest::query::backend(request.uri().query())?.backend);
    let (survey, coverage) = surveyed(core, request.headers(), backend).await?;
    let coverage = shown(&coverage);
    Ok(respond::json_covered(BODY_BYTES, &coverage, |out| render::ttl_distribution(out, backend, &survey, &coverage)))
}

/// What the backends did and how fast.
pub(super) async fn backends(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let namespace = core.namespace(request.headers(), deadline, CallKind::Read).await?.unwrap_or_default();
    let nodes = core.dispatcher.node_stats(Some(namespace), deadline).await;
    let mut coverage = stats_coverage(core, &nodes);
    let mut rows = Vec::new();
    for &backend in Backend::ALL.iter().filter(|backend| is_backend_built(**backend)) {
        let mut space = SpaceStats::empty(namespace, backend);
        let told = nodes.iter().filter_map(|(_, stats)| stats.as_ref()).flat_map(|stats| &stats.spaces);
        told.filter(|told| told.namespace == namespace && told.backend == backend).for_each(|told| space.add(told));
        let (usage, used) = usage_of(core, namespace, backend, 0, deadline).await;
        coverage.join(&used);
        rows.push(render::BackendRow { is_default: core.backend(None) == backend, space, usage });
    }
    let coverage = shown(&coverage);
    Ok(respond::json_covered(BODY_BYTES, &coverage, |out| render::backends(out, &rows, &coverage)))
}

async fn used(
    core: &Core,
    headers: &HeaderMap,
    backend: Backend,
    hot_keys_max: u32,
    deadline: Deadline,
) -> Result<(Usage, Coverage), ApiError> {
    // A namespace that nobody has written to has an id that no namespace has.
    let namespace = core.namespace(headers, deadline, CallKind::Read).await?.unwrap_or_default();
    Ok(usage_of(core, namespace, backend, hot_keys_max, deadline).await)
}

async fn usage_of(
    core: &Core,
    namespace: NamespaceId,
    backend: Backend,
    hot_keys_max: u32,
    deadline: Deadline,
) -> (Usage, Coverage) {
    let request = AnalyticsRequest { namespace, backend, hot_keys_max };
    let nodes = core.dispatcher.node_usage(&request, deadline).await;
    let coverage = stats_coverage(core, &nodes);
    let mut usage = Usage::default();
    nodes.iter().filter_map(|(_, told)| told.as_ref()).for_each(|told| usage.add(told));
    (usage, coverage)
}

async fn surveyed(core: &Core, headers: &HeaderMap, backend: Backend) -> Result<(Survey, Coverage), ApiError> {
    let deadline = core.deadline();
    let namespace = core.namespace(headers, deadline, CallKind::Read).await?;
    let Some(namespace) = namespace else { return Ok((Survey::default(), core.whole())) };
    let filter = Filter { namespace, backend, pattern: None };
    let surveyed = core.dispatcher.survey(filter, deadline).await;
    let surveyed = surveyed.map_err(|failure| core.error(&failure, CallKind::Read))?;
    Ok((surveyed.survey, surveyed.coverage))
}
