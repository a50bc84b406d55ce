//! What looks at a key and changes it in one step: incr, getset, touch. And the consistency of reads.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::client::{Answer, Api},
    shared,
};

async fn incr(api: &Api, key: &str, body: Value) -> Answer {
    api.post(&format!("/api/cache/incr/{key}"), &body).await
}

#[tokio::test]
async fn sixteen_clients_count_exactly() {
    let api = shared::api();
    let client = async |_| {
        let mut seen = Vec::new();
        for _ in 0..25 {
            seen.push(incr(&api, "hits", json!({"by": 3})).await.ok()["value"].as_i64().expect("a number"));
        }
        assert!(seen.is_sorted(), "a client saw its own counts go back");
        seen
    };
    let mut seen = join_all((0..16).map(client)).await.concat();
    seen.sort_unstable();
    assert_eq!(seen, (1..=400).map(|n| n * 3).collect::<Vec<i64>>(), "each sum was given out once");
    assert_eq!(api.value("hits").await, Some(json!(1_200)));
}

#[tokio::test]
async fn incr_makes_what_is_not_there_and_keeps_what_is() {
    let api = shared::api();
    let made = incr(&api, "n", json!({"by": -5, "initial": 100, "ttl": 600, "metadata": {"tags": ["t"]}})).await;
    let body = made.ok();
    assert_eq!(
        (&body["success"], &body["key"], &body["value"], &body["copies"], &body["ttl"]),
        (&json!(true), &json!("n"), &json!(95), &json!(2), &json!(600))
    );
    let counted = incr(&api, "n", json!({"by": 7, "initial": 0, "ttl": 5, "metadata": {"other": 1}})).await.ok();
    assert_eq!(counted["value"], 102);
    assert!((590..=600).contains(&counted["ttl"].as_u64().expect("it expires")), "{counted}");
    let item = api.get("/api/cache/get/n").await.ok()["cache_item"].clone();
    assert_eq!(
        (&item["value"], &item["data_type"], &item["metadata"], &item["version"]),
        (&json!(102), &json!("number"), &json!({"tags": ["t"]}), &counted["version"])
    );
    assert_eq!(api.post("/api/cache/invalidate", &json!({"tags": ["t"]})).await.ok()["deleted_count"], 1);
    assert_eq!(incr(&api, "n", json!({})).await.ok()["value"], 1);
    let empty = api.send(api.request(Method::POST, "/api/cache/incr/n")).await;
    assert_eq!(empty.ok()["value"], 2, "a body is not needed");
    api.post("/api/cache/set", &json!({"key": "f", "value": 5, "ttl": 0})).await.ok();
    assert_eq!(incr(&api, "f", json!({"ttl": 9})).await.ok()["ttl"], Value::Null);
}

#[tokio::test]
async fn incr_of_anything_but_an_integer_of_64_bits_is_409() {
    let api = shared::api();
    for text in ["\"5\"", "1.0", "1e2", "null", "true", "[1]", "{}", "9223372036854775808", "-9223372036854775809"] {
        api.post_raw("/api/cache/set", format!(r#"{{"key": "k", "value": {text}}}"#)).await.ok();
        let there = api.get("/api/cache/get/k").await.ok()["cache_item"]["version"].clone();
        let refused = incr(&api, "k", json!({"by": 1})).await.refused(409, "not_an_integer");
        assert_eq!(refused["version"], there, "{text}");
        assert_eq!(api.get("/api/cache/get/k").await.raw(&["cache_item", "value"]), text, "it stays");
    }
}

#[tokio::test]
async fn a_sum_beyond_64_bits_is_409_and_changes_nothing() {
    let api = shared::api();
    for (value, by) in [(i64::MAX, 1), (i64::MIN, -1), (1, i64::MAX), (-2, i64::MIN)] {
        api.set("k", json!(value)).await;
        incr(&api, "k", json!({"by": by})).await.refused(409, "integer_overflow");
        assert_eq!(api.value("k").await, Some(json!(value)));
    }
    let refused = incr(&api, "new", json!({"by": 1, "initial": i64::MAX})).await.refused(409, "integer_overflow");
    assert_eq!((&refused["version"], api.value("new").await), (&Value::Null, None));
    api.set("k", json!(i64::MAX)).await;
    assert_eq!(incr(&api, "k", json!({"by": i64::MIN})).await.ok()["value"], -1);
}

#[tokio::test]
async fn faults_of_an_incr_are_all_listed() {
    let api = shared::api();
    let mut faults =
        incr(&api, "k", json!({"by": 1.5, "initial": "0", "ttl": -1, "backend": "database"})).await.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "greater_than_equal body.ttl",
            "int_from_float body.by",
            "int_type body.initial",
            "not_available body.backend"
        ]
    );
    assert_eq!(incr(&api, "", json!({})).await.faults(), ["string_too_short path.key"]);
    assert_eq!(incr(&api, "k", json!([])).await.faults(), ["model_attributes_type body"]);
    assert_eq!(api.get("/api/cache/incr/k").await.status, 405);
}

