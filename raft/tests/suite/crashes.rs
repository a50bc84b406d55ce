//! Formation with seeds that crash or lose their disk in the middle of it.

use std::{sync::Arc, thread, time::Duration};

use ringhold_model::{
    ClusterId, NodeId,
    wire::{Channel, ConsentReply, ConsentRequest, Method},
};
use ringhold_rpc::{CallError, Caller, CallerOptions, Deadline, Hello, TcpConnector};

use crate::cluster::{Cluster, PATIENCE, block_on, wait_for, write_surely};

/// Place of the seed that forms the cluster.
fn proposer(cluster: &Cluster) -> usize {
    (0..cluster.places.len()).min_by_key(|at| cluster.places[*at].address.clone()).unwrap()
}

fn caller(address: &str, cluster: ClusterId, target: Option<NodeId>) -> Caller {
    let hello = Hello { channel: Channel::Control, cluster, from: None, target };
    Caller::new(CallerOptions::new(address, hello), Arc::new(TcpConnector::default()))
}

fn ask_consent(cluster: &Cluster, at: usize, id: ClusterId) -> Result<ConsentReply, CallError> {
    let mut seeds: Vec<_> = cluster.places.iter().map(|place| place.address.clone()).collect();
    seeds.sort();
    let request = ConsentRequest { cluster: id, seeds, birth: 1 };
    block_on(async {
        let caller = caller(&cluster.places[at].address, ClusterId(0), None);
        caller.call_typed(Method::Consent, &request, Deadline::after(PATIENCE)).await
    })
}

#[test]
fn a_seed_consents_to_one_cluster_until_a_later_proposal_supersedes_it_for_ever() {
    let mut cluster = Cluster::of_seeds(3);
    let proposer = proposer(&cluster);
    let others: Vec<_> = (0..3).filter(|at| *at != proposer).collect();
    let (old, newer) = (ClusterId(77), ClusterId(88));
    for at in &others {
        cluster.start(*at);
    }
    let granted = |reply| match reply {
        Ok(ConsentReply::Granted { birth, .. }) => birth,
        other => panic!("{other:?}"),
    };
    let first = granted(ask_consent(&cluster, others[0], old));
    assert_eq!(granted(ask_consent(&cluster, others[0], old)), first, "asking again changes nothing");
    cluster.stop(others[0]);
    cluster.start(others[0]);
    assert_eq!(granted(ask_consent(&cluster, others[0], old)), first, "consent survives a restart");
    let second = granted(ask_consent(&cluster, others[0], newer));
    assert_ne!(first, second, "for the new cluster it is a new node");
    assert!(ask_consent(&cluster, others[0], old).is_err(), "the old cluster is refused");

    // The seat in the old cluster is not served any more, the one in the new cluster is.
    let seat = cluster.handle(others[0]).node_id();
    let reach = |id| {
        let caller = caller(&cluster.places[others[0]].address, id, seat);
        block_on(async { caller.call(Method::RaftVote, b"", Deadline::after(PATIENCE)).await.unwrap_err() })
    };
    assert!(matches!(reach(old), CallError::Unreachable(_)));
    assert!(matches!(reach(newer), CallError::Fault(_)));

    // The seed that proposes never heard of either: it forms a third.
    cluster.start(proposer);
    cluster.wait_healthy();
    let id = cluster.handle(proposer).cluster_id();
    assert!(id != old && id != newer);
    assert!(matches!(ask_consent(&cluster, others[0], newer), Ok(ConsentReply::Member { cluster }) if cluster == id));
}

#[test]
fn a_proposer_that_stops_at_any_moment_of_the_formation_finishes_it_later() {
    for delay_ms in [0, 100, 160, 200, 250, 300, 350, 400, 500] {
        let mut cluster = Cluster::of_seeds(3);
        cluster.start_all();
        let proposer = proposer(&cluster);
        thread::sleep(Duration::from_millis(delay_ms));
        cluster.stop(proposer);
        cluster.start(proposer);
        cluster.wait_healthy();
        assert_one_cluster(&cluster);
    }
}

#[test]
fn a_proposer_that_loses_its_disk_at_any_moment_of_the_formation_leaves_one_cluster() {
    for delay_ms in [0, 100, 160, 200, 250, 300, 350, 400, 500] {
        let mut cluster = Cluster::of_seeds(3);
        cluster.start_all();
        let proposer = proposer(&cluster);
        thread::sleep(Duration::from_millis(delay_ms));
        cluster.stop(proposer);
        cluster.wipe(proposer);
        cluster.start(proposer);
        cluster.wait_healthy();
        assert_one_cluster(&cluster);
    }
}

#[test]
fn a_founder_that_loses_its_disk_at_any_moment_of_the_formation_leaves_one_cluster() {
    for delay_ms in [0, 100, 160, 200, 250, 300, 350, 400, 500] {
        let mut cluster = Cluster::of_seeds(3);
        cluster.start_all();
        let founder = (proposer(&cluster) + 1) % 3;
        thread::sleep(Duration::from_millis(delay_ms));
        cluster.stop(founder);
        cluster.wipe(founder);
        cluster.start(founder);
        cluster.wait_healthy();
        assert_one_cluster(&cluster);
    }
}

fn assert_one_cluster(cluster: &Cluster) {
    let ids: Vec<_> = cluster.handles().iter().map(|handle| handle.cluster_id()).collect();
    assert!(ids.iter().all(|id| *id == ids[0] && *id != ClusterId(0)), "{ids:?}");
    write_surely(&cluster.handle(0), "it-works");
    wait_for("three voters that live", || cluster.handle(0).status().voters.len() == 3);
}
