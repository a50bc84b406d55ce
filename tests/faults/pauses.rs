//! Processes that stand still and go on: nothing that they return is stale, and nobody loses memory that was never lost.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::json;

use crate::{
    ground::{Ground, Plan, is_long, options, sized, while_nothing_happens},
    harness::{
        disk,
        oracle::{figures::Class, options::Options, probe::Probed},
        proxy::rule::{Party, Rule},
        wait,
    },
};

/// Passes in which the process that went on is asked for each key.
const PASSES: usize = 20;

#[tokio::test]
async fn a_primary_that_stood_still_returns_nothing_stale_when_it_is_read_directly() {
    let ground = Ground::start(Plan { nodes: 3, routers: 2, copies: 2, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let pauses: &[u64] = if is_long() { &[1, 3, 30] } else { &[1, 3] };
    for seconds in pauses {
        let state = ground.state().await;
        let victim = (ground.leader().await + 1) % 3;
        let keys = load.hot_in(&ground.primaries_of(&state, victim));
        let direct = ground.direct(victim);
        assert_eq!(load.probe(&direct, &state, keys[0], false).await, Probed::Served, "the primary serves its keys");

        ground.fleet.process(victim).stall();
        load.requests_of(Duration::from_secs(*seconds)).await;
        // These wait in its socket, so they are the first that it reads; and more while it finds out what happened.
        let waiting = async {
            let asked = keys.iter().flat_map(|key| [false, true].map(|any_copy| (key, any_copy)));
            join_all(asked.map(|(key, any_copy)| load.probe(&direct, &state, *key, any_copy))).await
        };
        let resume = async {
            ground.fleet.process(victim).signal(Signal::CONT);
            let mut answers = Vec::new();
            for pass in 0..PASSES {
                for key in &keys {
                    answers.push(load.probe(&direct, &state, *key, pass % 2 == 0).await);
                }
            }
            answers
        };
        let (first, later) = tokio::join!(waiting, resume);
        let served = |answers: &[Probed]| answers.iter().filter(|answer| **answer == Probed::Served).count();
        println!(
            "paused {seconds} s, then read directly: {} of {} waiting reads and {} of {} later ones were served, the others refused",
            served(&first),
            first.len(),
            served(&later),
            later.len()
        );
        ground.wait_full().await;
        load.read_back().await;
    }
    load.stop().await;
    load.read_back().await;
    println!("a primary stood still:\n{}", load.report());
    let report = load.report();
    report.assert_right();
    report.assert_reads_answered();
    assert_eq!(ground.fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn nobody_died_so_every_key_of_a_sole_holder_that_stood_still_is_there() {
    let ground = Ground::start(Plan { nodes: 3, routers: 1, copies: 1, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let leader = ground.leader().await;
    for (what, victim, millis) in [
        ("a follower, the only holder of its ranges", (leader + 1) % 3, 5_000),
        ("the leader", leader, 1_100),
        ("the leader, whoever it is now", usize::MAX, 5_000),
    ] {
        let victim = if victim == usize::MAX { ground.leader().await } else { victim };
        ground.fleet.process(victim).stall();
        load.requests_of(Duration::from_millis(millis)).await;
        ground.fleet.process(victim).signal(Signal::CONT);
        let resumed = Instant::now();
        ground.wait_full().await;
        println!(
            "{what} stood still for {millis} ms; all served {} ms after it went on",
            resumed.elapsed().as_millis()
        );
        load.read_back().await;
    }
    load.stop().await;
    load.read_back().await;
    println!("sole holders stood still:\n{}", load.report());
    load.report().assert_right();
    let cluster = ground.cluster().await.expect("an answer");
    assert_eq!(cluster["ranges"]["resets"], 0, "{cluster}");
}

#[tokio::test]
async fn with_one_of_two_copies_killed_the_other_may_stand_still() {
    let mut ground = Ground::start(Plan { nodes: 3, routers: 1, copies: 2, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let leader = ground.leader().await;
    let [dead, paused] = [(leader + 1) % 3, (leader + 2) % 3];
    ground.fleet.kill(&[dead]);
    ground.wait_taken_over(&[dead]).await;
    ground.fleet.process(paused).stall();
    load.requests_of(Duration::from_secs(5)).await;
    ground.fleet.process(paused).signal(Signal::CONT);
    ground.wait_taken_over(&[dead]).await;
    load.read_back().await;
    ground.restart(dead).await;
    load.stop().await;
    load.read_back().await;
    println!("one killed, another one stood still:\n{}", load.report());
    load.report().assert_right();
    let cluster = ground.cluster().await.expect("an answer");
    assert_eq!(cluster["ranges"]["resets"], 0, "{cluster}");
}

/// The renewal race: the paused node goes on at about the moment at which its removal is committed, which takes long, and the
/// leader changes meanwhile.
#[tokio::test]
async fn a_node_that_goes_on_while_its_removal_is_committed_returns_nothing_stale() {
    let ground = Ground::start(Plan { nodes: 3, routers: 1, copies: 2, proxies: true }).await;
    // Reads and writes of few keys, so that what is read directly has just changed.
    let mut load = ground.load(Options { registers: 500, hot: 200, ..options() }).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let offsets: &[u64] = if is_long() {
        &[1_200, 1_300, 1_400, 1_500, 1_600, 1_700, 1_800, 2_000, 2_300]
    } else {
        &[1_400, 1_550, 1_700]
    };
    for (round, millis) in offsets.iter().enumerate() {
        let state = ground.state().await;
        let leader = ground.leader().await;
        let victim = (leader + 1) % 3;
        let keys = load.hot_in(&ground.primaries_of(&state, victim));
        let direct = ground.direct(victim);
        load.probe(&direct, &state, keys[0], true).await;
        // Below the shortest election timeout, so that this alone changes no leader.
        let slow = Rule::Delay { by: Duration::from_millis(80), jitter: Duration::from_millis(40) };
        for other in (0..3).filter(|other| *other != leader) {
            ground.fleet.network().set_both(Party::Node(leader), Party::Node(other), slow);
        }
        ground.fleet.process(victim).stall();
        load.requests_of(Duration::from_millis(*millis)).await;
        let changes_leader = round % 2 == 1;
        if changes_leader {
            ground.fleet.process(leader).stall();
        }
        ground.fleet.process(victim).signal(Signal::CONT);
        let mut served = 0;
        for pass in 0..PASSES {
            let asked = keys.iter().map(|key| load.probe(&direct, &state, *key, pass % 2 == 0));
            served += join_all(asked).await.iter().filter(|answer| **answer == Probed::Served).count();
        }
        if changes_leader {
            ground.fleet.process(leader).signal(Signal::CONT);
        }
        ground.fleet.network().heal();
        println!(
            "went on after {millis} ms{}: {served} of {} direct reads were served",
            if changes_leader { ", as the leader stood still" } else { "" },
            PASSES * keys.len()
        );
        ground.wait_full().await;
    }
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    println!("the renewal race:\n{}", load.report());
    load.report().assert_right();
}

#[tokio::test]
async fn a_leader_that_stands_still_costs_no_read_and_no_acknowledged_write() {
    let ground = Ground::start(Plan { nodes: 3, routers: 2, copies: 2, proxies: false }).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    for millis in [1_100, sized(2_500, 5_000)] {
        let leader = ground.leader().await;
        load.restart_gaps();
        ground.fleet.process(leader).stall();
        load.requests_of(Duration::from_millis(millis)).await;
        ground.fleet.process(leader).signal(Signal::CONT);
        wait::until("the cluster to have all copies", async || {
            ground.wait_full().await;
            Some(())
        })
        .await;
        let report = load.report();
        println!(
            "the leader stood still for {millis} ms: longest gap for fresh reads {} ms, for writes {} ms",
            report.gap(Class::Fresh).as_millis(),
            report.gap(Class::Write).as_millis()
        );
    }
    load.stop().await;
    load.read_back().await;
    println!("a leader stood still:\n{}", load.report());
    let report = load.report();
    report.assert_right();
    report.assert_reads_answered();
}

/// The node runs, but what it must have on disk it cannot have: it must not count as dead for good, and nothing is lost.
#[tokio::test]
async fn a_disk_that_stalls_costs_no_key() {
    const SECONDS: u64 = 3;
    let mut stalls = Vec::new();
    let plan = Plan { nodes: 3, routers: 1, copies: 1, proxies: false };
    let ground = Ground::start_prepared(plan, &["--cache-max-items", "0"], |fleet| {
        let library = disk::shim(fleet.folder()).expect("cc, which Rust links with, makes a library");
        let folder = fleet.folder().to_owned();
        for (number, member) in fleet.members.iter_mut().enumerate() {
            let file = folder.join(format!("stall-{number}"));
            member.environment = disk::environment(&library, &file);
            stalls.push(file);
        }
    })
    .await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let leader = ground.leader().await;
    for (what, victim) in [("the leader", leader), ("a follower", (leader + 1) % 3)] {
        std::fs::write(&stalls[victim], "").expect("the folder can be written");
        let stalled = Instant::now();
        // What is committed meanwhile is committed by the others.
        ground.settings_when_possible(&json!({"rehome_after_s": 61})).await;
        println!("the disk of {what} stalled: settings were taken after {} ms", stalled.elapsed().as_millis());
        load.requests_of(Duration::from_secs(SECONDS)).await;
        std::fs::remove_file(&stalls[victim]).expect("the file is there");
        ground.wait_full().await;
        load.read_back().await;
    }
    load.stop().await;
    load.read_back().await;
    println!("disks stalled:\n{}", load.report());
    load.report().assert_right();
    let cluster = ground.cluster().await.expect("an answer");
    assert_eq!(cluster["ranges"]["resets"], 0, "{cluster}");
}
