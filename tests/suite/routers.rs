//! Two routers in front of one cluster: whatever one of them acknowledged, the other one knows at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{client::Api, cluster::Cluster};

/// Calls that are made at once, through both routers.
const WRITERS: usize = 4;

/// A cluster with its first router, and a second one.
async fn two_routers() -> (Cluster, Api, Api) {
    let mut cluster = Cluster::start().await;
    let other = cluster.start_router().await;
    let first = cluster.api();
    (cluster, first, other)
}

async fn remove(api: &Api, name: &str) -> Value {
    api.delete(&format!("/api/namespaces/{name}")).await.ok()
}

async fn fill(api: &Api, prefix: &str, count: usize) {
    let items: Vec<Value> = (0..count).map(|n| json!({"key": format!("{prefix}{n}"), "value": n})).collect();
    assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["successful_count"], count);
}

async fn fill_one(api: &Api, n: usize) {
    let answer = api.post("/api/cache/set-batch", &json!([{"key": "k", "value": n}])).await.ok();
    assert_eq!(answer["successful_count"], 1, "{answer}");
}

async fn clear(api: &Api, query: &str) -> Value {
    api.post(&format!("/api/cache/clear{query}"), &Value::Null).await.ok()["deleted_count"].clone()
}

async fn total(api: &Api) -> Value {
    api.get("/api/cache/keys?limit=1").await.ok()["total_keys"].clone()
}

#[tokio::test]
async fn a_write_to_a_new_namespace_is_read_through_the_other_router_at_once() {
    let (_cluster, first, other) = two_routers().await;
    for n in 0..60 {
        let name = format!("new-{n}");
        // Each of them makes every second one.
        let (writes, reads) = if n % 2 == 0 { (&first, &other) } else { (&other, &first) };
        let (writes, reads) = (writes.in_namespace(&name), reads.in_namespace(&name));
        writes.set("k", json!(n)).await;
        match n % 5 {
            0 => assert_eq!(total(&reads).await, 1, "{name}"),
            1 => assert_eq!(reads.get("/api/cache/stats").await.ok()["raw_stats"]["total_items"], 1, "{name}"),
            2 => {
                let batch = reads.post("/api/cache/get-batch", &json!(["k"])).await.ok();
                assert_eq!(batch["found_count"], 1, "{name}: {batch}");
            }
            3 => assert_eq!(reads.delete("/api/cache/delete/k").await.ok()["found"], true, "{name}"),
            _ => assert_eq!(reads.value("k").await, Some(json!(n)), "{name}"),
        }
    }
}

#[tokio::test]
async fn a_namespace_that_one_router_removed_begins_anew_through_the_other() {
    let (_cluster, first, other) = two_routers().await;
    for n in 0..40 {
        let name = format!("again-{}", n % 4);
        let (removes, writes) = if n % 2 == 0 { (&first, &other) } else { (&other, &first) };
        let here = removes.in_namespace(&name);
        let there = writes.in_namespace(&name);
        here.set("old", json!(n)).await;
        here.set("k", json!("old")).await;
        assert_eq!(there.value("old").await, Some(json!(n)));
        assert_eq!(remove(removes, &name).await["found"], true);
        // Not even a read comes between, which could teach the other router of the removal.
        match n % 5 {
            0 => drop(there.set("k", json!(n)).await),
            1 => fill_one(&there, n).await,
            2 => assert_eq!(there.value("k").await, None),
            3 => assert_eq!(there.delete("/api/cache/delete/k").await.ok()["found"], false),
            _ => drop(there.patch("/api/cache/config", &json!({"default_ttl": 5})).await.ok()),
        }
        there.set("k", json!(n)).await;
        assert_eq!(here.value("k").await, Some(json!(n)), "{name}");
        for api in [&here, &there] {
            assert_eq!(api.value("old").await, None, "{name}");
            assert_eq!(total(api).await, 1, "{name}");
        }
    }
}

