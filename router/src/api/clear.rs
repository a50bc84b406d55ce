//! `POST /api/cache/clear`, `POST /api/cache/invalidate`: 200 only when every range did it.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::config::{Backend, is_backend_built};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, shown},
    respond,
};
use crate::{
    dispatch::{Afterwards, Coverage, Filter},
    rest::{self, ApiError, CallKind, invalidate::InvalidateRequest, render},
};

/// Room for an answer.
const ANSWER_BYTES: usize = 512;

/// Removes what matches a pattern, or everything in the namespace and backend.
pub(super) async fn clear(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let query = rest::query::clear(request.uri().query())?;
    let backend = core.backend(query.backend);
    let pattern = query.pattern.as_deref();
    let Some(namespace) = core.namespace(request.headers(), deadline, CallKind::Write).await? else {
        return Ok(cleared(0, pattern, &shown(&core.whole())));
    };
    let filter = Filter { namespace, backend, pattern };
    let (count, coverage) = match pattern {
        Some(_) => {
            let (count, coverage) = remove(core, filter, &[], deadline).await?;
            (count, complete(&coverage, count)?)
        }
        None => clear_all(core, filter, Afterwards::Speak, deadline).await?,
    };
    Ok(cleared(count, pattern, &coverage))
}

/// Clears a namespace and backend: how many items that were, and of which nodes and ranges that is known. A node that cannot be
/// reached is cleared too: it acts by the clear before it serves again.
pub(super) async fn clear_all(
    core: &Core,
    filter: Filter<'_>,
    afterwards: Afterwards,
    deadline: Deadline,
) -> Result<(u64, rest::Coverage), ApiError> {
    let cleared = core.dispatcher.remove_all(filter, afterwards, deadline).await;
    let cleared = cleared.map_err(|failure| core.undone(&failure))?;
    let count = cleared.total.count;
    if cleared.is_done() {
        return Ok((count, shown(&cleared.total.coverage)));
    }
    Err(incomplete(shown(&cleared.reached), count))
}

fn cleared(count: u64, pattern: Option<&str>, coverage: &rest::Coverage) -> Response {
    respond::json_covered(ANSWER_BYTES, coverage, |out| render::cleared(out, count, pattern, coverage))
}

/// Removes what carries one of the tags or matches the pattern.
pub(super) async fn invalidate(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let body = core.json_body(&head.headers, body).await?;
    let wanted = rest::invalidate::parse(&body)?;
    let tags: Vec<&str> = wanted.tags.iter().map(AsRef::as_ref).collect();
    let pattern = wanted.pattern.as_deref();
    let Some(namespace) = core.namespace(&head.headers, deadline, CallKind::Write).await? else {
        return Ok(invalidated(0, &wanted, &shown(&core.whole())));
    };
    let mut count = 0;
    let mut coverage = Coverage::default();
    // Without a backend all of the namespace is meant.
    let backends = Backend::ALL.iter().copied().filter(|backend| match wanted.backend {
        Some(named) => named == *backend,
        None => is_backend_built(*backend),
    });
    for backend in backends {
        let (removed, reached) = remove(core, Filter { namespace, backend, pattern }, &tags, deadline).await?;
        count += removed;
        coverage.join(&reached);
    }
    let coverage = complete(&coverage, count)?;
    Ok(invalidated(count, &wanted, &coverage))
}

fn invalidated(count: u64, wanted: &InvalidateRequest<'_>, coverage: &rest::Coverage) -> Response {
    let pattern = wanted.pattern.as_deref();
    respond::json_covered(ANSWER_BYTES, coverage, |out| {
        render::invalidated(out, count, &wanted.tags, pattern, coverage)
    })
}

async fn remove(
    core: &Core,
    filter: Filter<'_>,
    tags: &[&str],
    deadline: Deadline,
) -> Result<(u64, Coverage), ApiError> {
    let removed = core.dispatcher.remove(filter, tags, deadline).await;
    removed.map(|total| (total.count, total.coverage)).map_err(|failure| core.undone(&failure))
}

fn complete(coverage: &Coverage, count: u64) -> Result<rest::Coverage, ApiError> {
    let is_complete = coverage.is_complete();
    let coverage = shown(coverage);
    if is_complete {
        return Ok(coverage);
    }
    Err(incomplete(coverage, count))
}

fn incomplete(coverage: rest::Coverage, deleted_count: u64) -> ApiError {
    let detail =
        "Not every range could be reached; what was removed so far is counted. Repeat the call: that is safe".into();
    ApiError::Incomplete { detail, deleted_count, coverage }
}
