//! Health, metrics and documentation.

use serde_json::json;
use utoipa::openapi::{
    Content,
    content::ContentBuilder,
    path::HttpMethod,
    response::{Response, ResponseBuilder},
    schema::{ObjectBuilder, Type},
};

use super::{
    super::{example, schema::named},
    Call, answer, coverage_header, operation, plain, query, responses,
};

pub(super) fn calls() -> Vec<Call> {
    vec![
        root(),
        health(),
        livez(),
        readyz(),
        metrics(),
        page("/docs", "docs", "Swagger UI", "text/html", string("A page.")),
        page("/redoc", "redoc", "Redoc", "text/html", string("A page.")),
        page("/openapi.json", "openapi", "This document", "application/json", document()),
    ]
}

fn root() -> Call {
    let success = answer("It runs.", named("RootResponse"), example::root());
    let operation = operation("root", "service", "Who this is", "").responses(responses(success, &[500]));
    ("/", HttpMethod::Get, operation.build())
}

fn health() -> Call {
    let about = "For people and dashboards: always 200, the state is in the body.";
    let success =
        answer("The state.", named("HealthResponse"), example::health()).header("X-Cache-Coverage", coverage_header());
    let operation = operation("health", "service", "Health", about).responses(responses(success, &[500]));
    ("/health", HttpMethod::Get, operation.build())
}

fn livez() -> Call {
    let success = answer("The process serves.", named("HealthResponse"), example::health());
    let operation = operation("livez", "service", "Liveness", "").responses(responses(success, &[500]));
    ("/livez", HttpMethod::Get, operation.build())
}

fn readyz() -> Call {
    let success = answer("Requests can be served.", named("HealthResponse"), example::health());
    let not_ready: Response =
        answer("Requests cannot be served.", named("HealthResponse"), example::unhealthy()).into();
    let verbose = ObjectBuilder::new().schema_type(Type::String);
    let operation = operation("readyz", "service", "Readiness", "")
        .parameter(query("verbose", verbose, "Any value: list the checks."))
        .responses(responses(success, &[500]))
        .response("503", not_ready);
    ("/readyz", HttpMethod::Get, operation.build())
}

fn metrics() -> Call {
    let success: ResponseBuilder =
        plain("Prometheus text, as OpenMetrics.").content("application/openmetrics-text", string("Metrics."));
    let operation = operation("metrics", "service", "Metrics", "404 when CACHE_METRICS_ENABLED is false.")
        .responses(responses(success, &[404, 500]));
    ("/metrics", HttpMethod::Get, operation.build())
}

fn page(at: &'static str, id: &str, summary: &str, content_type: &str, content: Content) -> Call {
    let success = plain(summary).content(content_type, content);
    let operation = operation(id, "service", summary, "").responses(responses(success, &[500]));
    (at, HttpMethod::Get, operation.build())
}

fn string(description: &str) -> Content {
    ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).description(Some(description))))
        .build()
}

fn document() -> Content {
    let schema = ObjectBuilder::new().schema_type(Type::Object).description(Some("An OpenAPI 3.1 document."));
    ContentBuilder::new().schema(Some(schema)).example(Some(json!({"openapi": "3.1.0"}))).build()
}
