//! `POST /api/cache/incr/{key}`, `POST /api/cache/getset/{key}`, `POST /api/cache/touch/{key}`.
//!
//! Each is one operation at the owner of its key: nothing comes between the look and the change. Conditions in the headers
//! hold for them as for set.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::wire::{Action, NewRecord};

use super::{
    core::Core,
    points::{ANSWER_BYTES, ITEM_BYTES, nothing_there},
    respond,
};
use crate::{
    auth::check_key,
    dispatch::Outcome,
    rest::{self, ApiError, CallKind, condition, render},
};

const INCR_PATH: &str = "/api/cache/incr/";
const GETSET_PATH: &str = "/api/cache/getset/";
const TOUCH_PATH: &str = "/api/cache/touch/";

/// Adds to a whole number.
pub(super) async fn incr(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let limits = &core.options().limits;
    let key = rest::path_key(head.uri.path().strip_prefix(INCR_PATH).unwrap_or_default(), limits)?;
    check_key(&head.extensions, &key)?;
    let body = core.json_body(&head.headers, body).await?;
    let incr = rest::atomic::incr(&body, limits)?;
    let when = condition::in_headers(&head.headers)?;
    let in_headers = when.len();
    let action = || {
        let record = NewRecord { when: when.clone(), ..incr.record() };
        Action::Increment { n: 0, by: incr.by, initial: incr.initial, record }
    };
    match Some(core.write_one(&head.headers, (core.backend(incr.backend), &key), action, deadline).await?) {
        Some(Outcome::Counted { value, version, ttl_ms, copies }) => {
            let counted = render::Counted { value, version, copies, ttl_ms };
            Ok(respond::tagged(version, ANSWER_BYTES + key.len(), |out| render::counted(out, &key, &counted)))
        }
        Some(Outcome::Conflict(conflict)) => Err(ApiError::from_conflict(conflict, in_headers)),
        outcome => Err(core.unexpected(outcome, CallKind::Write)),
    }
}

/// Stores an item and answers the one that was there.
pub(super) async fn getset(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let limits = &core.options().limits;
    let key = rest::path_key(head.uri.path().strip_prefix(GETSET_PATH).unwrap_or_default(), limits)?;
    check_key(&head.extensions, &key)?;
    let body = core.json_body(&head.headers, body).await?;
    let set = rest::set::parse_keyed(&body, key, limits)?;
    let when = condition::in_headers(&head.headers)?;
    let in_headers = when.len();
    let backend = core.backend(set.backend);
    let action = || {
        let mut record = set.record();
        record.when.splice(0..0, when.iter().cloned());
        Action::Swap { n: 0, record }
    };
    match Some(core.write_one(&head.headers, (backend, &set.key), action, deadline).await?) {
        Some(Outcome::Swapped { version, ttl_ms, strategy, copies, previous }) => {
            let stored = render::Stored { size: set.value.len() as u64, ttl_ms, backend, strategy, version, copies };
            let previous = previous.as_ref().map(|item| item.borrow());
            let item_bytes = previous
                .as_ref()
                .map_or(0, |item| ITEM_BYTES + item.value.len() + item.metadata.map_or(0, <[u8]>::len));
            let bytes = ANSWER_BYTES + 2 * set.key.len() + item_bytes;
            Ok(respond::tagged(version, bytes, |out| render::swapped(out, &set.key, &stored, previous.as_ref())))
        }
        Some(Outcome::Conflict(conflict)) => Err(ApiError::from_conflict(conflict, in_headers)),
        outcome => Err(core.unexpected(outcome, CallKind::Write)),
    }
}

/// Gives an item a new time to live.
pub(super) async fn touch(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let limits = &core.options().limits;
    let key = rest::path_key(head.uri.path().strip_prefix(TOUCH_PATH).unwrap_or_default(), limits)?;
    check_key(&head.extensions, &key)?;
    let body = core.json_body(&head.headers, body).await?;
    let touch = rest::atomic::touch(&body, limits)?;
    let when = condition::in_headers(&head.headers)?;
    let in_headers = when.len();
    let (place, action) =
        ((core.backend(touch.backend), &*key), || Action::Touch { n: 0, ttl: touch.ttl, when: when.clone() });
    match core.ask_one(&head.headers, place, action, (CallKind::Write, deadline)).await? {
        None => {
            nothing_there(&when)?;
            Ok(respond::json(ANSWER_BYTES, |out| render::miss(out, &key)))
        }
        Some(Outcome::Touched { version, ttl_ms }) => {
            Ok(respond::tagged(version, ANSWER_BYTES + key.len(), |out| render::touched(out, &key, version, ttl_ms)))
        }
        Some(Outcome::Miss) => Ok(respond::json(ANSWER_BYTES, |out| render::miss(out, &key))),
        Some(Outcome::Conflict(conflict)) => Err(ApiError::from_conflict(conflict, in_headers)),
        outcome => Err(core.unexpected(outcome, CallKind::Write)),
    }
}
