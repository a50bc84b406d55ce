//! Nodes stop and start again on their folders.

use ringhold_model::cluster::NodeState;
use ringhold_raft::{RunError, StoreKind};

use crate::cluster::{Cluster, wait_for, write_surely};

#[test]
fn a_restarted_node_has_a_new_incarnation_and_nothing_of_what_it_had() {
    let mut cluster = Cluster::started(3);
    let at = cluster.follower();
    let id = cluster.handle(at).node_id().unwrap();
    let before = cluster.handle(at).incarnation().unwrap();
    assert!(cluster.handle(at).state().ranges.iter().any(|range| range.in_sync.iter().any(|member| member.node == id)));
    cluster.stop(at);
    cluster.start(at);
    cluster.wait_healthy();
    assert_eq!(cluster.handle(at).node_id(), Some(id));
    let incarnation = cluster.handle(at).incarnation().unwrap();
    assert!(incarnation > before);
    let state = cluster.handle(at).state();
    for range in &state.ranges {
        assert!(range.in_sync.iter().all(|member| member.node != id), "others have all there is: {range:?}");
        assert_eq!(range.resets, 0);
        assert!(range.pending.is_none_or(|member| member.mid.0 > incarnation.0), "it is filled anew: {range:?}");
    }
}

#[test]
fn a_stop_never_changes_the_membership() {
    let mut cluster = Cluster::started(3);
    let stopped = cluster.follower();
    let id = cluster.handle(stopped).node_id().unwrap();
    cluster.stop(stopped);
    let handle = cluster.handle(cluster.leader());
    write_surely(&handle, "while-it-is-away");
    assert!(handle.status().voters.contains(&id));
    assert_eq!(handle.state().nodes[&id].state, NodeState::Active);
}

#[test]
fn a_majority_and_then_all_come_back_from_disk_on_either_store() {
    for store in [StoreKind::Sled, StoreKind::Redb] {
        let mut cluster = Cluster::of_seeds(3);
        cluster.store = store;
        cluster.start_all();
        cluster.wait_healthy();
        let cluster_id = cluster.handle(0).cluster_id();
        write_surely(&cluster.handle(1), "kept");
        for majority in [[0, 1].as_slice(), &[0, 1, 2]] {
            let before: Vec<_> = cluster.handles().iter().map(|handle| handle.incarnation().unwrap()).collect();
            for at in majority {
                cluster.stop(*at);
            }
            cluster.start_all();
            cluster.wait_healthy();
            for (at, handle) in cluster.handles().into_iter().enumerate() {
                assert_eq!(handle.cluster_id(), cluster_id);
                assert!(handle.state().namespace_id("kept").is_some(), "configuration survives");
                let is_new = handle.incarnation().unwrap() > before[at];
                assert_eq!(is_new, majority.contains(&at), "only a restarted node has a new incarnation");
            }
            write_surely(&cluster.handle(2), "still-writable");
        }
    }
}

#[test]
fn a_node_restarted_under_a_new_address_is_served_again() {
    let mut cluster = Cluster::started(3);
    let moved = cluster.follower();
    let id = cluster.handle(moved).node_id().unwrap();
    cluster.stop(moved);
    write_surely(&cluster.handle(cluster.leader()), "while-it-moves");
    cluster.move_away(moved);
    cluster.start(moved);
    cluster.wait_healthy();
    let handle = cluster.handle(moved);
    assert_eq!(handle.node_id(), Some(id));
    assert!(handle.state().namespace_id("while-it-moves").is_some());
    assert_eq!(handle.state().nodes[&id].addresses.rpc, cluster.places[moved].address);
}

#[test]
fn all_nodes_but_one_restarted_under_new_addresses_find_each_other() {
    let mut cluster = Cluster::started(3);
    for at in 0..3 {
        cluster.stop(at);
    }
    cluster.move_away(0);
    cluster.move_away(1);
    cluster.start_all();
    cluster.wait_healthy();
}

#[test]
fn the_leader_restarted_alone_is_not_ready_until_it_reaches_a_majority() {
    let mut cluster = Cluster::started(3);
    let leader = cluster.leader();
    for at in 0..3 {
        cluster.stop(at);
    }
    cluster.start(leader);
    let alone = cluster.handle(leader);
    crate::cluster::stays("not ready alone", std::time::Duration::from_secs(2), || !alone.is_ready());
    cluster.start_all();
    wait_for("ready again", || alone.is_ready());
    cluster.wait_healthy();
}

#[test]
fn a_node_whose_place_was_taken_ends_when_its_old_folder_comes_back() {
    let mut cluster = Cluster::started(3);
    let at = cluster.follower();
    let old = cluster.handle(at).node_id().unwrap();
    cluster.stop(at);
    cluster.set_aside(at, "old");
    cluster.start(at);
    cluster.wait_healthy();
    cluster.stop(at);
    cluster.set_aside(at, "old");
    cluster.start(at);
    match cluster.end_of(at) {
        Err(RunError::Removed(node)) => assert_eq!(node, old),
        other => panic!("{other:?}"),
    }
    cluster.set_aside(at, "old");
    cluster.start(at);
    cluster.wait_healthy();
}
