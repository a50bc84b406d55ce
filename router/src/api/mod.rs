//! The REST API: what each call does, in terms of `rest` (bytes and types) and `dispatch` (nodes).
//!
//! Routes are listed in [`routes`]. Handlers answer `Result<Response, ApiError>`; the error becomes a body in one place,
//! [`respond`], because only there the request's id is known.

mod access;
mod admit;
mod analytics;
mod atomic;
mod batches;
mod clear;
mod cluster;
mod config;
mod core;
mod export;
mod health;
mod import;
mod in_namespace;
mod keys;
mod namespaces;
mod points;
mod respond;
mod routes;
mod stats;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::body::Body;
use futures_util::FutureExt;
use http::{Method, Request, Response, header::ORIGIN};
use ringhold_model::RouterId;
use tower::ServiceExt;

pub(crate) use self::core::{Core, Shared};
use crate::{dispatch::Dispatcher, rest::ApiError};

/// The API of one worker.
#[derive(Debug)]
pub(crate) struct Api {
    core: Arc<Core>,
    routes: axum::Router,
}

/// The calls that carry most of the traffic, matched before the router.
enum Hot {
    Get,
    Set,
    GetBatch,
    SetBatch,
}

impl Api {
    /// The API of the worker that owns `dispatcher`.
    pub(crate) fn new(shared: Arc<Shared>, dispatcher: Dispatcher, router: RouterId) -> Self {
        let core = Arc::new(Core::new(shared, dispatcher, router));
        let routes = routes::routes(core.clone());
        Self { core, routes }
    }

    /// Whether the router was told to stop.
    pub(crate) fn is_leaving(&self) -> bool {
        self.core.shared.is_leaving()
    }

    /// Answers one request, whatever happens.
    pub(crate) async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let start = Instant::now();
        let tag = self.core.ids.of(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let answer = AssertUnwindSafe(self.route(request)).catch_unwind().await;
        let answer = answer
            .unwrap_or_else(|_| Err(ApiError::Internal("The router failed on this request; please report it".into())));
        let response = respond::finish(answer, &tag);
        self.core.shared.note(&method, uri.path(), response.status(), start, &tag);
        response
    }

    /// Tells the cluster which keys were used, for as long as it is polled.
    pub(crate) async fn note_uses(&self) {
        self.core.note_uses().await;
    }

    async fn route(&self, mut request: Request<Body>) -> Result<Response<Body>, ApiError> {
        let hot = hot(&request);
        if hot.is_some() {
            self.core.admit(&mut request).await?;
        }
        match hot {
            Some(Hot::Get) => points::get(&self.core, request).await,
            Some(Hot::Set) => points::set(&self.core, request).await,
            Some(Hot::GetBatch) => batches::get_batch(&self.core, request).await,
            Some(Hot::SetBatch) => batches::set_batch(&self.core, request).await,
            None => match self.routes.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
        }
    }
}

/// Browser calls (with an `Origin`) take the way through the CORS layer.
fn hot(request: &Request<Body>) -> Option<Hot> {
    if request.headers().contains_key(ORIGIN) {
        return None;
    }
    let path = request.uri().path();
    match *request.method() {
        Method::GET if path.starts_with(points::GET_PATH) => Some(Hot::Get),
        Method::POST => match path {
            "/api/cache/set" => Some(Hot::Set),
            "/api/cache/get-batch" => Some(Hot::GetBatch),
            "/api/cache/set-batch" => Some(Hot::SetBatch),
            _ => None,
        },
        _ => None,
    }
}
