//! How long items live.

use serde_json::{Value, json};

use crate::{
    harness::{client::Api, wait},
    shared,
};

async fn set_with_ttl(api: &Api, key: &str, ttl: Value) -> Value {
    api.post("/api/cache/set", &json!({"key": key, "value": 1, "ttl": ttl})).await.ok()["ttl"].clone()
}

async fn remaining(api: &Api, key: &str) -> Value {
    api.get(&format!("/api/cache/get/{key}")).await.ok()["cache_item"]["ttl"].clone()
}

#[tokio::test]
async fn the_ttl_is_whole_seconds_and_zero_means_for_ever() {
    let api = shared::api();
    assert_eq!(set_with_ttl(&api, "none", Value::Null).await, 3_600);
    assert_eq!(set_with_ttl(&api, "some", json!(60)).await, 60);
    assert_eq!(set_with_ttl(&api, "most", json!(315_360_000)).await, 315_360_000);
    assert_eq!(set_with_ttl(&api, "ever", json!(0)).await, Value::Null);
    assert_eq!(remaining(&api, "ever").await, Value::Null);
    for (key, most) in [("none", 3_600), ("some", 60), ("most", 315_360_000)] {
        let left = remaining(&api, key).await.as_u64().expect("seconds");
        assert!(left <= most && left >= most - 30, "{key}: {left}");
    }
}

#[tokio::test]
async fn other_ttls_are_refused() {
    let api = shared::api();
    for (ttl, kind) in [
        ("-1", "greater_than_equal"),
        ("-99999999999999999999999", "greater_than_equal"),
        ("1.5", "int_from_float"),
        ("1e-3", "int_from_float"),
        ("315360001", "less_than_equal"),
        ("18446744073709551616", "less_than_equal"),
        ("1e308", "less_than_equal"),
        ("\"60\"", "int_type"),
        ("true", "int_type"),
        ("[]", "int_type"),
        ("{}", "int_type"),
    ] {
        let answer = api.post_raw("/api/cache/set", format!(r#"{{"key": "k", "value": 1, "ttl": {ttl}}}"#)).await;
        assert_eq!(answer.faults(), [format!("{kind} body.ttl")], "{ttl}");
    }
    for (ttl, seconds) in [("6e1", json!(60)), ("60.0", json!(60)), ("-0", Value::Null)] {
        let answer = api.post_raw("/api/cache/set", format!(r#"{{"key": "k", "value": 1, "ttl": {ttl}}}"#)).await;
        assert_eq!(answer.ok()["ttl"], seconds, "a whole number however it is written: {ttl}");
    }
}

#[tokio::test]
async fn an_item_is_gone_everywhere_once_its_time_is_over() {
    let api = shared::api();
    api.set("stays", json!(1)).await;
    set_with_ttl(&api, "goes", json!(1)).await;
    wait::until("the end of the item", async || api.value("goes").await.is_none().then_some(())).await;
    assert_eq!(api.delete("/api/cache/delete/goes").await.ok()["found"], false);
    let keys = api.get("/api/cache/keys").await.ok();
    assert_eq!((keys["total_keys"].as_u64(), keys["keys"][0]["key"].as_str()), (Some(1), Some("stays")));
    let batch = api.post("/api/cache/get-batch", &json!(["goes", "stays"])).await.ok();
    assert_eq!((batch["found_count"].as_u64(), batch["not_found_count"].as_u64()), (Some(1), Some(1)));
    assert_eq!(api.get("/api/cache/export").await.ok()["total_items"], 1);
    assert_eq!(api.get("/api/cache/stats").await.ok()["statistics"]["total_items"], 1);
    assert_eq!(api.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], 1);
}

#[tokio::test]
async fn an_expired_item_counts_as_expired_once_and_reads_of_it_as_misses() {
    let api = shared::api();
    for n in 0..6 {
        set_with_ttl(&api, &format!("k{n}"), json!(1)).await;
    }
    wait::until("the end of the items", async || {
        let stats = api.get("/api/cache/stats").await.ok();
        (stats["statistics"]["expired_count"] == 6).then_some(())
    })
    .await;
    for n in 0..6 {
        assert_eq!(api.value(&format!("k{n}")).await, None);
    }
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!((stats["raw_stats"]["expired"].as_u64(), stats["raw_stats"]["misses"].as_u64()), (Some(6), Some(6)));
    assert_eq!(stats["statistics"]["eviction_count"], 0);
}

#[tokio::test]
async fn an_overwrite_gives_a_new_time() {
    let api = shared::api();
    set_with_ttl(&api, "k", json!(1)).await;
    set_with_ttl(&api, "k", json!(0)).await;
    set_with_ttl(&api, "witness", json!(1)).await;
    wait::until("the end of the witness", async || api.value("witness").await.is_none().then_some(())).await;
    assert_eq!(api.value("k").await, Some(json!(1)));
}

#[tokio::test]
async fn a_default_ttl_of_zero_means_no_expiry_and_holds_at_once() {
    let api = shared::api();
    let config = api.patch("/api/cache/config", &json!({"default_ttl": 0})).await.ok();
    assert_eq!(config["config"]["default_ttl"], 0);
    for n in 0..20 {
        assert_eq!(set_with_ttl(&api, &format!("k{n}"), Value::Null).await, Value::Null);
    }
    api.patch("/api/cache/config", &json!({"default_ttl": 77})).await.ok();
    for n in 0..20 {
        assert_eq!(set_with_ttl(&api, &format!("k{n}"), Value::Null).await, 77);
    }
    assert_eq!(set_with_ttl(&api, "own", json!(5)).await, 5);
}
