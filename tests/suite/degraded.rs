//! A cluster without copies that lacks a node: what is served, and what says clearly that it is not.

use std::time::Duration;

use ringhold_model::cluster::SettingsPatch;
use serde_json::{Value, json};

use crate::{
    harness::{
        client::Api,
        cluster::{Cluster, Options},
        wait,
    },
    shown::shown,
};

const KEYS: usize = 300;

/// A cluster with keys everywhere, one node of which was stopped.
struct Degraded {
    cluster: Cluster,
    api: Api,
    stopped: usize,
    /// A key on a node that runs, and all of them.
    living: Vec<String>,
    /// Keys on the stopped node.
    dead: Vec<String>,
}

async fn fill(api: &Api) {
    let item = |n| json!({"key": format!("k{n:03}"), "value": n, "metadata": {"tags": ["all"]}});
    let items: Vec<Value> = (0..KEYS).map(item).collect();
    assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["successful_count"], KEYS);
}

fn row<'a>(stats: &'a Value, address: &str) -> &'a Value {
    let nodes = stats["nodes"].as_array().expect("a list").iter();
    nodes.clone().find(|node| node["address"] == address).unwrap_or_else(|| panic!("no {address} in {stats}"))
}

impl Degraded {
    async fn start() -> Self {
        let settings = SettingsPatch {
            replication_factor: Some(1),
            // What is gone stays gone for the time of the test.
            rehome_after_s: Some(3_600),
            reset_after_s: Some(3_600),
            ..SettingsPatch::default()
        };
        let router = |router: &mut ringhold_router::Options| router.request_timeout = Duration::from_secs(3);
        let options = Options { settings, router, ..Options::default() };
        let mut cluster = Cluster::start_with(options).await;
        let api = cluster.api();
        fill(&api).await;
        let stopped = (cluster.leader().await + 1) % 3;
        let held = row(&api.get("/api/cache/stats").await.ok(), &cluster.nodes[stopped].rpc.to_string())["statistics"]
            ["total_items"]
            .clone();
        cluster.nodes[stopped].kill();
        let keys: Vec<String> = (0..KEYS).map(|n| format!("k{n:03}")).collect();
        let batch = api.post("/api/cache/get-batch", &json!(keys)).await;
        assert_eq!(batch.header("x-cache-coverage"), Some("2/3"));
        let batch = batch.ok();
        let (mut living, mut dead) = (Vec::new(), Vec::new());
        for row in batch["results"].as_array().expect("a list") {
            let side = if row["success"] == true { &mut living } else { &mut dead };
            side.push(row["key"].as_str().expect("a key").to_owned());
            assert!(row["success"] == true || row["error"]["code"] == "unavailable", "{row}");
        }
        assert_eq!(
            (batch["found_count"].as_u64(), batch["not_found_count"].as_u64()),
            (Some(living.len() as u64), Some(0))
        );
        assert_eq!(json!(dead.len()), held, "exactly the keys of the stopped node are missing");
        assert_eq!(batch["complete"], false);
        Self { cluster, api, stopped, living, dead }
    }
}

#[tokio::test]
async fn keys_of_living_nodes_are_served_and_the_others_are_503() {
    let Degraded { cluster: _cluster, api, living, dead, .. } = Degraded::start().await;
    assert_eq!(api.get(&format!("/api/cache/get/{}", living[0])).await.ok()["found"], true);
    api.set(&living[1], json!("new")).await;
    assert_eq!(api.value(&living[1]).await, Some(json!("new")));
    assert_eq!(api.delete(&format!("/api/cache/delete/{}", living[2])).await.ok()["found"], true);
    let read = api.get(&format!("/api/cache/get/{}", dead[0])).await;
    assert!(read.refused(503, "unavailable").get("outcome").is_none(), "a read has no outcome");
    let write = api.post("/api/cache/set", &json!({"key": dead[0], "value": 1})).await;
    insta::assert_json_snapshot!(shown(&write.json()));
    let removal = api.delete(&format!("/api/cache/delete/{}", dead[0])).await;
    assert_eq!(removal.refused(503, "unavailable")["outcome"], "not_applied");
    for answer in [&read, &write, &removal] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    }
    let batch = json!([{"key": living[3], "value": 1}, {"key": dead[1], "value": 2}, {"value": 3}]);
    let answer = api.post("/api/cache/set-batch", &batch).await;
    assert_eq!(answer.header("x-cache-coverage"), Some("2/3"));
    let body = answer.ok();
    assert_eq!((body["successful_count"].as_u64(), body["failed_count"].as_u64()), (Some(1), Some(2)));
    let error = &body["results"][1]["error"];
    assert_eq!((&error["code"], &error["outcome"]), (&json!("unavailable"), &json!("not_applied")));
}

