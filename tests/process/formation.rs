//! Forming a cluster, joining it, and what must not form one.

use serde_json::json;

use crate::{fleet::Fleet, harness::wait};

#[tokio::test]
async fn nodes_and_router_form_a_cluster_in_whatever_order_they_start() {
    let mut fleet = Fleet::prepare(3);
    fleet.start_router().await;
    let api = fleet.api();
    assert_eq!(api.get("/livez").await.status, 200);
    assert_eq!(api.get("/readyz").await.status, 503);

    for (number, others) in [(2, "both others"), (0, "the last one")] {
        fleet.start_nodes(&[number]);
        wait::until("the node to serve its health", async || fleet.ask_node(number, "/livez").await).await;
        let ready = fleet.ask_node(number, "/readyz?verbose").await.expect("the node serves its health");
        assert_eq!(ready.status, 503, "without {others}: {}", ready.text);
        assert_eq!(api.get("/readyz").await.status, 503, "without {others}");
    }
    fleet.start_nodes(&[1]);
    fleet.wait_healthy().await;
    for number in 0..3 {
        fleet.wait_ready(number).await;
    }

    let cluster = fleet.cluster().await;
    assert_eq!(cluster["voters"].as_array().map(Vec::len), Some(3), "{cluster}");
    assert_eq!(cluster["ranges"]["serving"], cluster["ranges"]["total"], "{cluster}");
    let written = api.set("user:1", json!({"name": "Ada"})).await;
    assert_eq!(written["copies"], 2);
    assert_eq!(api.value("user:1").await, Some(json!({"name": "Ada"})));
    assert_eq!(fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn a_fourth_node_joins_a_running_cluster_and_learns_its_configuration() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    api.patch("/api/cache/config", &json!({"max_items": 77})).await.ok();
    for n in 0..50 {
        api.set(&format!("k{n}"), n.into()).await;
    }

    // It is told of a follower alone, which must send it on to the leader.
    let follower = (fleet.leader().await + 1) % 3;
    let fourth = fleet.join(&[follower]);
    fleet.wait_ready(fourth).await;
    wait::until("the fourth node to be counted", async || {
        let health = api.get("/health").await;
        (health.header("x-cache-coverage") == Some("4/4")).then_some(())
    })
    .await;

    let stats = api.get("/api/cache/stats").await.ok();
    let nodes = stats["nodes"].as_array().expect("a list of nodes");
    assert_eq!(nodes.len(), 4);
    assert!(nodes.iter().all(|node| node["statistics"]["max_items"] == 77), "{stats}");
    assert_eq!(stats["statistics"]["total_items"], 50, "nothing is lost: {stats}");
    let id = fleet.id_in(&fleet.cluster().await, fourth).expect("the fourth node is active");
    // The router sees the membership as often as it polls.
    let cluster = wait::until("the fourth node to get the log", async || {
        let cluster = fleet.cluster().await;
        let learners = cluster["learners"].as_array()?;
        learners.iter().any(|learner| *learner == id).then_some(cluster)
    })
    .await;
    assert!(
        cluster["voters"].as_array().is_some_and(|voters| voters.len() == 3),
        "an even number of voters: {cluster}"
    );

    // It comes back under its id, without being told of anybody new.
    fleet.kill(&[fourth]);
    fleet.start_nodes(&[fourth]);
    fleet.wait_ready(fourth).await;
    assert_eq!(fleet.id(fourth).await, id);
    assert_eq!(fleet.terminate(fourth).code(), Some(0));
    assert_eq!(fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn a_wiped_seed_forms_no_cluster_alone_and_rejoins_the_old_one_under_a_new_id() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    api.patch("/api/cache/config", &json!({"default_ttl": 41})).await.ok();
    let ids = [fleet.id(0).await, fleet.id(1).await, fleet.id(2).await];
    let name = fleet.cluster().await["cluster"].clone();
    for number in 0..3 {
        assert_eq!(fleet.terminate(number).code(), Some(0));
    }

    // Of the list it was founded with, it alone is there, with an empty folder.
    fleet.wipe(0);
    fleet.start_nodes(&[0]);
    wait::until("the wiped seed to be told many times that nobody is there", async || {
        let log = fleet.process(0).logged();
        (log.matches("waiting for seeds").count() >= 2).then_some(())
    })
    .await;
    let ready = fleet.ask_node(0, "/readyz?verbose").await.expect("it serves its health");
    assert_eq!(ready.status, 503, "{}", ready.text);
    assert_eq!(api.get("/readyz").await.status, 503);

    fleet.start_nodes(&[1, 2]);
    fleet.wait_ready(0).await;
    wait::until("the wiped seed to serve in the old cluster", async || {
        let cluster = api.get("/api/cluster").await;
        (cluster.status == 200 && fleet.id_in(&cluster.json(), 0).is_some()).then_some(())
    })
    .await;
    let cluster = fleet.cluster().await;
    assert_eq!(cluster["cluster"], name);
    assert_ne!(fleet.id(0).await, ids[0], "{cluster}");
    assert_eq!([fleet.id(1).await, fleet.id(2).await], ids[1..], "{cluster}");
    let config = api.get("/api/cache/config").await.ok();
    assert_eq!(config["config"]["default_ttl"], 41);
}
