//! The replicated configuration.

use serde_json::{Value, json};

use crate::{
    harness::{client::Api, cluster::Cluster, wait},
    shared,
    shown::shown,
};

async fn config(api: &Api) -> Value {
    api.get("/api/cache/config").await.ok()["config"].clone()
}

fn version(answer: &Value) -> u64 {
    answer["version"].as_u64().expect("a number")
}

#[tokio::test]
async fn the_config_is_read_with_the_default_backend_and_its_version() {
    let api = shared::api();
    insta::assert_json_snapshot!(shown(&api.get("/api/cache/config?backend=memory").await.ok()));
}

#[tokio::test]
async fn post_replaces_and_what_is_left_out_takes_the_seeds_default() {
    let api = shared::api();
    api.patch("/api/cache/config", &json!({"max_items": 7, "default_ttl": 5, "cleanup_interval": 9})).await.ok();
    let answer = api.post("/api/cache/config", &json!({"backend": "memory", "max_memory": 5_000_000})).await;
    insta::assert_json_snapshot!(shown(&answer.ok()));
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    assert_eq!(config(&api).await, answer.ok()["config"]);
    api.post("/api/cache/config", &json!({})).await.ok();
    assert_eq!(config(&api).await["max_memory"], 104_857_600);
}

#[tokio::test]
async fn patch_changes_what_is_given_only() {
    let api = shared::api();
    let before = config(&api).await;
    let answer = api.patch("/api/cache/config?backend=memory", &json!({"max_items": 123})).await.ok();
    let mut expected = before.clone();
    expected["max_items"] = json!(123);
    assert_eq!(answer["config"], expected);
    let answer = api
        .patch(
            "/api/cache/config",
            &json!({"default_ttl": 0, "cleanup_interval": 86_400, "max_memory": 0, "lfu_aging": "dynamic"}),
        )
        .await
        .ok();
    expected["default_ttl"] = json!(0);
    expected["cleanup_interval"] = json!(86_400);
    expected["max_memory"] = json!(0);
    expected["lfu_aging"] = json!("dynamic");
    assert_eq!((&answer["config"], &config(&api).await), (&expected, &expected));
}

#[tokio::test]
async fn the_version_grows_with_every_change() {
    let api = shared::api();
    let mut last = version(&api.get("/api/cache/config").await.ok());
    for n in 1..4 {
        let answer = api.patch("/api/cache/config", &json!({"max_items": n})).await.ok();
        assert!(version(&answer) > last, "{answer}");
        last = version(&answer);
        assert_eq!(version(&api.get("/api/cache/config").await.ok()), last);
    }
    assert!(version(&api.post("/api/cache/config", &json!({})).await.ok()) > last);
    assert_eq!(api.post("/api/cache/config", &json!({"max_items": -1})).await.status, 422);
}

#[tokio::test]
async fn the_default_backend_may_be_named() {
    let api = shared::api();
    let answer = api.patch("/api/cache/config", &json!({"default_backend": "memory"})).await.ok();
    assert_eq!(answer["default_backend"], "memory");
    let answer = api.patch("/api/cache/config", &json!({"default_backend": "redis"})).await;
    assert_eq!(answer.faults(), ["not_available body.default_backend"]);
    assert!(answer.text.contains("REDIS_URL"), "{}", answer.text);
}

#[tokio::test]
async fn what_is_wrong_or_not_built_is_refused_with_all_its_faults() {
    let api = shared::api();
    let before = config(&api).await;
    let body = json!({
        "backend": "database", "strategy": "write_through", "max_memory": -1, "max_items": 1.5, "default_ttl": "x", "cleanup_interval": 0,
        "compression_enabled": true, "encryption_enabled": "yes",
    });
    let answer = api.post("/api/cache/config", &body).await;
    let mut faults = answer.faults();
    faults.sort();
    insta::assert_json_snapshot!(faults);
    for setting in ["DATABASE_URL", "CACHE_STRATEGY", "CACHE_COMPRESSION_ENABLED"] {
        assert!(answer.text.contains(setting), "{setting}: {}", answer.text);
    }
    for (field, values) in [
        ("max_memory", vec![json!(-1), json!(9_007_199_254_740_992_u64), json!("1"), json!(null), json!(1e308)]),
        ("max_items", vec![json!(-1), json!(9_007_199_254_740_992_u64), json!(true)]),
        ("default_ttl", vec![json!(-1), json!(315_360_001)]),
        ("cleanup_interval", vec![json!(0), json!(86_401)]),
        ("strategy", vec![json!("write_behind"), json!("best"), json!(1)]),
        ("backend", vec![json!("database"), json!("floppy"), json!(0)]),
        ("compression_enabled", vec![json!(true), json!("false"), json!(1)]),
        ("encryption_enabled", vec![json!(true)]),
        ("lfu_aging", vec![json!("some"), json!(true), json!(null)]),
    ] {
        for value in values {
            let body = json!({field: value});
            for answer in [api.post("/api/cache/config", &body).await, api.patch("/api/cache/config", &body).await] {
                let faults = answer.faults();
                assert!(faults.len() == 1 && faults[0].ends_with(&format!(" body.{field}")), "{body}: {faults:?}");
            }
        }
    }
    assert_eq!(api.patch("/api/cache/config", &json!({})).await.faults(), ["value_error body"]);
    assert_eq!(api.get("/api/cache/config?backend=database").await.faults(), ["not_available query.backend"]);
    assert_eq!(config(&api).await, before, "nothing of it was applied");
}

