//! set-batch, get-batch and warm.

use serde_json::{Value, json};

use crate::{
    harness::client::{Api, faults_in},
    shared,
    shown::{shown, shown_but},
};

async fn set_batch(api: &Api, body: &Value) -> Value {
    api.post("/api/cache/set-batch", body).await.ok()
}

async fn get_batch(api: &Api, body: &Value) -> Value {
    api.post("/api/cache/get-batch", body).await.ok()
}

#[tokio::test]
async fn set_batch_answers_item_by_item_in_order() {
    let api = shared::api();
    let body = json!([
        {"key": "a", "value": 1, "ttl": 10},
        {"key": "b", "value": "x", "ttl": -1},
        {"value": 1},
        {"key": "c", "value": [], "data_type": "list", "ttl": 0},
        "no object",
    ]);
    let answer = api.post("/api/cache/set-batch", &body).await;
    insta::assert_json_snapshot!(shown(&answer.ok()));
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    assert_eq!((api.value("a").await, api.value("b").await), (Some(json!(1)), None));
}

#[tokio::test]
async fn get_batch_answers_item_by_item_in_order() {
    let api = shared::api();
    api.set("a", json!(1)).await;
    api.set("b", json!({"x": 1})).await;
    let answer = api.post("/api/cache/get-batch?backend=memory", &json!(["b", "nothing", 5, "a", "", null])).await;
    insta::assert_json_snapshot!(shown_but(&answer.ok(), &["ttl"]));
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
}

