//! The calls of the API, one by one.

mod access;
mod analytics;
mod atomic;
mod cache;
mod manage;
mod operate;
mod service;

use serde_json::Value;
use utoipa::openapi::{
    Content, Header, Ref, RefOr, Required, Response,
    content::ContentBuilder,
    header::HeaderBuilder,
    path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    response::{ResponseBuilder, ResponsesBuilder},
    schema::{ObjectBuilder, Type},
};

use super::{
    example,
    schema::{self, AnySchema, named},
};
use crate::rest::{ApiError, CallKind, Limits, Unmet};

/// A call: path, method and what it takes and answers.
pub(super) type Call = (&'static str, HttpMethod, Operation);

/// Tags of the calls, in the order in which they are shown.
pub(super) const TAGS: [(&str, &str); 11] = [
    ("cache", "Single items."),
    ("atomic", "Single items, looked at and changed in one step."),
    ("batches", "Many items in one call. Each item succeeds or fails alone."),
    ("keys", "Listing, clearing and invalidating."),
    ("configuration", "How the cache behaves, and what it does."),
    ("analytics", "How the cache is used and what it holds."),
    ("transfer", "Export and import."),
    ("cluster", "Nodes, ranges and namespaces."),
    ("operations", "Planning and moving, nodes that come and go, settings of the copies."),
    ("access", "API keys: who may call."),
    ("service", "Health, metrics and documentation."),
];

/// All calls.
pub(super) fn calls(limits: &Limits) -> Vec<Call> {
    [
        cache::calls(limits),
        atomic::calls(limits),
        manage::calls(),
        analytics::calls(),
        operate::calls(),
        access::calls(),
        service::calls(),
    ]
    .concat()
}

/// The parameters that are referred to by name.
pub(super) fn shared_parameters() -> [(&'static str, Parameter); 4] {
    let namespace = parameter("X-Cache-Namespace", ParameterIn::Header, schema::namespace())
        .description(Some("The tenant; `default` when left out. Made by the first write; at most 1,000."))
        .build();
    let request_id = parameter("X-Request-Id", ParameterIn::Header, ObjectBuilder::new().schema_type(Type::String))
        .description(Some(
            "Names the request in the answer and in logs; one that is not 1 to 128 plain characters is replaced.",
        ))
        .build();
    let conditional = |name, about: &str| {
        parameter(name, ParameterIn::Header, schema::entity_tags()).description(Some(about)).build()
    };
    let if_match = conditional(
        "If-Match",
        "Only if the item has one of these entity tags; `*`: only if there is one. Else 412. Compared strongly.",
    );
    let if_none_match = conditional(
        "If-None-Match",
        "Only if the item has none of these entity tags; `*`: only if there is none. Else a read is 304, a write 412.",
    );
    [("Namespace", namespace), ("RequestId", request_id), ("IfMatch", if_match), ("IfNoneMatch", if_none_match)]
}

/// The error responses that are referred to by name, with their status.
const ERRORS: [(u16, &str, &str); 20] = [
    (400, "MalformedJson", "The body is not JSON."),
    (401, "Unauthorized", "No key or token, or one that is not good (any more)."),
    (403, "Forbidden", "The key or token does not open this."),
    (404, "NotFound", "No such route."),
    (4040, "UnknownNode", "No member of the cluster has this id."),
    (4041, "UnknownKey", "There is no API key with this id."),
    (408, "RequestTimeout", "The request arrived too slowly."),
    (409, "Conflict", "What the call builds on has changed meanwhile."),
    (4091, "ConditionNotMet", "`if_absent` or `if_version` does not hold. Nothing was changed."),
    (4092, "NotCountable", "The value is no integer of 64 bits, or the sum would not be. Nothing was changed."),
    (4093, "NotNow", "The state of the cluster does not allow it; the detail says why. Nothing was changed."),
    (4094, "KeysNotNow", "Authentication is off on this router, or the cluster has all the keys that it may have."),
    (412, "PreconditionFailed", "`If-Match` or `If-None-Match` does not hold. Nothing was changed."),
    (413, "TooLarge", "The body, the batch or the value is above its limit."),
    (415, "NotJson", "The body is declared as something else than JSON."),
    (422, "Invalid", "The body or a parameter does not validate; every fault is listed."),
    (500, "InternalError", "A fault of the service."),
    (
        503,
        "Unavailable",
        "Owners, a majority or a backend cannot be reached. A write says in `outcome` whether it may have been applied.",
    ),
    (504, "DeadlinePassed", "The deadline passed. A write may have been applied."),
    (5030, "Incomplete", "Not every range did it, or nodes cannot be reached. Repeating the call is safe."),
];

/// The shared error responses by name.
pub(super) fn shared_responses() -> Vec<(&'static str, Response)> {
    let response = |(status, name, description): (u16, &'static str, &str)| {
        let schema = if status == 422 { "ValidationError" } else { "Error" };
        let response = answer(description, named(schema), example::error(&error_of(status)));
        let response = match status {
            401 => response.header("WWW-Authenticate", header(Type::String, "How to send a credential.")),
            503 | 5030 => response.header("Retry-After", header(Type::Integer, "Seconds.")),
            4091 | 4092 | 412 => response.header("ETag", header(Type::String, "Of the item that is there, if any.")),
            _ => response,
        };
        (name, response.build())
    };
    ERRORS.into_iter().map(response).collect()
}

fn error_of(status: u16) -> ApiError {
    match status {
        400 => ApiError::Malformed("The body is not valid JSON: expected value at line 1 column 9".into()),
        401 => ApiError::Unauthorized,
        403 => ApiError::Forbidden("This call needs the scope `write`".into()),
        404 => ApiError::UnknownRoute,
        4041 => ApiError::UnknownKey("5d1f0c3a9b7e4286".into()),
        4094 => ApiError::Conflict("Authentication is off on this router (CACHE_AUTH_ENABLED), so anybody could make and end keys; turn it on first".into()),
        4040 => ApiError::UnknownNode("9".into()),
        408 => ApiError::RequestTimeout,
        409 => {
            ApiError::Conflict("The namespace was cleared while the import ran; 120 items were stored before".into())
        }
        4091 => example::unmet(Unmet::Body),
        4092 => example::unmet(Unmet::Integer),
        4093 => ApiError::Conflict(example::last_copies()),
        412 => example::unmet(Unmet::Header),
        413 => ApiError::TooLarge(
            "The value is 1048577 bytes long; at most 1048576 are allowed (CACHE_MAX_VALUE_SIZE)".into(),
        ),
        415 => ApiError::NotJson("The body must be application/json, not `text/plain`".into()),
        422 => example::field_fault(),
        503 => example::unavailable(CallKind::Write),
        504 => ApiError::DeadlinePassed { outcome: Some(crate::rest::Outcome::Unknown) },
        5030 => example::incomplete(),
        _ => ApiError::Internal("A node did not understand the router".into()),
    }
}

/// What every call of the cache may answer besides success.
const READ: &[u16] = &[422, 500, 503, 504];
/// The same with a body.
const BODY: &[u16] = &[400, 408, 413, 415, 422, 500, 503, 504];

/// An operation with what all have in common.
fn operation(id: &str, tag: &str, summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(tag)
        .summary(Some(summary))
        .description(Some(description).filter(|text| !text.is_empty()))
        .parameter_ref(Ref::new("#/components/parameters/RequestId"))
}

/// An operation within a namespace.
fn scoped(id: &str, tag: &str, summary: &str, description: &str) -> OperationBuilder {
    operation(id, tag, summary, description).parameter_ref(Ref::new("#/components/parameters/Namespace"))
}

/// The same for a call that `If-Match` and `If-None-Match` guard.
fn guarded(id: &str, tag: &str, summary: &str, description: &str) -> OperationBuilder {
    scoped(id, tag, summary, description)
        .parameter_ref(Ref::new("#/components/parameters/IfMatch"))
        .parameter_ref(Ref::new("#/components/parameters/IfNoneMatch"))
}

/// The header `ETag` of an answer about an item.
fn etag() -> Header {
    header(Type::String, "The version of the item in quotes, if there is one.")
}

/// The responses: success and the errors with these statuses.
fn responses(success: ResponseBuilder, errors: &[u16]) -> utoipa::openapi::Responses {
    let builder = ResponsesBuilder::new().response("200", success.build());
    errors
        .iter()
        .fold(builder, |builder, status| {
            let name = ERRORS.iter().find(|(known, ..)| known == status).map_or("InternalError", |(_, name, _)| name);
            // Variants of one status have a digit more.
            let key = if *status > 999 { status / 10 } else { *status }.to_string();
            builder.response(key, RefOr::<Response>::Ref(Ref::from_response_name(name)))
        })
        .build()
}

/// A JSON answer with its example and the request's name.
fn answer(description: &str, schema: AnySchema, example: Value) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
    plain(description).content("application/json", content)
}

/// The answer of a fan-out.
fn covered(description: &str, schema: AnySchema, example: Value) -> ResponseBuilder {
    answer(description, schema, example).header("X-Cache-Coverage", coverage_header())
}

/// An answer without content yet.
fn plain(description: &str) -> ResponseBuilder {
    let request_id = header(Type::String, "The name of the request.");
    ResponseBuilder::new().description(description).header("X-Request-Id", request_id)
}

fn coverage_header() -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+/[0-9]+$"));
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some("Nodes that contributed, of those that should: `3/3`."))
        .build()
}