#[tokio::test]
async fn getset_answers_what_was_there() {
    let api = shared::api();
    let swap = async |value: Value| api.post("/api/cache/getset/a%2Fb", &json!({"value": value, "ttl": 60})).await.ok();
    let first = swap(json!({"n": 1})).await;
    assert_eq!((&first["found"], &first["cache_item"]), (&json!(false), &Value::Null));
    let second = swap(json!("two")).await;
    assert_eq!((&second["key"], &second["found"], &second["ttl"]), (&json!("a/b"), &json!(true), &json!(60)));
    let item = &second["cache_item"];
    assert_eq!((&item["value"], &item["version"]), (&json!({"n": 1}), &first["version"]));
    assert_eq!(api.value("a/b").await, Some(json!("two")));
    let body = json!({"value": 3, "if_version": first["version"]});
    let refused = api.post("/api/cache/getset/a%2Fb", &body).await.refused(409, "condition_not_met");
    assert_eq!(refused["version"], second["version"]);
    let faults = api.post("/api/cache/getset/k", &json!({"ttl": -1})).await.faults();
    assert_eq!(faults, ["greater_than_equal body.ttl", "missing body.value"]);
}

#[tokio::test]
async fn of_many_getsets_each_sees_the_one_before() {
    let api = shared::api();
    let swaps = (1..=50).map(|n| {
        let api = api.clone();
        async move { api.post("/api/cache/getset/k", &json!({"value": n})).await.ok()["cache_item"]["value"].as_u64() }
    });
    let mut seen: Vec<u64> = join_all(swaps).await.into_iter().flatten().collect();
    seen.push(api.value("k").await.and_then(|value| value.as_u64()).expect("a number"));
    seen.sort_unstable();
    assert_eq!(seen, (1..=50).collect::<Vec<_>>(), "each value was handed out once");
}

#[tokio::test]
async fn touch_gives_a_new_time_to_live_and_nothing_else() {
    let api = shared::api();
    let touch = async |body: Value| api.post("/api/cache/touch/k", &body).await.ok();
    let nothing = touch(json!({"ttl": 9})).await;
    assert_eq!((&nothing["success"], &nothing["found"], &nothing["key"]), (&json!(true), &json!(false), &json!("k")));
    let body = json!({"key": "k", "value": {"user": 7}, "ttl": 60, "metadata": {"tags": ["s"], "x": 1}});
    api.post("/api/cache/set", &body).await.ok();
    let item = async || api.get("/api/cache/get/k").await.ok()["cache_item"].clone();
    let before = item().await;
    let touched = touch(json!({"ttl": 900})).await;
    assert_eq!((&touched["found"], &touched["ttl"]), (&json!(true), &json!(900)));
    let after = item().await;
    for name in ["value", "metadata", "created_at", "data_type", "size"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!((&after["access_count"], &after["version"]), (&json!(2), &touched["version"]));
    assert_ne!(after["version"], before["version"]);
    assert!((890..=900).contains(&after["ttl"].as_u64().expect("it expires")));
    assert_eq!(touch(json!({"ttl": 0})).await["ttl"], Value::Null, "for ever");
    assert_eq!(touch(json!({})).await["ttl"], 3_600, "the default of the config");
    assert_eq!(api.post("/api/cache/touch/k", &json!({"ttl": "9"})).await.faults(), ["int_type body.ttl"]);
    assert_eq!(api.post("/api/cache/invalidate", &json!({"tags": ["s"]})).await.ok()["deleted_count"], 1);
}

#[tokio::test]
async fn consistency_is_fresh_or_strict() {
    let api = shared::api();
    api.set("k", json!(1)).await;
    for word in ["fresh", "strict"] {
        let answer = api.get(&format!("/api/cache/get/k?consistency={word}")).await.ok();
        assert_eq!(answer["cache_item"]["value"], 1);
        let batch = api.post(&format!("/api/cache/get-batch?consistency={word}"), &json!(["k"])).await.ok();
        assert_eq!(batch["found_count"], 1);
    }
    for word in ["", "eventual", "STRICT"] {
        let path = format!("/api/cache/get/k?consistency={word}");
        assert_eq!(api.get(&path).await.faults(), ["enum query.consistency"], "{word}");
        let path = format!("/api/cache/get-batch?consistency={word}");
        assert_eq!(api.post(&path, &json!(["k"])).await.faults(), ["enum query.consistency"], "{word}");
    }
}
