//! How many copies there are, who may speak of them, and exact answers while that changes.

use std::{collections::BTreeSet, sync::Arc};

use ringhold_model::{
    ClusterId, NodeId,
    cluster::SettingsPatch,
    wire::{Channel, Fault, Method},
};
use ringhold_node::replica::message::Request;
use ringhold_rpc::{CallError, Callers, CallersOptions, Deadline, TcpConnector};
use serde_json::{Value, json};

use super::{KEYS, copy_items, fill, read, read_all, settle};
use crate::{
    harness::{client::Api, cluster::Cluster, wait},
    shared,
};

#[tokio::test]
async fn a_write_is_held_by_two_nodes_of_three_and_the_figures_tell() {
    let cluster = Cluster::start().await;
    let api = cluster.api();
    assert_eq!(api.set("a", json!(1)).await["copies"], 2);
    fill(&api, KEYS, 1).await;
    api.delete("/api/cache/delete/a").await.ok();
    read_all(&api, KEYS, 1).await;
    assert_eq!(api.get("/api/cache/stats").await.ok()["statistics"]["total_items"], KEYS);
    assert_eq!(copy_items(&api).await, KEYS, "every item is at a primary and at a copy");
    settle(&cluster, 2).await;
}

/// Fill what there is, then see that clear, invalidation, listing and figures count exactly.
async fn check_exact(api: &Api, count: usize, version: u64) {
    fill(api, count, version).await;
    read_all(api, count, version).await;
    let keys = api.get("/api/cache/keys?limit=1000&pattern=k*").await.ok();
    let names: BTreeSet<&str> =
        keys["keys"].as_array().expect("a list").iter().filter_map(|row| row["key"].as_str()).collect();
    assert_eq!((keys["total_keys"].as_u64(), names.len()), (Some(count as u64), count));
    let answer = api.post("/api/cache/invalidate", &json!({"tags": ["t1"]})).await.ok();
    assert_eq!(answer["deleted_count"], count / 4);
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!(stats["statistics"]["total_items"], count - count / 4);
    let (values, _) = read(api, count).await;
    let left = values.iter().flatten().count();
    assert_eq!(left, count - count / 4);
    assert_eq!(api.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], left);
    assert_eq!(read(api, count).await.0.iter().flatten().count(), 0);
}

#[tokio::test]
async fn the_number_of_copies_changes_at_run_time_and_answers_stay_exact() {
    let cluster = Cluster::start().await;
    let api = cluster.api();
    fill(&api, KEYS, 1).await;
    for (round, copies) in [1_u8, 2, 3, 1].into_iter().enumerate() {
        cluster.patch(SettingsPatch { replication_factor: Some(copies), ..SettingsPatch::default() }).await;
        // What is asked while copies come and go.
        check_exact(&api.in_namespace(&format!("round-{round}")), KEYS, 7).await;
        settle(&cluster, copies.into()).await;
        read_all(&api, KEYS, 1).await;
        assert_eq!(api.set("probe", json!(round)).await["copies"], copies);
        assert_eq!(copy_items(&api).await, (KEYS + 1) * usize::from(copies - 1), "{copies} copies");
    }
}

#[tokio::test]
async fn who_is_no_node_of_the_cluster_may_not_speak_as_a_primary() {
    let cluster = shared::calm();
    let (node, state) = (&cluster.nodes[0], cluster.state());
    let own = CallersOptions { cluster: state.cluster, from: Some(NodeId(1)) };
    for (options, is_let) in [
        (own, true),
        (CallersOptions { from: None, ..own }, false),
        (CallersOptions { cluster: ClusterId::default(), ..own }, false),
    ] {
        let callers = Callers::new(options, Arc::new(TcpConnector::default()));
        let caller = callers.to(&node.rpc.to_string(), Channel::Data, node.handle().node_id());
        let request = Request { view: 0, messages: Vec::new() };
        let answer = caller.call_encoded(Method::Replicate, &request, Deadline::after(wait::PATIENCE)).await;
        match answer {
            Ok(_) => assert!(is_let, "{options:?}"),
            Err(error) => assert!(!is_let && error == CallError::Fault(Fault::WrongPeer), "{options:?}: {error}"),
        }
        callers.close().await;
    }
}
