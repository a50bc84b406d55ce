//! Backends that are away, die, hang and come back.

use std::time::{Duration, Instant};

use ringhold_node::backend::Settings;
use serde_json::{Value, json};

use crate::{
    cluster::{item, redis, set, start},
    harness::{client::Api, wait},
    servers::Server,
};

/// Longest time that a request may take here: its deadline, and what a busy machine adds.
const ANSWER_MAX: Duration = Duration::from_secs(10);

async fn health(api: &Api) -> Value {
    api.get("/health").await.ok()
}

async fn healthy(api: &Api) {
    wait::until("health to be `healthy`", async || (health(api).await["status"] == "healthy").then_some(())).await;
}

/// Waits until health says that the backend is the matter.
async fn degraded(api: &Api, backend: &str) {
    wait::until("health to be `degraded` by the backend", async || {
        let health = health(api).await;
        let is_named = |check: &Value| check["name"] == backend && check["ok"] == false;
        let is_told = health["checks"].as_array().is_some_and(|checks| checks.iter().any(is_named));
        (health["status"] == "degraded" && is_told).then_some(())
    })
    .await;
}

/// A write that is refused because of the backend, in time.
async fn refused(api: &Api, backend: &str) {
    let start = Instant::now();
    let answer = api.post("/api/cache/set", &json!({"key": "new", "value": 2, "backend": backend})).await;
    assert!(start.elapsed() < ANSWER_MAX, "{:?}", start.elapsed());
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.text.contains(backend) && answer.header("retry-after").is_some(), "{}", answer.text);
}

#[tokio::test]
#[cfg_attr(not(has_redis), ignore = "redis-server is not installed")]
async fn a_server_that_dies_is_named_and_all_goes_on_when_it_is_back() {
    let mut server = Server::redis().await;
    let cluster = start(2, redis(&server)).await;
    let api = cluster.api();
    set(&api, "redis", json!({"key": "k", "value": 1})).await;
    healthy(&api).await;
    server.kill();
    degraded(&api, "redis").await;
    refused(&api, "redis").await;
    let read = api.get("/api/cache/get/k?backend=redis").await;
    assert_eq!((read.status, read.text.contains("redis")), (503, true), "{}", read.text);
    set(&api, "memory", json!({"key": "k", "value": "memory goes on"})).await;
    server.restart().await;
    healthy(&api).await;
    assert_eq!(item(&api, "redis", "k").await, None, "the server came back empty, and nothing stands for what it lost");
    set(&api, "redis", json!({"key": "k", "value": 2})).await;
    assert_eq!(item(&api, "redis", "k").await.expect("it is there")["value"], 2);
}

#[tokio::test]
#[cfg_attr(not(has_redis), ignore = "redis-server is not installed")]
async fn a_server_that_hangs_holds_up_no_request_for_long_and_nothing_old_comes_back() {
    let server = Server::redis().await;
    let cluster = start(2, redis(&server)).await;
    let api = cluster.api();
    set(&api, "redis", json!({"key": "k", "value": 1})).await;
    server.pause();
    let answer = api.post("/api/cache/set", &json!({"key": "k", "value": 2, "backend": "redis"})).await;
    assert_eq!(answer.json()["outcome"], "unknown", "{}", answer.text);
    degraded(&api, "redis").await;
    refused(&api, "redis").await;
    set(&api, "memory", json!({"key": "k", "value": "memory goes on"})).await;
    server.go_on();
    healthy(&api).await;
    let value = item(&api, "redis", "k").await.expect("it was acknowledged")["value"].clone();
    assert!(value == 1 || value == 2, "{value}");
    for _ in 0..20 {
        let now = item(&api, "redis", "k").await.expect("it stays")["value"].clone();
        assert_eq!(now, value, "no read goes back");
    }
    set(&api, "redis", json!({"key": "k", "value": 3})).await;
    assert_eq!(item(&api, "redis", "k").await.expect("it is there")["value"], 3);
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_keeps_nobody_from_starting() {
    let nobody = crate::harness::process::free_address();
    let redis = ringhold_node::backend::RedisSettings { url: format!("redis://{nobody}"), db: 0, password: None };
    let backends = Settings { redis: Some(redis), memcached: vec![nobody.to_string()], file: None };
    let nodes = crate::harness::cluster::Options { nodes: 1, backends, ..Default::default() };
    let cluster = crate::harness::cluster::Cluster::build(nodes);
    let api = cluster.api();
    wait::until("the router to serve", async || (api.get("/readyz").await.status == 200).then_some(())).await;
    for backend in ["redis", "memcached"] {
        degraded(&api, backend).await;
        refused(&api, backend).await;
    }
    set(&api, "memory", json!({"key": "k", "value": 1})).await;
}

#[tokio::test]
#[cfg_attr(not(has_redis), ignore = "redis-server is not installed")]
async fn a_server_without_memory_refuses_and_says_so() {
    let server = Server::redis().await;
    let cluster = start(1, redis(&server)).await;
    let api = cluster.api();
    set(&api, "redis", json!({"key": "k", "value": 1})).await;
    assert_eq!(server.ask("CONFIG SET maxmemory 1\r\n").as_deref(), Some("+OK\r\n"));
    let answer = api.post("/api/cache/set", &json!({"key": "k", "value": 2, "backend": "redis"})).await;
    assert_eq!((answer.status, &answer.json()["outcome"]), (503, &json!("not_applied")), "{}", answer.text);
    assert_eq!(item(&api, "redis", "k").await.expect("it stays")["value"], 1);
    server.ask("CONFIG SET maxmemory 0\r\n");
    set(&api, "redis", json!({"key": "k", "value": 3})).await;
    assert_eq!(item(&api, "redis", "k").await.expect("it is there")["value"], 3);
}