#[tokio::test]
async fn lists_and_figures_say_that_they_are_not_complete() {
    let Degraded { cluster, api, stopped, living, dead: _ } = Degraded::start().await;
    for path in ["/api/cache/keys?limit=1000", "/api/cache/keys?limit=1000&cursor="] {
        let answer = api.get(path).await;
        assert_eq!(answer.header("x-cache-coverage"), Some("2/3"), "{path}");
        let body = answer.ok();
        assert_eq!((&body["complete"], &body["total_keys"]), (&json!(false), &json!(living.len())), "{path}");
        assert_eq!((&body["coverage"]["nodes"], &body["coverage"]["nodes_total"]), (&json!(2), &json!(3)));
        assert!(body["coverage"]["ranges"].as_u64() < body["coverage"]["ranges_total"].as_u64());
        assert_eq!(body["keys"].as_array().map(Vec::len), Some(living.len()));
    }
    let answer = api.get("/api/cache/stats").await;
    assert_eq!(answer.header("x-cache-coverage"), Some("2/3"));
    let stats = answer.ok();
    assert_eq!((&stats["complete"], &stats["statistics"]["total_items"]), (&json!(false), &json!(living.len())));
    let row = row(&stats, &cluster.nodes[stopped].rpc.to_string());
    assert_eq!((&row["state"], &row["statistics"]), (&json!("down"), &Value::Null));
    for format in ["json", "ndjson"] {
        let text = api.get(&format!("/api/cache/export?format={format}")).await.text;
        let tail: Value =
            serde_json::from_str(if format == "json" { &text } else { text.lines().last().expect("a line") })
                .expect("JSON");
        assert_eq!(
            (&tail["complete"], &tail["total_items"], &tail["coverage"]["nodes"]),
            (&json!(false), &json!(living.len()), &json!(2))
        );
    }
    let namespaces = api.get("/api/namespaces").await.ok();
    assert_eq!(
        (&namespaces["complete"], &namespaces["namespaces"][0]["total_items"]),
        (&json!(false), &json!(living.len()))
    );
    let health = api.get("/health").await;
    assert_eq!((health.ok()["status"].as_str(), health.header("x-cache-coverage")), (Some("degraded"), Some("2/3")));
    let members = api.get("/api/cluster").await.ok();
    assert!(members["nodes"].as_array().expect("a list").iter().any(|node| node["state"] == "down"), "{members}");
    assert!(members["ranges"]["unavailable"].as_u64() > Some(0), "{members}");
}

#[tokio::test]
async fn patterns_and_tags_are_503_until_every_range_did_it_and_a_whole_clear_holds_for_who_is_down_too() {
    let Degraded { mut cluster, api, stopped, living, dead } = Degraded::start().await;
    let answer = api.post("/api/cache/invalidate", &json!({"pattern": "k0*"})).await;
    let body = answer.refused(503, "incomplete");
    let count = living.iter().filter(|key| key.starts_with("k0")).count();
    assert_eq!(
        (&body["deleted_count"], &body["complete"], &body["coverage"]["nodes"]),
        (&json!(count), &json!(false), &json!(2))
    );
    assert_eq!((answer.header("x-cache-coverage"), answer.header("retry-after")), (Some("2/3"), Some("1")));
    let starting = |pattern| living.iter().filter(|key| key.starts_with(pattern)).count();
    let answer = api.post("/api/cache/clear?pattern=k1*", &Value::Null).await;
    let body = answer.refused(503, "incomplete");
    assert_eq!((&body["deleted_count"], answer.header("x-cache-coverage")), (&json!(starting("k1")), Some("2/3")));
    // Without a pattern it is one entry of the log, and the stopped node acts by it before it serves again. It cannot tell what
    // that removes there.
    let answer = api.post("/api/cache/clear", &Value::Null).await;
    assert_eq!(answer.header("x-cache-coverage"), Some("2/3"));
    let body = answer.ok();
    assert_eq!((&body["deleted_count"], &body["complete"]), (&json!(starting("k2")), &json!(false)));
    cluster.restart(stopped);
    cluster.wait_healthy().await;
    for path in ["/api/cache/clear?pattern=k1*", "/api/cache/clear"] {
        assert_eq!(api.post(path, &Value::Null).await.ok()["deleted_count"], 0, "{path}");
    }
    assert_eq!(api.post("/api/cache/invalidate", &json!({"tags": ["all"]})).await.ok()["complete"], true);
    assert_eq!(api.value(&dead[0]).await, None);
    fill(&api).await;
    assert_eq!(api.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], KEYS);
}

