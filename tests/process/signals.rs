//! Signals: the first one drains, the second one ends at once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    dev::Dev,
    fleet::{Fleet, errors_in},
    harness::wait,
};

#[tokio::test]
async fn a_request_whose_body_comes_slowly_is_answered_while_the_process_drains() {
    let mut dev = Dev::start(&[]).await;
    let mut stream = half_a_request(&dev.url);

    dev.process.signal(Signal::TERM);
    until_draining(&dev).await;
    stream.write_all(SECOND_HALF.as_bytes()).expect("the connection is open still");
    let (status, body) = answer(stream);
    assert!(status.contains("200"), "{status} {body}");
    assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON")["success"], true, "{body}");
    assert_eq!(dev.process.wait().code(), Some(0));
    assert_eq!(errors_in(&dev.process.logged()), [""; 0]);
}

#[tokio::test]
async fn an_export_that_is_being_read_comes_to_its_end_while_the_process_drains() {
    let mut dev = Dev::start(&[]).await;
    let api = dev.api();
    // More than the sockets between server and reader can hold.
    let value = "x".repeat(1_000_000);
    for n in 0..40 {
        api.set(&format!("k{n}"), value.as_str().into()).await;
    }
    let mut export = TcpStream::connect(dev.url.trim_start_matches("http://")).expect("the router listens");
    export.write_all(b"GET /api/cache/export?format=ndjson HTTP/1.0\r\nHost: test\r\n\r\n").expect("the router reads");
    let mut reader = BufReader::new(export);
    let mut status = String::new();
    reader.read_line(&mut status).expect("an answer");
    assert!(status.contains("200"), "{status}");

    dev.process.signal(Signal::TERM);
    until_draining(&dev).await;
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("the rest of the export");
    let last: Value = serde_json::from_str(text.trim_end().rsplit('\n').next().unwrap_or_default()).expect("JSON");
    assert_eq!(last["complete"], true, "{last}");
    assert_eq!(text.lines().filter(|line| line.starts_with("{\"key\"")).count(), 40);
    assert_eq!(dev.process.wait().code(), Some(0));
    assert_eq!(errors_in(&dev.process.logged()), [""; 0]);
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut dev = Dev::start(&["--nodes", "1"]).await;
    let stream = half_a_request(&dev.url);
    dev.process.signal(Signal::INT);
    until_draining(&dev).await;
    assert!(dev.process.is_running(), "a request is in flight");
    dev.process.signal(Signal::TERM);
    assert_eq!(dev.process.wait().code(), Some(130));
    drop(stream);
}

#[tokio::test]
async fn a_node_and_a_router_that_are_told_to_stop_do_so_without_an_error_and_lose_no_answer() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    let keys = fleet.keys_by_owner(2).await;
    let stopped = fleet.leader().await;
    assert_eq!(fleet.terminate(stopped).code(), Some(0));

    // Keys of the others are served, and the others have a leader again.
    for key in (0..3).filter(|number| *number != stopped).flat_map(|number| &keys[number]) {
        api.set(key, json!("served")).await;
        assert_eq!(api.value(key).await, Some(json!("served")));
    }
    wait::until("a config write without the stopped leader", async || {
        (api.patch("/api/cache/config", &json!({"default_ttl": 21})).await.status == 200).then_some(())
    })
    .await;
    let router = fleet.router();
    let mut stream = half_a_request(&router.url);
    router.process.signal(Signal::TERM);
    wait::until("the router to drain", async || router.process.logged().contains("draining").then_some(())).await;
    stream.write_all(SECOND_HALF.as_bytes()).expect("the connection is open still");
    let (status, body) = answer(stream);
    assert!(
        status.contains("200") || status.contains("503"),
        "the key may be one of the stopped node: {status} {body}"
    );
    assert_eq!(router.process.wait().code(), Some(0));
    for number in (0..3).filter(|number| *number != stopped) {
        assert_eq!(fleet.terminate(number).code(), Some(0));
    }
    assert_eq!(fleet.errors(), [""; 0]);
}

const FIRST_HALF: &str = r#"{"key": "slow", "val"#;
const SECOND_HALF: &str = r#"ue": "came in two parts"}"#;

/// A request to set a key, of whose body the second half is still to come. The router has begun to read it.
fn half_a_request(url: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("the router listens");
    // The first answer on the connection shows that the router reads from it.
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n").expect("the router reads");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    read_answer(&mut reader);
    let length = FIRST_HALF.len() + SECOND_HALF.len();
    let head = format!(
        "POST /api/cache/set HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the router reads");
    // It asks for the body, so the request is in flight.
    let mut line = String::new();
    reader.read_line(&mut line).expect("an interim answer");
    assert!(line.contains("100"), "{line}");
    reader.read_line(&mut line).expect("the end of the interim answer");
    stream.write_all(FIRST_HALF.as_bytes()).expect("the router reads");
    stream
}

fn answer(stream: TcpStream) -> (String, String) {
    read_answer(&mut BufReader::new(stream))
}

/// Status line and body.
fn read_answer(reader: &mut impl BufRead) -> (String, String) {
    let (mut status, mut length) = (String::new(), 0);
    reader.read_line(&mut status).expect("a status line");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let header = line.trim_end().to_ascii_lowercase();
        if let Some(number) = header.strip_prefix("content-length:") {
            length = number.trim().parse().expect("a length");
        }
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    (status, String::from_utf8(body).expect("UTF-8"))
}

async fn until_draining(dev: &Dev) {
    wait::until("the process to drain", async || dev.process.logged().contains("draining").then_some(())).await;
}
