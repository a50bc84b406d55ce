//! Every route of the document, called by everybody.

use reqwest::Method;
use serde_json::{Value, json};

use super::{admin, guarded, made};
use crate::harness::client::Api;

/// What a call asks for: nothing, or a scope (`R`ead, `W`rite, `B`oth, `A`dmin) and what it reaches: single `k`eys, the
/// whole `n`amespace, the `l`ist of namespaces, the `c`luster. Written down here once more, so that a slip there shows.
#[rustfmt::skip]
const CALLS: &[(&str, &str)] = &[
    ("get /", ""), ("get /health", ""), ("get /livez", ""), ("get /readyz", ""),
    ("get /docs", ""), ("get /redoc", ""), ("get /openapi.json", ""),
    ("get /metrics", "Rc"),
    ("post /api/cache/set", "Wk"), ("get /api/cache/get/{key}", "Rk"), ("delete /api/cache/delete/{key}", "Wk"),
    ("post /api/cache/incr/{key}", "Bk"), ("post /api/cache/getset/{key}", "Bk"), ("post /api/cache/touch/{key}", "Wk"),
    ("post /api/cache/set-batch", "Wk"), ("post /api/cache/get-batch", "Rk"), ("post /api/cache/warm", "Wk"),
    ("get /api/cache/keys", "Rn"), ("post /api/cache/clear", "Wn"), ("post /api/cache/invalidate", "Wn"),
    ("get /api/cache/stats", "Rn"),
    ("get /api/cache/config", "Rn"), ("post /api/cache/config", "Ac"), ("patch /api/cache/config", "Ac"),
    ("get /api/cache/analytics/hot-keys", "Rn"), ("get /api/cache/analytics/access-patterns", "Rn"),
    ("get /api/cache/analytics/memory", "Rn"), ("get /api/cache/analytics/ttl", "Rn"),
    ("get /api/cache/analytics/backends", "Rn"),
    ("get /api/cache/export", "Rn"), ("post /api/cache/import", "Wn"),
    ("get /api/namespaces", "Rl"), ("delete /api/namespaces/{namespace}", "Ac"),
    ("get /api/cluster", "Rc"), ("post /api/cluster/plan", "Rc"), ("post /api/cluster/apply", "Ac"),
    ("post /api/cluster/pause", "Ac"), ("post /api/cluster/resume", "Ac"), ("post /api/cluster/cancel", "Ac"),
    ("patch /api/cluster/settings", "Ac"), ("patch /api/cluster/nodes/{id}", "Ac"),
    ("post /api/cluster/nodes/{id}/drain", "Ac"), ("post /api/cluster/nodes/{id}/remove", "Ac"),
    ("get /api/cluster/nodes/{id}/safe-to-stop", "Rc"),
    ("get /api/keys", "Ac"), ("post /api/keys", "Ac"), ("delete /api/keys/{id}", "Ac"), ("post /api/keys/{id}/rotate", "Ac"),
];

/// Somebody who calls.
struct Role {
    name: &'static str,
    api: Api,
    /// Scopes that it has, as in [`CALLS`].
    scopes: &'static str,
    /// What it reaches, as in [`CALLS`].
    reaches: &'static str,
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let cluster = guarded().await;
    let roles = roles(&admin(&cluster), &cluster.api()).await;
    for (method, path) in operations(&cluster.api()).await {
        let call = format!("{method} {path}");
        let (_, need) =
            CALLS.iter().find(|(known, _)| *known == call).unwrap_or_else(|| panic!("{call} is not in the table"));
        for role in &roles {
            let expected = match need.split_at_checked(1) {
                None | Some(("", _)) => None,
                Some(_) if role.scopes.is_empty() => Some(401),
                Some((scope, reach)) if role.scopes.contains(scope) && role.reaches.contains(reach) => None,
                Some(_) => Some(403),
            };
            let status = called(&role.api, &method, &path).await;
            match expected {
                Some(refusal) => assert_eq!(status, refusal, "{call} as {}", role.name),
                None => assert!(status != 401 && status != 403, "{call} as {}: {status}", role.name),
            }
        }
    }
}

/// What the document does not name: another method, another spelling, a route that there is not.
#[tokio::test]
async fn what_no_document_names_is_closed_too() {
    let cluster = guarded().await;
    let nobody = cluster.api();
    for (method, path) in operations(&nobody).await {
        if method == "get" && !CALLS.contains(&(&format!("get {path}"), "")) {
            assert_eq!(called(&nobody, "head", &path).await, 401, "head {path}");
        }
    }
    let (_, reader) = made(&admin(&cluster), json!({"scopes": ["read", "write"]})).await;
    for (method, path) in [
        ("get", "/nowhere"),
        ("post", "/api/cache/nowhere"),
        ("put", "/api/cache/set"),
        ("get", "/api/cache/set"),
        ("get", "//api/keys"),
        ("get", "/api/keys/"),
        ("get", "/API/keys"),
        ("get", "/api/%6beys"),
        ("post", "/health"),
    ] {
        assert_eq!(called(&nobody, method, path).await, 401, "{method} {path}");
        assert_eq!(called(&nobody.with_key(&reader), method, path).await, 403, "{method} {path}");
        let status = called(&admin(&cluster), method, path).await;
        assert!(matches!(status, 404 | 405), "{method} {path}: {status}");
    }
}

async fn roles(admin: &Api, nobody: &Api) -> Vec<Role> {
    let mut roles = vec![
        Role { name: "nobody", api: nobody.clone(), scopes: "", reaches: "" },
        Role { name: "a guess", api: nobody.with_key("rh_0123456789abcdef_guess"), scopes: "", reaches: "" },
        Role { name: "the settings' key", api: admin.clone(), scopes: "RWBA", reaches: "knlc" },
    ];
    let made_up: [(&str, Value, &str, &str); 7] = [
        ("reader", json!({"scopes": ["read"]}), "R", "knlc"),
        ("writer", json!({"scopes": ["write"]}), "W", "knlc"),
        ("both", json!({"scopes": ["read", "write"]}), "RWB", "knlc"),
        ("admin", json!({"scopes": ["admin"]}), "RWBA", "knlc"),
        ("tenant", json!({"scopes": ["read", "write"], "namespaces": ["a", "default"]}), "RWB", "knl"),
        ("stranger", json!({"scopes": ["read", "write"], "namespaces": ["b"]}), "RWB", "l"),
        ("narrow", json!({"scopes": ["read", "write"], "key_patterns": ["*"]}), "RWB", "kl"),
    ];
    for (name, body, scopes, reaches) in made_up {
        let (_, text) = made(admin, body).await;
        roles.push(Role { name, api: nobody.with_key(text), scopes, reaches });
    }
    roles
}

/// Every method and path of the document.
async fn operations(api: &Api) -> Vec<(String, String)> {
    let document = api.get("/openapi.json").await.ok();
    let paths = document["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().expect("methods").keys().cloned().collect();
        methods.into_iter().map(|method| (method, path.clone())).collect::<Vec<_>>()
    };
    let found: Vec<_> = paths.iter().flat_map(of).collect();
    assert_eq!(found.len(), CALLS.len(), "the table has what the document has not");
    found
}

/// Calls it without a body, about what there is not; answers the status.
async fn called(api: &Api, method: &str, path: &str) -> u16 {
    let id = if path.starts_with("/api/keys") { "0123456789abcdef" } else { "987" };
    let path = path.replace("{key}", "k").replace("{namespace}", "nobody").replace("{id}", id);
    let method: Method = method.to_uppercase().parse().expect("a method");
    api.send(api.request(method, &path)).await.status
}
