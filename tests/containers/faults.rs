//! Containers that are killed, stand still, and are cut off, one after the other, under one load.

use std::time::Duration;

use serde_json::json;

use crate::{
    cluster::Cluster,
    harness::{
        oracle::{
            figures::Class,
            load::Load,
            options::{Mix, Options},
        },
        wait,
    },
};

/// The load of all tests here: small, because the machine runs all containers and the engine besides.
pub(crate) fn options() -> Options {
    let mix = Mix { reads: 60, counts: 10, claims: 2 };
    Options { rate: 120, registers: 2_000, hot: 100, mix, ..Options::default() }
}

/// How long a load runs between two events.
pub(crate) const BETWEEN: Duration = Duration::from_secs(1);

/// Says how long ranges did not work, and reads everything back.
async fn look(load: &Load, what: &str) {
    let report = load.report();
    let gap = |class| report.gap(class).as_millis();
    let gaps = [Class::Fresh, Class::Strict, Class::Write].map(gap);
    println!(
        "{what}: longest gap of a range for fresh reads {} ms, strict reads {} ms, writes {} ms",
        gaps[0], gaps[1], gaps[2]
    );
    load.read_back().await;
    load.restart_gaps();
}

#[tokio::test]
#[ignore = "needs a container engine: cargo test --test containers -- --include-ignored"]
async fn containers_that_are_killed_paused_and_cut_off_lose_nothing_and_show_nothing_stale() {
    let cluster = Cluster::start().await;
    // That the cut of a majority may last as long as it likes.
    cluster.settings(&json!({"reset_after_s": 600})).await;
    let mut load = cluster.load(options()).await;
    load.start();
    load.requests_of(BETWEEN).await;

    let leader = cluster.leader().await;
    cluster.nodes[leader].kill();
    cluster.wait_taken_over(leader).await;
    look(&load, "the leader was killed").await;
    cluster.nodes[leader].start_again();
    cluster.wait_full().await;
    load.requests_of(BETWEEN).await;

    let paused = (cluster.leader().await + 1) % 3;
    cluster.nodes[paused].pause().await;
    cluster.wait_taken_over(paused).await;
    cluster.nodes[paused].unpause();
    cluster.wait_full().await;
    look(&load, "a primary stood still").await;

    for (victim, what) in [(1, "a follower"), (0, "the leader")] {
        let victim = (cluster.leader().await + victim) % 3;
        cluster.nodes[victim].disconnect();
        cluster.wait_taken_over(victim).await;
        load.requests_of(BETWEEN).await;
        cluster.nodes[victim].reconnect();
        cluster.wait_full().await;
        look(&load, &format!("{what} was cut off")).await;
    }

    let left = cluster.leader().await;
    let cut = [(left + 1) % 3, (left + 2) % 3];
    for number in cut {
        cluster.nodes[number].disconnect();
    }
    // A node without a majority refuses, whatever it holds.
    let api = cluster.api();
    wait::until("the last node to refuse", async || {
        (!Cluster::takes_writes(&api, "during-the-cut").await).then_some(())
    })
    .await;
    for number in cut {
        cluster.nodes[number].reconnect();
    }
    cluster.wait_full().await;
    load.requests_of(BETWEEN).await;
    look(&load, "a majority was cut off").await;

    load.stop().await;
    load.read_back().await;
    println!("kill, pause and cuts:\n{}", load.report());
    load.report().assert_right();
}
