//! Exports, and their way back.

use ringhold_model::config::CacheConfig;
use serde_json::{Value, json};

use crate::{
    harness::{
        client::{Answer, Api},
        cluster::{Cluster, Options},
        wait,
    },
    shared,
    shown::{is_time, shown_but},
};

async fn import(api: &Api, query: &str, content_type: &str, body: String) -> Answer {
    let request = api.request(reqwest::Method::POST, &format!("/api/cache/import{query}"));
    api.send(request.header("Content-Type", content_type).body(body)).await
}

/// A namespace with an item of every kind.
async fn varied() -> Api {
    let api = shared::api();
    for body in [
        r#"{"key": "plain", "value": "text"}"#,
        r#"{"key": "number/1", "value": 1.50, "ttl": 0}"#,
        r#"{"key": "big", "value": 123456789012345678901234567890, "ttl": 100}"#,
        r#"{"key": "object", "value": {"z": [1, 2.0, {"a": null}], "a": "\u00e9 \" \\ \n"}, "metadata": {"tags": ["t1", "t2"], "x": {"y": 1}}}"#,
        r#"{"key": "declared", "value": {"a": 1}, "data_type": "json", "metadata": null}"#,
        r#"{"key": "binary", "value": "QUJD", "data_type": "binary"}"#,
        r#"{"key": "\u65e5\u672c \"q\" \\", "value": null}"#,
    ] {
        api.post_raw("/api/cache/set", body).await.ok();
    }
    for _ in 0..3 {
        api.value("plain").await;
    }
    api
}

