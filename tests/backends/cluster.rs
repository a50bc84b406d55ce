//! Backends through whole clusters, as a client sees them, and what stands in the backend meanwhile.

use std::collections::BTreeMap;

use ringhold_node::backend::{RedisSettings, Settings};
use serde_json::{Value, json};

use crate::{
    harness::{
        client::Api,
        cluster::{Cluster, Options},
        wait,
    },
    servers::Server,
};

/// A cluster whose nodes reach the servers.
pub async fn start(nodes: usize, backends: Settings) -> Cluster {
    Cluster::start_with(Options { nodes, backends, ..Options::default() }).await
}

pub fn redis(server: &Server) -> Settings {
    let redis = RedisSettings { url: format!("redis://{}", server.address), db: 0, password: None };
    Settings { redis: Some(redis), ..Settings::default() }
}

pub fn memcached(server: &Server) -> Settings {
    Settings { memcached: vec![server.address.to_string()], ..Settings::default() }
}

#[tokio::test]
#[cfg_attr(not(has_redis), ignore = "redis-server is not installed")]
async fn redis_serves_the_api() {
    let server = Server::redis().await;
    let cluster = start(3, redis(&server)).await;
    let api = cluster.api();
    serves_the_api(&api, "redis").await;
    set(&api, "redis", json!({"key": "seen", "value": "by a person"})).await;
    let there = server.ask("GET ringhold:default:seen\r\n").unwrap();
    assert!(there.contains("\"value\":\"by a person\""), "{there}");
    api.delete("/api/cache/delete/seen?backend=redis").await.ok();
    assert_eq!(server.ask("EXISTS ringhold:default:seen\r\n").as_deref(), Some(":0\r\n"));
    set(&api, "redis", json!({"key": "brief", "value": 1, "ttl": 1_000})).await;
    let ttl = server.ask("TTL ringhold:default:brief\r\n").unwrap();
    let seconds: u64 = ttl.trim_start_matches(':').trim_end().parse().unwrap();
    assert!((900..=1_000).contains(&seconds), "{ttl}");
    // What a clear makes invisible goes from the server too.
    api.post("/api/cache/clear?backend=redis", &json!({})).await.ok();
    wait::until("the server to be empty", async || {
        (server.ask("DBSIZE\r\n").as_deref() == Some(":0\r\n")).then_some(())
    })
    .await;
}

#[tokio::test]
#[cfg_attr(not(has_memcached), ignore = "memcached is not installed")]
async fn memcached_serves_the_api() {
    let server = Server::memcached().await;
    let cluster = start(3, memcached(&server)).await;
    serves_the_api(&cluster.api(), "memcached").await;
    set(&cluster.api(), "memcached", json!({"key": "seen", "value": "by a person"})).await;
    let there = server.ask("get ringhold:default:seen\r\n").unwrap();
    assert!(there.contains("\"value\":\"by a person\""), "{there}");
}

