//! Figures, merged exactly.

use serde_json::{Value, json};

use crate::{
    harness::{
        client::Api,
        cluster::{Cluster, Options},
        wait,
    },
    shared,
    shown::shown_but,
};

async fn stats(api: &Api) -> Value {
    api.get("/api/cache/stats").await.ok()
}

fn count(stats: &Value, name: &str) -> u64 {
    stats["raw_stats"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {stats}"))
}

#[tokio::test]
async fn the_answer_has_the_seeds_fields_and_more() {
    let api = shared::api();
    api.set("k", json!(1)).await;
    let answer = api.get("/api/cache/stats?backend=memory").await;
    let volatile = [
        "total_memory_usage",
        "latency_us",
        "ops_per_second",
        "uptime_seconds",
        "rss_bytes",
        "node",
        "total_items",
        "sets",
        "copy_items",
        "copy_memory_usage",
    ];
    insta::assert_json_snapshot!(shown_but(&answer.ok(), &volatile));
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    let unknown = shared::api();
    assert_eq!(stats(&unknown).await["statistics"]["total_items"], 0, "a namespace that nobody wrote to");
}

#[tokio::test]
async fn counters_are_exact_for_a_known_load() {
    let api = shared::api();
    for n in 0..40 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    for n in 0..50 {
        api.value(&format!("k{n}")).await;
    }
    let keys: Vec<String> = (30..60).map(|n| format!("k{n}")).collect();
    api.post("/api/cache/get-batch", &json!(keys)).await.ok();
    for n in 0..5 {
        api.delete(&format!("/api/cache/delete/k{n}")).await.ok();
        api.delete(&format!("/api/cache/delete/k{n}")).await.ok();
    }
    api.post("/api/cache/warm", &json!({"k1": 1, "k100": 1})).await.ok();
    api.post("/api/cache/invalidate", &json!({"pattern": "k10"})).await.ok();
    for path in ["/api/cache/keys", "/api/cache/export", "/api/cache/stats"] {
        api.get(path).await.ok();
    }
    let stats = stats(&api).await;
    let counters = ["hits", "misses", "sets", "deletes", "invalidated", "evictions", "expired", "total_items"];
    let counted: Vec<u64> = counters.iter().map(|name| count(&stats, name)).collect();
    assert_eq!(counted, [50, 30, 42, 5, 1, 0, 0, 36], "{counters:?}");
    let rates = (&stats["statistics"]["hit_rate"], &stats["statistics"]["miss_rate"]);
    assert_eq!((rates.0.as_f64(), rates.1.as_f64()), (Some(62.5), Some(37.5)));
}

#[tokio::test]
async fn the_whole_is_the_sum_of_the_nodes() {
    let api = shared::api();
    let items: Vec<Value> = (0..500).map(|n| json!({"key": format!("k{n}"), "value": n})).collect();
    api.post("/api/cache/set-batch", &json!(items)).await.ok();
    for n in 0..100 {
        api.value(&format!("k{}", n * 7)).await;
    }
    let stats = stats(&api).await;
    let nodes = stats["nodes"].as_array().expect("a list");
    assert_eq!(nodes.len(), 3);
    for (part, names) in [
        (
            "raw_stats",
            &[
                "hits",
                "misses",
                "sets",
                "deletes",
                "evictions",
                "expired",
                "invalidated",
                "total_items",
                "total_memory_usage",
            ][..],
        ),
        (
            "statistics",
            &[
                "total_items",
                "total_memory_usage",
                "eviction_count",
                "expired_count",
                "max_items",
                "max_memory",
                "copy_items",
            ],
        ),
    ] {
        for name in names {
            let sum: u64 = nodes.iter().map(|node| node[part][name].as_u64().expect("a number")).sum();
            assert_eq!(stats[part][name], sum, "{part}.{name}");
        }
    }
    assert_eq!(count(&stats, "total_items"), 500);
    assert!(
        nodes.iter().all(|node| node["state"] == "active" && node["statistics"]["total_items"].as_u64() > Some(80))
    );
    assert_eq!(stats["statistics"]["max_items"], 30_000);
}

#[tokio::test]
async fn evictions_are_counted_and_rated() {
    let api = shared::api();
    api.patch("/api/cache/config", &json!({"max_items": 10})).await.ok();
    let items: Vec<Value> = (0..500).map(|n| json!({"key": format!("k{n}"), "value": n})).collect();
    api.post("/api/cache/set-batch", &json!(items)).await.ok();
    let stats = stats(&api).await;
    assert_eq!(count(&stats, "evictions") + count(&stats, "total_items"), 500);
    assert_eq!(stats["statistics"]["eviction_count"], stats["raw_stats"]["evictions"]);
    assert_eq!(stats["config"]["max_items"], 10);
    wait::until("the rates of the last seconds", async || {
        let rate = async |name: &str| api.get("/api/cache/stats").await.ok()["statistics"][name].as_f64() > Some(0.0);
        (rate("ops_per_second").await && rate("evictions_per_second").await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn latency_percentiles_are_there_and_in_order() {
    let api = shared::api();
    for n in 0..50 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    let latency = wait::until("latencies", async || {
        let latency = stats(&api).await["statistics"]["latency_us"].clone();
        latency["p50"].is_u64().then_some(latency)
    })
    .await;
    let percentiles: Vec<_> =
        ["p50", "p90", "p99", "p999", "max"].map(|name| latency[name].as_u64().expect("a number")).into();
    assert!(percentiles.is_sorted() && percentiles[0] > 0, "{latency}");
}

#[tokio::test]
async fn memory_grows_with_what_is_held_and_goes_with_it() {
    let api = shared::api();
    let used = async || stats(&api).await["statistics"]["total_memory_usage"].as_u64().expect("a number");
    api.set("k", json!("x".repeat(10_000))).await;
    let one = used().await;
    assert!((10_000..12_000).contains(&one), "{one}");
    api.set("k", json!("x")).await;
    assert!(used().await < 1_000);
    api.delete("/api/cache/delete/k").await.ok();
    assert_eq!(used().await, 0);
}

#[tokio::test]
async fn without_tracking_percentiles_are_null_and_counters_stay() {
    let options = Options {
        nodes: 1,
        node: |node| node.tracking = false,
        router: |router| router.tracking = false,
        ..Options::default()
    };
    let cluster = Cluster::start_with(options).await;
    let api = cluster.api();
    api.set("k", json!(1)).await;
    let stats = stats(&api).await;
    let none = json!({"p50": null, "p90": null, "p99": null, "p999": null, "max": null});
    assert_eq!(stats["statistics"]["latency_us"], none);
    assert!(!api.get("/metrics").await.text.contains("duration_seconds_count{route=\"/api/cache/set\"} 1"));
    assert_eq!((count(&stats, "sets"), stats["nodes"].as_array().map(Vec::len)), (1, Some(1)));
}
