//! The commands against a server that records what it is asked and answers what it is told.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread::{self, JoinHandle},
};

use super::*;
use crate::cli::parse;

/// Answers one request after the other, each on a connection of its own.
struct Canned {
    url: String,
    /// Head and body of each request.
    seen: JoinHandle<Vec<String>>,
}

impl Canned {
    fn answering(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<_> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let seen =
            thread::spawn(move || answers.iter().map(|(status, body)| serve(&listener, *status, body)).collect());
        Self { url, seen }
    }

    /// Runs a command line against it; gives how it ended and the requests.
    fn run(self, line: &[&str]) -> (Result<(), Failure>, Vec<String>) {
        let ended = run_at(&self.url, line);
        (ended, self.seen.join().unwrap())
    }
}

fn run_at(url: &str, line: &[&str]) -> Result<(), Failure> {
    let words = ["ringhold", "--url", url].into_iter().chain(line.iter().copied()).map(OsString::from);
    let cli = parse(&words.collect::<Vec<_>>()).unwrap();
    run(cli.command.unwrap(), &cli.global)
}

fn serve(listener: &TcpListener, status: u16, body: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let request = read_request(&stream);
    // A body that ends early is one shorter than announced.
    let length = body.len() + if body.ends_with("<cut>") { 1 } else { 0 };
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
    request
}

fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut text).unwrap() > 0, "the request ends in its head: {text}");
    }
    let head = text.to_lowercase();
    if let Some((_, rest)) = head.split_once("content-length: ") {
        let length = rest.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
    } else if head.contains("transfer-encoding: chunked") {
        while !text.ends_with("\r\n0\r\n\r\n") {
            assert!(reader.read_line(&mut text).unwrap() > 0, "the request ends in its body: {text}");
        }
    }
    text
}

fn message(ended: Result<(), Failure>) -> String {
    match ended.expect_err("a failure") {
        Failure::Usage(error) | Failure::Failed(error) => format!("{error:#}"),
        Failure::NotFound(text) | Failure::No(text) => text,
        Failure::ReaderGone => "reader gone".to_owned(),
    }
}

const HIT: &str =
    r#"{"success": true, "found": true, "cache_item": {"key": "a/b", "value": {"n": 1.50}, "ttl": null}}"#;
const MISS: &str = r#"{"success": true, "found": false, "message": "no", "key": "a"}"#;

