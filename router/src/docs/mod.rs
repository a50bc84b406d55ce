//! The OpenAPI document and the pages that show it.
//!
//! | path | what |
//! | --- | --- |
//! | `/openapi.json` | the document, made once at the start from the limits in force |
//! | `/docs` | Swagger UI |
//! | `/redoc` | Redoc |
//!
//! Everything the pages load is embedded. Reading order: `document` -> `operation` -> `guard` -> `schema` -> `example` -> `pages` ->
//! `assets`.

mod assets;
mod document;
mod example;
mod guard;
mod operation;
mod pages;
mod schema;

use axum::{Router, body::Body, response::Response, routing::get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use crate::rest::Limits;

pub use document::openapi;

/// `/docs`, `/redoc`, `/openapi.json` and their assets; merged into the API's router.
///
/// `is_guarded`: callers are told apart, and the document says which call wants what.
pub fn routes(limits: &Limits, is_guarded: bool) -> Router {
    // Serialising our own types cannot fail; an empty document would show at once.
    let document = Bytes::from(openapi(limits, is_guarded).to_json().unwrap_or_default());
    Router::new()
        .route("/openapi.json", get(async move || json(document.clone())))
        .route("/docs", get(async || pages::html(pages::DOCS_HTML)))
        .route("/docs/start.js", get(async || pages::script(pages::DOCS_START)))
        .route("/docs/swagger-ui-bundle.js", get(async |headers: HeaderMap| assets::SWAGGER_JS.response(&headers)))
        .route("/docs/swagger-ui.css", get(async |headers: HeaderMap| assets::SWAGGER_CSS.response(&headers)))
        .route("/redoc", get(async || pages::html(pages::REDOC_HTML)))
        .route("/redoc/start.js", get(async || pages::script(pages::REDOC_START)))
        .route("/redoc/redoc.standalone.js", get(async |headers: HeaderMap| assets::REDOC_JS.response(&headers)))
}

fn json(document: Bytes) -> Response {
    let mut response = Response::new(Body::from(document));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
