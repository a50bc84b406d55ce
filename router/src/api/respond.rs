//! Responses: bodies, headers, and errors in their one shape.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE},
};
use ringhold_model::Version;

use crate::{
    http::{RequestTag, X_REQUEST_ID},
    rest::{ApiError, Coverage},
};

/// The header that says which nodes contributed: `3/3`.
pub(super) const X_CACHE_COVERAGE: HeaderName = HeaderName::from_static("x-cache-coverage");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// 200 with the JSON that `write` writes; `bytes` is about its length.
pub(super) fn json(bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    with_status(StatusCode::OK, bytes, write)
}

/// JSON under any status.
pub(super) fn with_status(status: StatusCode, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut body = Vec::with_capacity(bytes);
    write(&mut body);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 200 with JSON about an item of this version.
pub(super) fn tagged(version: Version, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut response = json(bytes, write);
    response.headers_mut().insert(ETAG, etag(version));
    response
}

/// 304: the client has the item in this version.
pub(super) fn not_modified(version: Version) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, etag(version));
    response
}

/// A version as an entity tag: in quotes, strong.
fn etag(version: Version) -> HeaderValue {
    /// Two numbers of 20 digits, a dash and two quotes.
    const BYTES_MAX: usize = 43;
    let mut text = [b'"'; BYTES_MAX];
    let mut end = 1;
    let mut put = |part: &[u8]| {
        text[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    };
    put(itoa::Buffer::new().format(version.epoch.0).as_bytes());
    put(b"-");
    put(itoa::Buffer::new().format(version.seq).as_bytes());
    put(b"\"");
    HeaderValue::from_bytes(&text[..end]).expect("digits, a dash and quotes may stand in a header")
}

/// 200 with the JSON of a fan-out.
pub(super) fn json_covered(bytes: usize, coverage: &Coverage, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    covered(json(bytes, write), coverage)
}

/// Adds the coverage header.
pub(super) fn covered(mut response: Response, coverage: &Coverage) -> Response {
    if let Ok(value) = HeaderValue::try_from(coverage.header()) {
        response.headers_mut().insert(X_CACHE_COVERAGE, value);
    }
    response
}

impl IntoResponse for ApiError {
    /// Carries the error as an extension; [`finish`] writes the body, since it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives the response its id, and an error its body.
pub(super) fn finish(answer: Result<Response, ApiError>, tag: &RequestTag) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        if let ApiError::Internal(detail) = &error {
            tracing::error!(request.id = tag.as_str(), detail, "a request failed by a fault of the router");
        }
        *response.body_mut() = Body::from(error.body(tag.as_str()));
        let headers = response.headers_mut();
        // axum's routes have declared the empty body that carried the error.
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(seconds) = error.retry_after_s() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(error, ApiError::Unauthorized) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"ringhold\""));
        }
        if let Some(version) = error.version() {
            headers.insert(ETAG, etag(version));
        }
        if let Some(coverage) = error.coverage() {
            response = covered(response, coverage);
        }
    }
    response.headers_mut().insert(X_REQUEST_ID, tag.0.clone());
    response
}

#[cfg(test)]
mod tests {
    use ringhold_model::Epoch;

    use super::*;

    #[test]
    fn an_entity_tag_is_the_version_in_quotes() {
        for version in [Version::default(), Version { epoch: Epoch(u64::MAX), seq: u64::MAX }] {
            assert_eq!(etag(version).to_str().unwrap(), format!("\"{version}\""));
        }
    }
}
