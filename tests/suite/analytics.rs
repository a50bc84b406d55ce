//! How the cache is used and what it holds, asked through the API.

use serde_json::{Value, json};

use crate::{
    harness::{
        client::Api,
        cluster::{Cluster, Options},
        wait,
    },
    shared,
};

async fn analytics(api: &Api, topic: &str) -> Value {
    let answer = api.get(&format!("/api/cache/analytics/{topic}")).await;
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    let body = answer.ok();
    assert_eq!(body["complete"], true);
    assert!(body["merging"].as_object().is_some_and(|merging| !merging.is_empty()));
    body
}

fn sum(rows: &Value, name: &str) -> u64 {
    rows.as_array().expect("a list").iter().map(|row| row[name].as_u64().expect("a number")).sum()
}

fn row<'a>(rows: &'a Value, name: &str, is: &Value) -> &'a Value {
    let mut rows = rows.as_array().expect("a list").iter();
    rows.find(|row| row[name] == *is).unwrap_or_else(|| panic!("no {name} {is}"))
}

async fn fill(api: &Api) {
    let prefixes = ["user:", "order:", ""];
    let items = (0..300).map(|n| json!({"key": format!("{}{n}", prefixes[n % 3]), "value": n, "ttl": n % 2 * 30}));
    api.post("/api/cache/set-batch", &json!(items.collect::<Vec<_>>())).await.ok();
}

#[tokio::test]
async fn a_hot_key_is_found_with_its_count_within_the_bounds() {
    let api = shared::api();
    fill(&api).await;
    for _ in 0..40 {
        api.value("user:6").await;
    }
    let body = analytics(&api, "hot-keys?limit=3").await;
    let keys = body["hot_keys"].as_array().expect("a list");
    assert_eq!((keys.len(), &keys[0]["key"], &body["limit"]), (3, &json!("user:6"), &json!(3)));
    let (count, error) = (keys[0]["count"].as_u64().unwrap(), keys[0]["error"].as_u64().unwrap());
    assert!(count <= 41 && 41 <= count + error, "{body}");
    assert!(count > body["unlisted_max"].as_u64().unwrap());
    api.delete("/api/cache/delete/user:6").await.ok();
    let body = analytics(&api, "hot-keys").await;
    assert!(body["hot_keys"].as_array().expect("a list").iter().all(|key| key["key"] != "user:6"), "{body}");
    let unknown = analytics(&shared::api(), "hot-keys").await;
    assert_eq!(unknown["hot_keys"], json!([]), "tenants see nothing of each other");
}

