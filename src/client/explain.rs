//! Failures of a call in words that say what to do next.

use anyhow::anyhow;
use reqwest::StatusCode;
use serde_json::value::RawValue;

use crate::{failure::Failure, fields::Fields, output::cell};

/// Longest part of an answer that is not ours to show, in characters.
const FOREIGN_CHARS_MAX: usize = 200;

/// The call did not get through.
pub(super) fn transport(error: &reqwest::Error, base: &str) -> Failure {
    let cause = root_cause(error);
    Failure::Failed(if error.is_connect() && !error.is_timeout() {
        anyhow!(
            "cannot reach {base} ({cause}); is a router running? start one with `ringhold`, or name another with --url"
        )
    } else if error.is_timeout() {
        return silence(base);
    } else {
        anyhow!("the connection to {base} broke ({cause}); a write may or may not have been applied; try again")
    })
}

/// Nothing came in time.
pub(super) fn silence(base: &str) -> Failure {
    Failure::failed(format!(
        "{base} did not answer in time; see `ringhold cluster status`, or wait longer with --timeout"
    ))
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// The router answered, but not with success.
pub(super) fn refusal(status: StatusCode, body: &str) -> Failure {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(body) else {
        let shown: String = body.chars().take(FOREIGN_CHARS_MAX).collect();
        return Failure::failed(format!("HTTP {status}; does --url name a ringhold router? it said: {shown}"));
    };
    let detail = fields.get("detail").map_or_else(|| body.to_owned(), details);
    match fields.text("code").as_deref() {
        Some("unknown_node") => return Failure::NotFound(format!("{detail}; `ringhold cluster nodes` lists them")),
        Some("unknown_key") => return Failure::NotFound(format!("{detail}; `ringhold apikeys list` lists them")),
        _ => {}
    }
    let code = fields.text("code").map(|code| format!(", {code}")).unwrap_or_default();
    let id = fields.text("request_id").map(|id| format!(" [request {id}]")).unwrap_or_default();
    let hint = hint(status, fields.text("outcome").as_deref());
    let version = fields.text("version").map(|version| format!("; its version is {version}")).unwrap_or_default();
    Failure::failed(format!("{detail}{version} (HTTP {}{code}){id}{hint}", status.as_u16()))
}

/// `detail` is a text, or a list of faults with their places.
fn details(detail: &RawValue) -> String {
    let Ok(faults) = serde_json::from_str::<Vec<Fields<'_>>>(detail.get()) else { return cell(detail) };
    let faults = faults.iter().map(|fault| {
        let place = fault.get("loc").map(place).unwrap_or_default();
        let text = fault.get("msg").map_or_else(|| "not valid".to_owned(), cell);
        if place.is_empty() { text } else { format!("{place}: {text}") }
    });
    faults.collect::<Vec<_>>().join("; ")
}

/// `["body", "ttl"]` as `body.ttl`.
fn place(loc: &RawValue) -> String {
    let parts: Vec<&RawValue> = serde_json::from_str(loc.get()).unwrap_or_default();
    parts.into_iter().map(cell).collect::<Vec<_>>().join(".")
}

fn hint(status: StatusCode, outcome: Option<&str>) -> &'static str {
    match (status.as_u16(), outcome) {
        (503 | 504, Some("not_applied")) => {
            "; nothing was changed, so try again; `ringhold cluster status` says what is missing"
        }
        (503 | 504, Some(_)) => "; it may have been applied; `ringhold cluster status` says what is missing",
        (503 | 504, None) => "; try again; `ringhold cluster status` says what is missing",
        (401, _) => "; give one with --api-key or CACHE_API_KEY",
        (403, _) => "; `ringhold apikeys list` shows what each key opens",
        (404, _) => "; this router has no such endpoint: is it of the same version?",
        (413, _) => "; the limits are CACHE_MAX_VALUE_SIZE, CACHE_MAX_BATCH_SIZE and CACHE_MAX_BODY_SIZE of the router",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> String {
        match refusal(StatusCode::from_u16(status).unwrap(), body) {
            Failure::Failed(error) => format!("{error:#}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_fault_of_a_refusal_is_said_with_its_place() {
        let body = r#"{"detail": [{"loc": ["body", "ttl"], "msg": "too large"}, {"loc": ["body", 0, "key"], "msg": "empty"}],
            "code": "validation", "request_id": "r1"}"#;
        assert_eq!(said(422, body), "body.ttl: too large; body.0.key: empty (HTTP 422, validation) [request r1]");
    }

    #[test]
    fn an_unavailable_cluster_says_whether_to_try_again() {
        assert!(
            said(503, r#"{"detail": "no owner", "outcome": "not_applied"}"#)
                .contains("nothing was changed, so try again")
        );
        assert!(said(504, r#"{"detail": "late", "outcome": "unknown"}"#).contains("may have been applied"));
    }

    #[test]
    fn a_condition_that_is_not_met_says_which_version_is_there() {
        let body = r#"{"detail": "no", "code": "condition_not_met", "version": "1-2", "request_id": "r1"}"#;
        assert_eq!(said(409, body), "no; its version is 1-2 (HTTP 409, condition_not_met) [request r1]");
        let body = r#"{"detail": "no", "code": "condition_not_met", "version": null}"#;
        assert_eq!(said(409, body), "no (HTTP 409, condition_not_met)");
    }

    #[test]
    fn a_node_that_is_not_there_is_not_found() {
        let body = r#"{"detail": "The cluster has no node 9", "code": "unknown_node", "request_id": "r1"}"#;
        let failure = refusal(StatusCode::NOT_FOUND, body);
        assert_eq!(failure.code(), 3);
        assert!(matches!(failure, Failure::NotFound(text) if text.contains("no node 9")));
    }

    #[test]
    fn another_server_is_recognised() {
        assert!(said(502, "<html>").contains("does --url name a ringhold router?"));
    }
}
