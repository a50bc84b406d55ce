//! Single keys: set, get, delete.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    harness::cluster::{Cluster, Options},
    shared,
    shown::shown,
};

#[tokio::test]
async fn a_cluster_of_one_node_serves() {
    let cluster = Cluster::start_with(Options { nodes: 1, ..Options::default() }).await;
    let api = cluster.api();
    assert_eq!(api.set("user:1", json!({"name": "Ann"})).await["copies"], 1);
    assert_eq!(api.value("user:1").await, Some(json!({"name": "Ann"})));
}

#[tokio::test]
async fn set_answers_what_was_stored_and_where() {
    let api = shared::api();
    let body = json!({
        "key": "user:1", "value": {"name": "Ann", "n": 1.5}, "data_type": "json", "ttl": 60, "backend": "memory",
        "strategy": "lru", "metadata": {"tags": ["user"], "owner": "me"}, "unknown_field": true,
    });
    insta::assert_json_snapshot!(shown(&api.post("/api/cache/set", &body).await.ok()));
}

#[tokio::test]
async fn set_needs_a_key_and_a_value_only() {
    let api = shared::api();
    insta::assert_json_snapshot!(shown(&api.post("/api/cache/set", &json!({"key": "k", "value": null})).await.ok()));
}

#[tokio::test]
async fn null_stands_for_a_field_that_is_left_out() {
    let api = shared::api();
    let body = json!({"key": "k", "value": 1, "ttl": null, "backend": null, "strategy": null});
    let stored = api.post("/api/cache/set", &body).await.ok();
    assert_eq!((stored["ttl"].as_u64(), stored["strategy"].as_str()), (Some(3_600), Some("lru")));
}

