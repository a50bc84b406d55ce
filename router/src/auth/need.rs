//! What each route asks of its caller: the one list of it. The documentation, the answer to a refused call and the gate all
//! read it here.

use http::Method;

/// What a call does to what it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Looks.
    Read,
    /// Changes items.
    Write,
    /// Both: it answers what it replaces.
    ReadWrite,
    /// Changes configuration, cluster, namespaces or keys.
    Admin,
}

impl Scope {
    /// For people.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "`read`",
            Self::Write => "`write`",
            Self::ReadWrite => "`read` and `write`",
            Self::Admin => "`admin`",
        }
    }
}

/// What a call can touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Single keys in the request's namespace, which the handler checks one by one.
    Keys,
    /// Everything in the request's namespace.
    Namespace,
    /// The list of namespaces, of which the handler leaves out what is not the caller's.
    Namespaces,
    /// The whole cluster.
    Cluster,
}

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Public,
    /// A key or token with this scope, bound to no less than this.
    Granted(Scope, Reach),
}

/// What a call asks for. Paths are compared as they came, percent signs and all, as the router does.
pub(crate) fn need(method: &Method, path: &str) -> Need {
    match method.as_str() {
        // The router answers HEAD wherever it answers GET.
        "GET" | "HEAD" => need_of_get(path),
        "POST" => need_of_post(path),
        "PATCH" | "PUT" => ADMIN,
        "DELETE" if path.starts_with("/api/cache/delete/") => WRITE_KEYS,
        // Preflights carry no credentials, and no handler ever sees them.
        "OPTIONS" => Need::Public,
        _ => ADMIN,
    }
}

const READ_KEYS: Need = Need::Granted(Scope::Read, Reach::Keys);
const READ_NAMESPACE: Need = Need::Granted(Scope::Read, Reach::Namespace);
const READ_CLUSTER: Need = Need::Granted(Scope::Read, Reach::Cluster);
const WRITE_KEYS: Need = Need::Granted(Scope::Write, Reach::Keys);
const WRITE_NAMESPACE: Need = Need::Granted(Scope::Write, Reach::Namespace);
const ADMIN: Need = Need::Granted(Scope::Admin, Reach::Cluster);

fn need_of_get(path: &str) -> Need {
    if path.starts_with("/api/cache/get/") {
        return READ_KEYS;
    }
    match path {
        "/" | "/health" | "/livez" | "/readyz" | "/docs" | "/redoc" | "/openapi.json" => Need::Public,
        "/api/cache/keys" | "/api/cache/stats" | "/api/cache/config" | "/api/cache/export" => READ_NAMESPACE,
        "/api/namespaces" => Need::Granted(Scope::Read, Reach::Namespaces),
        "/metrics" | "/api/cluster" => READ_CLUSTER,
        _ if path.starts_with("/docs/") || path.starts_with("/redoc/") => Need::Public,
        _ if path.starts_with("/api/cache/analytics/") => READ_NAMESPACE,
        _ if path.starts_with("/api/cluster/nodes/") && path.ends_with("/safe-to-stop") => READ_CLUSTER,
        _ => ADMIN,
    }
}

fn need_of_post(path: &str) -> Need {
    match path {
        "/api/cache/set" | "/api/cache/set-batch" | "/api/cache/warm" => WRITE_KEYS,
        "/api/cache/get-batch" => READ_KEYS,
        "/api/cache/clear" | "/api/cache/invalidate" | "/api/cache/import" => WRITE_NAMESPACE,
        // A plan changes nothing.
        "/api/cluster/plan" => READ_CLUSTER,
        _ if path.starts_with("/api/cache/touch/") => WRITE_KEYS,
        _ if path.starts_with("/api/cache/incr/") || path.starts_with("/api/cache/getset/") => {
            Need::Granted(Scope::ReadWrite, Reach::Keys)
        }
        _ => ADMIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_for_admins() {
        for (method, path) in [
            ("GET", "/api/keys"),
            ("GET", "/api/cache/unheard-of"),
            ("POST", "/"),
            ("PUT", "/health"),
            ("DELETE", "/api/namespaces/a"),
            ("GET", "/api//cache/keys"),
            ("GET", "/API/CACHE/KEYS"),
            ("GET", "/api/cache/%67et/k"),
            ("TRACE", "/"),
            ("GET", "/docsx"),
            ("get", "/health"),
        ] {
            assert_eq!(need(&method.parse().unwrap(), path), ADMIN, "{method} {path}");
        }
    }

    #[test]
    fn head_asks_for_what_get_asks_for() {
        for path in ["/", "/metrics", "/api/cache/get/k", "/api/cache/keys", "/api/cluster", "/api/keys"] {
            assert_eq!(need(&Method::HEAD, path), need(&Method::GET, path), "{path}");
        }
    }
}
