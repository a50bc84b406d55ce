//! The documents about the API.

use crate::{shared, shown::shown};

#[tokio::test]
async fn the_front_page_says_who_it_is_and_where_the_docs_are() {
    let body = shared::api().get("/").await.ok();
    insta::assert_json_snapshot!(shown(&body));
    assert_eq!((body["status"].as_str(), body["version"].as_str()), (Some("running"), Some(env!("CARGO_PKG_VERSION"))));
    assert!(body["message"].is_string());
    for name in ["docs", "redoc", "openapi"] {
        assert_eq!(shared::api().get(body[name].as_str().expect("a path")).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn the_openapi_document_knows_every_route() {
    let answer = shared::api().get("/openapi.json").await;
    let document = answer.ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    for (path, methods) in [
        ("/", "get"),
        ("/health", "get"),
        ("/livez", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
        ("/api/cache/set", "post"),
        ("/api/cache/get/{key}", "get"),
        ("/api/cache/delete/{key}", "delete"),
        ("/api/cache/clear", "post"),
        ("/api/cache/set-batch", "post"),
        ("/api/cache/get-batch", "post"),
        ("/api/cache/keys", "get"),
        ("/api/cache/stats", "get"),
        ("/api/cache/config", "get post patch"),
        ("/api/cache/warm", "post"),
        ("/api/cache/invalidate", "post"),
        ("/api/cache/export", "get"),
        ("/api/cache/import", "post"),
        ("/api/namespaces", "get"),
        ("/api/namespaces/{namespace}", "delete"),
        ("/api/cluster", "get"),
        ("/api/cluster/plan", "post"),
        ("/api/cluster/apply", "post"),
        ("/api/cluster/pause", "post"),
        ("/api/cluster/resume", "post"),
        ("/api/cluster/cancel", "post"),
        ("/api/cluster/settings", "patch"),
        ("/api/cluster/nodes/{id}", "patch"),
        ("/api/cluster/nodes/{id}/drain", "post"),
        ("/api/cluster/nodes/{id}/remove", "post"),
        ("/api/cluster/nodes/{id}/safe-to-stop", "get"),
    ] {
        for method in methods.split(' ') {
            let operation = &document["paths"][path][method];
            assert!(operation["responses"]["200"].is_object(), "{method} {path}: {operation}");
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_pages_and_all_they_load_come_from_here() {
    let api = shared::api();
    for page in ["/docs", "/redoc"] {
        let answer = api.get(page).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
        let policy = answer.header("content-security-policy").expect("a policy").to_owned();
        assert!(!policy.contains("://") && policy.contains("default-src 'none'"), "{policy}");
        let html = answer.text;
        assert!(!html.contains("://") && !html.contains("\"//"), "{page} names another site");
        let assets = html.split("src=\"").skip(1).chain(html.split("rel=\"stylesheet\" href=\"").skip(1));
        let mut count = 0;
        for asset in assets.map(|rest| rest.split('"').next().unwrap_or_default()) {
            let answer = api.get(&format!("/{asset}")).await;
            assert_eq!(answer.status, 200, "{asset}");
            count += 1;
        }
        assert!(count >= 2, "{page} loads its scripts");
        let start = api.get(&format!("{page}/start.js")).await;
        assert!(start.text.contains("openapi.json") && !start.text.contains("://"), "{}", start.text);
    }
}
