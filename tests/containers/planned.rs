//! What operators do on purpose with `docker-compose.cluster.yml`, behind the balancer: no request fails, nothing is lost.

use reqwest::Method;
use serde_json::json;

use crate::{
    compose::Project,
    faults::{BETWEEN, options},
    harness::{direct::placement, oracle::load::Load, wait},
    seen,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a container engine: cargo test --test containers -- --include-ignored"]
async fn scaling_rolling_restarts_and_drains_of_the_compose_file_fail_no_request() {
    let project = Project::up().await;
    let api = project.api();
    seen::wait_until(&api, "the cluster to form", |cluster| seen::is_settled(cluster) && seen::holders(cluster) == 3)
        .await;
    for router in ["router-1", "router-2"] {
        project.wait_balanced(router).await;
    }
    let state = project.direct("node-1").state().await;
    let mut load = Load::new(&[project.address()], placement(&state), options());
    load.fill().await;
    load.start();
    load.requests_of(BETWEEN).await;

    project.compose(&["up", "-d", "--no-build", "--no-recreate", "--scale", "node=2"]);
    seen::wait_until(&api, "five nodes to hold a share", |cluster| {
        seen::is_settled(cluster) && seen::holders(cluster) == 5
    })
    .await;
    looked_at(&load, "3 to 5 nodes").await;

    for node in ["node-1", "node-2", "node-3"] {
        project.compose(&["stop", "-t", "70", node]);
        project.compose(&["start", node]);
        seen::wait_until(&api, "the node to be back with all copies", |cluster| {
            let is_ready = seen::node(cluster, node).is_some_and(|node| node["has_lease"] == true);
            is_ready && seen::is_settled(cluster)
        })
        .await;
    }
    looked_at(&load, "a rolling restart of nodes").await;

    for router in ["router-1", "router-2"] {
        project.compose(&["restart", "-t", "20", router]);
        project.wait_balanced(router).await;
    }
    looked_at(&load, "a rolling restart of routers").await;

    scale_in(&project).await;
    looked_at(&load, "5 to 3 nodes").await;
    load.report().assert_all_answered();

    // Not planned: what was under way through it is broken, and what comes after is not.
    project.compose(&["kill", "router-2"]);
    load.requests_of(BETWEEN).await;
    project.compose(&["start", "router-2"]);
    project.wait_balanced("router-2").await;
    load.requests_of(BETWEEN).await;
    load.stop().await;
    load.read_back().await;
    println!("then a router was killed behind the balancer:\n{}", load.report());
    load.report().assert_right();
}

/// Reads everything back and says how it went so far.
async fn looked_at(load: &Load, what: &str) {
    load.read_back().await;
    println!("{what}:\n{}", load.report());
    load.report().assert_right();
}

/// The two nodes that joined hand over what they hold, end, and are removed.
async fn scale_in(project: &Project) {
    let api = project.api();
    let mut ids = Vec::new();
    for container in project.containers("node") {
        let cluster = seen::cluster(&api).await.expect("an answer");
        let node = seen::node(&cluster, &Project::host(&container)).expect("the node is known");
        ids.push(node["id"].as_u64().expect("an id"));
    }
    assert_eq!(ids.len(), 2);
    for id in &ids {
        api.send(api.request(Method::POST, &format!("/api/cluster/nodes/{id}/drain"))).await.ok();
    }
    for id in &ids {
        wait::until("the drained nodes to hold nothing and to be safe to stop", async || {
            let answer = api.get(&format!("/api/cluster/nodes/{id}/safe-to-stop")).await.ok();
            let cluster = seen::cluster(&api).await?;
            let node = cluster["nodes"].as_array()?.iter().find(|node| node["id"] == *id)?.clone();
            (answer["safe"] == true && node["ranges"] == 0).then_some(())
        })
        .await;
    }
    project.compose(&["up", "-d", "--no-build", "--no-recreate", "--scale", "node=0", "-t", "70"]);
    for id in &ids {
        api.post(&format!("/api/cluster/nodes/{id}/remove"), &json!({})).await.ok();
    }
    seen::wait_until(&api, "three nodes to be left", |cluster| {
        seen::is_settled(cluster) && seen::holders(cluster) == 3
    })
    .await;
}
