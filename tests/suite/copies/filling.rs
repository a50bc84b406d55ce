//! Nodes that are filled.

use ringhold_model::cluster::RangeRecord;
use serde_json::{Value, json};

use super::{KEYS, copy_items, fill, filling_at, key, read, read_all, settle, wait_ready};
use crate::harness::{client::Api, cluster::Cluster, wait};

#[tokio::test]
async fn a_node_that_joins_is_filled_and_takes_its_share() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    let number = cluster.add_node();
    wait::until("its start", async || cluster.nodes[number].handle().incarnation()).await;
    let own = cluster.id(number);
    wait::until("its share of the ranges", async || (cluster.state().primaries_of(own).count() >= 14).then_some(()))
        .await;
    assert!(settle(&cluster, 2).await.primaries_of(own).count() <= 18);
    read_all(&api, KEYS, 1).await;
    fill(&api, KEYS, 2).await;
    let stats = api.get("/api/cache/stats").await;
    assert_eq!(stats.header("x-cache-coverage"), Some("4/4"));
    let stats = stats.ok();
    let address = cluster.nodes[number].rpc.to_string();
    let row = stats["nodes"].as_array().expect("a list").iter().find(|row| row["address"] == address).expect("its row");
    assert!(row["statistics"]["total_items"].as_u64() > Some(50), "{row}");
    assert_eq!(stats["statistics"]["copy_items"], KEYS);
}

#[tokio::test]
async fn a_node_that_comes_back_is_filled_before_it_is_ready() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    let number = cluster.follower().await;
    cluster.nodes[number].kill();
    cluster.restart(number);
    let health = wait_ready(&cluster, number).await;
    let own = cluster.id(number);
    let seen = cluster.nodes[number].handle().state();
    let plan = seen.plan.as_ref().expect("a plan");
    for (record, owners) in seen.ranges.iter().zip(&plan.owners) {
        let is_member = record.in_sync.iter().any(|member| member.node == own);
        assert!(is_member || !owners.contains(&own), "{record:?}");
    }
    settle(&cluster, 2).await;
    read_all(&api, KEYS, 1).await;
    assert_eq!(copy_items(&api).await, KEYS);
    let verbose = health.get("/readyz?verbose").await.ok();
    let names: Vec<&str> =
        verbose.as_array().expect("a list").iter().filter_map(|check| check["name"].as_str()).collect();
    assert!(names.contains(&"lease") && names.contains(&"filled"), "{verbose}");
}

#[tokio::test]
async fn what_is_removed_while_a_node_is_filled_does_not_come_back() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    // So slow that all of it happens while ranges are filled.
    cluster.patch(filling_at(50_000)).await;
    let spaces: Vec<Api> = (0..3).map(|n| api.in_namespace(&format!("space-{n}"))).collect();
    for space in &spaces {
        fill(space, KEYS, 1).await;
    }
    let number = cluster.add_node();
    wait::until("it to be filled", async || {
        let own = cluster.nodes[number].handle().node_id()?;
        let is_filled = |record: &RangeRecord| record.pending.is_some_and(|member| member.node == own);
        cluster.state().ranges.iter().any(is_filled).then_some(())
    })
    .await;
    assert_eq!(spaces[0].post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], KEYS);
    let answer = spaces[1].post("/api/cache/invalidate", &json!({"tags": ["t1", "t2"]})).await.ok();
    assert_eq!(answer["deleted_count"], KEYS / 2);
    for n in 0..10 {
        assert_eq!(spaces[2].delete(&format!("/api/cache/delete/{}", key(n))).await.ok()["found"], true);
    }
    cluster.patch(filling_at(0)).await;
    settle(&cluster, 2).await;
    for (space, left) in spaces.iter().zip([0, KEYS / 2, KEYS - 10]) {
        let (values, failed) = read(space, KEYS).await;
        assert_eq!((values.iter().flatten().count(), failed), (left, 0));
        let statistics = &space.get("/api/cache/stats").await.ok()["statistics"];
        assert_eq!((&statistics["total_items"], &statistics["copy_items"]), (&json!(left), &json!(left)));
    }
}