#[test]
fn get_asks_for_the_escaped_key_in_the_namespace() {
    let (ended, seen) = Canned::answering(&[(200, HIT)]).run(&["-n", "shop", "get", "a/b ü", "-b", "memory"]);
    ended.unwrap();
    assert!(seen[0].starts_with("GET /api/cache/get/a%2Fb%20%C3%BC?backend=memory HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[0].to_lowercase().contains("x-cache-namespace: shop"), "{seen:?}");
}

#[test]
fn a_miss_ends_with_3() {
    let (ended, _) = Canned::answering(&[(200, MISS)]).run(&["get", "a"]);
    let failure = ended.unwrap_err();
    assert_eq!(failure.code(), 3);
    assert!(matches!(failure, Failure::NotFound(_)));
}

#[test]
fn keys_that_no_path_can_hold_go_another_way() {
    let batch =
        r#"{"results": [{"key": "..", "success": true, "result": {"found": true, "cache_item": {"value": 1}}}]}"#;
    let (ended, seen) = Canned::answering(&[(200, batch)]).run(&["get", ".."]);
    ended.unwrap();
    assert!(seen[0].starts_with("POST /api/cache/get-batch ") && seen[0].ends_with(r#"[".."]"#), "{seen:?}");

    let (ended, seen) = Canned::answering(&[(200, r#"{"success": true}"#)]).run(&["delete", "."]);
    ended.unwrap();
    assert!(seen[0].starts_with("POST /api/cache/clear?pattern=. "), "{seen:?}");
}

#[test]
fn set_sends_what_was_given_and_nothing_else() {
    let line = ["set", "k", "1.50", "--ttl", "0", "--tag", "a"];
    let (ended, seen) = Canned::answering(&[(200, r#"{"success": true, "message": "ok"}"#)]).run(&line);
    ended.unwrap();
    assert!(seen[0].ends_with(r#"{"key":"k","value":1.50,"ttl":0,"metadata":{"tags":["a"]}}"#), "{seen:?}");
}

#[test]
fn a_refusal_ends_with_1_and_says_what_is_wrong() {
    let body = r#"{"detail": [{"loc": ["body", "ttl"], "msg": "too large"}], "code": "validation"}"#;
    let (ended, _) = Canned::answering(&[(422, body)]).run(&["set", "k", "1"]);
    assert_eq!(ended.as_ref().unwrap_err().code(), 1);
    assert_eq!(message(ended), "body.ttl: too large (HTTP 422, validation)");
}

#[test]
fn a_router_that_does_not_run_is_said_to() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = message(run_at(&format!("http://127.0.0.1:{port}"), &["stats"]));
    assert!(text.contains("is a router running? start one with `ringhold`"), "{text}");
}

#[test]
fn all_keys_are_listed_by_following_the_cursor() {
    let pages = [
        (200, r#"{"keys": [{"key": "a"}], "next_cursor": "c/1", "total_keys": 2}"#),
        (200, r#"{"keys": [{"key": "b"}], "next_cursor": null, "total_keys": null}"#),
    ];
    let (ended, seen) = Canned::answering(&pages).run(&["keys", "*", "--all"]);
    ended.unwrap();
    assert!(seen[0].starts_with("GET /api/cache/keys?pattern=%2A&limit=1000&cursor= "), "{seen:?}");
    assert!(seen[1].starts_with("GET /api/cache/keys?pattern=%2A&limit=1000&cursor=c%2F1 "), "{seen:?}");
}

#[test]
fn an_export_gets_its_name_only_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.ndjson");
    let name = path.to_str().unwrap();
    let whole = "{\"key\": \"a\", \"value\": 1}\n{\"coverage\": \"3/3\"}\n";

    let (ended, _) = Canned::answering(&[(200, "{\"key\": \"a\", \"value\": 1}\n<cut>")]).run(&["export", name]);
    assert_eq!(ended.unwrap_err().code(), 1);
    assert!(!path.exists());

    let (ended, seen) = Canned::answering(&[(200, whole)]).run(&["export", name, "-p", "a*"]);
    ended.unwrap();
    assert!(seen[0].starts_with("GET /api/cache/export?format=ndjson&pattern=a%2A "), "{seen:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
}

#[test]
fn an_import_streams_the_file_and_reports_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.ndjson");
    std::fs::write(&path, "{\"key\": \"a\", \"value\": 1}\n").unwrap();
    let answer = (200, r#"{"success": true, "imported_count": 0, "failed_count": 1}"#);
    let (ended, seen) = Canned::answering(&[answer]).run(&["import", path.to_str().unwrap(), "--on-conflict", "skip"]);
    assert!(message(ended).contains("1 items could not be imported"));
    assert!(seen[0].starts_with("POST /api/cache/import?on_conflict=skip "), "{seen:?}");
    assert!(seen[0].contains("application/x-ndjson") && seen[0].contains("{\"key\": \"a\", \"value\": 1}"), "{seen:?}");
}

#[test]
fn a_router_that_stays_silent_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.ndjson");
    std::fs::write(&path, "{}").unwrap();
    let path = path.to_str().unwrap();
    for line in [&["get", "a"][..], &["export", "-"], &["import", path]] {
        let text = message(run_at(&url, &[line, &["--timeout", "1"]].concat()));
        assert!(text.contains("did not answer in time"), "{line:?}: {text}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let text = message(run_at("http://127.0.0.1:9", &["import", "/nowhere/at/all"]));
    assert!(text.contains("/nowhere/at/all"), "{text}");
}

#[test]
fn the_configuration_is_patched_and_shown() {
    let answer = (200, r#"{"success": true, "config": {"backend": "memory", "max_items": 5}}"#);
    let (ended, seen) = Canned::answering(&[answer]).run(&["cluster", "config", "set", "max_items=5"]);
    ended.unwrap();
    assert!(seen[0].starts_with("PATCH /api/cache/config ") && seen[0].ends_with(r#"{"max_items":5}"#), "{seen:?}");

    let (ended, _) = Canned::answering(&[answer]).run(&["cluster", "config", "get", "max_item"]);
    assert_eq!(ended.unwrap_err().code(), 2);
}

#[test]
fn every_other_command_asks_its_endpoint() {
    let list = r#"{"success": true, "statistics": {}, "nodes": [], "namespaces": [], "keys": [], "config": {}}"#;
    for (line, request) in [
        (&["stats"][..], "GET /api/cache/stats "),
        (&["analytics", "hot-keys", "--limit", "5"], "GET /api/cache/analytics/hot-keys?limit=5 "),
        (&["analytics", "ttl"], "GET /api/cache/analytics/ttl "),
        (&["keys", "--offset", "5"], "GET /api/cache/keys?limit=100&offset=5 "),
        (&["clear", "--all"], "POST /api/cache/clear "),
        (&["clear", "t:*"], "POST /api/cache/clear?pattern=t%3A%2A "),
        (&["invalidate", "--tag", "a"], "POST /api/cache/invalidate "),
        (&["delete", "a"], "DELETE /api/cache/delete/a "),
        (&["cluster", "nodes"], "GET /api/cluster "),
        (&["cluster", "config", "get"], "GET /api/cache/config "),
        (&["cluster", "namespaces"], "GET /api/namespaces "),
        (&["cluster", "namespaces", "--remove", "shop"], "DELETE /api/namespaces/shop "),
    ] {
        let (ended, seen) = Canned::answering(&[(200, list)]).run(line);
        ended.unwrap_or_else(|failure| panic!("{line:?}: {failure:?}"));
        assert!(seen[0].starts_with(request), "{line:?}: {seen:?}");
    }
}

#[test]
fn every_operator_command_asks_its_endpoint() {
    use super::cluster::samples::{PLAN, STATUS};
    let safe = r#"{"safe": true, "reasons": [], "primary_ranges": 3, "single_copy_writes": 1}"#;
    for (line, answer, request, body) in [
        (&["cluster", "status"][..], STATUS, "GET /api/cluster ", ""),
        (&["cluster", "plan"], PLAN, "POST /api/cluster/plan ", "{}"),
        (&["cluster", "plan", "--drain", "3"], PLAN, "POST /api/cluster/plan ", r#"{"drain":[3]}"#),
        (&["cluster", "apply", "--weight", "4=9"], PLAN, "POST /api/cluster/apply ", r#"{"weights":{"4":9}}"#),
        (&["cluster", "pause"], PLAN, "POST /api/cluster/pause ", ""),
        (&["cluster", "resume"], PLAN, "POST /api/cluster/resume ", ""),
        (&["cluster", "cancel"], PLAN, "POST /api/cluster/cancel ", ""),
        (&["cluster", "drain", "3"], PLAN, "POST /api/cluster/nodes/3/drain ", r#"{"cancel":false}"#),
        (&["cluster", "drain", "3", "--cancel"], PLAN, "POST /api/cluster/nodes/3/drain ", r#"{"cancel":true}"#),
        (&["cluster", "remove", "3", "--force"], PLAN, "POST /api/cluster/nodes/3/remove ", r#"{"force":true}"#),
        (&["cluster", "weight", "3", "200"], PLAN, "PATCH /api/cluster/nodes/3 ", r#"{"weight":200}"#),
        (&["cluster", "weight", "3", "default"], PLAN, "PATCH /api/cluster/nodes/3 ", r#"{"weight":null}"#),
        (&["cluster", "safe-to-stop", "3"], safe, "GET /api/cluster/nodes/3/safe-to-stop ", ""),
        (&["cluster", "settings"], STATUS, "GET /api/cluster ", ""),
        (
            &["cluster", "settings", "--min-in-sync", "2"],
            STATUS,
            "PATCH /api/cluster/settings ",
            r#"{"min_in_sync":2}"#,
        ),
    ] {
        for output in ["table", "json"] {
            let (ended, seen) = Canned::answering(&[(200, answer)]).run(&[line, &["-o", output]].concat());
            ended.unwrap_or_else(|failure| panic!("{line:?}: {failure:?}"));
            assert!(seen[0].starts_with(request) && seen[0].ends_with(body), "{line:?}: {seen:?}");
        }
    }
}

#[test]
fn a_node_that_should_not_be_stopped_ends_with_1_and_the_reasons() {
    let unsafe_ = r#"{"safe": false, "reasons": ["a", "b"], "primary_ranges": 3, "single_copy_writes": null}"#;
    let (ended, _) = Canned::answering(&[(200, unsafe_)]).run(&["cluster", "safe-to-stop", "2"]);
    assert_eq!(ended.as_ref().unwrap_err().code(), 1);
    assert_eq!(message(ended), "node 2 should not be stopped now:\n  a\n  b");
    let unknown = r#"{"detail": "The cluster has no node 2", "code": "unknown_node"}"#;
    let (ended, _) = Canned::answering(&[(404, unknown)]).run(&["cluster", "safe-to-stop", "2"]);
    assert_eq!(ended.unwrap_err().code(), 3);
}

#[test]
fn a_drain_is_waited_for_until_the_node_holds_nothing() {
    use super::cluster::samples::{PLAN, STATUS};
    let empty = STATUS.replace(r#""pending_ranges": 1, "ranges": 7"#, r#""pending_ranges": 0, "ranges": 0"#);
    let answers = [(200, PLAN), (200, STATUS), (503, "{}"), (200, empty.as_str())];
    let (ended, seen) = Canned::answering(&answers).run(&["cluster", "drain", "2", "--wait"]);
    ended.unwrap();
    assert!(seen[1..].iter().all(|request| request.starts_with("GET /api/cluster ")) && seen.len() == 4, "{seen:?}");
    let cancelled = STATUS.replace(r#""membership": "leaving""#, r#""membership": "active""#);
    let (ended, _) = Canned::answering(&[(200, PLAN), (200, &cancelled)]).run(&["cluster", "drain", "2", "--wait"]);
    assert!(message(ended).contains("was cancelled"));
}

#[test]
fn a_change_is_waited_for_until_the_plan_is_reached_but_not_while_moves_are_paused() {
    use super::cluster::samples::{PLAN, STATUS};
    let reached = STATUS.replace(r#""is_reached": false"#, r#""is_reached": true"#);
    let answers = [(200, PLAN), (200, STATUS), (200, reached.as_str())];
    let (ended, seen) = Canned::answering(&answers).run(&["cluster", "apply", "--wait"]);
    ended.unwrap();
    assert_eq!(seen.len(), 3);
    let paused = STATUS.replace(r#""moves_paused": false"#, r#""moves_paused": true"#);
    let (ended, _) = Canned::answering(&[(200, PLAN), (200, &paused)]).run(&["cluster", "apply", "--wait"]);
    assert!(message(ended).contains("moves are paused"));
}

#[test]
fn a_watched_cluster_is_shown_until_the_router_is_gone_for_a_while() {
    use super::cluster::samples::STATUS;
    let answers = [(200, STATUS), (503, "{}"), (200, STATUS)];
    let (ended, seen) = Canned::answering(&answers).run(&["cluster", "status", "--watch", "--every", "0.1"]);
    assert!(message(ended).contains("is a router running?"));
    assert_eq!(seen.len(), 3);
}
