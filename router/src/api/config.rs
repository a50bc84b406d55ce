//! `GET`, `POST`, `PATCH /api/cache/config`.

use axum::{body::Body, response::Response};
use http::{HeaderMap, Request};
use ringhold_model::{
    NamespaceId,
    cluster::{Command, Reply},
    config::Backend,
    key::DEFAULT_NAMESPACE,
    wire::NodeStats,
};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, shown},
    respond,
};
use crate::rest::{self, ApiError, CallKind, render};

/// Room for an answer.
const CONFIG_BYTES: usize = 512;

/// The config that holds for the namespace and backend.
pub(super) async fn read(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let backend = core.backend(rest::query::backend(request.uri().query())?.backend);
    core.await_view(deadline, CallKind::Read).await?;
    // Another router may have changed it a moment ago.
    core.catch_up(CallKind::Read, deadline).await?;
    let namespace = core.namespace(request.headers(), deadline, CallKind::Read).await?;
    let view = core.shared.view.load_full();
    let namespace = namespace.or_else(|| view.namespace(DEFAULT_NAMESPACE)).unwrap_or_default();
    let (config, version) = view.state.config_of(namespace, backend);
    Ok(respond::json(CONFIG_BYTES, |out| render::config(out, &config, view.default_backend(), version)))
}

/// Replaces the config.
pub(super) async fn replace(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let body = core.json_body(&head.headers, body).await?;
    let config = rest::config::parse_whole(&body, &core.options().limits)?;
    let namespace = namespace_of_now(core, &head.headers, deadline).await?;
    is_configured(core, config.backend, "backend", deadline).await?;
    change(core, Command::PutConfig { namespace, config }, deadline).await
}

/// Changes the fields that are given.
pub(super) async fn patch(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let named = rest::query::backend(head.uri.query())?.backend;
    let body = core.json_body(&head.headers, body).await?;
    let wanted = rest::config::parse_patch(&body, named, &core.options().limits)?;
    let namespace = namespace_of_now(core, &head.headers, deadline).await?;
    let backend: Backend = core.backend(wanted.backend);
    is_configured(core, backend, "backend", deadline).await?;
    if let Some(backend) = wanted.default_backend {
        is_configured(core, backend, "default_backend", deadline).await?;
    }
    let command =
        Command::PatchConfig { namespace, backend, patch: wanted.patch, default_backend: wanted.default_backend };
    change(core, command, deadline).await
}

/// The namespace of the request, made if it is not there; not one that another router removed a moment ago.
async fn namespace_of_now(core: &Core, headers: &HeaderMap, deadline: Deadline) -> Result<NamespaceId, ApiError> {
    core.await_view(deadline, CallKind::Write).await?;
    core.catch_up(CallKind::Write, deadline).await?;
    core.namespace_for_write(headers, deadline).await
}

/// Refuses a backend outside that a node does not have: what is made to depend on it would be refused there.
async fn is_configured(core: &Core, backend: Backend, field: &str, deadline: Deadline) -> Result<(), ApiError> {
    if backend == Backend::Memory {
        return Ok(());
    }
    let nodes = core.dispatcher.node_stats(None, deadline).await;
    let lacks = |stats: &NodeStats| !stats.backends.iter().any(|state| state.backend == backend);
    match nodes.iter().find(|(_, stats)| stats.as_ref().is_some_and(lacks)) {
        None => Ok(()),
        Some((node, _)) => Err(ApiError::invalid(rest::unconfigured(backend, *node, field))),
    }
}

/// Answers once every node that serves acts by the change.
async fn change(core: &Core, command: Command, deadline: Deadline) -> Result<Response, ApiError> {
    let proposed = core.dispatcher.propose(command, deadline).await;
    let (index, reply) = proposed.map_err(|failure| core.error(&failure, CallKind::Write))?;
    let Reply::Config(config, version) = reply else {
        return Err(ApiError::Internal("the rule book answered another question".into()));
    };
    let coverage = shown(&core.acted_by(index, deadline).await?);
    let default_backend = core.shared.view.load().default_backend();
    Ok(respond::json_covered(CONFIG_BYTES, &coverage, |out| {
        render::config_changed(out, &config, default_backend, version);
    }))
}
