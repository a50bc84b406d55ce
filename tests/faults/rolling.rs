//! Planned changes under load: no request fails, no key is lost, none is stale. Every key is read back after each step.

use reqwest::Method;
use serde_json::json;

use crate::{
    ground::{Ground, Plan, options, while_nothing_happens},
    harness::wait,
};

const PLAN: Plan = Plan { nodes: 3, routers: 2, copies: 2, proxies: false };

#[tokio::test]
async fn a_rolling_restart_fails_no_request_and_loses_no_key() {
    let mut ground = Ground::start(PLAN).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    for number in 0..PLAN.nodes {
        let begun = std::time::Instant::now();
        assert_eq!(ground.fleet.terminate(number).code(), Some(0));
        let ended = begun.elapsed();
        ground.restart(number).await;
        println!(
            "node {number}: ended after {} ms, full again after {} ms",
            ended.as_millis(),
            begun.elapsed().as_millis()
        );
        load.read_back().await;
    }
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    println!("rolling restart of {} nodes:\n{}", PLAN.nodes, load.report());
    load.report().assert_right();
    load.report().assert_all_answered();
    assert_eq!(ground.fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn a_join_and_a_drain_fail_no_request_and_lose_no_key() {
    let mut ground = Ground::start(PLAN).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;

    let begun = std::time::Instant::now();
    let fourth = ground.fleet.join(&[0, 1]);
    ground.fleet.wait_ready(fourth).await;
    wait::until("the fourth node to hold its share", async || {
        let cluster = ground.cluster().await?;
        let id = ground.fleet.id_in(&cluster, fourth)?;
        let nodes = cluster["nodes"].as_array()?;
        let holds = nodes.iter().find(|node| node["id"] == id)?["ranges"].as_u64()?;
        (holds > 0 && cluster["plan"]["is_reached"] == true && cluster["plan"]["is_current"] == true).then_some(())
    })
    .await;
    println!("the fourth node held its share after {} ms", begun.elapsed().as_millis());
    load.read_back().await;
    println!("join of a fourth node:\n{}", load.report());

    // The first one goes, which was there from the beginning.
    let (api, begun) = (ground.fleet.api(), std::time::Instant::now());
    let id = ground.fleet.id(0).await;
    api.send(api.request(Method::POST, &format!("/api/cluster/nodes/{id}/drain"))).await.ok();
    wait::until("the drained node to hold nothing and to be safe to stop", async || {
        let answer = api.get(&format!("/api/cluster/nodes/{id}/safe-to-stop")).await.ok();
        let cluster = ground.cluster().await?;
        let node = cluster["nodes"].as_array()?.iter().find(|node| node["id"] == id)?.clone();
        (answer["safe"] == true && node["ranges"] == 0).then_some(())
    })
    .await;
    println!("the drained node held nothing after {} ms", begun.elapsed().as_millis());
    load.read_back().await;
    assert_eq!(ground.fleet.terminate(0).code(), Some(0));
    api.post(&format!("/api/cluster/nodes/{id}/remove"), &json!({})).await.ok();
    ground.wait_settled().await;
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    println!("join, drain and removal:\n{}", load.report());
    load.report().assert_right();
    load.report().assert_all_answered();
    assert_eq!(ground.fleet.errors(), [""; 0]);
}
