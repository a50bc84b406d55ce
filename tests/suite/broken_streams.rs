//! An export that breaks never looks like a whole one.

use std::time::Duration;

use ringhold_model::config::CacheConfig;
use serde_json::{Value, json};

use crate::{
    harness::cluster::{Cluster, Options},
    raw::Raw,
};

/// A cluster with more than sockets and pages hold: 60 MB.
async fn large() -> Cluster {
    let config = CacheConfig { max_items: 0, max_memory: 0, ..CacheConfig::default() };
    let router: fn(&mut ringhold_router::Options) = |router| router.grace = Duration::from_millis(100);
    let cluster = Cluster::start_with(Options { config, router, ..Options::default() }).await;
    let text = "x".repeat(300_000);
    for batch in 0..10 {
        let items: Vec<Value> = (0..20).map(|n| json!({"key": format!("k{batch}-{n}"), "value": text})).collect();
        assert_eq!(cluster.api().post("/api/cache/set-batch", &json!(items)).await.ok()["successful_count"], 20);
    }
    cluster
}

/// Begins an export and reads a little of it.
async fn begin(cluster: &Cluster, format: &str) -> (Raw, String) {
    let mut raw = Raw::connect(cluster.router_address()).await;
    raw.send(format!("GET /api/cache/export?format={format} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    let begun = raw.until(|text| text.len() > 5_000).await;
    assert!(begun.starts_with("HTTP/1.1 200") && begun.contains("transfer-encoding: chunked"), "{:.300}", begun);
    (raw, begun)
}

/// The body if all of it came, as the framing tells.
fn whole_body(answer: &str) -> Option<String> {
    let (_, mut rest) = answer.split_once("\r\n\r\n")?;
    let mut body = String::new();
    loop {
        let (size, tail) = rest.split_once("\r\n")?;
        match usize::from_str_radix(size, 16).ok()? {
            0 => return Some(body),
            size => {
                body += tail.get(..size)?;
                rest = tail.get(size + 2..)?;
            }
        }
    }
}

#[tokio::test]
async fn an_export_that_lost_its_nodes_is_cut_off_or_says_what_is_missing() {
    for format in ["json", "ndjson"] {
        let mut cluster = large().await;
        let (mut raw, begun) = begin(&cluster, format).await;
        cluster.nodes[1].kill();
        cluster.nodes[2].kill();
        let answer = begun + &raw.until_closed().await;
        let Some(body) = whole_body(&answer) else { continue };
        let tail: Value =
            serde_json::from_str(if format == "json" { &body } else { body.lines().last().expect("a line") })
                .expect("JSON");
        assert_eq!(tail["complete"], false, "{}", &body[body.len() - 300..]);
    }
}

#[tokio::test]
async fn an_export_that_lost_its_router_is_cut_off() {
    for format in ["json", "ndjson"] {
        let mut cluster = large().await;
        let (mut raw, begun) = begin(&cluster, format).await;
        cluster.stop_router();
        let answer = begun + &raw.until_closed().await;
        assert_eq!(whole_body(&answer).map(|body| body.len()), None, "the last chunk is missing");
        assert!(!answer.contains("\"complete\":"), "no tail");
    }
}

#[tokio::test]
async fn an_export_that_is_read_to_its_end_is_whole() {
    let cluster = large().await;
    let (mut raw, begun) = begin(&cluster, "json").await;
    let body = whole_body(&(begun + &raw.until_closed().await)).expect("all of it");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["complete"], body["data"].as_object().map(serde_json::Map::len)), (&json!(true), Some(200)));
}
