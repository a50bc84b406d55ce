//! Answers that are lost and connections that are stuck while ranges change hands: every increment counts once, every claim has
//! one winner.

use std::time::Duration;

use serde_json::json;

use crate::{
    ground::{Ground, Plan, options, sized, while_nothing_happens},
    harness::{
        linear::clients::Clients,
        oracle::options::{Mix, Options},
        proxy::rule::{Party, Rule},
        wait,
    },
};

const PLAN: Plan = Plan { nodes: 4, routers: 2, copies: 2, proxies: true };

#[tokio::test]
async fn increments_and_claims_are_done_once_when_answers_are_lost_and_ranges_change_hands() {
    let mut ground = Ground::start(PLAN).await;
    let mix = Mix { reads: 5, counts: 60, claims: 30 };
    let mut load = ground.load(Options { registers: 1_000, hot: 100, counters: 40, mix, ..options() }).await;
    let keys = (0..6).map(|n| format!("linear-{n}")).collect();
    let clients = Clients::start(&ground.routers(), keys, Duration::from_millis(sized(150, 500)));
    load.start();
    load.requests_of(while_nothing_happens()).await;
    for round in 0..sized(2, 12) {
        let leader = ground.leader().await;
        let giver = (leader + 1 + round) % PLAN.nodes;
        let id = ground.fleet.id(giver).await;
        // Answers of the giver are lost while it hands over, and then what is on its way to it is stuck.
        let drained = json!({"cancel": false});
        ground.fleet.api().post(&format!("/api/cluster/nodes/{id}/drain"), &drained).await.ok();
        break_lines(&ground, giver, Rule::Lose, Rule::Pass);
        load.requests_of(Duration::from_millis(300)).await;
        break_lines(&ground, giver, Rule::Pass, Rule::Hold);
        load.requests_of(Duration::from_millis(500)).await;
        ground.fleet.network().heal();
        wait::until("the giver to have handed over", async || {
            let cluster = ground.cluster().await?;
            let node = cluster["nodes"].as_array()?.iter().find(|node| node["id"] == id)?.clone();
            (node["primary_ranges"] == 0 && cluster["ranges"]["taking_over"] == 0).then_some(())
        })
        .await;
        ground.fleet.api().post(&format!("/api/cluster/nodes/{id}/drain"), &json!({"cancel": true})).await.ok();
        ground.wait_settled().await;

        // The leader loses its answers, then its life.
        let leader = ground.leader().await;
        break_lines(&ground, leader, Rule::Lose, Rule::Pass);
        load.requests_of(Duration::from_millis(200)).await;
        ground.fleet.kill(&[leader]);
        ground.fleet.network().heal();
        ground.wait_taken_over(&[leader]).await;
        ground.restart(leader).await;
    }
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    println!("lost answers over handovers and kills of the leader:\n{}", load.report());
    clients.stop_and_check().await;
    load.report().assert_right();
}

/// What a node says to the routers, and what they say to it.
fn break_lines(ground: &Ground, node: usize, said: Rule, heard: Rule) {
    for router in 0..PLAN.routers {
        ground.fleet.network().set(Party::Node(node), Party::Router(router), said);
        ground.fleet.network().set(Party::Router(router), Party::Node(node), heard);
    }
}
