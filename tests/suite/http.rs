//! What is the same for all calls: routes, methods, content types, request ids, cross-origin calls.

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::client::{Answer, Api},
    raw::{exchange, status},
    shared,
    shown::shown,
};

/// Every route and the methods that it knows.
const ROUTES: &[(&str, &str)] = &[
    ("/", "GET"),
    ("/health", "GET"),
    ("/livez", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
    ("/docs", "GET"),
    ("/redoc", "GET"),
    ("/openapi.json", "GET"),
    ("/api/cache/set", "POST"),
    ("/api/cache/get/k", "GET"),
    ("/api/cache/delete/k", "DELETE"),
    ("/api/cache/clear", "POST"),
    ("/api/cache/set-batch", "POST"),
    ("/api/cache/get-batch", "POST"),
    ("/api/cache/keys", "GET"),
    ("/api/cache/stats", "GET"),
    ("/api/cache/config", "GET POST PATCH"),
    ("/api/cache/warm", "POST"),
    ("/api/cache/invalidate", "POST"),
    ("/api/cache/export", "GET"),
    ("/api/cache/import", "POST"),
    ("/api/namespaces", "GET"),
    ("/api/namespaces/n", "DELETE"),
    ("/api/cluster", "GET"),
    ("/api/cluster/plan", "POST"),
    ("/api/cluster/apply", "POST"),
    ("/api/cluster/pause", "POST"),
    ("/api/cluster/resume", "POST"),
    ("/api/cluster/cancel", "POST"),
    ("/api/cluster/settings", "PATCH"),
    ("/api/cluster/nodes/9", "PATCH"),
    ("/api/cluster/nodes/9/drain", "POST"),
    ("/api/cluster/nodes/9/remove", "POST"),
    ("/api/cluster/nodes/9/safe-to-stop", "GET"),
];

/// Routes whose body is JSON.
const WITH_BODY: &[(&str, &str)] = &[
    ("POST", "/api/cache/set"),
    ("POST", "/api/cache/set-batch"),
    ("POST", "/api/cache/get-batch"),
    ("POST", "/api/cache/warm"),
    ("POST", "/api/cache/invalidate"),
    ("POST", "/api/cache/config"),
    ("PATCH", "/api/cache/config"),
    ("POST", "/api/cache/import"),
    ("POST", "/api/cluster/plan"),
    ("POST", "/api/cluster/apply"),
    ("PATCH", "/api/cluster/settings"),
    ("PATCH", "/api/cluster/nodes/9"),
    ("POST", "/api/cluster/nodes/9/drain"),
    ("POST", "/api/cluster/nodes/9/remove"),
];

fn method(name: &str) -> Method {
    name.parse().expect("a method")
}

#[tokio::test]
async fn an_unknown_route_is_404() {
    let api = shared::api();
    for path in [
        "/nowhere",
        "/api",
        "/api/cache",
        "/api/cache/",
        "/api/cache/sett",
        "/API/cache/keys",
        "/api/cache/set/k",
        "/docs/x",
        "/api/cluster/plans",
        "/api/cluster/nodes/9/stop",
    ] {
        api.get(path).await.refused(404, "not_found");
    }
    insta::assert_json_snapshot!(shown(&api.get("/nowhere").await.json()));
}

#[tokio::test]
async fn a_method_that_the_route_does_not_know_is_405_and_names_those_it_does() {
    let api = shared::api();
    for (path, known) in ROUTES {
        for name in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            if known.split(' ').any(|known| known == name) {
                continue;
            }
            let answer = api.send(api.request(method(name), path)).await;
            assert_eq!(answer.status, 405, "{name} {path}: {}", answer.text);
            answer.refused(405, "method_not_allowed");
            let mut allowed: Vec<&str> = answer
                .header("allow")
                .unwrap_or_else(|| panic!("no Allow on {path}"))
                .split(',')
                .map(str::trim)
                .collect();
            allowed.retain(|name| *name != "HEAD");
            assert_eq!(allowed, known.split(' ').collect::<Vec<_>>(), "{path}");
        }
    }
    insta::assert_json_snapshot!(shown(&api.delete("/api/cache/keys").await.json()));
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let api = shared::api();
    api.set("k", json!(1)).await;
    for path in
        ["/", "/health", "/livez", "/api/cache/get/k", "/api/cache/keys", "/docs", "/openapi.json", "/api/cache/stats"]
    {
        let answer = api.send(api.request(Method::HEAD, path)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
        assert!(answer.header("x-request-id").is_some() && answer.header("content-type").is_some());
    }
    assert_eq!(api.send(api.request(Method::HEAD, "/nowhere")).await.status, 404);
}

#[tokio::test]
async fn a_body_must_be_declared_as_json() {
    let api = shared::api();
    for (name, path) in WITH_BODY {
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", "text/json", ""]
        {
            let request = api.request(method(name), path).header("Content-Type", content_type).body("{}");
            let answer = api.send(request).await;
            assert_eq!(answer.status, 415, "{path} {content_type:?}: {}", answer.text);
            answer.refused(415, "unsupported_media_type");
        }
    }
    let request = api.request(Method::POST, "/api/cache/set").header("Content-Type", "text/plain").body("{}");
    insta::assert_json_snapshot!(shown(&api.send(request).await.json()));
    for content_type in
        ["application/json", "application/json;charset=UTF-8", "APPLICATION/JSON", "application/vnd.api+json"]
    {
        let request = api.request(Method::POST, "/api/cache/set").header("Content-Type", content_type);
        api.send(request.body(r#"{"key": "k", "value": 1}"#)).await.ok();
    }
    let undeclared = api.request(Method::POST, "/api/cache/set").body(r#"{"key": "k", "value": 1}"#);
    api.send(undeclared).await.ok();
}

#[tokio::test]
async fn malformed_and_oversized_bodies_are_refused_on_every_route() {
    let api = shared::api();
    let oversized = format!("[{}1]", " ".repeat(8_388_608));
    for (name, path) in WITH_BODY {
        let post = async |body: String| {
            api.send(api.request(method(name), path).header("Content-Type", "application/json").body(body)).await
        };
        post("{\"a\": ".into()).await.refused(400, "malformed_json");
        if *path != "/api/cache/import" {
            let answer = post(oversized.clone()).await;
            answer.refused(413, "too_large");
            assert!(answer.text.contains("CACHE_MAX_BODY_SIZE"), "{}", answer.text);
        }
    }
    insta::assert_json_snapshot!(shown(&api.post_raw("/api/cache/set", "{nope}").await.json()));
    insta::assert_json_snapshot!("an_oversized_body", shown(&api.post_raw("/api/cache/set", oversized).await.json()));
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let api = shared::api();
    let with_id =
        async |path: &str, id: &str| api.send(api.request(Method::GET, path).header("X-Request-Id", id)).await;
    for path in [
        "/",
        "/health",
        "/api/cache/get/k",
        "/api/cache/keys",
        "/nowhere",
        "/docs",
        "/metrics",
        "/api/cache/keys?limit=0",
    ] {
        assert_eq!(
            with_id(path, "order-17/a.b:c_d+e=").await.header("x-request-id"),
            Some("order-17/a.b:c_d+e="),
            "{path}"
        );
        let made: Vec<String> = [api.get(path).await, api.get(path).await]
            .iter()
            .map(|a: &Answer| a.header("x-request-id").expect("one").to_owned())
            .collect();
        assert!(made[0] != made[1] && made[0].len() > 8, "{made:?}");
        for insane in ["", "has space", "<script>", "\"", "%0d%0a", &"x".repeat(129)] {
            let answer = with_id(path, insane).await;
            assert!(answer.header("x-request-id").is_some_and(|id| id != insane && !id.is_empty()), "{insane:?}");
        }
    }
    assert_eq!(with_id("/nowhere", "mine").await.json()["request_id"], "mine");
}

fn from_origin(api: &Api, name: Method, path: &str, origin: &str) -> reqwest::RequestBuilder {
    api.request(name, path).header("Origin", origin)
}

#[tokio::test]
async fn browsers_of_allowed_origins_may_call() {
    let api = shared::api();
    let (good, path) = ("http://localhost:3000", "/api/cache/set");
    let ask = from_origin(&api, Method::OPTIONS, path, good).header("Access-Control-Request-Method", "POST").header(
        "Access-Control-Request-Headers",
        "content-type,x-cache-namespace,x-request-id,authorization,x-api-key",
    );
    let answer = api.send(ask).await;
    assert!(answer.status == 200 || answer.status == 204, "{}", answer.status);
    assert_eq!(answer.header("access-control-allow-origin"), Some(good));
    let methods = answer.header("access-control-allow-methods").unwrap_or_default().to_owned();
    assert!(["GET", "POST", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
    let headers = answer.header("access-control-allow-headers").unwrap_or_default().to_ascii_lowercase();
    assert!(
        ["content-type", "authorization", "x-api-key", "x-cache-namespace", "x-request-id"]
            .iter()
            .all(|name| headers.contains(name)),
        "{headers}"
    );
    for (name, path, code) in [
        (Method::GET, "/api/cache/get/k", 200),
        (Method::GET, "/api/cache/keys", 200),
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/api/cache/keys?limit=0", 422),
        (Method::DELETE, "/api/cache/keys", 405),
        (Method::GET, "/health", 200),
    ] {
        let answer = api.send(from_origin(&api, name, path, good)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (code, Some(good)), "{path}");
        let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
        assert!(exposed.contains("x-request-id") && exposed.contains("x-cache-coverage"), "{exposed}");
    }
    let set = from_origin(&api, Method::POST, path, good).json(&json!({"key": "k", "value": 1}));
    assert_eq!(api.send(set).await.ok()["success"], true);
}

#[tokio::test]
async fn browsers_of_other_origins_are_told_nothing() {
    let api = shared::api();
    for origin in [
        "http://evil.example",
        "http://localhost:3001",
        "https://localhost:3000",
        "null",
        "http://localhost:3000.evil.example",
    ] {
        let ask = from_origin(&api, Method::OPTIONS, "/api/cache/set", origin)
            .header("Access-Control-Request-Method", "POST");
        assert_eq!(api.send(ask).await.header("access-control-allow-origin"), None, "{origin}");
        let answer = api.send(from_origin(&api, Method::GET, "/api/cache/get/k", origin)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None), "{origin}");
    }
    assert_eq!(api.get("/api/cache/get/k").await.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn requests_on_one_connection_may_be_pipelined() {
    let namespace = shared::namespace();
    let api = shared::calm().api().in_namespace(&namespace);
    let mut request = String::new();
    for n in 0..20 {
        api.set(&format!("k{n}"), json!(format!("value-{n}"))).await;
        let close = if n == 19 { "Connection: close\r\n" } else { "" };
        request +=
            &format!("GET /api/cache/get/k{n} HTTP/1.1\r\nHost: x\r\nX-Cache-Namespace: {namespace}\r\n{close}\r\n");
    }
    let answers = exchange(shared::calm().router_address(), request).await;
    let places: Vec<_> = (0..20).map(|n| answers.find(&format!("\"value-{n}\"")).expect("answered")).collect();
    assert!(places.is_sorted() && answers.matches("HTTP/1.1 200").count() == 20, "in order");
    assert_eq!(status(&answers), 200);
}
