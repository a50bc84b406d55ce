//! `POST /api/cache/set`, `GET /api/cache/get/{key}`, `DELETE /api/cache/delete/{key}`.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{
    Version,
    wire::{Action, Condition, Conflict},
};

use super::{core::Core, respond};
use crate::{
    auth::check_key,
    dispatch::{Outcome, Reads},
    rest::{self, ApiError, CallKind, condition, query::Consistency, render},
};

/// Room for a small answer without its key.
pub(super) const ANSWER_BYTES: usize = 256;
/// Room for an item without key, value and metadata.
pub(super) const ITEM_BYTES: usize = 448;

/// Path of a read, before the key.
pub(super) const GET_PATH: &str = "/api/cache/get/";
/// Path of a removal, before the key.
pub(super) const DELETE_PATH: &str = "/api/cache/delete/";

/// Stores one item.
pub(super) async fn set(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let body = core.json_body(&head.headers, body).await?;
    let set = rest::set::parse(&body, &core.options().limits)?;
    check_key(&head.extensions, &set.key)?;
    let when = condition::in_headers(&head.headers)?;
    let in_headers = when.len();
    let backend = core.backend(set.backend);
    let action = || {
        let mut record = set.record();
        record.when.splice(0..0, when.iter().cloned());
        Action::Set { n: 0, record }
    };
    match Some(core.write_one(&head.headers, (backend, &set.key), action, deadline).await?) {
        Some(Outcome::Stored { version, ttl_ms, strategy, copies }) => {
            let stored = render::Stored { size: set.value.len() as u64, ttl_ms, backend, strategy, version, copies };
            Ok(respond::tagged(version, ANSWER_BYTES + set.key.len(), |out| render::stored(out, &set.key, &stored)))
        }
        Some(Outcome::Conflict(conflict)) => Err(ApiError::from_conflict(conflict, in_headers)),
        outcome => Err(core.unexpected(outcome, CallKind::Write)),
    }
}

/// Reads one item.
pub(super) async fn get(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let key = rest::path_key(request.uri().path().strip_prefix(GET_PATH).unwrap_or_default(), &core.options().limits)?;
    check_key(request.extensions(), &key)?;
    let query = rest::query::read(request.uri().query())?;
    let backend = core.backend(query.backend);
    let when = condition::in_headers(request.headers())?;
    match core.read_one(request.headers(), (backend, &key), reads(query.consistency), deadline).await? {
        None => missed(&when, &key),
        Some(Outcome::Hit(item)) => {
            let item = item.borrow();
            if let Some(at) = Condition::first_unmet(&when, Some(item.version)) {
                return unmet(&when, at, item.version);
            }
            let bytes = ITEM_BYTES + key.len() + item.value.len() + item.metadata.map_or(0, <[u8]>::len);
            Ok(respond::tagged(item.version, bytes, |out| render::hit(out, &key, &item, backend)))
        }
        Some(Outcome::Miss) => missed(&when, &key),
        outcome => Err(core.unexpected(outcome, CallKind::Read)),
    }
}

/// Who may answer a read.
pub(super) fn reads(consistency: Consistency) -> Reads {
    match consistency {
        Consistency::Fresh => Reads::Fresh,
        Consistency::Strict => Reads::Strict,
    }
}

/// The answer of a read that missed.
fn missed(when: &[Condition], key: &str) -> Result<Response, ApiError> {
    nothing_there(when)?;
    Ok(respond::json(ANSWER_BYTES, |out| render::miss(out, key)))
}

/// The answer of a read whose item does not meet a condition in the headers.
fn unmet(when: &[Condition], at: u8, version: Version) -> Result<Response, ApiError> {
    match when[usize::from(at)] {
        Condition::Absent | Condition::NoneOf(_) => Ok(respond::not_modified(version)),
        Condition::Present | Condition::OneOf(_) => {
            Err(ApiError::from_conflict(Conflict::Unmet { at, version: Some(version) }, when.len()))
        }
    }
}

/// Checks conditions in headers where there is no item.
pub(super) fn nothing_there(when: &[Condition]) -> Result<(), ApiError> {
    match Condition::first_unmet(when, None) {
        None => Ok(()),
        Some(at) => Err(ApiError::from_conflict(Conflict::Unmet { at, version: None }, when.len())),
    }
}

/// Removes one item.
pub(super) async fn delete(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let key =
        rest::path_key(request.uri().path().strip_prefix(DELETE_PATH).unwrap_or_default(), &core.options().limits)?;
    check_key(request.extensions(), &key)?;
    let backend = core.backend(rest::query::backend(request.uri().query())?.backend);
    let when = condition::in_headers(request.headers())?;
    let in_headers = when.len();
    let action = || Action::Delete { n: 0, when: when.clone() };
    match core.ask_one(request.headers(), (backend, &key), action, (CallKind::Write, deadline)).await? {
        None => {
            nothing_there(&when)?;
            Ok(respond::json(ANSWER_BYTES, |out| render::deleted(out, &key, false)))
        }
        Some(Outcome::Deleted { found }) => Ok(respond::json(ANSWER_BYTES, |out| render::deleted(out, &key, found))),
        Some(Outcome::Conflict(conflict)) => Err(ApiError::from_conflict(conflict, in_headers)),
        outcome => Err(core.unexpected(outcome, CallKind::Write)),
    }
}

impl Core {
    /// The error for an outcome that is not one of the call's successes.
    pub(super) fn unexpected(&self, outcome: Option<Outcome>, kind: CallKind) -> ApiError {
        match outcome {
            Some(Outcome::Failed(failure)) => self.error(&failure, kind),
            Some(Outcome::Conflict(conflict)) => ApiError::from_conflict(conflict, 0),
            _ => ApiError::Internal("A node answered another question than it was asked".into()),
        }
    }
}
