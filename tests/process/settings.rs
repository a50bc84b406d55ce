//! Settings from files, environment and flags, and what stops the start.

use std::{
    fs,
    net::TcpListener,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    dev::Dev,
    fleet::Fleet,
    harness::{client::Api, process::command, wait},
};

fn run(command: &mut Command) -> Output {
    command.output().expect("the binary starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The `.env` of the API's own quick start, unchanged.
const QUICK_START: &str = "\
CACHE_BACKEND=memory
CACHE_STRATEGY=lru
CACHE_MAX_MEMORY=104857600
CACHE_MAX_ITEMS=10000
CACHE_DEFAULT_TTL=3600
REDIS_URL=redis://localhost:6379
MEMCACHED_URL=memcached://localhost:11211
";

#[tokio::test]
async fn without_arguments_the_quick_start_env_file_starts_a_cluster_and_its_settings_count() {
    let folder = TempDir::new().expect("a temporary folder");
    let more = "PORT=0\nRINGHOLD_DATA=data\nCACHE_MAX_KEY_LENGTH=20\nCACHE_MAX_VALUE_SIZE=100\n";
    fs::write(folder.path().join(".env"), format!("{QUICK_START}{more}")).expect("written");
    let mut dev = Dev::begin(folder, &[], &[]).await;
    let api = dev.api();
    // Healthy but for the servers that it names, which need not run here.
    wait::until("all that is here to be well, and both servers to be told of", async || {
        let health = api.try_send(api.request(reqwest::Method::GET, "/health")).await.ok()?.json();
        let (outside, here): (Vec<Value>, Vec<Value>) = health["checks"]
            .as_array()?
            .iter()
            .cloned()
            .partition(|check| check["name"] == "redis" || check["name"] == "memcached");
        (outside.len() == 2 && here.iter().all(|check| check["ok"] == true)).then_some(())
    })
    .await;
    let config = api.get("/api/cache/config").await.ok();
    assert_eq!(config["config"]["max_items"], 10_000);
    assert_eq!(api.get("/api/cluster").await.ok()["nodes"].as_array().map(Vec::len), Some(3));
    let refused = api.post("/api/cache/set", &json!({"key": "k".repeat(21), "value": 1})).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let refused = api.post("/api/cache/set", &json!({"key": "k", "value": "v".repeat(101)})).await;
    assert_eq!(refused.status, 413, "{}", refused.text);
    assert_eq!(dev.process.terminate().code(), Some(0));
}

#[test]
fn every_wrong_setting_is_named_at_once_and_nothing_starts() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join(".env"), "CACHE_MAX_ITEMS=many\nCACHE_MAX_KEY_LENGTH=0\n").expect("written");
    for role in ["dev", "node", "router"] {
        let output = run(command(folder.path(), &[role, "--cache-max-ttl=-1"])
            .env("CACHE_STRATEGY", "write_behind")
            .env("CACHE_AUTH_ENABLED", "perhaps")
            .env("CACHE_METRICS_ENABLED", "perhaps")
            .env("RINGHOLD_SEEDS", "nowhere"));
        assert_eq!(output.status.code(), Some(2), "{role}: {}", said(&output));
        for part in [
            "CACHE_MAX_ITEMS = \"many\" (file .env)",
            "CACHE_MAX_KEY_LENGTH",
            "CACHE_MAX_TTL = \"-1\" (flag)",
            "CACHE_STRATEGY = \"write_behind\" (environment)",
            "CACHE_AUTH_ENABLED",
            "CACHE_METRICS_ENABLED",
            "RINGHOLD_SEEDS",
        ] {
            assert!(said(&output).contains(part), "{role}: {part} is not in {}", said(&output));
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing was made: {left:?}");
}

#[test]
fn secrets_are_shown_neither_in_faults_nor_in_the_list_of_settings() {
    let folder = TempDir::new().expect("a temporary folder");
    let output = run(command(folder.path(), &["settings"])
        .env("REDIS_PASSWORD", "hunter2")
        .env("REDIS_URL", "redis://me:hunter2@localhost:6379"));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(shown.contains("REDIS_PASSWORD") && !shown.contains("hunter2"), "{shown}");
    let output = run(command(folder.path(), &["router"]).env("REDIS_URL", "http://me:hunter2@localhost:6379"));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("REDIS_URL") && !said(&output).contains("hunter2"), "{}", said(&output));
}

#[test]
fn a_port_that_is_taken_is_said_with_what_to_do() {
    let folder = TempDir::new().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    for role in ["dev", "router"] {
        let output = run(&mut command(folder.path(), &[role, "--port", &port]));
        assert_eq!(output.status.code(), Some(1), "{role}: {}", said(&output));
        assert!(said(&output).contains(&format!("port {port} is in use")), "{role}: {}", said(&output));
        assert!(said(&output).contains("--port"), "{role}: {}", said(&output));
    }
    for flag in ["--listen", "--health-listen"] {
        let address = format!("127.0.0.1:{port}");
        let other = if flag == "--listen" { "--health-listen" } else { "--listen" };
        let output = run(&mut command(folder.path(), &["node", flag, &address, other, "127.0.0.1:0"]));
        assert_eq!(output.status.code(), Some(1), "{flag}: {}", said(&output));
        assert!(said(&output).contains(&address), "{flag}: {}", said(&output));
    }
}

#[tokio::test]
async fn a_data_folder_serves_one_process_at_a_time() {
    let mut fleet = Fleet::prepare(1);
    fleet.start_nodes(&[0]);
    fleet.wait_ready(0).await;
    let folder = TempDir::new().expect("a temporary folder");
    let data = fleet.members[0].data.display().to_string();
    let arguments = ["node", "--data", &data, "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
    let output = run(&mut command(folder.path(), &arguments));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("data-0"), "the folder is named: {}", said(&output));
    let node = Api::new(format!("http://{}", fleet.members[0].health));
    assert_eq!(node.get("/readyz").await.status, 200);
}
