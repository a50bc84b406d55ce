//! Bad input gets its 4xx: never a 5xx, a hang, or a lost item.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::client::{Answer, Api},
    shared,
};

/// Routes with a JSON body.
const WITH_BODY: &[&str] = &[
    "/api/cache/set",
    "/api/cache/set-batch",
    "/api/cache/get-batch",
    "/api/cache/warm",
    "/api/cache/invalidate",
    "/api/cache/config",
    "/api/cache/import",
];

#[track_caller]
fn assert_refused(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    assert!(answer.json()["code"].is_string() && answer.text.len() < 10_000, "{what}: {}", answer.text);
}

/// A namespace with an item that must survive.
async fn guarded() -> Api {
    let api = shared::api();
    api.set("guard", json!("kept")).await;
    api
}

async fn assert_guarded(api: &Api) {
    assert_eq!(api.value("guard").await, Some(json!("kept")));
    assert_eq!(api.get("/health").await.ok()["status"], "healthy");
    assert_eq!(api.get("/api/cache/keys").await.ok()["complete"], true);
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let api = guarded().await;
    let deep = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value = deep(open, close, 100_000);
        for body in [
            format!("{{\"key\": \"k\", \"value\": {value}}}"),
            format!("{{\"key\": \"k\", \"value\": 1, \"metadata\": {{\"x\": {value}}}}}"),
            format!("{{\"key\": {value}, \"value\": 1}}"),
            value.clone(),
            open.repeat(100_000),
        ] {
            assert_refused(&api.post_raw("/api/cache/set", body).await, "a set");
        }
        // Unknown fields are ignored, whatever they hold.
        let unknown = format!("{{\"key\": \"k\", \"value\": 1, \"unknown\": {value}}}");
        assert!(api.post_raw("/api/cache/set", unknown).await.status < 500);
        for path in WITH_BODY {
            assert_refused(&api.post_raw(path, open.repeat(100_000)).await, path);
            let answer = api.post_raw(path, value.clone()).await;
            assert!(answer.status < 500, "{path}: {}", answer.text);
        }
        let item = format!("{{\"key\": \"k\", \"value\": {value}}}");
        let batch = api.post_raw("/api/cache/set-batch", format!("[{item}, {{\"key\": \"b\", \"value\": 1}}]")).await;
        assert!(batch.status < 500, "{}", batch.text);
        let import = api
            .post_raw("/api/cache/import", format!("{{\"data\": {{\"k\": {item}, \"b\": {{\"value\": 2}}}}}}"))
            .await;
        assert!(import.status < 500, "{}", import.text);
    }
    // What is deep but sane is kept.
    let sane = deep("[", "]", 100);
    api.post_raw("/api/cache/set", format!("{{\"key\": \"sane\", \"value\": {sane}}}")).await.ok();
    assert_eq!(api.get("/api/cache/get/sane").await.raw(&["cache_item", "value"]), sane);
    assert_guarded(&api).await;
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let api = guarded().await;
    let spaces = " ".repeat(10_000_000);
    for path in WITH_BODY {
        assert_refused(&api.post_raw(path, spaces.clone()).await, path);
    }
    let text = "x".repeat(10_000_000);
    api.post_raw("/api/cache/set", format!("{{\"key\":\"k\",\"value\":\"{text}\"}}")).await.refused(413, "too_large");
    // Without a declared length as well.
    let pieces = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100_000])));
    let chunked = api.request(Method::POST, "/api/cache/set").header("Content-Type", "application/json");
    api.send(chunked.body(reqwest::Body::wrap_stream(pieces))).await.refused(413, "too_large");
    assert_guarded(&api).await;
}