#[tokio::test]
async fn an_export_is_one_object_with_the_coverage_at_its_end() {
    let api = shared::api();
    api.set("a", json!(1)).await;
    let answer = api.get("/api/cache/export?format=json&backend=memory&pattern=*").await;
    insta::assert_json_snapshot!(shown_but(&answer.ok(), &["ttl"]));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.text.trim_end().ends_with(r#""complete":true}"#), "{}", answer.text);
    assert_eq!(api.get("/api/cache/export").await.ok()["data"], answer.ok()["data"], "json is the default");
}

#[tokio::test]
async fn an_ndjson_export_has_an_item_a_line_and_a_last_line_about_the_whole() {
    let api = varied().await;
    let answer = api.get("/api/cache/export?format=ndjson").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let lines: Vec<Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let (tail, items) = lines.split_last().expect("a tail");
    assert!(answer.text.ends_with('\n') && items.len() == 7 && is_time(&tail["exported_at"]), "{}", answer.text);
    assert_eq!((&tail["total_items"], &tail["complete"], &tail["success"]), (&json!(7), &json!(true), &json!(true)));
    assert_eq!(tail["coverage"], json!({"nodes": 3, "nodes_total": 3, "ranges": 64, "ranges_total": 64}));
    let names = |item: &Value| item.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let fields = [
        "access_count",
        "accessed_at",
        "backend",
        "created_at",
        "data_type",
        "key",
        "metadata",
        "size",
        "strategy",
        "ttl",
        "value",
        "version",
    ];
    assert!(items.iter().all(|item| names(item) == fields));
}

#[tokio::test]
async fn an_export_of_nothing_is_whole_and_can_be_imported() {
    let (api, target) = (shared::api(), shared::api());
    for (format, content_type) in [("json", "application/json"), ("ndjson", "application/x-ndjson")] {
        let answer = api.get(&format!("/api/cache/export?format={format}")).await;
        let tail: Value = serde_json::from_str(answer.text.trim()).expect("one object");
        assert_eq!((&tail["total_items"], &tail["complete"]), (&json!(0), &json!(true)), "{}", answer.text);
        let imported = import(&target, "", content_type, answer.text).await.ok();
        assert_eq!((&imported["total_items"], &imported["success"]), (&json!(0), &json!(true)));
    }
}

/// The items as an export shows them, but for what a new home changes.
async fn content(api: &Api) -> Vec<Value> {
    let answer = api.get("/api/cache/export?format=ndjson").await;
    let lines = answer.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut items: Vec<Value> =
        lines.filter(|line| line.get("key").is_some()).map(|item| shown_but(&item, &["ttl"])).collect();
    items.sort_by_key(|item| item["key"].to_string());
    items
}

#[tokio::test]
async fn everything_survives_the_round_trip_in_either_format() {
    let api = varied().await;
    for (format, content_type) in [
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
        ("ndjson", "application/json"),
        ("json", "application/json; charset=utf-8"),
    ] {
        let target = shared::api();
        let exported = api.get(&format!("/api/cache/export?format={format}")).await;
        let answer = import(&target, "", content_type, exported.text).await;
        let counts =
            ["total_items", "successful_count", "skipped_count", "failed_count"].map(|name| answer.ok()[name].as_u64());
        assert_eq!(counts, [Some(7), Some(7), Some(0), Some(0)], "{}", answer.text);
        assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
        assert_eq!(content(&target).await, content(&api).await, "{format}");
        assert_eq!(
            target.get("/api/cache/get/big").await.raw(&["cache_item", "value"]),
            "123456789012345678901234567890"
        );
        assert_eq!(target.get("/api/cache/get/number/1").await.raw(&["cache_item", "value"]), "1.50");
        let object = target.get("/api/cache/get/object").await;
        assert_eq!(object.raw(&["cache_item", "value"]), r#"{"z":[1,2.0,{"a":null}],"a":"\u00e9 \" \\ \n"}"#);
        assert_eq!(object.ok()["cache_item"]["metadata"], json!({"tags": ["t1", "t2"], "x": {"y": 1}}));
        let (old, new) = (api.get("/api/cache/get/plain").await.ok(), target.get("/api/cache/get/plain").await.ok());
        assert_eq!(old["cache_item"]["created_at"], new["cache_item"]["created_at"], "age survives");
        api.post_raw("/api/cache/set", r#"{"key": "plain", "value": "text"}"#).await.ok();
        for _ in 0..3 {
            api.value("plain").await;
        }
        let ttl =
            async |key: &str| target.get(&format!("/api/cache/get/{key}")).await.ok()["cache_item"]["ttl"].clone();
        let big = ttl("big").await.as_u64().expect("it expires");
        assert!((1..=100).contains(&big), "the remaining TTL, not a new one: {big}");
        assert_eq!(ttl("number/1").await, Value::Null);
        let gone = target.post("/api/cache/invalidate", &json!({"tags": ["t2"]})).await.ok();
        assert_eq!(gone["deleted_count"], 1, "tags work after an import");
    }
}

#[tokio::test]
async fn conflicts_are_replaced_or_skipped() {
    let (source, target) = (shared::api(), shared::api());
    for n in 0..10 {
        source.set(&format!("k{n}"), json!("new")).await;
    }
    target.set("k3", json!("old")).await;
    let exported = source.get("/api/cache/export").await.text;
    let answer = import(&target, "?on_conflict=skip", "application/json", exported.clone()).await;
    insta::assert_json_snapshot!(answer.ok());
    assert_eq!((target.value("k3").await, target.value("k4").await), (Some(json!("old")), Some(json!("new"))));
    let answer = import(&target, "?on_conflict=replace", "application/json", exported.clone()).await.ok();
    assert_eq!((answer["successful_count"].as_u64(), target.value("k3").await), (Some(10), Some(json!("new"))));
    target.set("k3", json!("old")).await;
    import(&target, "", "application/json", exported.clone()).await.ok();
    assert_eq!(target.value("k3").await, Some(json!("new")), "replace is the default");
    let answer = import(&target, "?on_conflict=merge", "application/json", exported).await;
    assert_eq!(answer.faults(), ["enum query.on_conflict"]);
}

#[tokio::test]
async fn an_item_that_expired_on_the_way_is_not_brought_back_to_life_for_long() {
    let (source, target) = (shared::api(), shared::api());
    source.post("/api/cache/set", &json!({"key": "short", "value": 1, "ttl": 1})).await.ok();
    let exported = source.get("/api/cache/export").await.text;
    import(&target, "", "application/json", exported).await.ok();
    wait::until("the end of the item", async || target.value("short").await.is_none().then_some(())).await;
}

#[tokio::test]
async fn twenty_thousand_items_go_out_and_come_back() {
    // The limits of the namespace `default` bound all that a node holds, so the cluster cannot be shared.
    let config = CacheConfig { max_items: 0, max_memory: 0, ..CacheConfig::default() };
    let cluster = Cluster::start_with(Options { config, ..Options::default() }).await;
    let (source, target) = (cluster.api(), cluster.api().in_namespace("target"));
    for chunk in 0..20 {
        let items: Vec<Value> =
            (0..1_000).map(|n| json!({"key": format!("k{}", chunk * 1_000 + n), "value": {"n": n}})).collect();
        let answer = source.post("/api/cache/set-batch", &json!(items)).await.ok();
        assert_eq!(answer["successful_count"], 1_000);
    }
    for format in ["json", "ndjson"] {
        let exported = source.get(&format!("/api/cache/export?format={format}")).await.text;
        assert!(exported.contains("\"total_items\":20000"), "{}", &exported[exported.len() - 300..]);
        target.post("/api/cache/clear", &Value::Null).await.ok();
        let answer = import(&target, "", "application/json", exported).await.ok();
        assert_eq!((answer["successful_count"].as_u64(), answer["failed_count"].as_u64()), (Some(20_000), Some(0)));
        assert_eq!(target.get("/api/cache/keys").await.ok()["total_keys"], 20_000);
    }
    assert_eq!(target.value("k12345").await, Some(json!({"n": 345})));
}

#[tokio::test]
async fn parameters_of_an_export_are_checked() {
    let api = shared::api();
    for (query, fault) in [
        ("format=xml", "enum query.format"),
        ("format=", "enum query.format"),
        ("format=JSON", "enum query.format"),
        ("backend=database", "not_available query.backend"),
        ("format=json&format=ndjson", "duplicate_field query.format"),
    ] {
        assert_eq!(api.get(&format!("/api/cache/export?{query}")).await.faults(), [fault], "{query}");
    }
}
