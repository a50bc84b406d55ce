//! The network is cut, in both directions or in one: the side with the majority goes on, the other refuses, and when it
//! heals nothing that was acknowledged is lost.

use std::time::{Duration, Instant};

use crate::{
    ground::{Ground, Plan, options, sized, while_nothing_happens},
    harness::{
        linear::clients::Clients,
        oracle::{figures::Class, probe::Probed},
        proxy::rule::{Party, Rule},
        wait,
    },
};

const PLAN: Plan = Plan { nodes: 5, routers: 2, copies: 2, proxies: true };
/// A lease, and as much again for a busy machine.
const REFUSES_MAX: Duration = Duration::from_millis(2 * 1_500);

#[tokio::test]
async fn an_isolated_minority_refuses_within_a_lease_and_nothing_is_lost_when_it_heals() {
    let ground = Ground::start(PLAN).await;
    let routers = ground.routers();
    let mut load = ground.load_through(&routers[..1], options()).await;
    let keys = (0..6).map(|n| format!("linear-{n}")).collect();
    let clients = Clients::start(&routers[..1], keys, Duration::from_millis(100));
    load.start();
    load.requests_of(while_nothing_happens()).await;

    // The leader is on the small side, with another one and the second router.
    let state = ground.state().await;
    let leader = ground.leader().await;
    let small = [leader, (leader + 1) % PLAN.nodes];
    let (few, many): (Vec<usize>, Vec<usize>) = (0..PLAN.nodes).partition(|number| small.contains(number));
    let few: Vec<Party> = few.into_iter().map(Party::Node).chain([Party::Router(1)]).collect();
    let many: Vec<Party> = many.into_iter().map(Party::Node).chain([Party::Router(0)]).collect();
    load.restart_gaps();
    ground.fleet.network().cut(&few, &many);
    let cut = Instant::now();
    for number in small {
        let direct = ground.direct(number);
        let keys = load.hot_in(&ground.primaries_of(&state, number));
        wait::until("a node of the minority to refuse", async || {
            for key in &keys {
                // As long as it serves, what it returns is judged: it must be right.
                if load.probe(&direct, &state, *key, true).await == Probed::Served {
                    return None;
                }
            }
            Some(())
        })
        .await;
        println!("node {number} of the minority refused reads {} ms after the cut", cut.elapsed().as_millis());
        assert!(cut.elapsed() < REFUSES_MAX, "{:?}", cut.elapsed());
    }
    let refused = ground.fleet.api_of(1).post("/api/cache/set", &serde_json::json!({"key": "k", "value": 1})).await;
    assert!(matches!(refused.status, 503 | 504), "{} {}", refused.status, refused.text);

    // Ranges with a copy on the large side are served there.
    let shared = state.ranges.iter().enumerate().filter(|(_, range)| {
        let numbers = range.in_sync.iter().map(|member| ground.number_of(&state, member.node));
        numbers.into_iter().any(|number| !small.contains(&number))
    });
    let shared = shared.map(|(range, _)| range).collect();
    load.requests_of(Duration::from_secs(sized(4, 15))).await;
    let report = load.report();
    println!(
        "through the majority, ranges with a copy there: longest gap for fresh reads {} ms, for writes {} ms",
        report.gap_in(Class::Fresh, &shared).as_millis(),
        report.gap_in(Class::Write, &shared).as_millis()
    );
    ground.fleet.network().heal();
    let healed = Instant::now();
    ground.wait_full().await;
    println!("all copies of all ranges were there {} ms after healing", healed.elapsed().as_millis());
    load.requests_of(while_nothing_happens()).await;
    load.stop().await;
    load.read_back().await;
    load.read_back_through(routers[1]).await;
    println!("two of five cut off, the leader among them:\n{}", load.report());
    clients.stop_and_check().await;
    load.report().assert_right();
    assert_eq!(ground.fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn cuts_in_one_direction_lose_nothing() {
    let ground = Ground::start(PLAN).await;
    let mut load = ground.load(options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    for (what, from_leader, to_leader) in [
        ("the leader does not hear a follower", false, true),
        ("a follower does not hear the leader", true, false),
        ("two followers, of which one does not hear the other", false, false),
    ] {
        let leader = ground.leader().await;
        let [one, other] = [(leader + 1) % PLAN.nodes, (leader + 2) % PLAN.nodes].map(Party::Node);
        let leader = Party::Node(leader);
        let (from, to) = match (from_leader, to_leader) {
            (true, _) => (leader, one),
            (_, true) => (one, leader),
            _ => (one, other),
        };
        load.restart_gaps();
        ground.fleet.network().set(from, to, Rule::Hold);
        load.requests_of(Duration::from_secs(sized(5, 20))).await;
        let report = load.report();
        println!(
            "{what}: longest gap for fresh reads {} ms, for writes {} ms",
            report.gap(Class::Fresh).as_millis(),
            report.gap(Class::Write).as_millis()
        );
        ground.fleet.network().heal();
        ground.wait_full().await;
        load.read_back().await;
    }
    load.stop().await;
    load.read_back().await;
    println!("cuts in one direction:\n{}", load.report());
    load.report().assert_right();
    assert_eq!(ground.fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn a_router_that_is_cut_off_from_one_node_is_served_by_the_others() {
    let ground = Ground::start(Plan { nodes: 3, ..PLAN }).await;
    let routers = ground.routers();
    let mut load = ground.load_through(&routers[..1], options()).await;
    load.start();
    load.requests_of(while_nothing_happens()).await;
    let network = ground.fleet.network();
    network.set_both(Party::Router(0), Party::Node(1), Rule::Hold);
    load.requests_of(Duration::from_secs(sized(3, 20))).await;
    let report = load.report();
    println!("a router without way to one node:\n{report}");
    report.assert_reads_answered();
    network.heal();
    // Slow links with jitter: everything is late, nothing is wrong.
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            let rule =
                Rule::Delay { by: Duration::from_millis(10 * (from as u64 + 1)), jitter: Duration::from_millis(20) };
            network.set(Party::Node(from), Party::Node(to), rule);
        }
    }
    load.requests_of(Duration::from_secs(sized(3, 20))).await;
    network.heal();
    load.stop().await;
    load.read_back().await;
    println!("then with delays that differ by direction:\n{}", load.report());
    load.report().assert_right();
}