#[tokio::test]
async fn fields_that_come_twice_are_refused() {
    let api = guarded().await;
    for (path, body) in [
        ("/api/cache/set", r#"{"key": "k", "key": "k", "value": 1}"#),
        ("/api/cache/set", r#"{"key": "k", "value": 1, "value": 2}"#),
        ("/api/cache/set", r#"{"key": "k", "value": 1, "k\u0065y": "guard"}"#),
        ("/api/cache/set", r#"{"key": "k", "value": 1, "ttl": 1, "ttl": 1}"#),
        ("/api/cache/set", r#"{"key": "k", "value": 1, "metadata": {"tags": ["a"], "tags": ["b"]}}"#),
        ("/api/cache/invalidate", r#"{"pattern": "x", "pattern": "*"}"#),
        ("/api/cache/invalidate", r#"{"tags": ["x"], "tags": ["y"]}"#),
        ("/api/cache/config", r#"{"max_items": 1, "max_items": 2}"#),
    ] {
        let faults = api.post_raw(path, body).await.faults();
        assert!(faults.iter().any(|fault| fault.starts_with("duplicate_field body.")), "{body}: {faults:?}");
    }
    let batch = api.post_raw("/api/cache/set-batch", r#"[{"key": "k", "key": "k", "value": 1}]"#).await.ok();
    assert_eq!(batch["failed_count"], 1);
    assert_guarded(&api).await;
}

#[tokio::test]
async fn wrong_types_everywhere_are_refused() {
    let api = guarded().await;
    let junk = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([null]),
        json!([[[]]]),
        json!({"": null}),
        json!({"key": {}, "value": []}),
        json!([{"key": []}]),
        json!([1, "a", null, {}]),
        json!({"data": 1}),
        json!({"data": {"a": [], "b": {"key": 1}}}),
        json!({"tags": 1, "pattern": []}),
        json!({"key": null, "value": null}),
    ];
    for path in WITH_BODY {
        for body in &junk {
            let answer = api.post(path, body).await;
            assert!(answer.status < 500, "{path} {body}: {}", answer.text);
        }
    }
    for field in ["key", "data_type", "ttl", "backend", "strategy", "metadata", "if_absent", "if_version"] {
        for value in &junk {
            let mut body = json!({"key": "k", "value": 1});
            body[field] = value.clone();
            let answer = api.post("/api/cache/set", &body).await;
            assert!([200, 409, 422].contains(&answer.status), "{field} {value}: {}", answer.text);
        }
    }
    for field in [
        "backend",
        "strategy",
        "max_memory",
        "max_items",
        "default_ttl",
        "cleanup_interval",
        "compression_enabled",
        "lfu_aging",
        "default_backend",
    ] {
        for value in [json!(null), json!([]), json!({}), json!("\u{0}"), json!(-1), json!(1e308), json!(1.5)] {
            assert_refused(&api.patch("/api/cache/config", &json!({field: value})).await, field);
        }
    }
    for path in ["/api/cache/keys", "/api/cache/export", "/api/cache/stats", "/api/cache/config", "/api/cache/get/k"] {
        for query in
            ["backend=%00", "backend=%FF", "backend=memory%20", "backend=&backend=", "backend=MEMORY", "backend=..%2f"]
        {
            assert_refused(&api.get(&format!("{path}?{query}")).await, path);
        }
        for query in
            ["%", "=", "&&&", "?", "%FF=%FF", "a", "=%00", &"a&".repeat(10_000), &format!("x={}", "y".repeat(50_000))]
        {
            let answer = api.get(&format!("{path}?{query}")).await;
            assert!(answer.status < 500, "{path}?{query}: {}", answer.text);
        }
    }
    assert_guarded(&api).await;
}

#[tokio::test]
async fn huge_numbers_in_queries_are_refused() {
    let api = guarded().await;
    let huge = [
        "-1",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "1e308",
        "NaN",
        "inf",
        "0x7f",
        "1_000",
        "%00",
        "٣",
        "--1",
        "",
    ];
    for name in ["limit", "offset"] {
        for value in huge {
            assert_refused(&api.get(&format!("/api/cache/keys?{name}={value}")).await, &format!("{name}={value}"));
        }
    }
    api.get("/api/cache/keys?limit=1000&offset=100000").await.ok();
    assert_guarded(&api).await;
}

#[tokio::test]
async fn hostile_globs_are_matched_or_refused() {
    let api = guarded().await;
    for pattern in ["a*".repeat(1_000), "[".repeat(5_000), "*".repeat(2_000), "[!".repeat(600)] {
        let answer = api.send(api.request(Method::GET, "/api/cache/keys").query(&[("pattern", &pattern)])).await;
        assert_refused(&answer, &pattern[..8]);
        assert_refused(&api.post("/api/cache/invalidate", &json!({"pattern": pattern})).await, &pattern[..8]);
        assert_refused(
            &api.send(api.request(Method::POST, "/api/cache/clear").query(&[("pattern", &pattern)])).await,
            &pattern[..8],
        );
    }
    assert_guarded(&api).await;
}

#[tokio::test]
async fn hostile_headers_are_refused_or_ignored() {
    let api = guarded().await;
    for (name, value) in [
        ("X-Request-Id", &b"\xff\xfe"[..]),
        ("X-Cache-Namespace", b"\xff"),
        ("Content-Type", b"\xff/\xfe"),
        ("Origin", b"\xff"),
        ("Accept", b"text/plain"),
        ("Content-Encoding", b"gzip"),
        ("Host", b"evil.example"),
        ("Expect", b"something-else"),
        ("Range", b"bytes=0-1"),
        ("If-None-Match", b"*"),
        ("Accept-Encoding", b"gzip, br"),
    ] {
        let request = api.request(Method::POST, "/api/cache/set").header("Content-Type", "application/json");
        let answer = api.send(request.header(name, value).body(r#"{"key": "k", "value": 1}"#)).await;
        assert!(answer.status < 500, "{name}: {} {}", answer.status, answer.text);
    }
    assert_guarded(&api).await;
}

#[tokio::test]
async fn random_bytes_are_refused() {
    let api = guarded().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    for length in [1, 2, 7, 64, 1_000, 100_000] {
        for path in WITH_BODY {
            let body: Vec<u8> = (0..length).map(|_| byte()).collect();
            let answer = api.post_raw(path, body).await;
            assert!(answer.status == 200 || (400..500).contains(&answer.status), "{path} {length}: {}", answer.text);
        }
    }
    let whole = json!({"key": "k", "value": [1, {"a": "b"}], "metadata": {"tags": ["t"]}, "ttl": 5}).to_string();
    for at in 0..whole.len() {
        let mut broken = whole.clone().into_bytes();
        broken[at] = byte();
        let answer = api.post_raw("/api/cache/set", broken).await;
        assert!(answer.status < 500, "{}", answer.text);
        let cut: Value = json!(api.post_raw("/api/cache/set", whole[..at].to_owned()).await.status);
        assert_eq!(cut, 400);
    }
    assert_guarded(&api).await;
}