#[tokio::test]
async fn use_is_told_by_prefix_and_over_time() {
    let api = shared::api();
    fill(&api).await;
    for n in 0..20 {
        api.value(&format!("user:{}", n * 3)).await;
        api.value(&format!("gone:{n}")).await;
    }
    let body = analytics(&api, "access-patterns").await;
    let counts = |prefix: Value| {
        let row = row(&body["prefixes"], "prefix", &prefix);
        ["operations", "hits", "misses", "writes"].map(|name| row[name].as_u64().expect("a number"))
    };
    assert_eq!(counts(json!("user")), [120, 20, 0, 100]);
    assert_eq!(counts(json!("gone")), [20, 0, 20, 0]);
    assert_eq!(counts(Value::Null), [100, 0, 0, 100]);
    assert_eq!(row(&body["prefixes"], "prefix", &json!("user"))["hit_rate"], 100.0);
    assert_eq!(sum(&body["prefixes"], "operations") + body["other_prefixes"]["operations"].as_u64().unwrap(), 340);
    let minutes = &body["minutes"];
    assert_eq!(minutes.as_array().map(Vec::len), Some(60));
    assert_eq!((sum(minutes, "operations"), sum(minutes, "hits"), sum(minutes, "misses")), (340, 20, 20));
    assert_eq!((sum(minutes, "sets"), sum(minutes, "evictions")), (300, 0));
    wait::until("the rate of the last minute", async || {
        let body = analytics(&api, "access-patterns?limit=1").await;
        assert_eq!(body["prefixes"].as_array().map(Vec::len), Some(1));
        (body["operations_per_second"]["15m"].as_f64() > Some(0.3)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn evictions_are_told_by_cause() {
    let api = shared::api();
    api.patch("/api/cache/config", &json!({"max_items": 10})).await.ok();
    fill(&api).await;
    let (body, stats) = (analytics(&api, "access-patterns").await, api.get("/api/cache/stats").await.ok());
    let causes = body["evictions"].as_object().expect("an object");
    let all: u64 = causes.values().map(|count| count.as_u64().expect("a number")).sum();
    assert_eq!(Some(all), stats["raw_stats"]["evictions"].as_u64());
    assert!(causes["max_items"].as_u64() >= Some(200) && causes["max_memory"] == 0, "{body}");
}

#[tokio::test]
async fn memory_and_times_to_live_add_up_to_the_statistics() {
    let api = shared::api();
    fill(&api).await;
    api.set("text", json!("a text")).await;
    let stats = api.get("/api/cache/stats").await.ok();
    let (items, bytes) = (&stats["statistics"]["total_items"], &stats["statistics"]["total_memory_usage"]);
    let memory = analytics(&api, "memory").await;
    let ttl = analytics(&api, "ttl").await;
    for body in [&memory, &ttl] {
        assert_eq!((&body["total_items"], &body["total_memory_usage"]), (items, bytes));
        assert_eq!((&body["items_looked_at"], &body["is_sample"]), (items, &json!(false)));
    }
    for rows in ["data_types", "prefixes"] {
        assert_eq!(json!(sum(&memory[rows], "items")), *items, "{rows}");
        assert_eq!(json!(sum(&memory[rows], "bytes")), *bytes, "{rows}");
    }
    assert_eq!(row(&memory["data_types"], "data_type", &json!("number"))["items"], 300);
    assert_eq!(row(&memory["prefixes"], "prefix", &json!("order"))["items"], 100);
    assert_eq!(row(&memory["prefixes"], "prefix", &Value::Null)["items"], 101);
    assert_eq!(row(&ttl["buckets"], "within_seconds", &json!(60))["items"], 150);
    assert_eq!(row(&ttl["buckets"], "within_seconds", &json!(3_600))["items"], 1, "the default");
    assert_eq!(ttl["never"]["items"], 150);
    assert_eq!(json!(sum(&ttl["buckets"], "bytes") + ttl["never"]["bytes"].as_u64().unwrap()), *bytes);
}

#[tokio::test]
async fn backends_tell_their_work_and_how_long_it_took() {
    let api = shared::api();
    fill(&api).await;
    for n in 0..10 {
        api.value(&format!("user:{}", n * 3)).await;
    }
    let body = analytics(&api, "backends").await;
    let memory = row(&body["backends"], "backend", &json!("memory"));
    assert_eq!((&memory["total_items"], &memory["is_default"]), (&json!(300), &json!(true)));
    let get = &memory["operations"]["get"];
    assert_eq!((&get["count"], &memory["errors"]["failed"]), (&json!(10), &json!(0)));
    let times: Vec<_> =
        ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"].map(|name| get[name].as_u64().unwrap()).into();
    assert!(times.is_sorted() && get["mean_us"].as_f64().unwrap() <= times[4] as f64, "{get}");
    assert!((1..=3).contains(&memory["operations"]["batch"]["count"].as_u64().unwrap()), "{memory}");
}

#[tokio::test]
async fn limits_and_backends_are_checked() {
    let api = shared::api();
    for query in ["hot-keys?limit=0", "hot-keys?limit=501", "memory?limit=257", "ttl?backend=mongo", "memory?limit=x"] {
        api.get(&format!("/api/cache/analytics/{query}")).await.refused(422, "validation_error");
    }
    api.get("/api/cache/analytics/nothing").await.refused(404, "not_found");
}

#[tokio::test]
async fn what_a_dead_node_counted_is_missing_and_the_rest_says_so() {
    let mut cluster = Cluster::start_with(Options::default()).await;
    let api = cluster.api();
    fill(&api).await;
    let before = api.get("/api/cache/analytics/memory").await.ok();
    let stopped = (cluster.leader().await + 1) % 3;
    cluster.nodes[stopped].kill();
    let after = wait::until("the others serve all ranges", async || {
        let body = api.get("/api/cache/analytics/memory").await.ok();
        (body["complete"] == true).then_some(body)
    })
    .await;
    for name in ["total_items", "total_memory_usage", "data_types", "prefixes"] {
        assert_eq!(after[name], before[name], "{name}: copies became primaries");
    }
    let used = api.get("/api/cache/analytics/access-patterns").await;
    let writes: u64 = sum(&used.ok()["prefixes"], "writes");
    assert!((100..300).contains(&writes), "what two of three nodes counted: {writes}");
    assert_eq!(used.header("x-cache-coverage"), Some("2/3"));
    for n in 0..30 {
        api.value(&format!("user:{}", n * 3)).await;
        api.value("user:0").await;
    }
    let hot = api.get("/api/cache/analytics/hot-keys?limit=1").await.ok();
    let (key, count) = (&hot["hot_keys"][0]["key"], &hot["hot_keys"][0]["count"]);
    assert!(key == "user:0" && count.as_u64() >= Some(25), "the new primaries count from their beginning: {hot}");
}
