//! Nothing breaks: what the load and the checkers say then, with one copy and with two.

use std::time::Duration;

use crate::{
    ground::{Ground, Plan, options, while_nothing_happens},
    harness::linear::clients::Clients,
};

#[tokio::test]
async fn without_faults_no_request_fails_and_every_key_is_read_back() {
    for copies in [1, 2] {
        let ground = Ground::start(Plan { nodes: 3, routers: 2, copies, proxies: false }).await;
        let mut load = ground.load(options()).await;
        let keys = (0..8).map(|n| format!("linear-{n}")).collect();
        let clients = Clients::start(&ground.routers(), keys, Duration::from_millis(20));
        load.start();
        load.requests_of(while_nothing_happens()).await;
        load.read_back().await;
        clients.operations(100).await;
        load.stop().await;
        load.read_back().await;
        println!("nothing breaks, {copies} copies:\n{}", load.report());
        clients.stop_and_check().await;
        load.report().assert_right();
        load.report().assert_all_answered();
        assert_eq!(ground.fleet.errors(), [""; 0]);
    }
}
