//! Imports that go wrong.

use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::{
    harness::{
        client::{Answer, Api},
        wait,
    },
    shared,
};

async fn import(api: &Api, body: impl Into<Body>) -> Answer {
    api.post_raw("/api/cache/import", body).await
}

#[tokio::test]
async fn wrong_items_fail_alone_and_are_reported() {
    let api = shared::api();
    let body = r#"{"data": {
        "a": {"key": "a", "value": 1},
        "b": {"key": "b"},
        "c": 5,
        "d": {"key": "d", "value": "x", "ttl": -5},
        "e": {"key": "other", "value": 1},
        "": {"key": "", "value": 1},
        "g": {"value": 7, "ttl": null}
    }}"#;
    let answer = import(&api, body).await;
    insta::assert_json_snapshot!(answer.ok());
    assert_eq!(api.value("a").await, Some(json!(1)));
    let lines =
        "{\"key\": \"l1\", \"value\": 1}\nnope\n\n{\"key\": \"l2\", \"value\": 2}\n{\"key\": \"l3\", \"value\": [}\n";
    let request =
        api.request(Method::POST, "/api/cache/import").header("Content-Type", "application/x-ndjson").body(lines);
    let answer = api.send(request).await.ok();
    assert_eq!((answer["successful_count"].as_u64(), answer["failed_count"].as_u64()), (Some(2), Some(2)), "{answer}");
    assert_eq!(
        (answer["errors"][0]["item"].as_u64(), answer["errors"][1]["item"].as_u64()),
        (Some(2), Some(5)),
        "by line"
    );
}

#[tokio::test]
async fn a_truncated_import_is_400() {
    let api = shared::api();
    for n in 0..20 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    let whole = api.get("/api/cache/export").await.text;
    for cut in [whole.len() / 2, whole.len() - 3, 1, 20] {
        import(&api, whole[..cut].to_owned()).await.refused(400, "malformed_json");
    }
    let lines = api.get("/api/cache/export?format=ndjson").await.text;
    let request = api.request(Method::POST, "/api/cache/import").header("Content-Type", "application/x-ndjson");
    api.send(request.body(lines[..lines.len() / 2].to_owned())).await;
    for body in ["", "{", "[", "[]", "5", "{}", r#"{"data": []}"#, r#"{"data": null}"#, r#"{"x": 1}"#] {
        let answer = import(&api, body).await;
        assert!([400, 422].contains(&answer.status), "{body}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn an_item_that_is_too_large_fails_alone() {
    let api = shared::api();
    for size in [1_048_577, 6_000_000] {
        let body =
            json!({"data": {"a": {"value": 1}, "b": {"value": "x".repeat(size)}, "c": {"value": 2}}}).to_string();
        let answer = import(&api, body).await.ok();
        assert_eq!(
            (answer["successful_count"].as_u64(), answer["failed_count"].as_u64()),
            (Some(2), Some(1)),
            "{answer}"
        );
        assert_eq!(answer["errors"][0]["error"]["code"], "too_large");
    }
}

#[tokio::test]
async fn an_import_is_not_bound_by_the_body_limit() {
    let api = shared::api();
    let items: serde_json::Map<String, Value> =
        (0..12).map(|n| (format!("k{n}"), json!({"value": "x".repeat(1_000_000)}))).collect();
    let answer = import(&api, json!({"data": items}).to_string()).await.ok();
    assert_eq!(answer["successful_count"], 12);
}

#[tokio::test]
async fn other_content_types_are_415() {
    let api = shared::api();
    for content_type in ["text/csv", "application/xml", "multipart/form-data"] {
        let request = api.request(Method::POST, "/api/cache/import").header("Content-Type", content_type).body("{}");
        api.send(request).await.refused(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn a_clear_stops_an_import() {
    let api = shared::api();
    let (pieces, body) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(4);
    let stream = futures_util::stream::unfold(body, async |mut body| body.recv().await.map(|piece| (piece, body)));
    let sending = api.clone();
    let import = tokio::task::JoinSet::from_iter([async move { import(&sending, Body::wrap_stream(stream)).await }]);
    let line = |n: usize| format!("{{\"key\": \"k{n}\", \"value\": {n}}}\n");
    pieces.send(Ok((0..600).map(line).collect())).await.expect("it reads");
    wait::until("the first batch", async || {
        let keys = api.get("/api/cache/keys").await.ok();
        (keys["total_keys"].as_u64() >= Some(500)).then_some(())
    })
    .await;
    let cleared = api.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"].as_u64();
    assert!(cleared >= Some(500));
    // It may have been refused already.
    let _ = pieces.send(Ok((600..1_300).map(line).collect())).await;
    drop(pieces);
    let answer = import.join_all().await.remove(0);
    let body = answer.refused(409, "conflict");
    assert!(body["detail"].as_str().is_some_and(|text| text.contains("items")), "the count so far: {body}");
}