#[tokio::test]
async fn warm_takes_keys_and_values() {
    let api = shared::api();
    let answer = api.post_raw("/api/cache/warm", r#"{"a": 1.50, "": 2, "b": {"z": 1, "a": 2}, "c\n": 3}"#).await;
    insta::assert_json_snapshot!(shown(&answer.ok()));
    assert_eq!(api.get("/api/cache/get/a").await.raw(&["cache_item", "value"]), "1.50");
    assert_eq!(api.get("/api/cache/get/b").await.raw(&["cache_item", "value"]), r#"{"z":1,"a":2}"#);
    assert!(api.get("/api/cache/get/a").await.ok()["cache_item"]["ttl"].as_u64() > Some(3_500), "the config's TTL");
}

#[tokio::test]
async fn duplicates_are_served_in_order() {
    let api = shared::api();
    let items: Vec<Value> = (0..50).map(|n| json!({"key": format!("k{}", n % 5), "value": n})).collect();
    let answer = set_batch(&api, &json!(items)).await;
    let writes =
        answer["results"].as_array().expect("a list").iter().map(|row| (&row["key"], &row["result"]["version"]));
    let writes: Vec<_> = writes.collect();
    assert!(writes.iter().enumerate().all(|(n, write)| !writes[..n].contains(write)), "each has its own version");
    for n in 0..5 {
        assert_eq!(api.value(&format!("k{n}")).await, Some(json!(45 + n)), "the last one wins");
    }
    let read = get_batch(&api, &json!(["k1", "k1", "k2", "k1"])).await;
    let counts: Vec<_> = (0..4).map(|n| read["results"][n]["result"]["cache_item"]["access_count"].clone()).collect();
    assert_eq!(json!(counts), json!([2, 3, 2, 4]));
    let warmed = api.post_raw("/api/cache/warm", r#"{"w": 1, "w": 2, "w": 3}"#).await.ok();
    assert_eq!((warmed["total_items"].as_u64(), api.value("w").await), (Some(3), Some(json!(3))));
}

#[tokio::test]
async fn a_thousand_items_go_over_three_nodes_and_come_back_in_order() {
    let api = shared::api();
    let items: Vec<Value> = (0..1_000).map(|n| json!({"key": format!("key:{n}"), "value": {"n": n}})).collect();
    let answer = set_batch(&api, &json!(items)).await;
    assert_eq!((answer["successful_count"].as_u64(), answer["failed_count"].as_u64()), (Some(1_000), Some(0)));
    let keys: Vec<String> = (0..1_000).rev().map(|n| format!("key:{n}")).collect();
    let answer = get_batch(&api, &json!(keys)).await;
    assert_eq!((answer["found_count"].as_u64(), answer["total_keys"].as_u64()), (Some(1_000), Some(1_000)));
    for (n, row) in answer["results"].as_array().expect("a list").iter().enumerate() {
        assert_eq!((&row["key"], &row["result"]["cache_item"]["value"]["n"]), (&json!(keys[n]), &json!(999 - n)));
    }
    let nodes = api.get("/api/cache/stats").await.ok()["nodes"].clone();
    let shares = nodes.as_array().expect("a list").iter().map(|node| node["statistics"]["total_items"].as_u64());
    assert!(
        shares.clone().count() == 3 && shares.clone().all(|share| share > Some(200)),
        "{:?}",
        shares.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn too_many_items_are_413_and_none_is_stored() {
    let api = shared::api();
    let items: Vec<Value> = (0..1_001).map(|n| json!({"key": format!("k{n}"), "value": n})).collect();
    let keys: Vec<String> = (0..1_001).map(|n| format!("k{n}")).collect();
    let warm: Value = keys.iter().map(|key| (key.clone(), json!(1))).collect::<serde_json::Map<_, _>>().into();
    for (path, body) in
        [("/api/cache/set-batch", json!(items)), ("/api/cache/get-batch", json!(keys)), ("/api/cache/warm", warm)]
    {
        let answer = api.post(path, &body).await;
        answer.refused(413, "too_large");
        assert!(answer.text.contains("CACHE_MAX_BATCH_SIZE"), "{}", answer.text);
    }
    assert_eq!(api.get("/api/cache/keys").await.ok()["total_keys"], 0);
}

#[tokio::test]
async fn an_empty_batch_is_a_batch() {
    let api = shared::api();
    let (set, get, warm) = (
        set_batch(&api, &json!([])).await,
        get_batch(&api, &json!([])).await,
        api.post("/api/cache/warm", &json!({})).await.ok(),
    );
    insta::assert_json_snapshot!(json!([shown(&set), shown(&get), shown(&warm)]));
}

#[tokio::test]
async fn a_body_of_another_shape_is_422() {
    let api = shared::api();
    for body in [json!({}), json!("x"), json!(1), Value::Null, json!({"key": "k", "value": 1})] {
        for path in ["/api/cache/set-batch", "/api/cache/get-batch"] {
            assert_eq!(api.post(path, &body).await.faults(), ["list_type body"], "{path} {body}");
        }
    }
    for body in [json!([]), json!("x"), json!(1), Value::Null] {
        assert_eq!(api.post("/api/cache/warm", &body).await.faults(), ["dict_type body"], "{body}");
    }
    for path in ["/api/cache/set-batch", "/api/cache/get-batch", "/api/cache/warm"] {
        api.post_raw(path, "[").await.refused(400, "malformed_json");
        api.post_raw(path, "").await.refused(400, "malformed_json");
    }
}

#[tokio::test]
async fn an_item_that_is_too_large_fails_alone() {
    let api = shared::api();
    let large = "x".repeat(1_048_577);
    let answer =
        set_batch(&api, &json!([{"key": "a", "value": 1}, {"key": "b", "value": large}, {"key": "c", "value": 3}]))
            .await;
    assert_eq!(answer["successful_count"], 2);
    let row = &answer["results"][1];
    assert_eq!(
        (&row["key"], &row["success"], &row["error"]["code"]),
        (&json!("b"), &json!(false), &json!("too_large"))
    );
    let warmed = api.post("/api/cache/warm", &json!({"d": large, "e": 1})).await.ok();
    assert_eq!((warmed["successful_count"].as_u64(), warmed["failed_count"].as_u64()), (Some(1), Some(1)));
}

#[tokio::test]
async fn faults_of_an_item_name_its_place_in_the_batch() {
    let api = shared::api();
    let body =
        json!([{"key": "a", "value": 1}, {"key": "b", "ttl": "x", "metadata": {"tags": [1]}, "backend": "database"}]);
    let answer = set_batch(&api, &body).await;
    let mut faults = faults_in(&answer["results"][1]["error"]["detail"]);
    faults.sort();
    assert_eq!(
        faults,
        [
            "int_type body.1.ttl",
            "missing body.1.value",
            "not_available body.1.backend",
            "string_type body.1.metadata.tags.0",
        ]
    );
    assert_eq!(answer["results"][1]["error"]["code"], "validation_error");
}
