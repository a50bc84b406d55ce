//! Everything that can be wrong with a call, and what it looks like to the client: the one place where errors become HTTP.

use http::StatusCode;
use ringhold_model::{
    Version,
    cluster::{AccessRejection, Rejection},
    wire::{Conflict, Fault},
};

use super::{coverage::Coverage, field::FieldFault};
use crate::json::write_string;

/// Whether a write that failed left a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Surely not applied; repeating it is safe.
    NotApplied,
    /// It may have been applied.
    Unknown,
}

/// What the failed call was about to do; reads have no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
}

/// What does not hold for the item that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// `if_absent` or `if_version`.
    Body,
    /// `If-Match` or `If-None-Match`.
    Header,
    /// It is no whole number.
    Integer,
    /// The sum would not fit.
    Sum,
}

/// Why a call failed; one variant per status and code.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// 400: the body is not JSON.
    Malformed(String),
    /// 401: nobody is known by the credential, if there is one; what is wrong with it is not told.
    Unauthorized,
    /// 403: the caller may not do this.
    Forbidden(String),
    /// 404: no such route.
    UnknownRoute,
    /// 404: no node with this id is a member of the cluster.
    UnknownNode(String),
    /// 404: no API key with this id.
    UnknownKey(String),
    /// 405: the route does not know the method.
    MethodNotAllowed,
    /// 408: the client sent its request too slowly.
    RequestTimeout,
    /// 409: what the call builds on has changed.
    Conflict(String),
    /// 409 or 412: the item that is there does not allow the call.
    Unmet {
        /// What does not hold.
        what: Unmet,
        /// Version of the item; `None`: there is none.
        version: Option<Version>,
    },
    /// 413: body, batch, value or item above its limit.
    TooLarge(String),
    /// 415: the body is declared as something else than JSON.
    NotJson(String),
    /// 422: all faults of the body or the parameters.
    Invalid(Vec<FieldFault>),
    /// 503: owners, majority or backend cannot be reached.
    Unavailable {
        /// What is missing.
        detail: String,
        /// For writes.
        outcome: Option<Outcome>,
        /// When to try again.
        retry_after_s: u32,
    },
    /// 503: a clear or an invalidation that did not reach every range. Repeating it is safe.
    Incomplete {
        /// What is missing.
        detail: String,
        /// Items removed so far.
        deleted_count: u64,
        /// Who contributed.
        coverage: Coverage,
    },
    /// 504: the deadline passed.
    DeadlinePassed {
        /// For writes.
        outcome: Option<Outcome>,
    },
    /// 500: a bug of ours.
    Internal(String),
}

impl ApiError {
    /// One fault in one place.
    pub fn invalid(fault: FieldFault) -> Self {
        Self::Invalid(vec![fault])
    }

    /// 503 that may be repeated in a second; a write was not applied.
    pub fn unavailable(detail: impl Into<String>, call: CallKind) -> Self {
        Self::Unavailable { detail: detail.into(), outcome: outcome(call, Outcome::NotApplied), retry_after_s: 1 }
    }

    /// 503 after which nobody knows whether a write was applied.
    pub fn unknown(detail: impl Into<String>, call: CallKind) -> Self {
        Self::Unavailable { detail: detail.into(), outcome: outcome(call, Outcome::Unknown), retry_after_s: 1 }
    }

    /// Why an item does not allow a write. The first `header_conditions` of the write's conditions came in headers.
    pub fn from_conflict(conflict: Conflict, header_conditions: usize) -> Self {
        let (what, version) = match conflict {
            Conflict::Unmet { at, version } if usize::from(at) < header_conditions => (Unmet::Header, version),
            Conflict::Unmet { version, .. } => (Unmet::Body, version),
            Conflict::NotInteger { version } => (Unmet::Integer, Some(version)),
            Conflict::Overflow { version } => (Unmet::Sum, version),
        };
        Self::Unmet { what, version }
    }

