//! Calls that look at an item and change it in one step.

use serde_json::Value;
use utoipa::openapi::{
    path::{HttpMethod, OperationBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
};

use super::{
    super::{
        example,
        schema::{self, named},
    },
    Call, answer,
    cache::SET,
    etag, guarded, json_body, json_content, path, responses,
};
use crate::rest::Limits;

/// What an incr may answer besides success.
const INCR: &[u16] = &[400, 408, 4092, 412, 413, 415, 422, 500, 503, 504];
/// What a touch may answer besides success.
const TOUCH: &[u16] = &[400, 408, 412, 413, 415, 422, 500, 503, 504];

pub(super) fn calls(limits: &Limits) -> Vec<Call> {
    vec![incr(limits), getset(limits), touch(limits)]
}

fn incr(limits: &Limits) -> Call {
    let about = "The value must be a JSON integer of 64 bits; its remaining time, metadata and tags stay. Where no item is, \
        one is made of `initial` plus `by`. A call that was sent again by the router counts once.";
    let success = answer("Counted by every in-sync copy.", named("IncrResponse"), example::counted());
    let operation = keyed(limits, "incr", "Add to a number", about)
        .request_body(Some(optional_body("IncrRequest", example::incr_request())))
        .responses(responses(success.header("ETag", etag()), INCR));
    ("/api/cache/incr/{key}", HttpMethod::Post, operation.build())
}

fn getset(limits: &Limits) -> Call {
    let about = "Stores an item as set does and answers the one that it replaced, which does not count as an access.";
    let success = answer("Stored by every in-sync copy.", named("GetsetResponse"), example::swapped());
    let operation = keyed(limits, "getset", "Store an item and read the one before", about)
        .request_body(Some(json_body("GetsetRequest", example::getset_request())))
        .responses(responses(success.header("ETag", etag()), SET));
    ("/api/cache/getset/{key}", HttpMethod::Post, operation.build())
}

fn touch(limits: &Limits) -> Call {
    let about =
        "From now on. Value, metadata and counts stay; the version changes. It counts as a use, not as an access.";
    let success = answer("A new time to live, or no item.", named("TouchResponse"), example::touched());
    let operation = keyed(limits, "touch", "Give an item a new time to live", about)
        .request_body(Some(optional_body("TouchRequest", example::touch_request())))
        .responses(responses(success.header("ETag", etag()), TOUCH));
    ("/api/cache/touch/{key}", HttpMethod::Post, operation.build())
}

fn keyed(limits: &Limits, id: &str, summary: &str, description: &str) -> OperationBuilder {
    guarded(id, "atomic", summary, description).parameter(path(
        "key",
        schema::key(limits),
        "Percent-encoded; may hold `/`.",
    ))
}

/// A body that may be left out.
fn optional_body(name: &str, example: Value) -> RequestBody {
    RequestBodyBuilder::new().content("application/json", json_content(named(name), example)).build()
}
