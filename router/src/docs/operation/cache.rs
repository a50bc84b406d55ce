//! Calls on single items and batches.

use utoipa::openapi::{Response, content::ContentBuilder, example::ExampleBuilder, path::HttpMethod};

use super::{
    super::{
        example,
        schema::{self, named},
    },
    BODY, Call, answer, backend, consistency, covered, etag, guarded, json_body, path, plain, responses, scoped,
};
use crate::rest::Limits;

/// What a guarded call without a body may answer besides success.
const GUARDED: &[u16] = &[412, 422, 500, 503, 504];
/// What a set may answer besides success.
pub(super) const SET: &[u16] = &[400, 408, 4091, 412, 413, 415, 422, 500, 503, 504];

pub(super) fn calls(limits: &Limits) -> Vec<Call> {
    vec![set(), get(limits), delete(limits), set_batch(), get_batch(), warm()]
}

fn set() -> Call {
    let about = "Replaces what the key held, metadata and tags included. `if_absent`, `if_version` and the conditions in the \
        headers must all hold.";
    let success = answer("Stored by every in-sync copy.", named("SetResponse"), example::set()).header("ETag", etag());
    let operation = guarded("set", "cache", "Store an item", about)
        .request_body(Some(json_body("CacheRequest", example::set_request())))
        .responses(responses(success, SET));
    ("/api/cache/set", HttpMethod::Post, operation.build())
}

fn get(limits: &Limits) -> Call {
    let examples = [("hit", example::hit()), ("miss", example::miss())]
        .map(|(name, value)| (name, ExampleBuilder::new().value(Some(value)).build()));
    let content = ContentBuilder::new().schema(Some(named("GetResponse"))).examples_from_iter(examples).build();
    let success = plain("A hit (`found: true`) or a miss (`found: false`).").content("application/json", content);
    let success = success.header("ETag", etag());
    let not_modified: Response =
        plain("The item has an entity tag of `If-None-Match`. No body.").header("ETag", etag()).build();
    let operation = guarded("get", "cache", "Read an item", "Counts as an access.")
        .parameter(path("key", schema::key(limits), "Percent-encoded; may hold `/`."))
        .parameter(backend())
        .parameter(consistency())
        .responses(responses(success, GUARDED))
        .response("304", not_modified);
    ("/api/cache/get/{key}", HttpMethod::Get, operation.build())
}

fn delete(limits: &Limits) -> Call {
    let success = answer("Deleted, or there was nothing.", named("DeleteResponse"), example::deleted());
    let operation = guarded("delete", "cache", "Delete an item", "")
        .parameter(path("key", schema::key(limits), "Percent-encoded; may hold `/`."))
        .parameter(backend())
        .responses(responses(success, GUARDED));
    ("/api/cache/delete/{key}", HttpMethod::Delete, operation.build())
}

fn set_batch() -> Call {
    let success = covered("What became of each item.", named("SetBatchResponse"), example::set_batch());
    let about = "Not atomic. One bad item never fails its neighbours; results keep the order of the request.";
    let operation = scoped("setBatch", "batches", "Store many items", about)
        .request_body(Some(json_body("SetBatchRequest", example::set_batch_request())))
        .responses(responses(success, BODY));
    ("/api/cache/set-batch", HttpMethod::Post, operation.build())
}

fn get_batch() -> Call {
    let success = covered("What became of each key.", named("GetBatchResponse"), example::get_batch());
    let operation = scoped("getBatch", "batches", "Read many items", "Results keep the order of the request.")
        .parameter(backend())
        .parameter(consistency())
        .request_body(Some(json_body("GetBatchRequest", example::get_batch_request())))
        .responses(responses(success, BODY));
    ("/api/cache/get-batch", HttpMethod::Post, operation.build())
}

fn warm() -> Call {
    let success = covered("What became of each item.", named("SetBatchResponse"), example::warm());
    let operation =
        scoped("warm", "batches", "Store values by key", "Types are inferred; everything else is the default.")
            .request_body(Some(json_body("WarmRequest", example::warm_request())))
            .responses(responses(success, BODY));
    ("/api/cache/warm", HttpMethod::Post, operation.build())
}
