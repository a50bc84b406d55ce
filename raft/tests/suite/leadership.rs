//! Leaders, followers and what a proposal sees of them.

use std::time::{Duration, Instant};

use ringhold_model::{
    cluster::{Command, Rejection},
    ids::NamespaceId,
};
use ringhold_raft::ProposeError;
use ringhold_rpc::Deadline;

use crate::cluster::{Cluster, block_on, wait_for, write, write_surely};

#[test]
fn a_proposal_to_a_follower_reaches_the_leader() {
    let cluster = Cluster::started(3);
    let follower = cluster.handle(cluster.follower());
    let index = write_surely(&follower, "through-a-follower");
    wait_for("the follower to apply it", || follower.state().applied >= index);
    assert!(follower.state().namespace_id("through-a-follower").is_some());
    cluster.wait_equal();
}

#[test]
fn a_refusal_of_the_rule_book_comes_back_as_it_is() {
    let cluster = Cluster::started(3);
    let follower = cluster.handle(cluster.follower());
    let command = Command::RemoveNamespace { namespace: NamespaceId(999) };
    let refused = block_on(async { follower.propose(command, Deadline::after(Duration::from_secs(30))).await });
    assert_eq!(refused.unwrap_err(), ProposeError::Rejected(Rejection::UnknownNamespace));
}

#[test]
fn a_proposal_above_the_bound_of_the_log_is_refused_and_harms_nothing() {
    let cluster = Cluster::started(1);
    let handle = cluster.handle(0);
    let command = Command::CreateNamespace { name: "n".repeat(70_000) };
    let refused = block_on(async { handle.propose(command, Deadline::after(Duration::from_secs(30))).await });
    assert!(matches!(refused, Err(ProposeError::TooLarge { .. })), "{refused:?}");
    write_surely(&handle, "fine");
}

#[test]
fn proposals_work_again_within_three_seconds_of_losing_the_leader() {
    let mut cluster = Cluster::started(3);
    for round in 0..2 {
        let leader = cluster.leader();
        let survivor = cluster.handle(cluster.follower());
        cluster.stop(leader);
        let start = Instant::now();
        write_surely(&survivor, &format!("round-{round}"));
        let took = start.elapsed();
        println!("first proposal after losing the leader: {took:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");
        cluster.start(leader);
        cluster.wait_healthy();
    }
}

#[test]
fn without_a_majority_proposals_fail_in_time_and_nobody_is_ready() {
    let mut cluster = Cluster::started(3);
    let leader = cluster.leader();
    for at in (0..3).filter(|at| *at != leader) {
        cluster.stop(at);
    }
    let handle = cluster.handle(leader);
    wait_for("the lonely leader to be not ready", || !handle.is_ready());
    let start = Instant::now();
    let refused = write(&handle, "nobody-agrees", Duration::from_millis(700));
    assert_eq!(refused, Err(ProposeError::NoLeader));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    cluster.start_all();
    wait_for("ready again", || handle.is_ready());
    write_surely(&handle, "all-agree");
}
