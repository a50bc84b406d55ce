//! Every route of the API, in one list.
//!
//! | method and path | handler |
//! | --- | --- |
//! | `POST /api/cache/set`, `GET /api/cache/get/{key}`, `DELETE /api/cache/delete/{key}` | [`points`] |
//! | `POST /api/cache/incr/{key}`, `getset/{key}`, `touch/{key}` | [`atomic`] |
//! | `POST /api/cache/set-batch`, `get-batch`, `warm` | [`batches`] |
//! | `GET /api/cache/keys` | [`keys`] |
//! | `POST /api/cache/clear`, `invalidate` | [`clear`] |
//! | `GET /api/cache/stats` | [`stats`] |
//! | `GET /api/cache/analytics/hot-keys`, `access-patterns`, `memory`, `ttl`, `backends` | [`analytics`] |
//! | `GET`, `POST`, `PATCH /api/cache/config` | [`config`] |
//! | `GET /api/cache/export`, `POST /api/cache/import` | [`export`], [`import`] |
//! | `GET /api/namespaces`, `DELETE /api/namespaces/{namespace}` | [`namespaces`] |
//! | `GET /api/cluster`; `POST …/plan`, `apply`, `pause`, `resume`, `cancel`; `PATCH …/settings` | [`cluster`] |
//! | `POST /api/cluster/nodes/{id}/drain`, `remove`; `PATCH …/{id}`; `GET …/{id}/safe-to-stop` | [`cluster`] |
//! | `POST`, `GET /api/keys`; `POST /api/keys/{id}/rotate`, `DELETE /api/keys/{id}` | [`access`] |
//! | `GET /`, `/health`, `/livez`, `/readyz`, `/metrics` | [`health`] |
//! | `GET /docs`, `/redoc`, `/openapi.json` | `docs` |

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    middleware,
    routing::{delete, get, patch, post},
};
use http::{HeaderName, HeaderValue, Method, Request, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    access, admit, analytics, atomic, batches, clear, cluster, config, core::Core, export, health, import, keys,
    namespaces, points, respond, stats,
};
use crate::{http::X_REQUEST_ID, rest::ApiError};

/// How long browsers may remember the answer to a preflight.
const PREFLIGHT_SECONDS: u64 = 600;

macro_rules! call {
    ($handler:path) => {
        |State(core): State<Arc<Core>>, request: Request<axum::body::Body>| async move { $handler(&core, request).await }
    };
}

/// The router for all calls; the hottest ones are matched before it.
pub(super) fn routes(core: Arc<Core>) -> Router {
    let cors = cors(&core.options().allowed_origins);
    let docs = crate::docs::routes(&core.options().limits, core.shared.gate.is_some());
    let routes = Router::new()
        .route("/api/cache/set", post(call!(points::set)))
        .route("/api/cache/get/{*key}", get(call!(points::get)))
        .route("/api/cache/get/", get(call!(points::get)))
        .route("/api/cache/delete/{*key}", delete(call!(points::delete)))
        .route("/api/cache/delete/", delete(call!(points::delete)))
        .route("/api/cache/incr/{*key}", post(call!(atomic::incr)))
        .route("/api/cache/incr/", post(call!(atomic::incr)))
        .route("/api/cache/getset/{*key}", post(call!(atomic::getset)))
        .route("/api/cache/getset/", post(call!(atomic::getset)))
        .route("/api/cache/touch/{*key}", post(call!(atomic::touch)))
        .route("/api/cache/touch/", post(call!(atomic::touch)))
        .route("/api/cache/set-batch", post(call!(batches::set_batch)))
        .route("/api/cache/get-batch", post(call!(batches::get_batch)))
        .route("/api/cache/warm", post(call!(batches::warm)))
        .route("/api/cache/keys", get(call!(keys::keys)))
        .route("/api/cache/clear", post(call!(clear::clear)))
        .route("/api/cache/invalidate", post(call!(clear::invalidate)))
        .route("/api/cache/stats", get(call!(stats::stats)))
        .merge(analytics_routes())
        .route("/api/cache/config", get(call!(config::read)).post(call!(config::replace)).patch(call!(config::patch)))
        .route("/api/cache/export", get(call!(export::export)))
        .route("/api/cache/import", post(call!(import::import)))
        .route("/api/namespaces", get(call!(namespaces::list)))
        .route("/api/namespaces/{namespace}", delete(call!(namespaces::remove)))
        .merge(operator_routes())
        .merge(access_routes())
        .route("/", get(call!(health::root)))
        .route("/health", get(call!(health::health)))
        .route("/livez", get(call!(health::live)))
        .route("/readyz", get(call!(health::ready)))
        .route("/metrics", get(call!(health::metrics)))
        .with_state(core.clone())
        .merge(docs)
        .fallback(|| async { ApiError::UnknownRoute })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed });
    // Inside of CORS, so that browsers may read why they were refused.
    let routes = match core.shared.gate {
        Some(_) => routes.layer(middleware::from_fn_with_state(core, admit::admit)),
        None => routes,
    };
    routes.layer(cors)
}

fn access_routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/api/keys", get(call!(access::list)).post(call!(access::create)))
        .route("/api/keys/{id}", delete(call!(access::revoke)))
        .route("/api/keys/{id}/rotate", post(call!(access::rotate)))
}

fn analytics_routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/api/cache/analytics/hot-keys", get(call!(analytics::hot_keys)))
        .route("/api/cache/analytics/access-patterns", get(call!(analytics::access_patterns)))
        .route("/api/cache/analytics/memory", get(call!(analytics::memory)))
        .route("/api/cache/analytics/ttl", get(call!(analytics::ttl)))
        .route("/api/cache/analytics/backends", get(call!(analytics::backends)))
}

fn operator_routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/api/cluster", get(call!(cluster::cluster)))
        .route("/api/cluster/plan", post(call!(cluster::plan::plan)))
        .route("/api/cluster/apply", post(call!(cluster::plan::apply)))
        .route("/api/cluster/pause", post(call!(cluster::plan::pause)))
        .route("/api/cluster/resume", post(call!(cluster::plan::resume)))
        .route("/api/cluster/cancel", post(call!(cluster::plan::cancel)))
        .route("/api/cluster/settings", patch(call!(cluster::settings::patch)))
        .route("/api/cluster/nodes/{id}", patch(call!(cluster::nodes::weigh)))
        .route("/api/cluster/nodes/{id}/drain", post(call!(cluster::nodes::drain)))
        .route("/api/cluster/nodes/{id}/remove", post(call!(cluster::nodes::remove)))
        .route("/api/cluster/nodes/{id}/safe-to-stop", get(call!(cluster::nodes::safe_to_stop)))
}

fn cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("x-cache-namespace"),
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            X_REQUEST_ID,
        ])
        .expose_headers([X_REQUEST_ID, respond::X_CACHE_COVERAGE, header::ETAG, header::RETRY_AFTER])
        .max_age(std::time::Duration::from_secs(PREFLIGHT_SECONDS))
}