#[tokio::test]
async fn files_serve_the_api_of_a_single_node_and_are_refused_where_they_would_be_lost() {
    let files = || Settings { file: Some("cache".into()), ..Settings::default() };
    let mut alone = start(1, files()).await;
    serves_the_api(&alone.api(), "file").await;
    set(&alone.api(), "file", json!({"key": "k", "value": 1})).await;
    alone.add_node();
    let refused = wait::until("the second node to be a member", async || {
        let answer = alone.api().get("/api/cache/get/k?backend=file").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(refused.faults(), ["not_available body"]);
    assert!(refused.text.contains("the disk of one node"), "{}", refused.text);
}

#[tokio::test]
async fn a_backend_that_is_not_configured_is_refused_and_names_its_setting() {
    let cluster = start(1, Settings::default()).await;
    for (backend, setting) in [("redis", "REDIS_URL"), ("memcached", "MEMCACHED_URL"), ("file", "FILE_CACHE_PATH")] {
        let answer = cluster.api().post("/api/cache/set", &json!({"key": "k", "value": 1, "backend": backend})).await;
        assert_eq!(answer.faults(), ["not_available body"]);
        assert!(answer.text.contains(setting), "{}", answer.text);
        let answer = cluster.api().get(&format!("/api/cache/get/k?backend={backend}")).await;
        assert_eq!(answer.faults(), ["not_available body"]);
        for path in ["keys?limit=5", "keys?offset=0"] {
            let answer = cluster.api().get(&format!("/api/cache/{path}&backend={backend}")).await;
            assert_eq!(answer.faults(), ["not_available body"], "{path}");
        }
    }
    cluster.api().post("/api/cache/invalidate", &json!({"pattern": "*"})).await.ok();
}

#[tokio::test]
#[cfg_attr(not(has_redis), ignore = "redis-server is not installed")]
async fn redis_items_survive_the_loss_of_a_node_and_a_move_there_and_back() {
    let server = Server::redis().await;
    let cluster = start(3, redis(&server)).await;
    survives(cluster, "redis").await;
}

#[tokio::test]
#[cfg_attr(not(has_memcached), ignore = "memcached is not installed")]
async fn memcached_items_survive_the_loss_of_a_node_and_a_move_there_and_back() {
    let server = Server::memcached().await;
    let cluster = start(3, memcached(&server)).await;
    survives(cluster, "memcached").await;
}

/// Writes, kills a node, writes on, gives the node back, stops another in good order: every acknowledged item is read.
async fn survives(mut cluster: Cluster, backend: &str) {
    cluster.settled().await;
    let api = cluster.api();
    let mut expected = BTreeMap::new();
    write(&api, backend, &mut expected, "before", 100).await;
    let victim = cluster.follower().await;
    cluster.nodes[victim].kill();
    write(&api, backend, &mut expected, "during", 50).await;
    all_there(&api, backend, &expected).await;
    cluster.restart(victim);
    cluster.wait_healthy().await;
    cluster.settled().await;
    write(&api, backend, &mut expected, "after", 50).await;
    let leaving = (victim + 1) % 3;
    cluster.nodes[leaving].stopping().await;
    all_there(&api, backend, &expected).await;
}

async fn write(api: &Api, backend: &str, expected: &mut BTreeMap<String, Value>, word: &str, count: usize) {
    for n in 0..count {
        // Some are new, some overwrite.
        let (key, value) = (format!("k{}", n * 3), json!(format!("{word} {n}")));
        let body = json!({"key": key, "value": value, "backend": backend});
        wait::until("the write to be acknowledged", async || {
            (api.post("/api/cache/set", &body).await.status == 200).then_some(())
        })
        .await;
        expected.insert(key, value);
    }
}

async fn all_there(api: &Api, backend: &str, expected: &BTreeMap<String, Value>) {
    for (key, value) in expected {
        let found = wait::until("the read to be answered", async || {
            let answer = api.get(&format!("/api/cache/get/{key}?backend={backend}")).await;
            (answer.status == 200).then(|| answer.json())
        })
        .await;
        assert_eq!(&found["cache_item"]["value"], value, "{key}: {found}");
    }
}

pub async fn set(api: &Api, backend: &str, mut body: Value) -> Value {
    body["backend"] = json!(backend);
    api.post("/api/cache/set", &body).await.ok()
}

pub async fn item(api: &Api, backend: &str, key: &str) -> Option<Value> {
    let answer = api.get(&format!("/api/cache/get/{key}?backend={backend}")).await.ok();
    answer["found"].as_bool().expect("a word").then(|| answer["cache_item"].clone())
}

async fn serves_the_api(api: &Api, backend: &str) {
    points(api, backend).await;
    conditions(api, backend).await;
    batches(api, backend).await;
    listings(api, backend).await;
    removals(api, backend).await;
    limits(api, backend).await;
    let answer = api.post("/api/cache/incr/n", &json!({"backend": backend})).await;
    assert_eq!((answer.status, answer.text.contains("not built")), (422, true), "{}", answer.text);
}

async fn points(api: &Api, backend: &str) {
    let body = json!({
        "key": "user:1", "value": {"b": 1.50, "a": [1, "ü"]}, "data_type": "json", "ttl": 600,
        "metadata": {"tags": ["user"], "source": "db"}, "strategy": "lfu",
    });
    let stored = set(api, backend, body).await;
    assert_eq!(
        (&stored["backend"], &stored["ttl"], &stored["strategy"]),
        (&json!(backend), &json!(600), &json!("lfu"))
    );
    let found = item(api, backend, "user:1").await.expect("it is there");
    assert_eq!(found["value"], json!({"b": 1.50, "a": [1, "ü"]}));
    assert_eq!((&found["size"], &found["version"]), (&stored["size"], &stored["version"]));
    assert_eq!((&found["metadata"]["source"], &found["backend"]), (&json!("db"), &json!(backend)));
    assert_eq!(found["access_count"], 1);
    assert_eq!(item(api, "memory", "user:1").await, None, "backends never meet");
    assert_eq!(item(&api.in_namespace("other"), backend, "user:1").await, None, "nor do namespaces");
    set(api, backend, json!({"key": "user:1", "value": 2})).await;
    assert_eq!(item(api, backend, "user:1").await.expect("it is there")["value"], 2);
    let gone = api.delete(&format!("/api/cache/delete/user:1?backend={backend}")).await.ok();
    assert_eq!((&gone["found"], item(api, backend, "user:1").await), (&json!(true), None));
    set(api, backend, json!({"key": "brief", "value": 1, "ttl": 1})).await;
    wait::until("the item to expire", async || item(api, backend, "brief").await.is_none().then_some(())).await;
}

async fn conditions(api: &Api, backend: &str) {
    let first = set(api, backend, json!({"key": "c", "value": 1, "if_absent": true})).await;
    let again = json!({"key": "c", "value": 2, "if_absent": true, "backend": backend});
    assert_eq!(api.post("/api/cache/set", &again).await.status, 409);
    let with = |version: &Value| json!({"key": "c", "value": 3, "if_version": version, "backend": backend});
    assert_eq!(api.post("/api/cache/set", &with(&json!("1-1"))).await.status, 409);
    api.post("/api/cache/set", &with(&first["version"])).await.ok();
    assert_eq!(item(api, backend, "c").await.expect("it is there")["value"], 3);
}

async fn batches(api: &Api, backend: &str) {
    let items: Vec<Value> = (0..200).map(|n| json!({"key": format!("b{n}"), "value": n, "backend": backend})).collect();
    let mut items = items;
    items.push(json!({"key": "b7", "value": "last", "backend": backend}));
    // Each file is synced, which takes its time on a busy disk.
    for items in items.chunks(if backend == "file" { 20 } else { 201 }) {
        let stored = api.post("/api/cache/set-batch", &json!(items)).await.ok();
        assert_eq!(stored["successful_count"], items.len(), "{stored}");
    }
    let keys: Vec<String> = (0..201).map(|n| format!("b{n}")).collect();
    let found = api.post(&format!("/api/cache/get-batch?backend={backend}"), &json!(keys)).await.ok();
    assert_eq!((&found["found_count"], &found["not_found_count"]), (&json!(200), &json!(1)));
    assert_eq!(found["results"][7]["result"]["cache_item"]["value"], "last", "the order of one key is kept");
    assert_eq!(found["results"][199]["result"]["cache_item"]["value"], 199);
}

async fn listings(api: &Api, backend: &str) {
    let keys = api.get(&format!("/api/cache/keys?pattern=b1*&limit=1000&backend={backend}")).await.ok();
    assert_eq!(keys["total_keys"], 111, "{keys}");
    assert_eq!((&keys["keys"][0]["key"], &keys["keys"][0]["size"]), (&json!("b1"), &json!(1)));
    let stats = api.get(&format!("/api/cache/stats?backend={backend}")).await.ok();
    assert_eq!(stats["statistics"]["backend"], backend);
    assert!(stats["statistics"]["total_items"].as_u64() >= Some(200), "{stats}");
    let export = api.get(&format!("/api/cache/export?pattern=b19*&backend={backend}")).await.ok();
    assert_eq!(export["data"]["b199"]["value"], 199, "{export}");
    assert_eq!(export["data"].as_object().expect("items").len(), 11);
    let import = api.post("/api/cache/import", &export).await.ok();
    assert_eq!(import["failed_count"], 0, "{import}");
}

async fn removals(api: &Api, backend: &str) {
    set(api, backend, json!({"key": "t1", "value": 1, "metadata": {"tags": ["red"]}})).await;
    set(api, backend, json!({"key": "t2", "value": 1})).await;
    let gone = api.post("/api/cache/invalidate", &json!({"tags": ["red"], "backend": backend})).await.ok();
    assert_eq!(gone["deleted_count"], 1);
    assert_eq!((item(api, backend, "t1").await, item(api, backend, "t2").await.is_some()), (None, true));
    let gone = api.post(&format!("/api/cache/clear?pattern=b1*&backend={backend}"), &json!({})).await.ok();
    assert_eq!((&gone["deleted_count"], item(api, backend, "b1").await), (&json!(111), None));
    api.post(&format!("/api/cache/clear?backend={backend}"), &json!({})).await.ok();
    assert_eq!(item(api, backend, "b2").await, None);
    set(api, backend, json!({"key": "b2", "value": "new"})).await;
    assert_eq!(item(api, backend, "b2").await.expect("written after the clear")["value"], "new");
}

async fn limits(api: &Api, backend: &str) {
    let patch = json!({"max_items": 30});
    api.patch(&format!("/api/cache/config?backend={backend}"), &patch).await.ok();
    for n in 0..200 {
        set(api, backend, json!({"key": format!("l{n}"), "value": n})).await;
    }
    let stats = api.get(&format!("/api/cache/stats?backend={backend}")).await.ok();
    let items = stats["statistics"]["total_items"].as_u64().expect("a number");
    assert!(items <= 90 && stats["statistics"]["eviction_count"].as_u64() > Some(0), "{stats}");
    api.patch(&format!("/api/cache/config?backend={backend}"), &json!({"max_items": 10_000})).await.ok();
}
