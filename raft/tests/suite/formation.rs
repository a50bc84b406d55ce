//! How nodes become one cluster, and never two.

use std::{thread, time::Duration};

use ringhold_model::{NodeId, cluster::NodeState};
use ringhold_raft::{BuildError, Formation, Listen, Node, Options};

use crate::cluster::{Cluster, stays, wait_for, write_surely};

#[test]
fn a_node_alone_is_a_cluster_at_once() {
    let mut cluster = Cluster::of_seeds(1);
    cluster.places[0].formation = Formation::Alone;
    cluster.start_all();
    cluster.wait_healthy();
    let handle = cluster.handle(0);
    assert_eq!(handle.node_id(), Some(NodeId(1)));
    let state = handle.state();
    assert_eq!(state.ranges.len(), 64);
    assert!(state.ranges.iter().all(|range| range.primary == Some(NodeId(1))));
    write_surely(&handle, "x");
}

#[test]
fn three_seeds_started_in_any_order_form_exactly_one_cluster() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut cluster = Cluster::of_seeds(3);
        for at in order {
            cluster.start(at);
        }
        cluster.wait_healthy();
        let ids: Vec<_> = cluster.handles().iter().map(|handle| handle.cluster_id()).collect();
        assert!(ids.iter().all(|id| *id == ids[0] && id.0 != 0), "{ids:?}");
        let mut addresses: Vec<_> = cluster.places.iter().map(|place| place.address.clone()).collect();
        addresses.sort();
        for (at, place) in cluster.places.iter().enumerate() {
            let seat = addresses.iter().position(|address| *address == place.address).unwrap() as u64 + 1;
            assert_eq!(cluster.handle(at).node_id(), Some(NodeId(seat)));
        }
        let state = cluster.handle(0).state();
        assert!(state.ranges.iter().all(|range| range.primary.is_some()), "every range has an owner");
        assert_eq!(cluster.handle(0).status().voters.len(), 3);
    }
}

#[test]
fn no_cluster_forms_while_a_seed_is_missing() {
    let mut cluster = Cluster::of_seeds(3);
    cluster.start(0);
    cluster.start(1);
    stays("no cluster without the third seed", Duration::from_secs(2), || {
        cluster.handles().iter().all(|handle| !handle.state().is_formed() && !handle.is_ready())
    });
    cluster.start(2);
    cluster.wait_healthy();
}

#[test]
fn five_seeds_have_five_voters_and_two_seeds_one() {
    let cluster = Cluster::started(5);
    assert_eq!(cluster.handle(0).status().voters.len(), 5);
    let pair = Cluster::started(2);
    assert_eq!(pair.handle(0).status().voters.len(), 1);
    assert_eq!(pair.handle(0).status().learners.len(), 1);
}

#[test]
fn a_fourth_seed_gets_its_id_from_the_formed_cluster() {
    let cluster = Cluster::started(4);
    let mut ids: Vec<_> = cluster.handles().iter().filter_map(|handle| handle.node_id()).collect();
    ids.sort();
    assert_eq!(ids, [1, 2, 3, 4].map(NodeId));
}

#[test]
fn seeds_with_different_lists_do_not_form_a_cluster() {
    let mut cluster = Cluster::of_seeds(2);
    let mut longer: Vec<_> = cluster.places.iter().map(|place| place.address.clone()).collect();
    longer.push("127.0.0.1:1".to_owned());
    longer.sort();
    let last = cluster.places.iter().position(|place| place.address == longer[longer.len() - 1]).unwrap();
    cluster.places[last].formation = Formation::Seeds(longer);
    cluster.start_all();
    stays("no cluster from two lists", Duration::from_secs(2), || {
        cluster.handles().iter().all(|handle| !handle.state().is_formed())
    });
}

