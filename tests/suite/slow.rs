//! Clients that are slow, or that do not speak HTTP as it is meant.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use ringhold_router::Patience;

use crate::{
    harness::cluster::{Cluster, Options},
    raw::{Raw, exchange, status},
    shared::{self, Shared},
};

/// What the router of this file gives its clients.
const PATIENCE: Duration = Duration::from_millis(500);

/// A router that loses its patience soon.
static HASTY: LazyLock<Shared> = LazyLock::new(|| {
    Shared::start(Options {
        nodes: 1,
        router: |router| {
            router.patience =
                Patience { head: PATIENCE, body: PATIENCE, body_rate_min: 1_000_000, write_stall: PATIENCE };
        },
        ..Options::default()
    })
});

async fn hasty() -> (Raw, Instant) {
    (Raw::connect(HASTY.cluster().router_address()).await, Instant::now())
}

/// Fails unless the connection was closed in time.
#[track_caller]
fn assert_in_time(start: Instant) {
    let taken = start.elapsed();
    assert!(taken >= PATIENCE / 2 && taken < PATIENCE * 24, "{taken:?}");
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_closed() {
    let (mut raw, start) = hasty().await;
    assert_eq!(raw.until_closed().await, "");
    assert_in_time(start);
}

#[tokio::test]
async fn half_a_head_is_closed() {
    for part in ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-Half: "] {
        let (mut raw, start) = hasty().await;
        raw.send(part).await;
        let answer = raw.until_closed().await;
        assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
        assert_in_time(start);
    }
}

#[tokio::test]
async fn a_head_that_drips_in_is_closed_however_steadily_it_drips() {
    let (mut raw, start) = hasty().await;
    for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
        if !raw.try_send([*byte]).await || start.elapsed() > PATIENCE * 4 {
            break;
        }
        tokio::time::sleep(PATIENCE / 10).await;
    }
    raw.until_closed().await;
    assert_in_time(start);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_last_answer() {
    let (mut raw, start) = hasty().await;
    raw.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    raw.until(|text| text.contains("healthy")).await;
    raw.until_closed().await;
    assert_in_time(start);
}

#[tokio::test]
async fn half_a_body_is_408_and_closed() {
    let paths =
        ["/api/cache/set", "/api/cache/set-batch", "/api/cache/invalidate", "/api/cache/config", "/api/cache/import"];
    let parts = [("Content-Length: 100", "{\"a\":"), ("Transfer-Encoding: chunked", "5\r\n{\"a\":\r\n")];
    let tries = paths.iter().flat_map(|path| parts.map(|part| (*path, part)));
    join_all(tries.map(async |(path, (framing, part))| {
        let (mut raw, start) = hasty().await;
        raw.send(format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{part}"
        ))
        .await;
        let answer = raw.until_closed().await;
        assert!(status(&answer) == 408 && answer.contains("request_timeout"), "{path}: {answer}");
        assert_in_time(start);
    }))
    .await;
}

#[tokio::test]
async fn a_body_that_drips_in_is_408_and_closed() {
    join_all(["/api/cache/set", "/api/cache/import"].map(async |path| {
        let (mut raw, start) = hasty().await;
        raw.send(format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        ))
        .await;
        while start.elapsed() < PATIENCE * 12 && raw.try_send(b" ").await {
            tokio::time::sleep(PATIENCE / 4).await;
        }
        let answer = raw.until_closed().await;
        assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
        assert_in_time(start);
    }))
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let api = HASTY.cluster().api().in_namespace(&shared::namespace());
    for n in 0..20 {
        api.set(&format!("k{n}"), serde_json::json!("x".repeat(1_000_000))).await;
    }
    let namespace =
        api.get("/api/cache/export?pattern=nothing").await.ok()["namespace"].as_str().expect("a name").to_owned();
    let (mut raw, start) = hasty().await;
    raw.send(format!("GET /api/cache/export HTTP/1.1\r\nHost: x\r\nX-Cache-Namespace: {namespace}\r\n\r\n")).await;
    let first = raw.some(100).await;
    assert!(first.starts_with(b"HTTP/1.1 200"));
    tokio::time::sleep(PATIENCE * 4).await;
    let rest = raw.until_closed().await;
    assert!(!rest.contains("\"complete\":true") && rest.len() < 20_000_000, "the answer was cut off");
    assert_in_time(start);
}

