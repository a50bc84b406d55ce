//! API keys.

use utoipa::openapi::{Required, path::HttpMethod, request_body::RequestBodyBuilder};

use super::{
    super::{
        example,
        schema::{access_key_id, named},
    },
    Call, answer, json_body, json_content, operation, path, responses,
};

pub(super) fn calls() -> Vec<Call> {
    vec![create(), list(), revoke(), rotate()]
}

fn create() -> Call {
    let success =
        answer("The key, and its text, which is not shown again.", named("ApiKeyTold"), example::api_key_made());
    let about = "It holds on every router once this answers. 409 where authentication is off, and when the cluster has 1,000 keys.";
    let operation = operation("createKey", "access", "Make an API key", about)
        .request_body(Some(json_body("ApiKeyRequest", example::api_key_request())))
        .responses(responses(success, &[400, 408, 4094, 413, 415, 422, 500, 503, 504]));
    ("/api/keys", HttpMethod::Post, operation.build())
}

fn list() -> Call {
    let success = answer("All keys, without their texts.", named("ApiKeysResponse"), example::api_keys());
    let operation =
        operation("listKeys", "access", "List API keys", "").responses(responses(success, &[500, 503, 504]));
    ("/api/keys", HttpMethod::Get, operation.build())
}

fn revoke() -> Call {
    let success = answer("Ended, or there was none.", named("ApiKeyRevoked"), example::api_key_revoked());
    let about = "It ends on every router within a second. 409 where authentication is off.";
    let operation = operation("revokeKey", "access", "End an API key", about)
        .parameter(path("id", access_key_id(), "Its id."))
        .responses(responses(success, &[4094, 422, 500, 503, 504]));
    ("/api/keys/{id}", HttpMethod::Delete, operation.build())
}

fn rotate() -> Call {
    let success =
        answer("The key, and its new text, which is not shown again.", named("ApiKeyTold"), example::api_key_rotated());
    let about = "The present text stays good for the overlap; one that an earlier rotation left over ends at once. 409 where \
        authentication is off.";
    let body = RequestBodyBuilder::new()
        .content("application/json", json_content(named("ApiKeyRotation"), example::api_key_rotation()))
        .required(Some(Required::False));
    let operation = operation("rotateKey", "access", "Give an API key a new text", about)
        .parameter(path("id", access_key_id(), "Its id."))
        .request_body(Some(body.build()))
        .responses(responses(success, &[400, 4041, 408, 4094, 413, 415, 422, 500, 503, 504]));
    ("/api/keys/{id}/rotate", HttpMethod::Post, operation.build())
}
