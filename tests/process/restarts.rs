//! What stays when nodes end and come back.

use serde_json::json;

use crate::{fleet::Fleet, harness::wait};

#[tokio::test]
async fn a_killed_node_returns_under_its_id_with_the_configuration_and_is_filled_again() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    api.patch("/api/cache/config", &json!({"default_ttl": 77})).await.ok();
    let keys = fleet.keys_by_owner(3).await;
    for key in keys.iter().flatten() {
        api.set(key, json!("kept")).await;
    }
    let victim = (fleet.leader().await + 1) % 3;
    let id = fleet.id(victim).await;

    fleet.kill(&[victim]);
    fleet.start_nodes(&[victim]);
    fleet.wait_ready(victim).await;
    fleet.wait_healthy().await;

    assert_eq!(fleet.id(victim).await, id);
    for (owner, keys) in keys.iter().enumerate() {
        for key in keys {
            let value = api.value(key).await;
            assert_eq!(value, Some(json!("kept")), "{key} of node {owner}, after node {victim} was killed");
        }
    }
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!(stats["statistics"]["copy_items"], stats["statistics"]["total_items"], "{stats}");
    // The configuration acts at the node that returned.
    let key = &keys[victim][0];
    assert_eq!(api.set(key, json!("new")).await["ttl"], 77);
    assert_eq!(api.value(key).await, Some(json!("new")));
    assert_eq!(fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn after_a_crash_of_all_the_configuration_stays_and_the_memory_is_empty() {
    crash_of_all(&[]).await;
}

#[tokio::test]
async fn the_other_store_of_the_raft_log_survives_a_crash_of_all_as_well() {
    crash_of_all(&["--store", "redb"]).await;
}

async fn crash_of_all(flags: &[&str]) {
    let mut fleet = Fleet::prepare(3).with_flags(flags);
    fleet.start_nodes(&[0, 1, 2]);
    fleet.start_router().await;
    fleet.wait_healthy().await;
    let api = fleet.api();
    let shop = api.in_namespace("shop");
    api.set("a", json!(1)).await;
    shop.set("b", json!(2)).await;
    api.patch("/api/cache/config", &json!({"max_items": 555, "default_ttl": 66})).await.ok();
    shop.patch("/api/cache/config", &json!({"default_ttl": 5})).await.ok();
    let before = fleet.cluster().await;

    fleet.kill(&[0, 1, 2]);
    fleet.start_nodes(&[2, 1, 0]);
    for number in 0..3 {
        fleet.wait_ready(number).await;
    }
    fleet.wait_healthy().await;

    let after = fleet.cluster().await;
    assert_eq!(after["cluster"], before["cluster"]);
    for number in 0..3 {
        assert_eq!(fleet.id_in(&after, number), fleet.id_in(&before, number), "{after}");
    }
    assert_eq!(after["ranges"]["serving"], after["ranges"]["total"], "{after}");
    let config = api.get("/api/cache/config").await.ok();
    assert_eq!((&config["config"]["max_items"], &config["config"]["default_ttl"]), (&json!(555), &json!(66)));
    assert_eq!(shop.get("/api/cache/config").await.ok()["config"]["default_ttl"], 5);
    let namespaces = api.get("/api/namespaces").await.ok();
    assert!(namespaces.to_string().contains("\"shop\""), "{namespaces}");
    assert_eq!(api.value("a").await, None, "what was in memory is gone");
    assert_eq!(shop.value("b").await, None, "what was in memory is gone");
    assert_eq!(api.set("a", json!(3)).await["ttl"], 66);
    assert_eq!(api.value("a").await, Some(json!(3)));
    assert_eq!(fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn a_node_that_returns_at_another_address_is_served_again() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    let moved = fleet.leader().await;
    let id = fleet.id(moved).await;
    let keys = fleet.keys_by_owner(3).await;

    assert_eq!(fleet.terminate(moved).code(), Some(0));
    fleet.move_elsewhere(moved);
    fleet.start_nodes(&[moved]);
    fleet.wait_ready(moved).await;
    wait::until("the router to find the node at its new address", async || {
        let cluster = api.get("/api/cluster").await;
        (cluster.status == 200 && fleet.id_in(&cluster.json(), moved) == Some(id)).then_some(())
    })
    .await;
    fleet.wait_healthy().await;
    for key in &keys[moved] {
        api.set(key, json!("back")).await;
        assert_eq!(api.value(key).await, Some(json!("back")));
    }
}
