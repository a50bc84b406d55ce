//! Crashes under load: what was acknowledged stays, reads do not fail, writes come back soon.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    ground::{Ground, Plan, options, sized, while_nothing_happens, writes_back_max},
    harness::{
        linear::clients::Clients,
        oracle::{figures::Class, load::Load},
    },
};

/// The first is the leader, the second the node that serves most of the others; then whoever.
#[tokio::test]
async fn random_kills_in_a_row_lose_no_acknowledged_write_and_fail_no_read() {
    let mut ground = Ground::start(Plan { nodes: 5, routers: 2, copies: 2, proxies: false }).await;
    let mut load = ground.load(options()).await;
    let keys = (0..6).map(|n| format!("linear-{n}")).collect();
    let clients = Clients::start(&ground.routers(), keys, sized(Duration::from_millis(300), Duration::from_secs(4)));
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let mut random = StdRng::seed_from_u64(5);
    for round in 0..sized(5, 50) {
        let state = ground.state().await;
        let leader = ground.leader().await;
        let victim = match round {
            0 => leader,
            1 => {
                let others = (0..5).filter(|number| *number != leader);
                others.max_by_key(|number| ground.primaries_of(&state, *number).len()).expect("there are others")
            }
            _ => random.random_range(0..5),
        };
        let was = if victim == leader { "the leader" } else { "a follower" };
        kill(&mut ground, &load, victim, &format!("kill {round}, {was}")).await;
        ground.restart(victim).await;
        load.read_back().await;
    }
    load.stop().await;
    load.read_back().await;
    println!("kills in a row, 2 copies:\n{}", load.report());
    clients.stop_and_check().await;
    let report = load.report();
    report.assert_right();
    report.assert_reads_answered();
}

/// Kills a node and says for how long its ranges were not served.
async fn kill(ground: &mut Ground, load: &Load, victim: usize, what: &str) {
    let state = ground.state().await;
    let ranges = ground.primaries_of(&state, victim);
    load.restart_gaps();
    ground.fleet.kill(&[victim]);
    ground.wait_taken_over(&[victim]).await;
    load.requests_of(while_nothing_happens()).await;
    let report = load.report();
    let gap = |class| report.gap_in(class, &ranges);
    println!(
        "{what}: node {victim} with {} primaries; longest gap of its ranges for fresh reads {} ms, strict reads {} ms, writes {} ms",
        ranges.len(),
        gap(Class::Fresh).as_millis(),
        gap(Class::Strict).as_millis(),
        gap(Class::Write).as_millis(),
    );
    assert!(gap(Class::Write) < writes_back_max(), "{:?}", gap(Class::Write));
}

#[tokio::test]
async fn with_three_copies_two_nodes_may_be_killed_one_after_the_other() {
    let mut ground = Ground::start(Plan { nodes: 5, routers: 2, copies: 3, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let first = ground.leader().await;
    kill(&mut ground, &load, first, "the first of two, the leader").await;
    let second = ground.leader().await;
    assert_ne!(first, second);
    kill(&mut ground, &load, second, "the second of two, the new leader").await;
    load.read_back().await;
    load.requests_of(while_nothing_happens()).await;
    // With one of them alone, some ranges would have to wait for the other.
    ground.fleet.start_nodes(&[first, second]);
    ground.wait_full().await;
    load.read_back().await;
    load.stop().await;
    load.read_back().await;
    println!("two of five killed one after the other, 3 copies:\n{}", load.report());
    let report = load.report();
    report.assert_right();
    report.assert_reads_answered();
}

#[tokio::test]
async fn the_kill_of_a_router_is_not_noticed_through_the_other_one() {
    let mut ground = Ground::start(Plan { nodes: 3, routers: 2, copies: 2, proxies: false }).await;
    let routers = ground.routers();
    // Both write, so that operations of the dead one are under way when it dies.
    let mut other = ground.load_through(&routers[1..], crate::ground::options()).await;
    let mut dying = ground
        .load_through(&routers[..1], crate::harness::oracle::options::Options { prefix: "dying-", ..options() })
        .await;
    other.start();
    dying.start();
    dying.requests_of(while_nothing_happens()).await;
    ground.fleet.router().process.kill();
    other.requests_of(while_nothing_happens()).await;
    dying.stop().await;
    other.stop().await;
    other.read_back().await;
    dying.read_back_through(routers[1]).await;
    println!("through the router that lives:\n{}", other.report());
    println!("through the router that was killed:\n{}", dying.report());
    other.report().assert_right();
    other.report().assert_all_answered();
    dying.report().assert_right();
}
