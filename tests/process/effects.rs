//! Every setting has its effect in the real binary, given in the environment or as a flag.
//!
//! The same calls are made of three clusters: one with the defaults, and two in which every setting is flipped, once by
//! environment and once by flag. What each setting changes is written beside it.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    dev::Dev,
    fleet::Fleet,
    harness::{
        client::{Answer, Api},
        wait,
    },
};

/// A setting, another value than its default, and what is seen with the default and with that value.
struct Flip {
    name: &'static str,
    value: &'static str,
    default: Value,
    flipped: Value,
}

fn flip(name: &'static str, value: &'static str, default: Value, flipped: Value) -> Flip {
    Flip { name, value, default, flipped }
}

/// The order is that of [`observe`].
fn flips() -> Vec<Flip> {
    let refused = |status: u16, code: &str| json!([200, status, code]);
    let served = || json!([200, 200, null]);
    vec![
        flip("HOST", "127.0.0.2", json!(["127.0.0.1", true]), json!(["127.0.0.2", false])),
        flip("CACHE_DEFAULT_TTL", "77", json!([3_600, 3_600]), json!([77, 77])),
        flip("CACHE_CLEANUP_INTERVAL", "1", json!(300), json!(1)),
        flip("CACHE_MAX_ITEMS", "5", json!([10_000, 10_000, 40]), json!([5, 5, 5])),
        flip("CACHE_MAX_MEMORY", "2000", json!([104_857_600, 104_857_600, true]), json!([2_000, 2_000, false])),
        flip("CACHE_MAX_KEY_LENGTH", "20", served(), refused(422, "validation_error")),
        flip("CACHE_MAX_VALUE_SIZE", "500", served(), refused(413, "too_large")),
        flip("CACHE_MAX_BATCH_SIZE", "6", served(), refused(413, "too_large")),
        flip("CACHE_MAX_BODY_SIZE", "1100", served(), refused(413, "too_large")),
        flip("CACHE_MAX_TTL", "1000", served(), refused(422, "validation_error")),
        flip("ALLOWED_ORIGINS", "https://shop.example", json!([true, false]), json!([false, true])),
        flip("CACHE_PERFORMANCE_TRACKING", "false", json!([true, true]), json!([false, true])),
        flip("CACHE_METRICS_ENABLED", "false", json!([200, 200]), json!([404, 404])),
        flip("CACHE_ACCESS_LOG_ENABLED", "false", json!(true), json!(false)),
    ]
}

#[tokio::test]
async fn without_settings_the_defaults_are_in_force() {
    let expected: Vec<_> = flips().into_iter().map(|flip| (flip.name, flip.default)).collect();
    assert_eq!(observe(Dev::start(&["--nodes", "1"]).await).await, expected);
}

#[tokio::test]
async fn every_setting_in_the_environment_has_its_effect() {
    let flips = flips();
    let environment: Vec<_> = flips.iter().map(|flip| (flip.name, flip.value)).collect();
    let dev = start(&[], &environment).await;
    let expected: Vec<_> = flips.into_iter().map(|flip| (flip.name, flip.flipped)).collect();
    assert_eq!(observe(dev).await, expected);
}

