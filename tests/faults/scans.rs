//! Walks and exports while ranges move and nodes die: no key twice, none missing.

use std::{cell::Cell, collections::BTreeMap};

use serde_json::{Value, json};

use crate::{
    ground::{Ground, Plan, options, while_nothing_happens},
    harness::{client::Api, wait},
};

const PLAN: Plan = Plan { nodes: 4, routers: 2, copies: 2, proxies: false };
/// Keys that stay as they are, beside those of the load, which change.
const STABLE: usize = 3_000;

#[tokio::test]
async fn a_walk_gives_each_key_that_stays_exactly_once_while_ranges_move_and_nodes_die() {
    let mut ground = Ground::start(PLAN).await;
    let api = ground.fleet.api();
    for first in (0..STABLE).step_by(1_000) {
        let items: Vec<Value> =
            (first..first + 1_000).map(|n| json!({"key": format!("stable-{n}"), "value": n})).collect();
        assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["failed_count"], 0);
    }
    let mut load = ground.load(options()).await;
    load.start();
    let (is_over, walker) = (Cell::new(false), ground.fleet.api_of(1));
    let walks = async {
        let mut walks = 0;
        while !is_over.get() {
            walk(&walker).await;
            export(&walker).await;
            walks += 1;
        }
        walks
    };
    let changes = async {
        load.requests_of(while_nothing_happens()).await;
        let id = ground.fleet.id(3).await;
        let drain = format!("/api/cluster/nodes/{id}/drain");
        api.post(&drain, &json!({})).await.ok();
        wait::until("the drained node to hold nothing", async || {
            let cluster = ground.cluster().await?;
            let node = cluster["nodes"].as_array()?.iter().find(|node| node["id"] == id)?.clone();
            (node["ranges"] == 0).then_some(())
        })
        .await;
        api.post(&drain, &json!({"cancel": true})).await.ok();
        ground.wait_settled().await;
        let victim = ground.leader().await;
        ground.fleet.kill(&[victim]);
        ground.wait_taken_over(&[victim]).await;
        ground.restart(victim).await;
        is_over.set(true);
    };
    let (walks, ()) = tokio::join!(walks, changes);
    load.stop().await;
    load.read_back().await;
    println!("{walks} walks and as many exports over {STABLE} keys that stay:\n{}", load.report());
    load.report().assert_right();
    assert!(walks > 0);
}

/// Walks once; a page that is not complete is asked for again.
async fn walk(api: &Api) {
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/api/cache/keys?pattern=stable-*&limit=200&cursor={cursor}");
        let page = wait::until("a whole page", async || {
            let page = api.get(&path).await;
            (page.status == 200 && page.json()["complete"] == true).then(|| page.json())
        })
        .await;
        for key in page["keys"].as_array().expect("a list of keys") {
            *found.entry(key["key"].as_str().expect("a key").to_owned()).or_insert(0) += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_all_once(&found, "a walk");
}

/// Exports once; an export that says that it is not complete is begun anew.
async fn export(api: &Api) {
    let found = wait::until("a whole export", async || {
        let text = api.get("/api/cache/export?format=ndjson&pattern=stable-*").await.text;
        let lines = || text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_whole = lines().next_back().is_some_and(|last| last["complete"] == true);
        let mut found = BTreeMap::new();
        for key in lines().filter_map(|line| line["key"].as_str().map(str::to_owned)) {
            *found.entry(key).or_insert(0) += 1;
        }
        is_whole.then_some(found)
    })
    .await;
    assert_all_once(&found, "an export");
}

fn assert_all_once(found: &BTreeMap<String, usize>, what: &str) {
    let missing = (0..STABLE).filter(|n| !found.contains_key(&format!("stable-{n}"))).count();
    let twice = found.values().filter(|count| **count > 1).count();
    assert_eq!((found.len(), missing, twice), (STABLE, 0, 0), "{what}: keys, missing, more than once");
}
