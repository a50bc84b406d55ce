//! All containers lose power at once.

use serde_json::json;

use crate::{
    cluster::Cluster,
    faults::{BETWEEN, options},
    harness::oracle::options::Options,
    seen,
};

#[tokio::test]
#[ignore = "needs a container engine: cargo test --test containers -- --include-ignored"]
async fn after_all_containers_stopped_at_once_the_configuration_is_there_and_nothing_old_returns() {
    let cluster = Cluster::start().await;
    let old = cluster.load(options()).await;
    let api = cluster.api();
    api.patch("/api/cache/config", &json!({"default_ttl": 77})).await.ok();
    let before = seen::cluster(&api).await.expect("an answer");

    for node in cluster.nodes.iter().chain(&cluster.routers) {
        node.kill();
    }
    drop(old);
    for node in cluster.nodes.iter().chain(&cluster.routers) {
        node.start_again();
    }
    cluster.wait_full().await;

    let api = cluster.api();
    let after = seen::cluster(&api).await.expect("an answer");
    assert_eq!(after["cluster"], before["cluster"]);
    assert_eq!(after["ranges"]["resets"], after["ranges"]["total"], "each range lost its copies once: {after}");
    assert_eq!(api.get("/api/cache/config").await.ok()["config"]["default_ttl"], 77);
    for node in &cluster.nodes {
        let id = |cluster| seen::node(cluster, &node.host).expect("the node is known")["id"].clone();
        assert_eq!(id(&before), id(&after), "it came back as itself");
    }
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!(stats["statistics"]["total_items"], 0, "{stats}");
    // Routers may have other addresses now.
    let mut load = cluster.load(Options { prefix: "again-", ..options() }).await;
    load.start();
    load.requests_of(BETWEEN).await;
    load.stop().await;
    load.read_back().await;
    println!("all containers stopped at once:\n{}", load.report());
    load.report().assert_right();
    load.report().assert_all_answered();
}
