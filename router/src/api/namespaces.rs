//! `GET /api/namespaces`, `DELETE /api/namespaces/{namespace}`.

use std::collections::BTreeMap;

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{NamespaceId, cluster::Command, config::Backend, key::DEFAULT_NAMESPACE};

use super::{
    clear::clear_all,
    core::{Core, shown},
    respond,
    stats::stats_coverage,
};
use crate::{
    auth::grant,
    dispatch::{Afterwards, Filter},
    rest::{self, ApiError, CallKind, FieldFault, render},
};

/// Path of a namespace, before its name.
pub(super) const PATH: &str = "/api/namespaces/";

/// Room for one row, and for a small answer.
const ROW_BYTES: usize = 256;

/// Lists the namespaces with what they hold.
pub(super) async fn list(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    core.await_view(deadline, CallKind::Read).await?;
    // Another router may have made or removed one a moment ago.
    core.catch_up(CallKind::Read, deadline).await?;
    let nodes = core.dispatcher.node_stats(None, deadline).await;
    let coverage = shown(&stats_coverage(core, &nodes));
    let mut sizes: BTreeMap<NamespaceId, (u64, u64)> = BTreeMap::new();
    for space in nodes.iter().filter_map(|(_, stats)| stats.as_ref()).flat_map(|stats| &stats.spaces) {
        let (items, bytes) = sizes.entry(space.namespace).or_default();
        *items += space.items;
        *bytes += space.bytes;
    }
    let view = core.shared.view.load_full();
    let caller = grant(request.extensions());
    let is_seen = |name: &str| caller.is_none_or(|caller| caller.sees(name));
    let seen = view.state.namespaces.iter().filter(|(_, namespace)| is_seen(&namespace.name));
    let rows = seen.map(|(id, namespace)| {
        let (items, bytes) = sizes.get(id).copied().unwrap_or_default();
        render::NamespaceRow { name: namespace.name.clone(), total_items: items, total_memory_usage: bytes }
    });
    let rows: Vec<_> = rows.collect();
    Ok(respond::json_covered(ROW_BYTES * (rows.len() + 1), &coverage, |out| render::namespaces(out, &rows, &coverage)))
}

/// Removes a namespace with all it holds. 200 only when every range let go of it.
pub(super) async fn remove(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let name = rest::namespace::from_path(request.uri().path().strip_prefix(PATH).unwrap_or_default())?;
    core.await_view(deadline, CallKind::Write).await?;
    if name == DEFAULT_NAMESPACE {
        let detail = "The namespace `default` cannot be removed; clear it instead";
        return Err(ApiError::invalid(FieldFault::new("value_error", &["path", "namespace"], detail)));
    }
    // Another router may have made it a moment ago, or removed one of that name.
    core.catch_up(CallKind::Write, deadline).await?;
    let Some(namespace) = core.shared.view.load().namespace(&name) else {
        return Ok(respond::json(ROW_BYTES, |out| render::namespace_removed(out, &name, false)));
    };
    // Cleared first: that frees what it holds everywhere and counts it. What is written meanwhile goes with the namespace.
    for backend in Backend::ALL.iter().copied().filter(|backend| ringhold_model::config::is_backend_built(*backend)) {
        let filter = Filter { namespace, backend, pattern: None };
        clear_all(core, filter, Afterwards::StaySilent, deadline).await?;
    }
    let proposed = core.dispatcher.propose(Command::RemoveNamespace { namespace }, deadline).await;
    let (index, _) = proposed.map_err(|failure| core.error(&failure, CallKind::Write))?;
    // A node that has not heard of it yet would still acknowledge writes of other routers, and then drop them.
    core.acted_by(index, deadline).await?;
    Ok(respond::json(ROW_BYTES, |out| render::namespace_removed(out, &name, true)))
}