#[tokio::test]
async fn a_hit_carries_the_whole_item() {
    let api = shared::api();
    let body = r#"{"key": "user:1", "value": ["a"], "ttl": 0, "metadata": {"tags": ["t"], "z": 1, "a": 2}}"#;
    api.post_raw("/api/cache/set", body).await.ok();
    let answer = api.get("/api/cache/get/user:1").await;
    insta::assert_json_snapshot!(shown(&answer.ok()));
    assert_eq!(answer.raw(&["cache_item", "metadata"]), r#"{"tags":["t"],"z":1,"a":2}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_miss_is_200_and_says_so() {
    let api = shared::api();
    insta::assert_json_snapshot!(shown(&api.get("/api/cache/get/nothing").await.ok()));
}

#[tokio::test]
async fn delete_tells_whether_there_was_something() {
    let api = shared::api();
    api.set("k", json!(1)).await;
    let first = api.delete("/api/cache/delete/k").await.ok();
    let second = api.delete("/api/cache/delete/k?backend=memory").await.ok();
    insta::assert_json_snapshot!(json!([shown(&first), shown(&second)]));
    assert_eq!(api.value("k").await, None);
}

#[tokio::test]
async fn metadata_is_an_object_or_null_and_left_out_means_an_empty_object() {
    let api = shared::api();
    for (body, expected) in [
        (json!({"key": "k", "value": 1}), json!({})),
        (json!({"key": "k", "value": 1, "metadata": null}), Value::Null),
        (json!({"key": "k", "value": 1, "metadata": {}}), json!({})),
        (json!({"key": "k", "value": 1, "metadata": {"deep": [{"a": null}]}}), json!({"deep": [{"a": null}]})),
    ] {
        api.post("/api/cache/set", &body).await.ok();
        assert_eq!(api.get("/api/cache/get/k").await.ok()["cache_item"]["metadata"], expected);
    }
    for bad in [json!([]), json!("x"), json!(1), json!(true)] {
        let answer = api.post("/api/cache/set", &json!({"key": "k", "value": 1, "metadata": bad})).await;
        assert_eq!(answer.faults(), ["dict_type body.metadata"]);
    }
    let large = json!({"key": "k", "value": 1, "metadata": {"x": "y".repeat(16 * 1024)}});
    assert_eq!(api.post("/api/cache/set", &large).await.faults(), ["too_long body.metadata"]);
    let fits = json!({"key": "k", "value": 1, "metadata": {"x": "y".repeat(16 * 1024 - 8)}});
    api.post("/api/cache/set", &fits).await.ok();
}

#[tokio::test]
async fn an_overwrite_replaces_value_type_ttl_metadata_and_tags() {
    let api = shared::api();
    let first = json!({"key": "k", "value": [1], "ttl": 50, "metadata": {"tags": ["old"], "a": 1}});
    api.post("/api/cache/set", &first).await.ok();
    api.set("k", json!("text")).await;
    let item = api.get("/api/cache/get/k").await.ok()["cache_item"].clone();
    assert_eq!(item["data_type"], "string");
    assert_eq!(item["metadata"], json!({}));
    assert!(item["ttl"].as_u64().is_some_and(|ttl| ttl > 50), "{item}");
    let gone = api.post("/api/cache/invalidate", &json!({"tags": ["old"]})).await.ok();
    assert_eq!(gone["deleted_count"], 0);
    assert_eq!(api.value("k").await, Some(json!("text")));
}

#[tokio::test]
async fn each_write_has_its_own_version_and_the_item_carries_the_last() {
    let api = shared::api();
    let mut seen = Vec::new();
    for n in 0..5 {
        let version = api.set("k", json!(n)).await["version"].clone();
        assert!(version.as_str().is_some_and(|text| !text.is_empty()), "an opaque string: {version}");
        assert!(!seen.contains(&version), "{version} came twice");
        assert_eq!(api.get("/api/cache/get/k").await.ok()["cache_item"]["version"], version);
        seen.push(version);
    }
    api.delete("/api/cache/delete/k").await.ok();
    let version = api.set("k", json!(0)).await["version"].clone();
    assert!(!seen.contains(&version), "a version outlived its item");
}

#[tokio::test]
async fn of_many_writers_of_a_key_each_has_its_own_version_and_the_last_one_stays() {
    let api = shared::api();
    let writers = (0..100).map(|n| {
        let api = api.clone();
        async move { (api.set("k", json!(n)).await["version"].clone(), n) }
    });
    let written = join_all(writers).await;
    assert!(
        written.iter().enumerate().all(|(at, (version, _))| written[..at].iter().all(|(other, _)| other != version))
    );
    let item = api.get("/api/cache/get/k").await.ok()["cache_item"].clone();
    assert!(written.contains(&(item["version"].clone(), item["value"].as_i64().expect("a number"))), "{item}");
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!((stats["raw_stats"]["sets"].as_u64(), stats["raw_stats"]["total_items"].as_u64()), (Some(100), Some(1)));
}

#[tokio::test]
async fn access_count_counts_reads_that_hit_and_an_overwrite_begins_anew() {
    let api = shared::api();
    // Of the primary: when it is late, another copy answers a fresh read, and tells what it has counted itself.
    let item = async || api.get("/api/cache/get/k?consistency=strict").await.ok()["cache_item"].clone();
    api.set("k", json!(1)).await;
    let reads: Vec<Value> = vec![item().await, item().await, item().await];
    let counts: Vec<_> = reads.iter().map(|item| item["access_count"].as_u64().expect("a number")).collect();
    assert_eq!((counts[1] - counts[0], counts[2] - counts[1]), (1, 1), "{counts:?}");
    assert_eq!(counts[0], 1, "the read that answers counts");
    let created: Vec<_> = reads.iter().map(|item| item["created_at"].clone()).collect();
    assert!(created.iter().all(|at| *at == created[0]));
    assert!(reads.windows(2).all(|pair| pair[0]["accessed_at"].as_str() <= pair[1]["accessed_at"].as_str()));
    // A listing is no read.
    for _ in 0..2 {
        let keys = api.get("/api/cache/keys").await.ok();
        assert_eq!(keys["keys"][0]["access_count"], 3);
    }
    api.set("k", json!(2)).await;
    assert_eq!(item().await["access_count"], 1);
}

#[tokio::test]
async fn a_set_that_does_not_validate_changes_nothing() {
    let api = shared::api();
    api.set("k", json!("kept")).await;
    let bad = json!({"key": "k", "value": "new", "ttl": -1, "metadata": {"tags": "x"}});
    assert_eq!(api.post("/api/cache/set", &bad).await.status, 422);
    assert_eq!(api.value("k").await, Some(json!("kept")));
}

#[tokio::test]
async fn every_fault_of_a_set_is_listed_with_its_place() {
    let api = shared::api();
    let body = json!({
        "key": "", "data_type": "blob", "ttl": 1.5, "backend": "floppy", "strategy": 7,
        "metadata": {"tags": ["a", "a", "", 3]}, "if_absent": 1, "if_version": 11,
    });
    let answer = api.post("/api/cache/set", &body).await;
    let mut faults = answer.faults();
    faults.sort();
    insta::assert_json_snapshot!(faults);
    insta::assert_json_snapshot!("one_fault_of_a_set", answer.json()["detail"][0]);
}

#[tokio::test]
async fn what_is_not_built_is_refused_and_names_its_setting() {
    let api = shared::api();
    for (field, word, setting) in [
        ("backend", "database", "DATABASE_URL"),
        ("strategy", "write_through", "CACHE_STRATEGY"),
        ("strategy", "write_behind", "CACHE_STRATEGY"),
    ] {
        let mut body = json!({"key": "k", "value": 1});
        body[field] = json!(word);
        let answer = api.post("/api/cache/set", &body).await;
        assert_eq!(answer.faults(), [format!("not_available body.{field}")]);
        let text = answer.json()["detail"][0]["msg"].to_string();
        assert!(text.contains(setting) && text.contains(word), "{text}");
    }
    assert_eq!(api.get("/api/cache/get/k?backend=database").await.faults(), ["not_available query.backend"]);
    assert_eq!(api.delete("/api/cache/delete/k?backend=database").await.faults(), ["not_available query.backend"]);
    assert_eq!(api.get("/api/cache/get/k?backend=floppy").await.faults(), ["enum query.backend"]);
}
