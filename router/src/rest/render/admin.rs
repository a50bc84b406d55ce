//! Answers of the health calls, the namespaces and the front page.

use serde::Serialize;

use super::{
    super::coverage::Coverage,
    splice::{raw, serde, stamp, string},
};

/// How well the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Healthy,
    /// It serves, but something is missing.
    Degraded,
    /// It cannot serve.
    Unhealthy,
}

impl Health {
    /// The word in the answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is well.
    pub ok: bool,
    /// For people.
    pub detail: String,
}

/// What is told beside the state.
#[derive(Clone, Copy, Debug, Default)]
pub struct HealthDetails<'a> {
    /// What was looked at; only where asked for.
    pub checks: Option<&'a [Check]>,
    /// What a person should see to; left out when there is nothing.
    pub warnings: &'a [String],
}

/// Answer of `/health`, `/livez` and `/readyz`.
pub fn health(out: &mut Vec<u8>, health: Health, now_ms: u64, version: &str, details: HealthDetails<'_>) {
    raw(out, "{\"status\":\"");
    raw(out, health.as_str());
    stamp(out, "\",\"timestamp\":", now_ms);
    string(out, ",\"version\":", version);
    if let Some(checks) = details.checks {
        raw(out, ",\"checks\":");
        serde(out, &checks);
    }
    if !details.warnings.is_empty() {
        raw(out, ",\"warnings\":");
        serde(out, &details.warnings);
    }
    out.push(b'}');
}

/// Answer of `/`.
pub fn root(out: &mut Vec<u8>, version: &str) {
    string(out, "{\"message\":\"Cache Management API\",\"version\":", version);
    raw(out, ",\"status\":\"running\",\"docs\":\"/docs\",\"redoc\":\"/redoc\",\"openapi\":\"/openapi.json\"}");
}

/// One namespace.
#[derive(Clone, Debug, Serialize)]
pub struct NamespaceRow {
    /// Its name.
    pub name: String,
    /// Live items, of all backends.
    pub total_items: u64,
    /// Bytes charged to them.
    pub total_memory_usage: u64,
}

#[derive(Serialize)]
struct Namespaces<'a> {
    success: bool,
    total_namespaces: usize,
    namespaces: &'a [NamespaceRow],
}

/// Answer of listing the namespaces.
pub fn namespaces(out: &mut Vec<u8>, rows: &[NamespaceRow], coverage: &Coverage) {
    serde(out, &Namespaces { success: true, total_namespaces: rows.len(), namespaces: rows });
    out.pop();
    coverage.write_members(out);
    out.push(b'}');
}

/// Answer of removing a namespace; a name that is not known is a miss.
pub fn namespace_removed(out: &mut Vec<u8>, name: &str, found: bool) {
    raw(
        out,
        if found {
            "{\"success\":true,\"found\":true,\"message\":\"Removed\",\"namespace\":"
        } else {
            "{\"success\":true,\"found\":false,\"message\":\"No such namespace\",\"namespace\":"
        },
    );
    crate::json::write_string(out, name);
    out.push(b'}');
}