/// Writes keys of its own, one after the other, and removes none of them; each must be there until the namespace goes.
async fn keep_writing(api: Api, reader: Api, writer: usize) {
    for n in 0..40 {
        let key = format!("w{writer}-{n}");
        api.set(&key, json!(n)).await;
        assert_eq!(reader.value(&key).await, Some(json!(n)), "an acknowledged write vanished: {key}");
    }
}

#[tokio::test]
async fn no_acknowledged_write_vanishes_when_others_remove_and_make_namespaces() {
    let (_cluster, first, other) = two_routers().await;
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (api, reader) = if writer % 2 == 0 { (&first, &other) } else { (&other, &first) };
        tasks.spawn(keep_writing(api.in_namespace("kept"), reader.in_namespace("kept"), writer));
    }
    for (at, api) in [&first, &other].into_iter().enumerate() {
        tasks.spawn(come_and_go(api.clone(), format!("passing-{at}"), 15));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task fails");
    }
    for api in [&first, &other] {
        assert_eq!(total(&api.in_namespace("kept")).await, WRITERS * 40);
    }
}

/// Makes a namespace and removes it, many times; each time it begins empty.
async fn come_and_go(api: Api, name: String, times: usize) {
    let inside = api.in_namespace(&name);
    for n in 0..times {
        fill(&inside, &format!("round{n}-"), 5).await;
        assert_eq!(total(&inside).await, 5, "round {n} of {name}");
        assert_eq!(remove(&api, &name).await["found"], true);
        assert_eq!(total(&inside).await, 0, "round {n} of {name}");
    }
}

#[tokio::test]
async fn a_namespace_that_one_router_made_is_removed_through_the_other_at_once() {
    let (_cluster, first, other) = two_routers().await;
    for n in 0..30 {
        let name = format!("brief-{n}");
        first.in_namespace(&name).set("k", json!(n)).await;
        assert_eq!(remove(&other, &name).await["found"], true, "{name}");
        assert_eq!(first.in_namespace(&name).value("k").await, None, "{name}");
    }
}

#[tokio::test]
async fn writes_that_race_a_removal_are_there_or_went_with_the_namespace_and_later_ones_stay() {
    let (_cluster, first, other) = two_routers().await;
    for round in 0..15 {
        let mut tasks = JoinSet::new();
        for writer in 0..WRITERS {
            let api = if writer % 2 == 0 { &first } else { &other }.in_namespace("raced");
            tasks.spawn(async move {
                for n in 0..5 {
                    api.set(&format!("w{writer}-{n}"), json!(round)).await;
                }
            });
        }
        remove(&first, "raced").await;
        while let Some(ended) = tasks.join_next().await {
            ended.expect("every write is acknowledged");
        }
        // The removal is over, so what is acknowledged from now on stays.
        let (here, there) = (first.in_namespace("raced"), other.in_namespace("raced"));
        there.set("later", json!(round)).await;
        assert_eq!(here.value("later").await, Some(json!(round)));
        assert_eq!(total(&here).await, total(&there).await, "both tell the same");
        let walked = names(&here.get("/api/cache/keys?limit=100").await.ok());
        for key in &walked {
            assert_eq!(there.value(key).await, Some(json!(round)), "{key} is of an older life");
        }
    }
}