#[tokio::test]
async fn too_many_headers_are_431_and_a_long_path_is_414() {
    let address = shared::calm().router_address();
    let with_headers = |count: usize| {
        let headers: String = (0..count).map(|n| format!("X-{n}: y\r\n")).collect();
        format!("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
    };
    assert_eq!(status(&exchange(address, with_headers(98)).await), 200);
    assert_eq!(status(&exchange(address, with_headers(101)).await), 431);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(65_600));
    assert_eq!(status(&exchange(address, long).await), 414);
    let wide = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Wide: {}\r\n\r\n", "a".repeat(300_000));
    assert_eq!(status(&exchange(address, wide).await), 431);
}

#[tokio::test]
async fn contradictory_framing_is_refused_and_closed() {
    let address = shared::calm().router_address();
    let body = "{\"key\":\"k\",\"value\":1}";
    for headers in [
        "Content-Length: 21\r\nContent-Length: 22\r\n",
        "Content-Length: 21, 22\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: x\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
    ] {
        let request =
            format!("POST /api/cache/set HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n{body}");
        let answer = exchange(address, request).await;
        assert!([400, 411, 413, 501].contains(&status(&answer)), "{headers}: {answer}");
    }
    // A body that is framed twice could be read in two ways: one request must not become two.
    let smuggled = format!(
        "POST /api/cache/set HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        body.len()
    );
    let answer = exchange(address, smuggled).await;
    assert!(answer.matches("HTTP/1.1 ").count() == 1 && status(&answer) == 400, "{answer}");
    for garbage in [
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "\r\n\r\nhello\r\n\r\n",
    ] {
        let answer = exchange(address, garbage).await;
        assert!(answer.is_empty() || status(&answer) >= 400, "{garbage:?}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on_or_refused() {
    let address = shared::calm().router_address();
    let head = |length: usize| {
        format!(
            "POST /api/cache/set HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\
             X-Cache-Namespace: {}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n",
            shared::namespace()
        )
    };
    let body = "{\"key\":\"k\",\"value\":1}";
    let mut raw = Raw::connect(address).await;
    raw.send(head(body.len())).await;
    raw.until(|text| text.starts_with("HTTP/1.1 100 Continue\r\n\r\n")).await;
    raw.send(body).await;
    assert_eq!(status(&raw.until_closed().await), 200);
    let mut raw = Raw::connect(address).await;
    raw.send(head(100_000_000)).await;
    assert_eq!(status(&raw.until_closed().await), 413);
}

#[tokio::test]
async fn a_refused_upload_is_answered_although_it_still_comes() {
    let cluster: &Cluster = shared::calm();
    let mut raw = Raw::connect(cluster.router_address()).await;
    let head =
        "POST /api/cache/set HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n";
    raw.send(head).await;
    for _ in 0..20 {
        raw.send(vec![b' '; 1_000_000]).await;
    }
    let answer = raw.until_closed().await;
    assert!(status(&answer) == 413 && answer.contains("too_large"), "{answer}");
}

#[tokio::test]
async fn a_refusal_that_leaves_a_body_unread_says_that_the_connection_closes() {
    let address = shared::calm().router_address();
    let large = 1_000_000;
    for (head, code) in [
        ("POST /nowhere HTTP/1.1".to_owned(), 404),
        ("PUT /api/cache/set HTTP/1.1".to_owned(), 405),
        ("POST /api/cache/set HTTP/1.1\r\nContent-Type: text/plain".to_owned(), 415),
        ("POST /api/cache/clear HTTP/1.1\r\nX-Cache-Namespace: a b".to_owned(), 422),
        ("POST /api/cache/clear?pattern= HTTP/1.1".to_owned(), 422),
    ] {
        let mut raw = Raw::connect(address).await;
        raw.send(format!("{head}\r\nHost: x\r\nContent-Length: {large}\r\n\r\n")).await;
        let answer = raw.until(|text| text.contains("request_id")).await;
        assert_eq!(status(&answer), code, "{head}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        raw.until_closed().await;
    }
}