#[tokio::test]
async fn a_namespace_inherits_from_default_until_it_has_its_own() {
    let cluster = Cluster::start().await;
    let (root, early) = (cluster.api(), cluster.api().in_namespace("early"));
    early.set("k", json!(1)).await;
    root.patch("/api/cache/config", &json!({"default_ttl": 11, "max_items": 500})).await.ok();
    let late = cluster.api().in_namespace("late");
    assert_eq!(
        (config(&early).await["default_ttl"].as_u64(), config(&late).await["default_ttl"].as_u64()),
        (Some(11), Some(11))
    );
    for n in 0..9 {
        assert_eq!(early.set(&format!("k{n}"), json!(1)).await["ttl"], 11);
        assert_eq!(late.set(&format!("k{n}"), json!(1)).await["ttl"], 11);
    }
    late.patch("/api/cache/config", &json!({"default_ttl": 22})).await.ok();
    root.patch("/api/cache/config", &json!({"default_ttl": 33})).await.ok();
    for (api, ttl) in [(&root, 33), (&early, 33), (&late, 22)] {
        assert_eq!(config(api).await["default_ttl"], ttl);
        assert_eq!(api.set("k", json!(1)).await["ttl"], ttl);
    }
}

/// The most that any node holds, copies included.
async fn busiest(api: &Api) -> u64 {
    let stats = api.get("/api/cache/stats").await.ok();
    let count = |node: &Value, name: &str| node["statistics"][name].as_u64().expect("a number");
    let nodes = stats["nodes"].as_array().expect("a list").iter();
    nodes.map(|node| count(node, "total_items") + count(node, "copy_items")).max().expect("nodes")
}

async fn fill(api: &Api, count: usize) {
    let items: Vec<Value> = (0..count).map(|n| json!({"key": format!("k{n}"), "value": "x".repeat(200)})).collect();
    assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["successful_count"], count);
}

#[tokio::test]
async fn lowering_max_items_evicts_on_every_node_and_raising_it_makes_room() {
    let api = shared::api();
    fill(&api, 600).await;
    api.patch("/api/cache/config", &json!({"max_items": 20})).await.ok();
    wait::until("the eviction of what is too much", async || (busiest(&api).await <= 20).then_some(())).await;
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!(stats["statistics"]["max_items"], 60, "summed over the nodes");
    let (items, evicted) = (&stats["statistics"]["total_items"], &stats["statistics"]["eviction_count"]);
    assert_eq!(items.as_u64().zip(evicted.as_u64()).map(|(items, evicted)| items + evicted), Some(600));
    fill(&api, 600).await;
    assert!(busiest(&api).await <= 20, "the limit is never exceeded");
    api.patch("/api/cache/config", &json!({"max_items": 0})).await.ok();
    fill(&api, 600).await;
    assert_eq!(api.get("/api/cache/keys").await.ok()["total_keys"], 600);
}

#[tokio::test]
async fn max_memory_is_never_exceeded_and_a_larger_item_is_413() {
    let api = shared::api();
    api.patch("/api/cache/config", &json!({"max_memory": 20_000})).await.ok();
    fill(&api, 600).await;
    let stats = api.get("/api/cache/stats").await.ok();
    for node in stats["nodes"].as_array().expect("a list") {
        let used = |name: &str| node["statistics"][name].as_u64().expect("a number");
        let used = used("total_memory_usage") + used("copy_memory_usage");
        assert!((1..=20_000).contains(&used), "{used}");
    }
    let held = stats["statistics"]["total_items"].as_u64().expect("a number");
    assert!(held > 30, "{held}");
    let answer = api.post("/api/cache/set", &json!({"key": "large", "value": "x".repeat(20_001)})).await;
    answer.refused(413, "too_large");
    assert_eq!(api.value("large").await, None);
    assert_eq!(api.get("/api/cache/keys").await.ok()["total_keys"], held, "a refused item evicts nobody");
    let batch = json!([{"key": "large", "value": "x".repeat(20_001)}, {"key": "small", "value": 1}]);
    let answer = api.post("/api/cache/set-batch", &batch).await.ok();
    assert_eq!(
        (answer["successful_count"].as_u64(), answer["results"][0]["error"]["code"].as_str()),
        (Some(1), Some("too_large"))
    );
}