#[tokio::test]
async fn a_clear_counts_exactly_and_the_other_router_sees_nothing_older_while_namespaces_come_and_go() {
    let (_cluster, first, other) = two_routers().await;
    let mut churn = JoinSet::new();
    churn.spawn(come_and_go(other.clone(), "passing-a".into(), 20));
    churn.spawn(come_and_go(other.clone(), "passing-b".into(), 20));
    let (here, there) = (first.in_namespace("cleared"), other.in_namespace("cleared"));
    let bystander = other.in_namespace("bystander");
    fill(&bystander, "k", 50).await;
    let mut rounds = 0;
    while !churn.is_empty() || rounds < 5 {
        let count = 30 + rounds % 7;
        fill(&there, "k", count).await;
        fill(&here, "other", 3).await;
        assert_eq!(clear(&here, "?pattern=k*").await, count, "round {rounds}");
        for n in [0, 1, count - 1] {
            assert_eq!(there.value(&format!("k{n}")).await, None, "round {rounds}");
        }
        assert_eq!(total(&there).await, 3, "round {rounds}");
        assert_eq!(clear(&here, "").await, 3, "round {rounds}");
        assert_eq!(total(&there).await, 0, "round {rounds}");
        assert_eq!(clear(&there, "").await, 0, "round {rounds}: nothing is counted twice");
        rounds += 1;
        while let Some(ended) = churn.try_join_next() {
            ended.expect("the churn goes well");
        }
    }
    assert_eq!(total(&bystander).await, 50, "a clear stays in its namespace");
}

/// Limits in force, one for each node.
async fn limits_in_force(api: &Api) -> Vec<Value> {
    let stats = api.get("/api/cache/stats").await.ok();
    let nodes = stats["nodes"].as_array().expect("a list of nodes").iter();
    nodes.map(|node| node["statistics"]["max_items"].clone()).collect()
}

#[tokio::test]
async fn a_config_set_through_one_router_rules_at_the_other_and_on_every_node_at_once() {
    let (_cluster, first, other) = two_routers().await;
    let (first, other) = (first.in_namespace("tuned"), other.in_namespace("tuned"));
    first.set("k", json!(1)).await;
    let mut last = 0;
    for n in 1..=25_u64 {
        let (sets, acts) = if n % 2 == 0 { (&first, &other) } else { (&other, &first) };
        let (ttl, items) = (100 + n, 1_000 + n);
        let answer = sets.patch("/api/cache/config", &json!({"default_ttl": ttl, "max_items": items})).await.ok();
        let config = acts.get("/api/cache/config").await.ok();
        assert_eq!((&config["config"], &config["version"]), (&answer["config"], &answer["version"]));
        // Keys of several nodes, so that each of them is seen to act by it.
        for key in 0..8 {
            assert_eq!(acts.set(&format!("k{key}"), json!(n)).await["ttl"], ttl);
        }
        assert_eq!(limits_in_force(acts).await, [items; 3]);
        let version = config["version"].as_u64().expect("a number");
        assert!(version > last, "{version} follows {last}");
        last = version;
    }
}

#[tokio::test]
async fn a_default_config_set_through_one_router_rules_in_namespaces_made_through_the_other() {
    let (_cluster, first, other) = two_routers().await;
    for n in 0..10_u64 {
        first.patch("/api/cache/config", &json!({"default_ttl": 200 + n})).await.ok();
        let made = other.in_namespace(&format!("heir-{n}"));
        assert_eq!(made.set("k", json!(1)).await["ttl"], 200 + n);
    }
}

fn names(page: &Value) -> Vec<String> {
    page["keys"].as_array().expect("a list").iter().map(|row| row["key"].as_str().expect("a key").into()).collect()
}

#[tokio::test]
async fn a_cursor_that_one_router_gave_goes_on_at_the_other() {
    let (_cluster, first, other) = two_routers().await;
    let routers = [first.in_namespace("walked"), other.in_namespace("walked")];
    fill(&routers[0], "k", 500).await;
    let (mut seen, mut cursor) = (BTreeSet::new(), String::new());
    for page in 0.. {
        let answer = routers[page % 2].get(&format!("/api/cache/keys?limit=40&pattern=k*&cursor={cursor}")).await.ok();
        for key in names(&answer) {
            assert!(seen.insert(key), "no key comes twice");
        }
        let Some(next) = answer["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
        assert!(page < 100, "the walk ends");
    }
    assert_eq!(seen.len(), 500);
    let one = routers[0].get("/api/cache/keys?limit=40&cursor=").await.ok();
    let page = routers[1].get("/api/cache/keys?limit=40&cursor=").await.ok();
    assert_eq!(names(&one), names(&page), "both walk in the same order");
}
