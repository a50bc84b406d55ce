//! `POST`, `GET /api/keys`, `POST /api/keys/{id}/rotate`, `DELETE /api/keys/{id}`.
//!
//! Keys are changed only where callers are told apart: whoever could make one on an open router would hold it still when the
//! router is no longer open.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{
    KeyId,
    cluster::{AccessCommand, AccessRejection, Command, KeySecret, Rejection},
    wire::Fault,
};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, wall_ms},
    respond,
};
use crate::{
    auth::{self, Secret},
    dispatch::{Failure, Reason},
    rest::{self, ApiError, CallKind, render},
};

/// Path of a key, before its id.
const PATH: &str = "/api/keys/";
/// Room for one key.
const KEY_BYTES: usize = 512;

/// Makes a key. Its text is in the answer and nowhere else.
pub(super) async fn create(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    check_on(core)?;
    let now_ms = wall_ms();
    let mut key = rest::access::create(&core.json_body(&head.headers, body).await?, now_ms)?;
    let id = auth::new_id().ok_or_else(no_randomness)?;
    let text = auth::new_text(id).ok_or_else(no_randomness)?;
    key.secrets = vec![KeySecret { hash: auth::hash(&text.0), ends_at_ms: None }];
    propose(core, AccessCommand::Put { id, key }, deadline).await?;
    told(core, id, Some(&text), "The key is made; its text is not shown again")
}

/// Lists the keys, without their texts.
pub(super) async fn list(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    core.await_view(deadline, CallKind::Read).await?;
    core.catch_up(CallKind::Read, deadline).await?;
    let view = core.shared.view.load_full();
    let keys = &view.state.keys;
    Ok(respond::json(KEY_BYTES * (keys.len() + 1), |out| render::access_keys(out, keys)))
}

/// Gives a key another text; the present one stays good for the overlap.
pub(super) async fn rotate(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    check_on(core)?;
    let id = rest::access::id(head.uri.path().strip_prefix(PATH).and_then(|rest| rest.strip_suffix("/rotate")))?;
    let overlap_ms = rest::access::overlap_ms(&core.json_body(&head.headers, body).await?)?;
    let text = auth::new_text(id).ok_or_else(no_randomness)?;
    let old_ends_at_ms = wall_ms() + overlap_ms;
    propose(core, AccessCommand::Rotate { id, hash: auth::hash(&text.0), old_ends_at_ms }, deadline).await?;
    told(core, id, Some(&text), "The key has a new text, which is not shown again; the old one ends with the overlap")
}

/// Ends a key. A key that is not there is a miss.
pub(super) async fn revoke(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    check_on(core)?;
    let id = rest::access::id(request.uri().path().strip_prefix(PATH))?;
    let found = match propose(core, AccessCommand::Revoke { id }, deadline).await {
        Ok(()) => true,
        Err(ApiError::UnknownKey(_)) => false,
        Err(error) => return Err(error),
    };
    Ok(respond::json(KEY_BYTES, |out| render::access_key_revoked(out, id, found)))
}

async fn propose(core: &Core, command: AccessCommand, deadline: Deadline) -> Result<(), ApiError> {
    core.await_view(deadline, CallKind::Write).await?;
    let id = match &command {
        AccessCommand::Put { id, .. } | AccessCommand::Rotate { id, .. } | AccessCommand::Revoke { id } => Some(*id),
        AccessCommand::NoteUses { .. } => None,
    };
    match core.dispatcher.propose(Command::Access(command), deadline).await {
        Ok(_) => Ok(()),
        Err(failure) if is_unknown(&failure) => Err(ApiError::UnknownKey(id.map(auth::id_text).unwrap_or_default())),
        Err(failure) => Err(core.error(&failure, CallKind::Write)),
    }
}

fn is_unknown(failure: &Failure) -> bool {
    matches!(&failure.reason, Reason::Refused(Fault::Rejected(Rejection::Access(AccessRejection::Unknown))))
}

/// The key as it is now; the view is as new as the change.
fn told(core: &Core, id: KeyId, text: Option<&Secret>, message: &str) -> Result<Response, ApiError> {
    let view = core.shared.view.load_full();
    // Another call may have ended it already.
    let key = view.state.keys.get(&id).ok_or_else(|| ApiError::UnknownKey(auth::id_text(id)))?;
    let text = text.map(|text| text.0.as_str());
    Ok(respond::json(KEY_BYTES, |out| render::access_key_told(out, id, key, text, message)))
}

fn check_on(core: &Core) -> Result<(), ApiError> {
    match core.shared.gate {
        Some(_) => Ok(()),
        None => Err(ApiError::Conflict(
            "Authentication is off on this router (CACHE_AUTH_ENABLED), so anybody could make and end keys; turn it on first".into(),
        )),
    }
}

fn no_randomness() -> ApiError {
    ApiError::Internal("the system gives no randomness".into())
}
