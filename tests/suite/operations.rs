//! What operators ask of a running cluster: plans and changes, nodes that leave, settings, and whether a node may be stopped.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{
        client::{Answer, Api},
        cluster::Cluster,
        wait,
    },
    shared,
};

const RANGES: u64 = 64;

async fn post(api: &Api, path: &str) -> Answer {
    api.send(api.request(Method::POST, path)).await
}

async fn status(api: &Api) -> Value {
    api.get("/api/cluster").await.ok()
}

fn row(status: &Value, id: u64) -> Value {
    let rows = status["nodes"].as_array().expect("a list");
    rows.iter().find(|row| row["id"] == id).cloned().unwrap_or_else(|| panic!("no node {id} in {status}"))
}

/// Waits until the layout is what a plan wants that knows of all changes.
async fn wait_reached(api: &Api) -> Value {
    wait::until("all copies to be where they should be", async || {
        let status = status(api).await;
        let plan = &status["plan"];
        (plan["is_current"] == true && plan["is_reached"] == true).then_some(status)
    })
    .await
}

/// A settled cluster of three nodes with this many copies of each range, with a key in nearly each.
async fn cluster(copies: u64) -> (Cluster, Api) {
    let cluster = Cluster::start().await;
    let api = cluster.api();
    api.patch("/api/cluster/settings", &json!({"replication_factor": copies})).await.ok();
    wait_reached(&api).await;
    let items: Vec<Value> = (0..400).map(|n| json!({"key": format!("k{n}"), "value": n})).collect();
    assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["failed_count"], 0);
    (cluster, api)
}