    /// What a node's answer means to the client, once the router has given up on retries.
    pub fn from_fault(fault: &Fault, call: CallKind) -> Self {
        match fault {
            Fault::WrongEpoch { .. }
            | Fault::NotPrimary { .. }
            | Fault::Busy
            | Fault::Overloaded
            | Fault::NoLease
            | Fault::NotCommitted
            | Fault::ShuttingDown => Self::unavailable(fault.to_string(), call),
            Fault::UnknownNamespace | Fault::NotFormed | Fault::WrongPeer => Self::unavailable(fault.to_string(), call),
            Fault::NotEnoughCopies { have, need } => Self::unavailable(not_enough_copies(*have, *need), call),
            Fault::BackendDown { .. } => Self::unavailable(fault.to_string(), call),
            Fault::Unknown | Fault::NoLeader | Fault::BackendSilent { .. } => Self::unknown(fault.to_string(), call),
            Fault::DeadlinePassed => Self::DeadlinePassed { outcome: outcome(call, Outcome::Unknown) },
            Fault::TooLarge { .. } | Fault::ReplyFull { .. } => Self::TooLarge(fault.to_string()),
            Fault::Unsupported(text) => Self::invalid(FieldFault::new("not_available", &["body"], text.clone())),
            Fault::Rejected(rejection) => Self::from_rejection(rejection, call),
            Fault::Malformed => Self::Internal("a node did not understand the router".into()),
        }
    }

    fn from_rejection(rejection: &Rejection, call: CallKind) -> Self {
        let at: &[&'static str] = match rejection {
            Rejection::TooManyNamespaces(_) | Rejection::BadNamespaceName => &["header", "X-Cache-Namespace"],
            Rejection::DefaultNamespace => &["path", "namespace"],
            Rejection::BadConfig(_) => &["body"],
            Rejection::NotFormed | Rejection::UnknownNamespace => {
                return Self::unavailable(rejection.to_string(), call);
            }
            Rejection::UnknownNode(node) => return Self::UnknownNode(node.to_string()),
            Rejection::Access(AccessRejection::Bad(_)) => &["body"],
            _ => return Self::Conflict(rejection.to_string()),
        };
        Self::invalid(FieldFault::new("value_error", at, rejection.to_string()))
    }

    /// The status of the response.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::UnknownRoute | Self::UnknownNode(_) | Self::UnknownKey(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unmet { what: Unmet::Header, .. } => StatusCode::PRECONDITION_FAILED,
            Self::Conflict(_) | Self::Unmet { .. } => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable { .. } | Self::Incomplete { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::DeadlinePassed { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_json",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::UnknownRoute => "not_found",
            Self::UnknownNode(_) => "unknown_node",
            Self::UnknownKey(_) => "unknown_key",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::Conflict(_) => "conflict",
            Self::Unmet { what: Unmet::Body, .. } => "condition_not_met",
            Self::Unmet { what: Unmet::Header, .. } => "precondition_failed",
            Self::Unmet { what: Unmet::Integer, .. } => "not_an_integer",
            Self::Unmet { what: Unmet::Sum, .. } => "integer_overflow",
            Self::TooLarge(_) => "too_large",
            Self::NotJson(_) => "unsupported_media_type",
            Self::Invalid(_) => "validation_error",
            Self::Unavailable { outcome: Some(Outcome::Unknown), .. } => "outcome_unknown",
            Self::Unavailable { .. } => "unavailable",
            Self::Incomplete { .. } => "incomplete",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::Internal(_) => "internal_error",
        }
    }

