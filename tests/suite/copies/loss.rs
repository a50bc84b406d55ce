//! Nodes that are gone without a word.

use ringhold_model::cluster::SettingsPatch;
use serde_json::{Value, json};

use super::{KEYS, copy_items, fill, holds, key, read, read_all, settle};
use crate::harness::{
    cluster::{Cluster, Options},
    wait,
};

fn rehome_soon() -> Options {
    Options { settings: SettingsPatch { rehome_after_s: Some(1), ..SettingsPatch::default() }, ..Options::default() }
}

/// Kills a node: its keys are read and written all the same, and are held by two nodes again in the end.
async fn survive(mut cluster: Cluster, victim: usize) {
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    let gone = cluster.id(victim);
    cluster.nodes[victim].kill();
    wait::until("every key to be read", async || (read(&api, KEYS).await.1 == 0).then_some(())).await;
    read_all(&api, KEYS, 1).await;
    wait::until("every range to have a living primary", async || {
        cluster.state().primaries_of(gone).next().is_none().then_some(())
    })
    .await;
    fill(&api, KEYS, 2).await;
    wait::until("a plan without it", async || {
        cluster.state().plan.as_ref().is_some_and(|plan| plan.absent.contains(&gone)).then_some(())
    })
    .await;
    let state = settle(&cluster, 2).await;
    assert!(!holds(&state, gone));
    read_all(&api, KEYS, 2).await;
    assert_eq!(api.set("again", json!(1)).await["copies"], 2);
    assert_eq!(copy_items(&api).await, KEYS + 1);
}

#[tokio::test]
async fn when_a_node_is_gone_every_key_is_read_and_written_and_copies_are_restored() {
    let cluster = Cluster::start_with(rehome_soon()).await;
    let victim = cluster.follower().await;
    survive(cluster, victim).await;
}

#[tokio::test]
async fn when_the_leader_is_gone_every_key_is_read_and_written_and_copies_are_restored() {
    let cluster = Cluster::start_with(rehome_soon()).await;
    let victim = cluster.leader().await;
    survive(cluster, victim).await;
}

fn needing(min_in_sync: u8) -> SettingsPatch {
    SettingsPatch { min_in_sync: Some(min_in_sync), ..SettingsPatch::default() }
}

#[tokio::test]
async fn without_enough_copies_writes_are_refused_and_reads_are_not() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    cluster.patch(needing(2)).await;
    let number = cluster.follower().await;
    let gone = cluster.id(number);
    assert!(holds(&cluster.state(), gone));
    cluster.nodes[number].kill();
    wait::until("it to be taken out", async || (!holds(&cluster.state(), gone)).then_some(())).await;
    let items: Vec<Value> = (0..KEYS).map(|n| json!({"key": key(n), "value": [n, 2]})).collect();
    let answer = api.post("/api/cache/set-batch", &json!(items)).await.ok();
    let (written, refused) = (answer["successful_count"].as_u64(), answer["failed_count"].as_u64());
    assert!(written > Some(0) && refused > Some(0), "{written:?} {refused:?}");
    let (values, failed) = read(&api, KEYS).await;
    assert_eq!((values.iter().flatten().count(), failed), (KEYS, 0), "reads are served");
    for (row, value) in answer["results"].as_array().expect("a list").iter().zip(&values) {
        let version = if row["success"] == true { 2 } else { 1 };
        assert_eq!(value.as_ref().map(|value| &value[1]), Some(&json!(version)), "{row}");
    }
    cluster.patch(needing(1)).await;
    wait::until("every write to be taken", async || {
        let answer = api.post("/api/cache/set-batch", &json!(items)).await.ok();
        (answer["failed_count"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn when_all_nodes_are_gone_at_once_the_ranges_begin_empty_and_that_is_counted() {
    let mut cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    for number in 0..3 {
        cluster.nodes[number].kill();
    }
    for number in 0..3 {
        cluster.restart(number);
    }
    cluster.wait_healthy().await;
    let state = cluster.settled().await;
    assert!(state.ranges.iter().all(|record| record.resets == 1), "every range lost all of its copies once");
    let (values, failed) = read(&api, KEYS).await;
    assert_eq!((values.iter().flatten().count(), failed), (0, 0));
    fill(&api, KEYS, 2).await;
    read_all(&api, KEYS, 2).await;
}
