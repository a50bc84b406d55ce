//! Health, readiness and metrics, of the router and of the nodes.

use serde_json::{Value, json};

use crate::{
    harness::{
        client::Api,
        cluster::{Cluster, Options},
        wait,
    },
    shared,
    shown::{is_time, shown, shown_but},
};

fn nodes() -> Vec<Api> {
    shared::calm().nodes.iter().map(|node| Api::new(format!("http://{}", node.health))).collect()
}

#[tokio::test]
async fn a_router_of_a_whole_cluster_is_healthy() {
    let api = shared::api();
    let answer = api.get("/health").await;
    let mut body = answer.ok();
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    for check in body["checks"].as_array_mut().expect("checks") {
        assert!(check["detail"].as_str().is_some_and(|text| !text.is_empty()));
        check["detail"] = json!("[detail]");
    }
    insta::assert_json_snapshot!(shown(&body));
    let live = api.get("/livez").await.ok();
    assert!(live["status"] == "healthy" && is_time(&live["timestamp"]), "{live}");
    let ready = api.get("/readyz").await.ok();
    assert_eq!((&ready["status"], &ready["checks"]), (&json!("healthy"), &Value::Null));
    for query in ["?verbose", "?verbose=1", "?a=b&verbose"] {
        let verbose = api.get(&format!("/readyz{query}")).await.ok();
        assert!(verbose["checks"].as_array().is_some_and(|checks| checks.len() >= 3), "{query}: {verbose}");
    }
}

#[tokio::test]
async fn nodes_tell_their_health_on_a_port_of_their_own() {
    for node in nodes() {
        assert_eq!(node.get("/livez").await.status, 200);
        assert_eq!(node.get("/readyz").await.status, 200);
        let verbose = node.get("/readyz?verbose").await.ok();
        assert!(verbose.as_array().is_some_and(|checks| checks.iter().all(|check| check["ok"] == true)), "{verbose}");
        let health = node.get("/health").await.ok();
        assert_eq!(health["status"], "healthy");
        for name in ["node", "leader", "term", "applied", "primary_ranges"] {
            assert!(health[name].as_u64() > Some(0), "{name}: {health}");
        }
        assert_eq!(node.get("/api/cache/keys").await.status, 404, "data is not served here");
    }
}

/// Each line is a comment or `name{label="value",...} number`; each sample has its type.
fn check_metrics(text: &str) -> usize {
    let mut samples = 0;
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            assert!([" HELP ", " TYPE ", " UNIT ", " EOF"].iter().any(|word| comment.starts_with(word)), "{line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(
            name.starts_with("ringhold_") && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "{line}"
        );
        assert!(labels == "}" || (labels.ends_with("\"}") && labels.contains("=\"")), "{line}");
        let family =
            ["_total", "_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(
            text.contains(&format!("# TYPE {family} ")) || text.contains(&format!("# TYPE {name} ")),
            "{name} has no type"
        );
        samples += 1;
    }
    samples
}

#[tokio::test]
async fn metrics_are_prometheus_text_on_the_router_and_on_every_node() {
    let api = shared::api();
    api.set("k", json!(1)).await;
    api.value("k").await;
    let answer = api.get("/metrics").await;
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"))
    );
    assert!(check_metrics(&answer.text) > 10);
    assert!(answer.text.contains("route=\"/api/cache/set\""), "{}", answer.text);
    for node in nodes() {
        let answer = node.get("/metrics").await;
        assert_eq!(answer.status, 200);
        assert!(check_metrics(&answer.text) > 10);
        assert!(answer.text.contains("ringhold_node_ready 1"), "{}", answer.text);
    }
}

#[tokio::test]
async fn metrics_that_are_off_are_404_everywhere() {
    let options = Options {
        nodes: 1,
        node: |node| node.metrics = false,
        router: |router| router.metrics = false,
        ..Options::default()
    };
    let cluster = Cluster::start_with(options).await;
    cluster.api().get("/metrics").await.refused(404, "not_found");
    assert_eq!(Api::new(format!("http://{}", cluster.nodes[0].health)).get("/metrics").await.status, 404);
}

#[tokio::test]
async fn the_cluster_is_shown_with_its_nodes_and_ranges() {
    let api = shared::api();
    let answer = wait::until("a layout as planned", async || {
        let answer = api.get("/api/cluster").await;
        (answer.ok()["plan"]["is_reached"] == true).then_some(answer)
    })
    .await;
    let body = answer.ok();
    let volatile = [
        "cluster",
        "leader",
        "term",
        "last_log",
        "voters",
        "id",
        "is_leader",
        "primary_ranges",
        "copy_ranges",
        "planned_ranges",
        "share",
        "since_ms",
        "uptime_seconds",
        "single_copy_writes",
        "done",
    ];
    let mut shape = shown_but(&body, &volatile);
    shape["nodes"].as_array_mut().expect("a list").iter_mut().for_each(|node| node["ranges"] = json!("[ranges]"));
    insta::assert_json_snapshot!(shape);
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    let nodes = body["nodes"].as_array().expect("a list");
    assert_eq!((nodes.len(), body["voters"].as_array().map(Vec::len)), (3, Some(3)));
    let leaders: Vec<_> = nodes.iter().filter(|node| node["is_leader"] == true).collect();
    assert!(leaders.len() == 1 && leaders[0]["id"] == body["leader"], "{body}");
    assert_eq!(nodes.iter().map(|node| node["primary_ranges"].as_u64().expect("a number")).sum::<u64>(), 64);
    let share: f64 = nodes.iter().map(|node| node["share"].as_f64().expect("a number")).sum();
    assert!((share - 1.0).abs() < 1e-9, "{share}");
    assert_eq!((&body["ranges"]["total"], &body["ranges"]["serving"]), (&json!(64), &json!(64)));
    for node in nodes {
        assert_eq!((&node["state"], &node["weight"]), (&json!("active"), &json!(100)));
        let own = shared::calm().nodes.iter().any(|own| node["addresses"]["rpc"] == own.rpc.to_string());
        assert!(own && node["addresses"]["health"].is_string(), "{node}");
    }
    assert!(body["term"].as_u64() > Some(0) && body["version"].as_u64() > Some(0));
}