    /// Value of the header `Retry-After` in seconds, where the response carries one.
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Unavailable { retry_after_s, .. } => Some(*retry_after_s),
            Self::Incomplete { .. } => Some(1),
            _ => None,
        }
    }

    /// Whether the failed write left a trace; `None`: no write, or the status says it all.
    pub const fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Unavailable { outcome, .. } | Self::DeadlinePassed { outcome } => *outcome,
            Self::Incomplete { .. } => Some(Outcome::Unknown),
            _ => None,
        }
    }

    /// Version of the item that does not allow the call; it becomes the header `ETag`.
    pub const fn version(&self) -> Option<Version> {
        match self {
            Self::Unmet { version, .. } => *version,
            _ => None,
        }
    }

    /// The coverage to name in the header `X-Cache-Coverage`, where the response carries one.
    pub const fn coverage(&self) -> Option<&Coverage> {
        match self {
            Self::Incomplete { coverage, .. } => Some(coverage),
            _ => None,
        }
    }

    /// The body of the response.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.push(b'{');
        self.write_members(&mut out);
        out.extend_from_slice(b",\"request_id\":");
        write_string(&mut out, request_id);
        if let Self::Incomplete { deleted_count, coverage, .. } = self {
            out.extend_from_slice(b",\"deleted_count\":");
            out.extend_from_slice(itoa::Buffer::new().format(*deleted_count).as_bytes());
            coverage.write_members(&mut out);
        }
        out.push(b'}');
        out
    }

    /// The error of one item of a batch: `{"code", "detail"}` and the outcome.
    pub fn write_item(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        self.write_members(out);
        out.push(b'}');
    }

    fn write_members(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"detail\":");
        self.write_detail(out);
        out.extend_from_slice(b",\"code\":\"");
        out.extend_from_slice(self.code().as_bytes());
        out.push(b'"');
        if let Self::Unmet { version, .. } = self {
            out.extend_from_slice(b",\"version\":");
            match version {
                Some(version) => write_string(out, &version.to_string()),
                None => out.extend_from_slice(b"null"),
            }
        }
        match self.outcome() {
            Some(Outcome::NotApplied) => out.extend_from_slice(b",\"outcome\":\"not_applied\""),
            Some(Outcome::Unknown) => out.extend_from_slice(b",\"outcome\":\"unknown\""),
            None => {}
        }
    }

    fn write_detail(&self, out: &mut Vec<u8>) {
        match self {
            Self::Invalid(faults) => {
                out.push(b'[');
                for (n, fault) in faults.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    fault.write(out);
                }
                out.push(b']');
            }
            Self::UnknownRoute => write_string(out, "Not Found"),
            Self::UnknownNode(id) => write_string(out, &format!("The cluster has no node {id}")),
            Self::UnknownKey(id) => write_string(out, &format!("There is no API key {id}")),
            Self::Unauthorized => {
                write_string(out, "A valid API key or token is needed (X-API-Key, or Authorization: Bearer)")
            }
            Self::MethodNotAllowed => write_string(out, "Method Not Allowed"),
            Self::RequestTimeout => write_string(out, "The request arrived too slowly"),
            Self::Unmet { what, version } => write_string(out, what.detail(version.is_some())),
            Self::DeadlinePassed { .. } => write_string(out, "The deadline of the request passed"),
            Self::Malformed(text)
            | Self::Forbidden(text)
            | Self::Conflict(text)
            | Self::TooLarge(text)
            | Self::NotJson(text)
            | Self::Internal(text)
            | Self::Unavailable { detail: text, .. }
            | Self::Incomplete { detail: text, .. } => write_string(out, text),
        }
    }
}

impl Unmet {
    const fn detail(self, is_there: bool) -> &'static str {
        match (self, is_there) {
            (Self::Body, true) => "The item that is there does not meet if_absent or if_version; nothing was changed",
            (Self::Body, false) => "There is no item, so if_version is not met; nothing was changed",
            (Self::Header, true) => {
                "The item that is there does not meet If-Match or If-None-Match; nothing was changed"
            }
            (Self::Header, false) => "There is no item, so If-Match is not met; nothing was changed",
            (Self::Integer, _) => "The value is no whole number between -2^63 and 2^63 - 1; nothing was changed",
            (Self::Sum, _) => "The sum would not be between -2^63 and 2^63 - 1; nothing was changed",
        }
    }
}

fn not_enough_copies(have: u8, need: u8) -> String {
    format!(
        "{have} copies of the key's range are in step and min_in_sync asks for {need}; wait until copies are restored, start the \
         nodes that are down, or lower min_in_sync with PATCH /api/cluster/settings"
    )
}

fn outcome(call: CallKind, outcome: Outcome) -> Option<Outcome> {
    (call == CallKind::Write).then_some(outcome)
}