async fn found(api: &Api) -> Value {
    let keys: Vec<String> = (0..400).map(|n| format!("k{n}")).collect();
    api.post("/api/cache/get-batch", &json!(keys)).await.ok()["found_count"].clone()
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_shown() {
    let cluster = Cluster::start().await;
    let api = cluster.api();
    let given =
        json!({"min_in_sync": 1, "moves_paused": true, "fill_bytes_per_s": 0, "rehome_after_s": 5, "reset_after_s": 7});
    let answer = api.patch("/api/cluster/settings", &given).await;
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    let body = answer.ok();
    let expected = json!({"replication_factor": 2, "min_in_sync": 1, "moves_paused": true, "fill_bytes_per_s": 0,
        "rehome_after_s": 5, "reset_after_s": 7});
    assert_eq!((&body["settings"], &body["complete"]), (&expected, &json!(true)));
    assert_eq!(status(&api).await["settings"], expected);
    for node in &cluster.nodes {
        let settings = node.handle().state().settings.clone();
        assert_eq!((settings.rehome_after_s, settings.moves_paused), (5, true), "every node acts by it");
    }
    // Each setting alone is legal; together they would refuse every write.
    let answer = api.patch("/api/cluster/settings", &json!({"min_in_sync": 3})).await;
    assert!(answer.refused(409, "conflict")["detail"].as_str().is_some_and(|text| text.contains("min_in_sync 3")));
    assert_eq!(status(&api).await["settings"], expected, "a refusal changes nothing");
}

#[tokio::test]
async fn what_does_not_validate_is_refused_with_every_fault() {
    let api = shared::api();
    let answer = api.patch("/api/cluster/settings", &json!({"replication_factor": 6, "reset_after_s": 0})).await;
    assert_eq!(answer.faults(), ["less_than_equal body.replication_factor", "greater_than_equal body.reset_after_s"]);
    assert_eq!(api.patch("/api/cluster/settings", &json!({})).await.faults(), ["value_error body"]);
    for path in ["/api/cluster/plan", "/api/cluster/apply"] {
        let answer = api.post(path, &json!({"drain": ["1"], "weights": {"x": 1}, "remove": 3})).await;
        assert_eq!(
            answer.faults(),
            ["int_parsing body.weights.x", "int_type body.drain.0", "list_type body.remove"],
            "{path}"
        );
    }
    for (path, body, fault) in [
        ("/api/cluster/nodes/one/drain", json!({}), "int_parsing path.id"),
        ("/api/cluster/nodes/1/drain", json!({"cancel": 1}), "bool_type body.cancel"),
        ("/api/cluster/nodes/1/drain?cancel=1", json!({}), "enum query.cancel"),
        ("/api/cluster/nodes/1/remove", json!({"force": "yes"}), "bool_type body.force"),
    ] {
        assert_eq!(api.post(path, &body).await.faults(), [fault], "{path}");
    }
    assert_eq!(api.patch("/api/cluster/nodes/1", &json!({})).await.faults(), ["missing body.weight"]);
    assert_eq!(
        api.patch("/api/cluster/nodes/1", &json!({"weight": 10_001})).await.faults(),
        ["less_than_equal body.weight"]
    );
    for path in ["/api/cluster/plan", "/api/cluster/apply", "/api/cluster/nodes/1/remove"] {
        api.post_raw(path, "{").await.refused(400, "malformed_json");
    }
}

#[tokio::test]
async fn nodes_that_are_no_members_are_404() {
    let api = shared::api();
    for path in
        ["/api/cluster/nodes/9/drain", "/api/cluster/nodes/9/remove", "/api/cluster/nodes/99999999999999999999/drain"]
    {
        post(&api, path).await.refused(404, "unknown_node");
    }
    api.patch("/api/cluster/nodes/9", &json!({"weight": 1})).await.refused(404, "unknown_node");
    api.get("/api/cluster/nodes/9/safe-to-stop").await.refused(404, "unknown_node");
    for path in ["/api/cluster/plan", "/api/cluster/apply"] {
        for change in [json!({"drain": [9]}), json!({"remove": [9]}), json!({"weights": {"9": 100}})] {
            api.post(path, &change).await.refused(404, "unknown_node");
        }
    }
}

#[tokio::test]
async fn a_plan_tells_what_a_change_would_move_and_changes_nothing() {
    let (_cluster, api) = cluster(1).await;
    let before = status(&api).await;
    let settled = post(&api, "/api/cluster/plan").await;
    assert_eq!(settled.header("x-cache-coverage"), Some("3/3"));
    let settled = settled.ok();
    assert_eq!((&settled["plan"]["is_reached"], &settled["plan"]["ranges"]), (&json!(true), &json!(0)), "{settled}");

    let more = api.post("/api/cluster/plan", &json!({"replication_factor": 2})).await.ok();
    let plan = &more["plan"];
    assert_eq!((&plan["ranges"], &plan["is_reached"]), (&json!(RANGES), &json!(false)), "{more}");
    assert!(plan["moves"].as_array().is_some_and(|moves| moves.iter().all(|flow| flow["from"].is_null())), "{more}");
    let keys = plan["keys"].as_u64().expect("a number");
    assert!((300..=400).contains(&keys), "about the 400 keys that are there: {keys}");
    assert!(plan["bytes"].as_u64() > Some(keys) && plan["seconds_at_least"] == 1, "{more}");

    let id = before["nodes"][0]["id"].as_u64().expect("an id");
    let held = before["nodes"][0]["ranges"].as_u64().expect("a number");
    let drained = api.post("/api/cluster/plan", &json!({"drain": [id]})).await.ok();
    assert_eq!(drained["plan"]["ranges"], held, "{drained}");
    let moves = drained["plan"]["moves"].as_array().expect("a list");
    assert!(moves.iter().all(|flow| flow["from"] == id && flow["to"] != id), "{drained}");
    let share = drained["plan"]["nodes"].as_array().expect("a list").iter().find(|row| row["id"] == id);
    assert_eq!(share.expect("its row")["planned_ranges"], 0);

    let heavier = api.post("/api/cluster/plan", &json!({"weights": {(id.to_string()): 400}})).await.ok();
    let share = heavier["plan"]["nodes"].as_array().expect("a list").iter().find(|row| row["id"] == id);
    assert!(share.expect("its row")["planned_ranges"].as_u64() > Some(held + 10), "{heavier}");

    let all: Vec<_> = before["nodes"].as_array().expect("a list").iter().map(|row| row["id"].clone()).collect();
    api.post("/api/cluster/plan", &json!({"drain": all})).await.refused(409, "conflict");
    let removal = api.post("/api/cluster/plan", &json!({"remove": [id]})).await.refused(409, "conflict");
    assert!(removal["detail"].as_str().is_some_and(|text| text.contains("only copy")), "{removal}");

    let after = status(&api).await;
    for name in ["version", "settings", "plan", "ranges"] {
        assert_eq!(after[name], before[name], "{name}: nothing was changed");
    }
}

#[tokio::test]
async fn moves_are_paused_and_go_on_by_resume_or_an_empty_change() {
    let cluster = Cluster::start().await;
    let api = cluster.api();
    for (path, is_paused) in [
        ("/api/cluster/pause", true),
        ("/api/cluster/resume", false),
        ("/api/cluster/pause", true),
        ("/api/cluster/apply", false),
        ("/api/cluster/cancel", false),
    ] {
        let answer = post(&api, path).await.ok();
        assert_eq!(answer["plan"]["is_paused"], is_paused, "{path}");
        assert_eq!(status(&api).await["settings"]["moves_paused"], is_paused, "{path}");
    }
}

#[tokio::test]
async fn a_weight_is_set_and_taken_back() {
    let cluster = Cluster::start().await;
    let api = cluster.api();
    let id = status(&api).await["nodes"][2]["id"].as_u64().expect("an id");
    let answer = api.patch(&format!("/api/cluster/nodes/{id}"), &json!({"weight": 300})).await.ok();
    assert_eq!(answer["node"], json!({"id": id, "membership": "active"}));
    assert_eq!(row(&status(&api).await, id)["weight"], 300);
    let answer = api.patch(&format!("/api/cluster/nodes/{id}"), &json!({"weight": null})).await.ok();
    assert_eq!(answer["success"], true);
    assert_eq!(row(&status(&api).await, id)["weight"], 100);
    api.post("/api/cluster/apply", &json!({"weights": {(id.to_string()): 250}})).await.ok();
    assert_eq!(row(&status(&api).await, id)["weight"], 250);
}

#[tokio::test]
async fn a_change_is_applied_and_the_plan_in_force_is_told() {
    let (_cluster, api) = cluster(1).await;
    let answer = api.post("/api/cluster/apply", &json!({"replication_factor": 2})).await.ok();
    assert_eq!(answer["plan"]["is_reached"], false, "{answer}");
    assert_eq!(status(&api).await["settings"]["replication_factor"], 2);
    let status = wait_reached(&api).await;
    assert_eq!((&status["ranges"]["full"], &status["ranges"]["under_replicated"]), (&json!(RANGES), &json!(0)));
    assert_eq!((&status["ranges"]["single_copy"], &status["ranges"]["pending"]), (&json!(0), &json!(0)));
    assert_eq!(status["transfers"]["ranges_left"], 0);
    assert!(status["transfers"]["done"]["ranges"].as_u64() >= Some(RANGES), "{}", status["transfers"]);
    assert!(status["transfers"]["done"]["keys"].as_u64() >= Some(300), "{}", status["transfers"]);
    assert_eq!(found(&api).await, 400);
}

#[tokio::test]
async fn a_drained_node_gives_away_all_it_holds_and_can_be_removed() {
    let (cluster, api) = cluster(2).await;
    let id = cluster.nodes[2].handle().node_id().expect("it has an id").0;
    let answer = post(&api, &format!("/api/cluster/nodes/{id}/drain")).await.ok();
    assert_eq!(answer["node"], json!({"id": id, "membership": "leaving"}));
    assert_eq!(row(&status(&api).await, id)["membership"], "leaving");
    let status = wait_reached(&api).await;
    let drained = row(&status, id);
    assert_eq!(
        (&drained["ranges"], &drained["pending_ranges"], &drained["planned_ranges"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!(status["ranges"]["full"], RANGES);
    assert_eq!(found(&api).await, 400);

    let back = post(&api, &format!("/api/cluster/nodes/{id}/drain?cancel=true")).await.ok();
    assert_eq!(back["node"]["membership"], "active");
    let status = wait_reached(&api).await;
    assert!(row(&status, id)["ranges"].as_u64() > Some(30), "{status}");

    api.post(&format!("/api/cluster/nodes/{id}/drain"), &json!({"cancel": false})).await.ok();
    wait_reached(&api).await;
    let removed = post(&api, &format!("/api/cluster/nodes/{id}/remove")).await.ok();
    assert_eq!(removed["node"], json!({"id": id, "membership": "gone"}));
    let status = wait_reached(&api).await;
    assert_eq!((&status["gone"], status["nodes"].as_array().map(Vec::len)), (&json!([id]), Some(2)));
    assert_eq!(found(&api).await, 400);
    post(&api, &format!("/api/cluster/nodes/{id}/drain")).await.refused(404, "unknown_node");
    api.get(&format!("/api/cluster/nodes/{id}/safe-to-stop")).await.refused(404, "unknown_node");
}

#[tokio::test]
async fn a_node_with_last_copies_is_removed_only_by_force_and_what_it_alone_held_is_counted() {
    let (cluster, api) = cluster(1).await;
    let id = cluster.nodes[1].handle().node_id().expect("it has an id").0;
    let held = row(&status(&api).await, id)["ranges"].as_u64().expect("a number");
    let refused = post(&api, &format!("/api/cluster/nodes/{id}/remove")).await.refused(409, "conflict");
    let detail = refused["detail"].as_str().expect("a text");
    assert!(detail.contains(&format!("only copy of {held} ranges")), "{detail}");
    assert_eq!(row(&status(&api).await, id)["membership"], "active", "a refusal changes nothing");
    let forced = api.post(&format!("/api/cluster/nodes/{id}/remove"), &json!({"force": true})).await.ok();
    assert!(forced["message"].as_str().is_some_and(|text| text.contains(&format!("{held} ranges"))), "{forced}");
    let status = wait_reached(&api).await;
    assert_eq!(status["ranges"]["resets"], held);
    let left = found(&api).await.as_u64().expect("a number");
    assert!((100..400).contains(&left), "{left}");
}

#[tokio::test]
async fn a_node_may_be_stopped_only_while_others_hold_what_it_holds() {
    let (cluster, api) = cluster(1).await;
    let id = cluster.nodes[0].handle().node_id().expect("it has an id").0;
    let path = format!("/api/cluster/nodes/{id}/safe-to-stop");
    let alone = api.get(&path).await.ok();
    let held = row(&status(&api).await, id)["ranges"].clone();
    assert_eq!((&alone["safe"], &alone["ranges_that_would_lose_last_copy"]), (&json!(false), &held), "{alone}");
    assert_eq!((&alone["ranges_below_min_in_sync"], &alone["primary_ranges"]), (&held, &held));
    assert!(alone["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{alone}");

    api.post("/api/cluster/apply", &json!({"replication_factor": 2})).await.ok();
    wait_reached(&api).await;
    let copied = api.get(&path).await.ok();
    assert_eq!((&copied["safe"], &copied["reasons"]), (&json!(true), &json!([])), "{copied}");
    assert_eq!(copied["ranges_that_would_lose_last_copy"], 0);

    api.patch("/api/cluster/settings", &json!({"min_in_sync": 2})).await.ok();
    let strict = api.get(&path).await.ok();
    assert_eq!((&strict["safe"], &strict["ranges_that_would_lose_last_copy"]), (&json!(false), &json!(0)), "{strict}");
    assert!(strict["ranges_below_min_in_sync"].as_u64() > Some(0), "{strict}");
}

#[tokio::test]
async fn every_node_is_shown_with_its_lease() {
    let status = status(&shared::api()).await;
    for node in status["nodes"].as_array().expect("a list") {
        assert_eq!(
            (&node["is_alive"], &node["has_lease"], &node["is_stopping"]),
            (&json!(true), &json!(true), &json!(false))
        );
        assert!(node["since_ms"].as_u64() < Some(2_200) && node["uptime_seconds"].is_u64(), "{node}");
        assert!(node["single_copy_writes"].is_u64(), "{node}");
    }
}
