//! Tenants never see each other.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{harness::client::Api, shared, shown::shown};

async fn listed(name: &str) -> Option<Value> {
    let answer = shared::calm().api().get("/api/namespaces").await;
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    let body = answer.ok();
    let rows = body["namespaces"].as_array().expect("a list");
    assert_eq!(body["total_namespaces"], rows.len());
    rows.iter().find(|row| row["name"] == name).cloned()
}

#[tokio::test]
async fn every_call_stays_within_its_namespace() {
    let (one, other) = (shared::api(), shared::api());
    for (api, value) in [(&one, 1), (&other, 2)] {
        let body = json!({"key": "k", "value": value, "metadata": {"tags": ["t"]}});
        api.post("/api/cache/set", &body).await.ok();
    }
    other.set("only-here", json!(1)).await;
    assert_eq!((one.value("k").await, other.value("k").await), (Some(json!(1)), Some(json!(2))));
    assert_eq!(one.value("only-here").await, None);
    assert_eq!(one.get("/api/cache/keys").await.ok()["total_keys"], 1);
    assert_eq!(one.get("/api/cache/export").await.ok()["total_items"], 1);
    let batch = one.post("/api/cache/get-batch", &json!(["k", "only-here"])).await.ok();
    assert_eq!(
        (batch["found_count"].as_u64(), batch["results"][0]["result"]["cache_item"]["value"].as_u64()),
        (Some(1), Some(1))
    );
    let stats = one.get("/api/cache/stats").await.ok();
    assert_eq!((stats["statistics"]["total_items"].as_u64(), stats["raw_stats"]["hits"].as_u64()), (Some(1), Some(2)));
    one.patch("/api/cache/config", &json!({"default_ttl": 5})).await.ok();
    assert_eq!(other.get("/api/cache/config").await.ok()["config"]["default_ttl"], 3_600);
    assert_eq!(one.post("/api/cache/invalidate", &json!({"tags": ["t"]})).await.ok()["deleted_count"], 1);
    assert_eq!(one.delete("/api/cache/delete/only-here").await.ok()["found"], false);
    one.set("k", json!(1)).await;
    assert_eq!(one.post("/api/cache/clear?pattern=*", &Value::Null).await.ok()["deleted_count"], 1);
    one.set("k", json!(1)).await;
    assert_eq!(one.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], 1);
    assert_eq!(other.get("/api/cache/keys").await.ok()["total_keys"], 2);
    assert_eq!(other.value("k").await, Some(json!(2)));
}

#[tokio::test]
async fn without_the_header_it_is_the_default_namespace() {
    let (none, named) = (shared::calm().api(), shared::calm().api().in_namespace("default"));
    none.set("test:default-namespace", json!(7)).await;
    assert_eq!(named.value("test:default-namespace").await, Some(json!(7)));
}

#[tokio::test]
async fn reads_make_no_namespace_and_the_first_write_does() {
    let name = shared::namespace();
    let api = shared::calm().api().in_namespace(&name);
    assert_eq!(api.value("k").await, None);
    assert_eq!(api.delete("/api/cache/delete/k").await.ok()["found"], false);
    for path in ["/api/cache/keys", "/api/cache/stats", "/api/cache/config", "/api/cache/export"] {
        api.get(path).await.ok();
    }
    assert_eq!(api.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], 0);
    assert_eq!(api.post("/api/cache/invalidate", &json!({"tags": ["t"]})).await.ok()["deleted_count"], 0);
    assert_eq!(api.post("/api/cache/get-batch", &json!(["k"])).await.ok()["not_found_count"], 1);
    assert_eq!(listed(&name).await, None);
    api.set("k", json!("value")).await;
    let row = listed(&name).await.expect("it is there now");
    assert_eq!(row["total_items"], 1);
    assert!(row["total_memory_usage"].as_u64() > Some(7), "{row}");
    let names: Vec<_> = row.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["name", "total_items", "total_memory_usage"]);
}

#[tokio::test]
async fn a_removed_namespace_is_empty_and_begins_anew() {
    let name = shared::namespace();
    let (api, root) = (shared::calm().api().in_namespace(&name), shared::calm().api());
    api.patch("/api/cache/config", &json!({"default_ttl": 9})).await.ok();
    for n in 0..10 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    let path = format!("/api/namespaces/{name}");
    let removed = root.delete(&path).await.ok();
    insta::assert_json_snapshot!(shown(&removed));
    assert_eq!(
        (&removed["success"], &removed["found"], &removed["namespace"]),
        (&json!(true), &json!(true), &json!(name))
    );
    assert_eq!(listed(&name).await, None);
    let again = root.delete(&path).await.ok();
    assert_eq!((&again["found"], again["message"].as_str()), (&json!(false), Some("No such namespace")));
    assert_eq!(api.get("/api/cache/keys").await.ok()["total_keys"], 0);
    api.set("k0", json!("new")).await;
    assert_eq!(api.get("/api/cache/keys").await.ok()["total_keys"], 1);
    assert_eq!(api.value("k1").await, None);
    assert_eq!(api.get("/api/cache/config").await.ok()["config"]["default_ttl"], 3_600, "the config went too");
}

#[tokio::test]
async fn the_default_namespace_stays() {
    let faults = shared::calm().api().delete("/api/namespaces/default").await.faults();
    assert_eq!(faults, ["value_error path.namespace"]);
}

#[tokio::test]
async fn names_that_are_none_are_refused_in_every_call() {
    let root = shared::calm().api();
    let long = "n".repeat(65);
    for name in ["", "a b", "a/b", "ä", "*", "a:b", &long] {
        let api: Api = root.in_namespace(name);
        for (method, path) in [
            (Method::GET, "/api/cache/get/k"),
            (Method::DELETE, "/api/cache/delete/k"),
            (Method::GET, "/api/cache/keys"),
            (Method::GET, "/api/cache/stats"),
            (Method::GET, "/api/cache/config"),
            (Method::GET, "/api/cache/export"),
            (Method::POST, "/api/cache/clear"),
        ] {
            let answer = api.send(api.request(method, path)).await;
            assert_eq!(answer.faults(), ["string_pattern_mismatch header.X-Cache-Namespace"], "{path} {name:?}");
        }
        for (path, body) in [
            ("/api/cache/set", json!({"key": "k", "value": 1})),
            ("/api/cache/set-batch", json!([{"key": "k", "value": 1}])),
            ("/api/cache/get-batch", json!(["k"])),
            ("/api/cache/warm", json!({"k": 1})),
            ("/api/cache/invalidate", json!({"pattern": "*"})),
            ("/api/cache/config", json!({})),
            ("/api/cache/import", json!({"data": {}})),
        ] {
            let answer = api.post(path, &body).await;
            assert_eq!(answer.faults(), ["string_pattern_mismatch header.X-Cache-Namespace"], "{path} {name:?}");
        }
    }
    let twice = root.in_namespace("a").request(Method::GET, "/api/cache/get/k").header("X-Cache-Namespace", "b");
    assert_eq!(root.send(twice).await.faults(), ["duplicate_field header.X-Cache-Namespace"]);
    for name in ["a%20b", "%00", "x%2Fy", "%FF", &long] {
        let answer = root.delete(&format!("/api/namespaces/{name}")).await;
        assert!(answer.faults()[0].ends_with(" path.namespace"), "{name}");
    }
    for name in ["A", "a.b-c_9", &"n".repeat(64)] {
        root.in_namespace(name).set("k", json!(1)).await;
        root.delete(&format!("/api/namespaces/{name}")).await.ok();
    }
}