#[test]
fn a_seed_that_is_not_in_its_own_list_is_told_so_at_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        formation: Formation::Seeds(vec!["a:1".to_owned(), "b:1".to_owned()]),
        ..Options::new(dir.path(), Listen::At("127.0.0.1:0".to_owned()))
    };
    let Err(BuildError::Settings(why)) = Node::build(options) else { panic!("it was built") };
    assert!(why.contains("a:1") && why.contains("--join"), "{why}");
}

#[test]
fn a_node_that_listens_everywhere_must_say_where_it_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new(dir.path(), Listen::At("0.0.0.0:0".to_owned()));
    assert!(matches!(Node::build(options), Err(BuildError::Settings(_))));
}

#[test]
fn a_node_that_stops_while_it_joins_goes_on_later() {
    for delay_ms in [0, 60, 120, 180, 250] {
        let mut cluster = Cluster::started(1);
        let at = cluster.add_place(Formation::Join(vec![cluster.places[0].address.clone()]));
        cluster.start(at);
        thread::sleep(Duration::from_millis(delay_ms));
        cluster.stop(at);
        cluster.start(at);
        cluster.wait_healthy();
        assert_eq!(cluster.handle(at).node_id(), Some(NodeId(2)), "it registered once");
    }
}

#[test]
fn a_node_joins_a_running_cluster_through_any_member() {
    let mut cluster = Cluster::started(3);
    write_surely(&cluster.handle(0), "before");
    let through = cluster.places[cluster.follower()].address.clone();
    let at = cluster.add_place(Formation::Join(vec![through]));
    cluster.start(at);
    cluster.wait_healthy();
    let joined = cluster.handle(at);
    assert_eq!(joined.node_id(), Some(NodeId(4)));
    assert!(joined.state().namespace_id("before").is_some());
    assert_eq!(joined.status().voters.len(), 3);
    write_surely(&joined, "after");
}

#[test]
fn joining_nodes_make_a_single_node_cluster_one_of_three_voters() {
    let mut cluster = Cluster::started(1);
    let through = cluster.places[0].address.clone();
    for _ in 0..2 {
        let at = cluster.add_place(Formation::Join(vec![through.clone()]));
        cluster.start(at);
    }
    cluster.wait_healthy();
    wait_for("three voters", || cluster.handle(0).status().voters.len() == 3);
}

#[test]
fn a_wiped_seed_that_is_cut_off_forms_no_cluster_of_its_own() {
    let mut cluster = Cluster::started(3);
    // The one that would propose is the dangerous one.
    let lowest = (0..3).min_by_key(|at| cluster.places[*at].address.clone()).unwrap();
    for at in 0..3 {
        cluster.stop(at);
    }
    cluster.wipe(lowest);
    cluster.start(lowest);
    stays("a wiped seed stays without a cluster", Duration::from_secs(2), || {
        let handle = cluster.handle(lowest);
        !handle.state().is_formed() && !handle.is_ready()
    });
    for at in 0..3 {
        if at != lowest {
            cluster.start(at);
        }
    }
    cluster.wait_healthy();
    assert!(cluster.handle(lowest).node_id() > Some(NodeId(3)));
}

#[test]
fn a_wiped_seed_comes_back_under_a_new_id_and_the_voters_are_three_again() {
    let mut cluster = Cluster::started(3);
    let wiped = cluster.follower();
    let old = cluster.handle(wiped).node_id().unwrap();
    cluster.stop(wiped);
    cluster.wipe(wiped);
    cluster.start(wiped);
    cluster.wait_healthy();
    let new = cluster.handle(wiped).node_id().unwrap();
    assert!(new > old, "{new} after {old}");
    let other = cluster.running().into_iter().find(|at| *at != wiped).unwrap();
    assert_eq!(cluster.handle(other).state().nodes[&old].state, NodeState::Gone);
    wait_for("the old id to leave the membership", || {
        let status = cluster.handle(other).status();
        status.voters.contains(&new) && status.voters.len() == 3 && !status.learners.contains(&old)
    });
}