#[tokio::test]
async fn every_setting_as_a_flag_has_its_effect() {
    let flips = flips();
    let flags: Vec<String> = flips.iter().map(|flip| flag(flip.name, flip.value)).collect();
    let dev = start(&flags.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
    let expected: Vec<_> = flips.into_iter().map(|flip| (flip.name, flip.flipped)).collect();
    assert_eq!(observe(dev).await, expected);
}

fn flag(name: &str, value: &str) -> String {
    format!("--{}={value}", name.to_lowercase().replace('_', "-"))
}

/// One node is enough.
async fn start(flags: &[&str], environment: &[(&str, &str)]) -> Dev {
    let arguments = [&["dev", "--nodes", "1", "--port", "0", "--data", "data"], flags].concat();
    Dev::start_with(TempDir::new().expect("a temporary folder"), &arguments, environment).await
}

/// What a client sees of each setting; the process ends.
async fn observe(mut dev: Dev) -> Vec<(&'static str, Value)> {
    let api = dev.api();
    let config = api.get("/api/cache/config").await.ok()["config"].clone();
    let mut seen = vec![
        ("HOST", host(&dev.url)),
        ("CACHE_DEFAULT_TTL", json!([config["default_ttl"], api.set("k", json!(1)).await["ttl"]])),
        ("CACHE_CLEANUP_INTERVAL", config["cleanup_interval"].clone()),
        ("CACHE_MAX_ITEMS", items(&api, &config).await),
        ("CACHE_MAX_MEMORY", memory(&api, &config).await),
    ];
    seen.extend(limits(&api).await);
    seen.extend([
        ("ALLOWED_ORIGINS", origins(&api).await),
        ("CACHE_PERFORMANCE_TRACKING", tracking(&api).await),
        ("CACHE_METRICS_ENABLED", metrics(&dev, &api).await),
    ]);
    // All lines are written when the process ends.
    let request = api.request(Method::GET, "/api/cache/get/k").header("X-Request-Id", "seen-in-the-log");
    api.send(request).await.ok();
    assert_eq!(dev.process.terminate().code(), Some(0));
    seen.push(("CACHE_ACCESS_LOG_ENABLED", json!(is_logged(&dev.process.printed(), "seen-in-the-log"))));
    seen
}

/// Where it listens, and whether it does so at the default address too.
fn host(url: &str) -> Value {
    let (host, port) = url.trim_start_matches("http://").rsplit_once(':').expect("a port");
    let port = port.parse().expect("a number");
    json!([host, TcpStream::connect(("127.0.0.1", port)).is_ok()])
}

/// The limit as configured and as the node acts by it, and what is left of 40 small items.
async fn items(api: &Api, config: &Value) -> Value {
    let api = api.in_namespace("items");
    for n in 0..40 {
        api.set(&format!("k{n}"), json!(n)).await;
    }
    let stats = api.get("/api/cache/stats").await.ok()["statistics"].clone();
    json!([config["max_items"], stats["max_items"], stats["total_items"]])
}

/// The limit as configured and as the node acts by it, and whether the node holds more than 2,000 bytes after five
/// values of 450.
async fn memory(api: &Api, config: &Value) -> Value {
    let api = api.in_namespace("memory");
    for n in 0..5 {
        api.set(&format!("k{n}"), json!("x".repeat(450))).await;
    }
    let stats = api.get("/api/cache/stats").await.ok()["statistics"].clone();
    let used = stats["total_memory_usage"].as_u64().expect("a number");
    assert!(used > 450, "the last value is held: {stats}");
    json!([config["max_memory"], stats["max_memory"], used > 2_000])
}

/// Of each limit: the answer at the flipped limit, and just beyond it.
async fn limits(api: &Api) -> Vec<(&'static str, Value)> {
    let set = async |body: Value| api.post("/api/cache/set", &body).await;
    let key = async |bytes: usize| set(json!({"key": "k".repeat(bytes), "value": 1})).await;
    // With the quotes.
    let value = async |bytes: usize| set(json!({"key": "k", "value": "v".repeat(bytes - 2)})).await;
    let ttl = async |seconds: u64| set(json!({"key": "k", "value": 1, "ttl": seconds})).await;
    let batch = async |count: usize| api.post("/api/cache/get-batch", &json!(vec!["k"; count])).await;
    let body = async |bytes: usize| api.post_raw("/api/cache/get-batch", format!("[]{}", " ".repeat(bytes - 2))).await;
    vec![
        ("CACHE_MAX_KEY_LENGTH", bound(&key(20).await, &key(21).await)),
        ("CACHE_MAX_VALUE_SIZE", bound(&value(500).await, &value(501).await)),
        ("CACHE_MAX_BATCH_SIZE", bound(&batch(6).await, &batch(7).await)),
        ("CACHE_MAX_BODY_SIZE", bound(&body(1_100).await, &body(1_101).await)),
        ("CACHE_MAX_TTL", bound(&ttl(1_000).await, &ttl(1_001).await)),
    ]
}

fn bound(within: &Answer, beyond: &Answer) -> Value {
    json!([within.status, beyond.status, beyond.json()["code"]])
}

/// Whether the default origin, and the flipped one, may call.
async fn origins(api: &Api) -> Value {
    let mut allowed = Vec::new();
    for origin in ["http://localhost:3000", "https://shop.example"] {
        let answer = api.send(api.request(Method::GET, "/api/cache/get/k").header("Origin", origin)).await;
        allowed.push(answer.header("access-control-allow-origin") == Some(origin));
    }
    json!(allowed)
}

/// Whether percentiles are known, and whether counters are.
async fn tracking(api: &Api) -> Value {
    api.value("k").await;
    let statistics = api.get("/api/cache/stats").await.ok();
    let latency = statistics["statistics"]["latency_us"].as_object().expect("an object");
    assert!(!latency.is_empty());
    let known = latency.values().filter(|percentile| percentile.is_u64()).count();
    assert!(known == 0 || known == latency.len(), "{latency:?}");
    let reads = statistics["raw_stats"]["hits"].as_u64().zip(statistics["raw_stats"]["misses"].as_u64());
    json!([known > 0, reads.is_some_and(|(hits, misses)| hits + misses > 0)])
}

/// What `/metrics` answers at the router and at the node.
async fn metrics(dev: &Dev, api: &Api) -> Value {
    let node = health_port(dev);
    assert_eq!(node.get("/livez").await.status, 200);
    json!([api.get("/metrics").await.status, node.get("/metrics").await.status])
}

/// A client of the only node's health port.
fn health_port(dev: &Dev) -> Api {
    let printed = dev.process.printed();
    let url = printed.lines().find_map(|line| line.trim().strip_prefix("Health ")).expect("the banner tells it");
    Api::new(url.trim().trim_end_matches("/health"))
}

/// Whether a line of JSON tells of the request.
fn is_logged(output: &str, id: &str) -> bool {
    let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told: Vec<Value> = lines.filter(|line| line["request_id"] == id).collect();
    assert!(told.len() <= 1, "a request is one line: {told:?}");
    for line in &told {
        assert_eq!(
            (&line["method"], &line["path"], &line["status"]),
            (&json!("GET"), &json!("/api/cache/get/k"), &json!(200))
        );
    }
    !told.is_empty()
}

/// Interval of the test below, in seconds, and how long a busy machine may take beyond it. It is the shortest one: nodes
/// clean about every second whatever the interval, which is a bound, so a longer one would show nothing more.
const INTERVAL: &str = "1";
const LATE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn an_expired_item_leaves_the_node_within_the_cleanup_interval() {
    for (flags, environment) in
        [(&["--cache-cleanup-interval", INTERVAL][..], &[][..]), (&[], &[("CACHE_CLEANUP_INTERVAL", INTERVAL)])]
    {
        let dev = start(flags, environment).await;
        let node = health_port(&dev);
        dev.api().post("/api/cache/set", &json!({"key": "k", "value": 1, "ttl": 1})).await.ok();
        assert_eq!(records(&node).await, 1);
        let stored = Instant::now();
        // Nobody reads it, so nothing but the cleaning can remove it.
        wait::until("the cleaning", async || (records(&node).await == 0).then_some(())).await;
        assert!(stored.elapsed() < Duration::from_secs(1 + 1) + LATE, "{:?}", stored.elapsed());
    }
}

/// How many records the node holds, expired ones included.
async fn records(node: &Api) -> u64 {
    let metrics = node.get("/metrics").await;
    let line = metrics.text.lines().find_map(|line| line.strip_prefix("ringhold_node_records "));
    line.expect("the node tells it").parse().expect("a number")
}

/// Deadline of the test below: far below the default of 5 seconds, and its bound too.
const TIMEOUT_MS: &str = "400";
const TIMEOUT: Duration = Duration::from_millis(400);
const ANSWERED_MAX: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_request_whose_owner_hangs_is_answered_504_when_its_time_is_over() {
    let mut fleet = Fleet::prepare(1);
    fleet.start_nodes(&[0]);
    let by_flag = flag("CACHE_REQUEST_TIMEOUT_MS", TIMEOUT_MS);
    for (flags, environment) in [(&[by_flag.as_str()][..], &[][..]), (&[], &[("CACHE_REQUEST_TIMEOUT_MS", TIMEOUT_MS)])]
    {
        fleet.start_router_with(flags, environment).await;
        fleet.wait_healthy().await;
        let api = fleet.api();
        api.set("k", json!(1)).await;
        fleet.process(0).stall();
        let asked = Instant::now();
        let read = api.get("/api/cache/get/k").await;
        let took = asked.elapsed();
        let written = api.post("/api/cache/set", &json!({"key": "k", "value": 2})).await;
        fleet.process(0).signal(Signal::CONT);
        assert_eq!(read.status, 504, "{}", read.text);
        assert!((TIMEOUT..ANSWERED_MAX).contains(&took), "{took:?}");
        assert_eq!(written.status, 504, "{}", written.text);
        assert_eq!(written.json()["outcome"], "unknown", "{}", written.text);
    }
}