fn header(plain: Type, description: &str) -> Header {
    HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(plain))).description(Some(description)).build()
}

/// A JSON body.
fn json_body(name: &str, example: Value) -> RequestBody {
    RequestBodyBuilder::new()
        .content("application/json", json_content(named(name), example))
        .required(Some(Required::True))
        .build()
}

fn json_content(schema: AnySchema, example: Value) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

fn parameter(name: &str, place: ParameterIn, schema: impl Into<AnySchema>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).required(Required::False).schema(Some(schema))
}

fn query(name: &str, schema: impl Into<AnySchema>, description: &str) -> Parameter {
    parameter(name, ParameterIn::Query, schema).description(Some(description)).build()
}

fn path(name: &str, schema: impl Into<AnySchema>, description: &str) -> Parameter {
    parameter(name, ParameterIn::Path, schema).required(Required::True).description(Some(description)).build()
}

fn backend() -> Parameter {
    query("backend", schema::backend_word(), "Left out: the default backend.")
}

fn consistency() -> Parameter {
    let about = "`fresh`: the primary, or another copy in step when it does not answer; `strict`: the primary only. Neither \
        is ever older than an acknowledged write or an earlier read.";
    query("consistency", schema::consistency(), about)
}

fn pattern(description: &str) -> Parameter {
    query("pattern", schema::pattern(), description)
}