#[tokio::test]
async fn a_node_that_restarted_begins_empty_and_serves() {
    let Degraded { mut cluster, api, stopped, living, dead } = Degraded::start().await;
    cluster.restart(stopped);
    cluster.wait_healthy().await;
    let batch = api.post("/api/cache/get-batch", &json!(dead)).await;
    assert_eq!(
        (batch.ok()["not_found_count"].as_u64(), batch.header("x-cache-coverage")),
        (Some(dead.len() as u64), Some("3/3"))
    );
    let batch = api.post("/api/cache/get-batch", &json!(living)).await.ok();
    assert_eq!(batch["found_count"], living.len(), "nobody else lost anything");
    fill(&api).await;
    assert_eq!(api.get("/api/cache/keys").await.ok()["total_keys"], KEYS);
}

#[tokio::test]
async fn without_a_majority_changes_of_the_cluster_are_503_and_living_keys_are_served() {
    let Degraded { mut cluster, api, stopped, .. } = Degraded::start().await;
    let other = (0..3).find(|number| *number != stopped).expect("a running node");
    cluster.nodes[other].kill();
    let batch =
        api.post("/api/cache/get-batch", &json!((0..KEYS).map(|n| format!("k{n:03}")).collect::<Vec<_>>())).await.ok();
    assert!(batch["found_count"].as_u64() > Some(50), "{}", batch["message"]);
    let answer = api.patch("/api/cache/config", &json!({"max_items": 5})).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.json()["outcome"].is_string() && answer.header("retry-after").is_some(), "{}", answer.text);
    let answer = api.in_namespace("new").post("/api/cache/set", &json!({"key": "k", "value": 1})).await;
    assert_eq!(answer.refused(503, "unavailable")["outcome"], "not_applied");
    let answer = api.post("/api/cache/clear", &Value::Null).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    wait::until("a router that is not ready", async || (api.get("/readyz").await.status == 503).then_some(())).await;
    assert_eq!(api.get("/livez").await.status, 200);
    assert_ne!(api.get("/health").await.ok()["status"], "healthy");
    for number in [stopped, other] {
        cluster.restart(number);
    }
    cluster.wait_healthy().await;
    api.patch("/api/cache/config", &json!({"max_items": 5_000})).await.ok();
}

#[tokio::test]
async fn a_deadline_that_passes_is_504_and_a_write_tells_its_outcome() {
    let options =
        Options { nodes: 1, router: |router| router.request_timeout = Duration::from_nanos(1), ..Options::default() };
    let cluster = Cluster::start_with(options).await;
    let api = cluster.api();
    let read = api.get("/api/cache/get/k").await;
    assert!(read.refused(504, "deadline_passed").get("outcome").is_none());
    let write = api.post("/api/cache/set", &json!({"key": "k", "value": 1})).await.refused(504, "deadline_passed");
    assert!(["unknown", "not_applied"].iter().any(|word| write["outcome"] == *word), "{write}");
    let batch = api.post("/api/cache/set-batch", &json!([{"key": "k", "value": 1}])).await.ok();
    assert_eq!(batch["results"][0]["error"]["code"], "deadline_passed");
}

#[tokio::test]
async fn a_router_without_a_cluster_says_so() {
    let options = Options {
        nodes: 1,
        router: |router| router.request_timeout = Duration::from_millis(300),
        ..Options::default()
    };
    let mut cluster = Cluster::start_with(options).await;
    let api = cluster.api();
    cluster.nodes[0].stop();
    wait::until("an unhealthy router", async || (api.get("/health").await.ok()["status"] == "unhealthy").then_some(()))
        .await;
    assert_eq!(api.get("/readyz").await.status, 503);
    assert_eq!(api.get("/livez").await.status, 200);
    let code = api.get("/api/cache/get/k").await;
    assert!([503, 504].contains(&code.status), "{}", code.text);
    assert_eq!(api.get("/docs").await.status, 200);
}
