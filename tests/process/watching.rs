//! Prometheus itself scrapes a cluster: every query of the dashboards gives data, and every alert fires on its fault.

use std::{
    cell::Cell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{client::Api, fleet::Fleet, process::free_address, wait};

/// Alerts of `deploy/prometheus/alerts.yml`.
const NODE_DOWN: &str = "RingholdNodeDown";
const ROUTER_DOWN: &str = "RingholdRouterDown";
const NO_LEADER: &str = "RingholdNoLeader";
const UNDER_REPLICATED: &str = "RingholdRangesUnderReplicated";
const RANGES_LOST: &str = "RingholdRangesLost";
const MEMORY: &str = "RingholdMemoryNearLimit";
const FAILING: &str = "RingholdRequestsFail";

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

#[test]
#[ignore = "needs prometheus: cargo test --test process -- --include-ignored watching"]
fn prometheus_takes_the_configuration_and_the_rules() {
    for (what, file) in [("config", "prometheus/prometheus.yml"), ("rules", "prometheus/alerts.yml")] {
        let output = Command::new("promtool").args(["check", what]).arg(deploy(file)).output();
        let output = output.expect("promtool is installed (Debian: prometheus)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
#[ignore = "needs prometheus: cargo test --test process -- --include-ignored watching"]
async fn every_panel_has_data_and_every_alert_fires_on_its_fault() {
    let mut fleet = Fleet::prepare(3).with_flags(&["--ranges", "16", "--cache-default-ttl", "0"]);
    fleet.start_nodes(&[0, 1, 2]);
    for _ in 0..2 {
        // Requests that cannot be served end soon, so that they are seen to fail.
        fleet.add_router(&["--cache-request-timeout-ms", "500"], &[]).await;
    }
    fleet.wait_healthy().await;
    let prometheus = Prometheus::start(&fleet);
    let api = fleet.api_of(1);
    let traffic = Traffic { api: api.clone(), count: Cell::new(0) };

    for query in queries() {
        prometheus.wait_for(&traffic, &query, |found| !found.is_empty()).await;
    }
    assert_eq!(prometheus.firing().await, BTreeSet::new());

    fleet.router().process.kill();
    prometheus.wait_for_alert(&traffic, ROUTER_DOWN).await;

    // A limit that the items do not fit in; no node takes more than its limit, so each comes near it.
    api.patch("/api/cache/config", &json!({"max_memory": 1 << 20})).await.ok();
    for n in 0..1_500 {
        api.set(&format!("large-{n}"), "x".repeat(2_000).into()).await;
    }
    prometheus.wait_for_alert(&traffic, MEMORY).await;
    api.patch("/api/cache/config", &json!({"max_memory": 1 << 30})).await.ok();

    // So soon that the test sees it, and not before a node that was killed could have come back.
    api.patch("/api/cluster/settings", &json!({"reset_after_s": 1})).await.ok();
    fleet.kill(&[1]);
    prometheus.wait_for_alert(&traffic, NODE_DOWN).await;
    prometheus.wait_for_alert(&traffic, UNDER_REPLICATED).await;
    fleet.kill(&[2]);
    prometheus.wait_for_alert(&traffic, NO_LEADER).await;
    prometheus.wait_for_alert(&traffic, FAILING).await;
    fleet.start_nodes(&[1, 2]);
    prometheus.wait_for_alert(&traffic, RANGES_LOST).await;
    assert_eq!(prometheus.seen().await, alerts(), "every alert of the file was seen");
}

/// Requests of all kinds, for as long as somebody waits.
struct Traffic {
    api: Api,
    count: Cell<u32>,
}

impl Traffic {
    async fn some(&self) {
        let n = self.count.get();
        self.count.set(n + 1);
        let body = json!({"key": format!("key-{n}"), "value": n});
        let requests = [
            self.api.request(reqwest::Method::POST, "/api/cache/set").json(&body),
            self.api.request(reqwest::Method::GET, &format!("/api/cache/get/key-{n}")),
            self.api.request(reqwest::Method::GET, "/api/cache/get/nothing"),
            self.api.request(reqwest::Method::DELETE, &format!("/api/cache/delete/key-{n}")),
        ];
        for request in requests {
            // They may fail: that is what some alerts are about.
            let _ = self.api.try_send(request).await;
        }
    }
}

/// The queries of all panels.
fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for name in ["ringhold.json", "ringhold-nodes.json"] {
        let text = std::fs::read_to_string(deploy("grafana/dashboards").join(name)).expect("the dashboard is there");
        let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
        for panel in dashboard["panels"].as_array().expect("it has panels") {
            for target in panel["targets"].as_array().map_or(&[][..], Vec::as_slice) {
                queries.push(target["expr"].as_str().expect("a query").replace("$__rate_interval", "30s"));
            }
        }
    }
    assert!(queries.len() > 40, "{queries:?}");
    queries
}

/// The names of the alerts in the file.
fn alerts() -> BTreeSet<String> {
    let rules = std::fs::read_to_string(deploy("prometheus/alerts.yml")).expect("the rules are there");
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

/// A Prometheus that looks every second, by the rules of the repository without their patience.
struct Prometheus {
    child: Child,
    api: Api,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(fleet: &Fleet) -> Self {
        let folder = fleet.folder().join("prometheus");
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let rules = std::fs::read_to_string(deploy("prometheus/alerts.yml")).expect("the rules are there");
        let impatient =
            |line: &str| if line.trim().starts_with("for: ") { "        for: 1s".into() } else { line.to_owned() };
        let rules = rules.lines().map(impatient).collect::<Vec<_>>().join("\n");
        std::fs::write(folder.join("alerts.yml"), rules).expect("the file can be written");
        let nodes: Vec<_> = fleet.members.iter().map(|member| member.health.to_string()).collect();
        let routers: Vec<_> = fleet.routers().iter().map(|router| router.address().to_string()).collect();
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yml"],
            "scrape_configs": [
                {"job_name": "ringhold-node", "static_configs": [{"targets": nodes}]},
                {"job_name": "ringhold-router", "static_configs": [{"targets": routers}]},
            ],
        });
        // JSON is YAML as well.
        std::fs::write(folder.join("prometheus.yml"), config.to_string()).expect("the file can be written");
        let address = free_address();
        let log = std::fs::File::create(folder.join("log")).expect("the file can be made");
        let child = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus is installed (Debian: prometheus)");
        Self { child, api: Api::new(format!("http://{address}")) }
    }

    /// The numbers that a query gives now; none while Prometheus does not answer.
    async fn ask(&self, query: &str) -> Vec<Value> {
        let request = self.api.request(reqwest::Method::GET, "/api/v1/query").query(&[("query", query)]);
        let Ok(answer) = self.api.try_send(request).await else { return Vec::new() };
        if answer.status != 200 {
            return Vec::new();
        }
        let results = answer.json()["data"]["result"].as_array().cloned().unwrap_or_default();
        results.into_iter().filter(|result| result["value"][1] != "NaN").collect()
    }

    async fn wait_for(&self, traffic: &Traffic, query: &str, is_so: impl Fn(&[Value]) -> bool) {
        wait::until(&format!("{query} to give data"), async || {
            traffic.some().await;
            is_so(&self.ask(query).await).then_some(())
        })
        .await;
    }

    async fn wait_for_alert(&self, traffic: &Traffic, name: &str) {
        let query = format!(r#"ALERTS{{alertname="{name}", alertstate="firing"}}"#);
        self.wait_for(traffic, &query, |found| !found.is_empty()).await;
    }

    async fn firing(&self) -> BTreeSet<String> {
        names(&self.ask(r#"ALERTS{alertstate="firing"}"#).await)
    }

    /// Alerts that fired at any time.
    async fn seen(&self) -> BTreeSet<String> {
        names(&self.ask(r#"count_over_time(ALERTS{alertstate="firing"}[1h])"#).await)
    }
}

fn names(found: &[Value]) -> BTreeSet<String> {
    found.iter().filter_map(|result| Some(result["metric"]["alertname"].as_str()?.to_owned())).collect()
}
