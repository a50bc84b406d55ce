//! Copies that are being filled, and who dies meanwhile.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    ground::{Ground, Plan, options, sized, while_nothing_happens},
    harness::{
        oracle::{
            figures::Class,
            load::Load,
            options::{Mix, Options},
        },
        proxy::rule::{Party, Rule},
        wait,
    },
};

const PLAN: Plan = Plan { nodes: 5, routers: 2, copies: 2, proxies: false };
/// So slow that there is a middle of a fill, in bytes a second and node.
const SLOWLY: u64 = 2 << 20;
const FAST: u64 = 256 << 20;

/// Few keys with large values, so that filling takes its time.
fn large() -> Options {
    Options { rate: 300, registers: sized(3_000, 20_000), hot: 300, value_bytes: 8_000, ..options() }
}

#[tokio::test]
async fn the_kill_of_source_target_or_leader_in_the_middle_of_a_fill_loses_nothing() {
    let mut ground = Ground::start(PLAN).await;
    let mut load = ground.load(large()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    for who in ["the target", "the source", "the leader"] {
        // It gives away what it has, and is to get it back slowly.
        let target = (ground.leader().await + 1) % PLAN.nodes;
        let id = ground.fleet.id(target).await;
        drain(&ground, id, false).await;
        ground.settings(&json!({"fill_bytes_per_s": SLOWLY})).await;
        drain(&ground, id, true).await;
        let (from, to, progress) = wait::until("a fill to be in its middle", async || {
            let cluster = ground.cluster().await?;
            let running = cluster["transfers"]["running"].as_array()?.clone();
            let middle = running.iter().find(|fill| fill["to"] == id && is_begun(fill))?;
            let state = ground.state().await;
            let number = |id: &Value| Some(ground.number_of(&state, ringhold_model::NodeId(id.as_u64()?)));
            Some((number(&middle["from"])?, number(&middle["to"])?, middle.clone()))
        })
        .await;
        let victim = match who {
            "the target" => to,
            "the source" => from,
            _ => ground.leader().await,
        };
        ground.fleet.kill(&[victim]);
        println!("{who}, node {victim}, was killed in the middle of a fill from {from} to {to}: {progress}");
        ground.settings_when_possible(&json!({"fill_bytes_per_s": FAST})).await;
        ground.wait_taken_over(&[victim]).await;
        load.read_back().await;
        ground.restart(victim).await;
        ground.wait_settled().await;
        load.read_back().await;
    }
    load.stop().await;
    load.read_back().await;
    println!("kills in the middle of fills:\n{}", load.report());
    let report = load.report();
    report.assert_right();
    report.assert_reads_answered();
    let cluster = ground.cluster().await.expect("an answer");
    assert_eq!(cluster["ranges"]["resets"], 0, "{cluster}");
}

fn is_begun(fill: &Value) -> bool {
    let (keys, total) = (fill["keys"].as_u64().unwrap_or(0), fill["keys_total"].as_u64().unwrap_or(0));
    keys > 0 && keys < total
}

/// Drains a node until it holds nothing; or takes that back, and does not wait.
async fn drain(ground: &Ground, id: u64, cancel: bool) {
    let api = ground.fleet.api();
    api.post(&format!("/api/cluster/nodes/{id}/drain"), &json!({"cancel": cancel})).await.ok();
    if cancel {
        return;
    }
    wait::until("the drained node to hold nothing", async || {
        let cluster = ground.cluster().await?;
        let node = cluster["nodes"].as_array()?.iter().find(|node| node["id"] == id)?.clone();
        (node["ranges"] == 0 && node["pending_ranges"] == 0).then_some(())
    })
    .await;
}

/// Late chunks during invalidations, clears and expiry; then the sources die and the new copies tell what they have.
#[tokio::test]
async fn what_was_removed_during_a_fill_is_on_no_new_copy() {
    const KEYS: usize = 400;
    let mut ground = Ground::start(Plan { nodes: 3, proxies: true, ..PLAN }).await;
    let mut load = ground.load(large()).await;
    let api = ground.fleet.api();
    let (kept, cleared) = (api.in_namespace("kept"), api.in_namespace("cleared"));
    let value = "x".repeat(2_000);
    for (space, more) in
        [(&kept, json!({"metadata": {"tags": ["some"]}})), (&kept, json!({"ttl": 6})), (&cleared, json!({}))]
    {
        let name = more.as_object().and_then(|more| more.keys().next().cloned()).unwrap_or("plain".into());
        let item = |n: usize| {
            let mut item = json!({"key": format!("{name}-{n}"), "value": value});
            item.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            item
        };
        let items: Vec<Value> = (0..KEYS).map(item).collect();
        assert_eq!(space.post("/api/cache/set-batch", &json!(items)).await.ok()["failed_count"], 0);
    }
    load.start();
    ground.settings(&json!({"fill_bytes_per_s": SLOWLY})).await;
    let fourth = ground.fleet.join(&[0, 1, 2]);
    let slow = Rule::Delay { by: Duration::from_millis(30), jitter: Duration::from_millis(60) };
    for source in 0..3 {
        ground.fleet.network().set_both(Party::Node(source), Party::Node(fourth), slow);
    }
    wait::until("a fill to be in its middle", async || {
        let cluster = ground.cluster().await?;
        cluster["transfers"]["running"].as_array()?.iter().any(is_begun).then_some(())
    })
    .await;
    for round in 0..4 {
        let removed = kept.post("/api/cache/invalidate", &json!({"tags": ["some"]})).await.ok();
        println!("round {round}: {} items invalidated by tag", removed["deleted_count"]);
        kept.post("/api/cache/invalidate", &json!({"pattern": "ttl-1*"})).await.ok();
        cleared.send(cleared.request(Method::POST, "/api/cache/clear")).await.ok();
        load.requests_of(Duration::from_millis(500)).await;
    }
    ground.settings(&json!({"fill_bytes_per_s": FAST})).await;
    ground.fleet.network().heal();
    ground.wait_settled().await;
    load.read_back().await;

    // Who had everything before, one after the other.
    for number in 0..3 {
        ground.fleet.kill(&[number]);
        ground.wait_taken_over(&[number]).await;
        load.read_back().await;
        for (space, pattern) in [(&kept, "metadata-*"), (&kept, "ttl-1*"), (&cleared, "*")] {
            let listed = space.get(&format!("/api/cache/keys?pattern={pattern}")).await.ok();
            assert_eq!((&listed["complete"], &listed["total_keys"]), (&json!(true), &json!(0)), "{pattern}: {listed}");
        }
        ground.restart(number).await;
    }
    wait::until("what expires to be gone", async || {
        let listed = kept.get("/api/cache/keys?pattern=*").await.ok();
        (listed["total_keys"] == 0).then_some(())
    })
    .await;
    load.stop().await;
    load.read_back().await;
    println!("removals during a fill, then the sources killed:\n{}", load.report());
    load.report().assert_right();
}

/// Nodes at their limits: copies evict what their primary says, nothing else, and what is left is right after a crash.
#[tokio::test]
async fn full_copies_keep_their_limits_and_return_nothing_stale() {
    const ITEMS_MAX: u64 = 2_000;
    let limit = ITEMS_MAX.to_string();
    let mut ground = Ground::start_with(Plan { nodes: 3, ..PLAN }, &["--cache-max-items", &limit]).await;
    let mix = Mix { reads: 40, counts: 0, claims: 0 };
    let options = Options { registers: 6_000, hot: 1_000, counters: 0, evicts: true, mix, ..options() };
    let mut load = ground.load(options).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    for number in 0..2 {
        check_limits(&ground, ITEMS_MAX).await;
        ground.fleet.kill(&[number]);
        ground.wait_taken_over(&[number]).await;
        check_limits(&ground, ITEMS_MAX).await;
        load.requests_of(while_nothing_happens()).await;
        ground.restart(number).await;
        load.read_back().await;
    }
    load.requests_of(while_nothing_happens()).await;
    check_limits(&ground, ITEMS_MAX).await;
    load.stop().await;
    load.read_back().await;
    println!("nodes at their limits:\n{}", load.report());
    assert_read_something(&load);
    load.report().assert_right();
}

async fn check_limits(ground: &Ground, items_max: u64) {
    let stats = ground.fleet.api().get("/api/cache/stats").await.ok();
    for node in stats["nodes"].as_array().expect("a list of nodes") {
        let Some(items) = node["statistics"]["total_items"].as_u64() else { continue };
        let copies = node["statistics"]["copy_items"].as_u64().expect("who tells its items tells its copies");
        assert!(items + copies <= items_max, "{node}");
    }
}

fn assert_read_something(load: &Load) {
    let report = load.report();
    let answered: BTreeSet<bool> = [report.requests[Class::Fresh as usize] > report.failures(Class::Fresh)].into();
    assert_eq!(answered, [true].into(), "{:?}", report.failed);
}
