//! What is held, and what goes first when room is needed.

use serde_json::{Value, json};

use crate::small::{keys, small};

#[tokio::test]
async fn the_least_recently_used_item_goes_first() {
    let (_cluster, api) = small(10).await;
    for n in 0..10 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    // Read alone, read in a batch, overwritten: all are uses. A listing and an export are none.
    api.value("k0").await;
    api.post("/api/cache/get-batch", &json!(["k2"])).await.ok();
    api.set("k4", json!("again")).await;
    keys(&api).await;
    api.get("/api/cache/export").await.ok();
    for n in 0..5 {
        api.set(&format!("new{n}"), json!(n)).await;
    }
    assert_eq!(keys(&api).await, ["k0", "k2", "k4", "k8", "k9", "new0", "new1", "new2", "new3", "new4"]);
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!((stats["raw_stats"]["evictions"].as_u64(), stats["raw_stats"]["expired"].as_u64()), (Some(5), Some(0)));
}

#[tokio::test]
async fn a_batch_that_is_larger_than_the_cache_keeps_its_last_items() {
    let (_cluster, api) = small(10).await;
    let items: Vec<Value> = (0..100).map(|n| json!({"key": format!("k{n:02}"), "value": n})).collect();
    assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["successful_count"], 100);
    let expected: Vec<String> = (90..100).map(|n| format!("k{n}")).collect();
    assert_eq!(keys(&api).await, expected);
}

#[tokio::test]
async fn an_expired_item_makes_room_before_any_other_goes() {
    let (_cluster, api) = small(10).await;
    for n in 0..9 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    api.post("/api/cache/set", &json!({"key": "short", "value": 1, "ttl": 1})).await.ok();
    crate::harness::wait::until("the end of the short item", async || {
        (!keys(&api).await.contains(&"short".to_owned())).then_some(())
    })
    .await;
    api.set("new", json!(1)).await;
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!((keys(&api).await.len(), stats["raw_stats"]["evictions"].as_u64()), (10, Some(0)));
}

#[tokio::test]
async fn the_limits_of_the_default_namespace_bound_the_whole_node() {
    let (_cluster, api) = small(10).await;
    let tenant = api.in_namespace("tenant");
    tenant.patch("/api/cache/config", &json!({"max_items": 1_000})).await.ok();
    for n in 0..20 {
        tenant.set(&format!("k{n}"), json!(n)).await;
    }
    assert_eq!(keys(&tenant).await.len(), 10);
    api.patch("/api/cache/config", &json!({"max_items": 0})).await.ok();
    for n in 0..20 {
        tenant.set(&format!("k{n}"), json!(n)).await;
    }
    assert_eq!(keys(&tenant).await.len(), 20);
}
