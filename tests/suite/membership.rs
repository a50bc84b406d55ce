//! Nodes that come, go, move and lose their memory.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    client::Api,
    cluster::{Cluster, TestNode},
    wait,
};

async fn fill(api: &Api, count: usize) {
    let items: Vec<Value> = (0..count).map(|n| json!({"key": format!("k{n}"), "value": n})).collect();
    for chunk in items.chunks(1_000) {
        assert_eq!(api.post("/api/cache/set-batch", &json!(chunk)).await.ok()["failed_count"], 0);
    }
}

/// How many of the keys are there.
async fn found(api: &Api, count: usize) -> u64 {
    let keys: Vec<String> = (0..count).map(|n| format!("k{n}")).collect();
    let answer = api.post("/api/cache/get-batch", &json!(keys)).await.ok();
    assert_eq!(answer["failed_count"], 0, "{:.1000}", answer.to_string());
    answer["found_count"].as_u64().expect("a number")
}

/// The row of a node in the cluster's answer, once it is there.
async fn row(api: &Api, node: &TestNode) -> Option<Value> {
    let body = api.get("/api/cluster").await.ok();
    let rpc = node.rpc.to_string();
    body["nodes"].as_array()?.iter().find(|row| row["addresses"]["rpc"] == rpc).cloned()
}

async fn wait_active(api: &Api, node: &TestNode) -> Value {
    wait::until("the node to be active", async || row(api, node).await.filter(|row| row["state"] == "active")).await
}

#[tokio::test]
async fn a_node_that_joins_an_empty_cluster_gets_its_share() {
    let mut cluster = Cluster::start().await;
    let number = cluster.add_node();
    let api = cluster.api();
    let node = &cluster.nodes[number];
    wait_active(&api, node).await;
    let ranges = wait::until("its share of the ranges", async || {
        row(&api, node).await?["primary_ranges"].as_u64().filter(|ranges| *ranges >= 14)
    })
    .await;
    assert!(ranges <= 18, "{ranges} of 64");
    cluster.wait_healthy().await;
    fill(&api, 500).await;
    assert_eq!(found(&api, 500).await, 500);
    let stats = api.get("/api/cache/stats").await;
    assert_eq!(stats.header("x-cache-coverage"), Some("4/4"));
    let own = stats.ok()["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|row| row["address"] == node.rpc.to_string())
        .cloned();
    assert!(own.expect("its row")["statistics"]["total_items"].as_u64() > Some(60));
}

#[tokio::test]
async fn a_node_that_starts_elsewhere_is_served_again() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, 300).await;
    let (id, former) = (cluster.nodes[1].handle().node_id(), cluster.nodes[1].rpc);
    cluster.nodes[1].stop();
    cluster.restart_elsewhere(1);
    assert_ne!(cluster.nodes[1].rpc, former);
    let row = wait_active(&api, &cluster.nodes[1]).await;
    assert_eq!(row["id"].as_u64(), id.map(|id| id.0), "the same node");
    cluster.wait_healthy().await;
    assert_eq!(found(&api, 300).await, 300, "it handed over what it held");
    fill(&api, 300).await;
    assert_eq!(found(&api, 300).await, 300);
    let body = api.get("/api/cluster").await.ok();
    assert_eq!(body["nodes"].as_array().map(Vec::len), Some(3), "{body}");
}

#[tokio::test]
async fn a_wiped_node_comes_back_under_a_new_id() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, 300).await;
    let former = cluster.nodes[2].handle().node_id();
    cluster.nodes[2].stop();
    cluster.wipe(2);
    cluster.restart(2);
    let id = wait::until("a new id", async || cluster.nodes[2].handle().node_id()).await;
    assert_ne!(Some(id), former);
    cluster.wait_healthy().await;
    wait::until("every range to be served", async || {
        let body = api.get("/api/cluster").await.ok();
        (body["ranges"]["serving"] == body["ranges"]["total"]).then_some(())
    })
    .await;
    assert_eq!(found(&api, 300).await, 300, "it handed over what it held");
    fill(&api, 300).await;
    assert_eq!(found(&api, 300).await, 300);
    api.patch("/api/cache/config", &json!({"default_ttl": 60})).await.ok();
}

#[tokio::test]
async fn the_loss_of_the_leader_stops_config_writes_briefly_and_reads_not_at_all() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, 300).await;
    let leader = cluster.leader().await;
    cluster.nodes[leader].kill();
    let start = Instant::now();
    let reads = async {
        let mut slowest = Duration::ZERO;
        for n in (0..300).chain(0..100) {
            let asked = Instant::now();
            assert_eq!(api.value(&format!("k{n}")).await, Some(json!(n)));
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let change = async {
        wait::until("a config write", async || {
            let answer = api.patch("/api/cache/config", &json!({"max_items": 7_777})).await;
            (answer.status == 200).then_some(start.elapsed())
        })
        .await
    };
    let (slowest, taken) = futures_util::future::join(reads, change).await;
    println!(
        "config writes worked again {taken:?} after the leader stopped; the slowest read meanwhile took {slowest:?}"
    );
    assert!(taken < Duration::from_secs(10), "{taken:?}");
    assert_ne!(cluster.leader().await, leader);
    assert_eq!(api.get("/api/cache/config").await.ok()["config"]["max_items"], 7_777);
}

#[tokio::test]
async fn when_all_restart_the_configuration_stays_and_memory_is_empty() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, 100).await;
    api.in_namespace("tenant").set("k", json!(1)).await;
    let config = api.patch("/api/cache/config", &json!({"max_items": 4_321, "default_ttl": 99})).await.ok();
    for number in 0..3 {
        cluster.nodes[number].kill();
    }
    for number in 0..3 {
        cluster.restart(number);
    }
    cluster.wait_healthy().await;
    let after = api.get("/api/cache/config").await.ok();
    assert_eq!((&after["config"], &after["version"]), (&config["config"], &config["version"]));
    assert_eq!(found(&api, 100).await, 0);
    let names = api.get("/api/namespaces").await.ok();
    assert!(names["namespaces"].as_array().expect("a list").iter().any(|row| row["name"] == "tenant"), "{names}");
    fill(&api, 100).await;
    assert_eq!(found(&api, 100).await, 100);
}

#[tokio::test]
async fn a_node_that_joined_later_takes_part_after_a_restart() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    let number = cluster.add_node();
    let id = wait_active(&api, &cluster.nodes[number]).await["id"].clone();
    cluster.nodes[number].stop();
    cluster.restart(number);
    assert_eq!(wait_active(&api, &cluster.nodes[number]).await["id"], id);
    cluster.wait_healthy().await;
    fill(&api, 300).await;
    assert_eq!(found(&api, 300).await, 300);
}
