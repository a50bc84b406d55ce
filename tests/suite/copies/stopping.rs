//! Nodes that are told to stop.

use std::time::Duration;

use ringhold_model::cluster::RangeRecord;

use super::{KEYS, fill, filling_at, holds, read, read_all, settle, traffic::Traffic, wait_ready};
use crate::harness::{
    cluster::{Cluster, Options},
    wait,
};

#[tokio::test]
async fn a_node_that_is_stopped_hands_over_and_no_request_fails() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    let number = cluster.follower().await;
    let leaving = cluster.id(number);
    let traffic = Traffic::start(&api);
    traffic.go_on(50).await;
    cluster.nodes[number].stopping().await;
    let state = cluster.state();
    assert!(!holds(&state, leaving), "it is a member of nothing any more");
    assert!(state.ranges.iter().all(|record| record.resets == 0));
    traffic.go_on(200).await;
    assert_eq!(traffic.end().await, Vec::<String>::new());
    read_all(&api, KEYS, 1).await;
}

#[tokio::test]
async fn nodes_restarted_one_after_the_other_lose_nothing_and_fail_nothing() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    let traffic = Traffic::start(&api);
    for number in 0..3 {
        cluster.nodes[number].stopping().await;
        cluster.restart(number);
        wait_ready(&cluster, number).await;
        assert!(holds(&cluster.state(), cluster.id(number)), "it is ready when it was filled");
    }
    assert_eq!(traffic.end().await, Vec::<String>::new());
    settle(&cluster, 2).await;
    read_all(&api, KEYS, 1).await;
}

#[tokio::test]
async fn a_node_with_last_copies_stays_until_another_has_them() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    cluster.patch(filling_at(10_000)).await;
    let number = cluster.follower().await;
    let (back, leaving) = (cluster.id(number), (0..3).find(|other| *other != number).expect("another node"));
    cluster.nodes[number].kill();
    cluster.restart(number);
    let alone = cluster.id(leaving);
    wait::until("ranges that only one node has", async || {
        let is_filled = |record: &RangeRecord| record.pending.is_some_and(|member| member.node == back);
        let is_alone = |record: &&RangeRecord| record.primary == Some(alone) && record.in_sync.len() == 1;
        cluster.state().ranges.iter().filter(is_alone).any(is_filled).then_some(())
    })
    .await;
    cluster.nodes[leaving].stopping().await;
    assert!(cluster.state().ranges.iter().all(|record| record.resets == 0));
    wait::until("every range to be served", async || (read(&api, KEYS).await.1 == 0).then_some(())).await;
    read_all(&api, KEYS, 1).await;
    assert!(cluster.state().ranges.iter().all(|record| record.resets == 0));
}

#[tokio::test]
async fn the_last_of_two_nodes_does_not_wait_for_the_other_when_it_is_stopped() {
    let mut cluster = Cluster::start_with(Options { nodes: 2, ..Options::default() }).await;
    let api = cluster.api();
    fill(&api, 50, 1).await;
    // The leader is the only voter.
    let voter = cluster.leader().await;
    cluster.nodes[1 - voter].stopping().await;
    read_all(&api, 50, 1).await;
    let stopping = cluster.nodes[voter].stopping();
    tokio::time::timeout(Duration::from_secs(30), stopping).await.expect("nobody is there to wait for");
}
