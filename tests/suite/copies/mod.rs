//! Copies: held, taken over, handed over, filled; and what is asked of them while they move.

mod changes;
mod filling;
mod loss;
mod stopping;
mod traffic;

use std::sync::Arc;

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, SettingsPatch},
};
use serde_json::{Value, json};

use crate::harness::{client::Api, cluster::Cluster, wait};

const KEYS: usize = 400;

fn key(n: usize) -> String {
    format!("k{n:04}")
}

async fn fill(api: &Api, count: usize, version: u64) {
    let item = |n| json!({"key": key(n), "value": [n, version], "metadata": {"tags": [format!("t{}", n % 4)]}});
    let items: Vec<Value> = (0..count).map(item).collect();
    let answer = api.post("/api/cache/set-batch", &json!(items)).await.ok();
    assert_eq!(answer["failed_count"], 0, "{:.1000}", answer.to_string());
}

/// The values that could be read, and how many could not.
async fn read(api: &Api, count: usize) -> (Vec<Option<Value>>, usize) {
    let keys: Vec<String> = (0..count).map(key).collect();
    let answer = api.post("/api/cache/get-batch", &json!(keys)).await.ok();
    let row = |row: &Value| {
        let found = row["success"] == true && row["result"]["found"] == true;
        found.then(|| row["result"]["cache_item"]["value"].clone())
    };
    let rows = answer["results"].as_array().expect("a list");
    (rows.iter().map(row).collect(), answer["failed_count"].as_u64().expect("a number") as usize)
}

/// Every key must be readable, and be what was written last.
async fn read_all(api: &Api, count: usize, version: u64) {
    let (values, failed) = read(api, count).await;
    assert_eq!(failed, 0);
    for (n, value) in values.into_iter().enumerate() {
        assert_eq!(value, Some(json!([n, version])), "{}", key(n));
    }
}

/// Whether a node is an in-sync member of any range.
fn holds(state: &ClusterState, node: NodeId) -> bool {
    state.ranges.iter().any(|record| record.in_sync.iter().any(|member| member.node == node))
}

/// Waits until nothing moves any more; every range must have `copies` copies then, and have lost nothing since the start.
async fn settle(cluster: &Cluster, copies: usize) -> Arc<ClusterState> {
    let state = cluster.settled().await;
    for record in &state.ranges {
        assert_eq!((record.in_sync.len(), record.resets), (copies, 0), "{record:?}");
    }
    state
}

/// Waits until a node says that it is ready.
async fn wait_ready(cluster: &Cluster, number: usize) -> Api {
    let health = Api::new(format!("http://{}", cluster.nodes[number].health));
    wait::until("the node to be ready", async || (health.get("/readyz").await.status == 200).then_some(())).await;
    health
}

async fn copy_items(api: &Api) -> Value {
    api.get("/api/cache/stats").await.ok()["statistics"]["copy_items"].clone()
}

fn filling_at(fill_bytes_per_s: u64) -> SettingsPatch {
    SettingsPatch { fill_bytes_per_s: Some(fill_bytes_per_s), ..SettingsPatch::default() }
}
