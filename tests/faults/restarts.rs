//! Nodes that end and come back: all of them at once, and one again and again.

use std::time::{Duration, Instant};

use crate::ground::{Ground, Plan, options, sized, while_nothing_happens};

/// The promise of a restart of all.
const SERVING_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_restart_of_all_nodes_serves_soon_and_empty_says_so_and_returns_nothing_old() {
    let mut ground = Ground::start(Plan { nodes: 3, routers: 2, copies: 2, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    let before = ground.cluster().await.expect("an answer");
    assert_eq!(before["ranges"]["resets"], 0, "{before}");

    ground.fleet.kill(&[0, 1, 2]);
    load.reset();
    ground.fleet.start_nodes(&[0, 1, 2]);
    let started = Instant::now();
    // Whoever writes from the first moment on loses nothing of it.
    load.start();
    ground.wait_full().await;
    let serving = started.elapsed();
    println!("all ranges served {} ms after the last start", serving.as_millis());
    assert!(serving < SERVING_MAX, "{serving:?}");
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    println!("restart of all nodes:\n{}", load.report());
    load.report().assert_right();
    let after = ground.cluster().await.expect("an answer");
    assert_eq!(after["ranges"]["resets"], after["ranges"]["total"], "each range lost its copies once: {after}");
    assert_eq!(after["cluster"], before["cluster"]);
}

#[tokio::test]
async fn a_node_that_flaps_moves_nothing_to_others_and_loses_nothing() {
    let mut ground = Ground::start(Plan { nodes: 4, routers: 2, copies: 2, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let plan = ground.cluster().await.expect("an answer")["plan"]["version"].clone();
    let flapping = (ground.leader().await + 1) % 4;
    for _ in 0..sized(3, 20) {
        ground.fleet.kill(&[flapping]);
        load.requests_of(Duration::from_millis(sized(500, 3_000))).await;
        ground.fleet.start_nodes(&[flapping]);
        load.requests_of(Duration::from_millis(sized(1_500, 3_000))).await;
    }
    ground.wait_full().await;
    load.stop().await;
    load.read_back().await;
    println!("a node flapped:\n{}", load.report());
    let report = load.report();
    report.assert_right();
    report.assert_reads_answered();
    let cluster = ground.cluster().await.expect("an answer");
    assert_eq!(cluster["plan"]["version"], plan, "no plan is made because of it");
    assert_eq!(cluster["ranges"]["resets"], 0, "{cluster}");
}
