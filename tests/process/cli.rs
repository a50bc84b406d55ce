//! The command line end to end, against a development cluster of real nodes.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    dev::Dev,
    harness::{client::Api, process::command},
};

/// Runs commands against one router.
struct Cli<'a> {
    url: &'a str,
    folder: &'a Path,
}

impl Cli<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        command(self.folder, arguments).env("RINGHOLD_URL", self.url).output().expect("the binary starts")
    }

    /// With something on standard input.
    fn fed(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = command(self.folder, arguments)
            .env("RINGHOLD_URL", self.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    }

    /// What a command that succeeds prints.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        succeeded(arguments, &self.run(arguments))
    }

    /// What it prints as JSON.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.ok(&[&["-o", "json"], arguments].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
    }

    /// What it says when it fails, and its exit code.
    #[track_caller]
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.is_empty(), "{arguments:?} says why it fails");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        said
    }
}

#[track_caller]
fn succeeded(arguments: &[&str], output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[tokio::test]
async fn every_command_works_against_a_running_cluster() {
    let dev = Dev::start(&[]).await;
    let cli = Cli { url: &dev.url, folder: dev.folder.path() };
    let api = dev.api();
    values(&cli);
    atomic(&cli);
    conditions(&cli);
    lists(&cli);
    whole_caches(&cli, &api).await;
    removal(&cli);
    administration(&cli);
    operations(&cli);
    failures(&cli);
}

fn values(cli: &Cli<'_>) {
    cli.ok(&["set", "greeting", "hello", "--ttl", "600", "--tag", "word", "--metadata", r#"{"lang": "en"}"#]);
    assert_eq!(cli.ok(&["get", "greeting"]), "hello\n");
    assert_eq!(cli.json(&["get", "greeting"]), json!("hello"));
    let item = cli.json(&["get", "greeting", "--full"]);
    assert_eq!(item["metadata"], json!({"lang": "en", "tags": ["word"]}));
    assert!(item["ttl"].as_u64().is_some_and(|ttl| (1..=600).contains(&ttl)), "{item}");
    assert!(cli.ok(&["get", "greeting", "--full"]).contains("data_type"));

    // Number text and the order of fields come back as they went in.
    cli.ok(&["set", "number", "1.50"]);
    assert_eq!(cli.ok(&["get", "number"]), "1.50\n");
    cli.ok(&["set", "object", r#"{"z":1,"a":12345678901234567890}"#]);
    assert_eq!(cli.ok(&["get", "object"]), "{\"z\":1,\"a\":12345678901234567890}\n");
    cli.ok(&["set", "text", "1.50", "--string"]);
    assert_eq!(cli.json(&["get", "text"]), json!("1.50"));
    let fed = cli.fed(&["set", "fed", "-"], "[1, 2]");
    succeeded(&["set", "fed", "-"], &fed);
    assert_eq!(cli.json(&["get", "fed"]), json!([1, 2]));
    fs::write(cli.folder.join("value.txt"), "from a file").expect("written");
    cli.ok(&["set", "filed", "--file", "value.txt", "--string"]);
    assert_eq!(cli.ok(&["get", "filed"]), "from a file\n");

    for key in ["a/b c%20d?e#f", ".", "..", "\u{fc}n\u{ef}code \u{1f511}", "*", "-dash"] {
        let name = ["set", "--ttl", "60", "--", key, "odd"];
        cli.ok(&name);
        assert_eq!(cli.ok(&["get", "--", key]), "odd\n", "{key}");
        assert_eq!(cli.json(&["-n", "default", "delete", "--", key])["success"], true, "{key}");
        cli.fails(3, &["get", "--", key]);
    }
    cli.ok(&["-n", "shop", "set", "greeting", "welcome"]);
    assert_eq!(cli.ok(&["get", "greeting", "-n", "shop"]), "welcome\n");
    assert_eq!(cli.ok(&["get", "greeting"]), "hello\n");
}

fn atomic(cli: &Cli<'_>) {
    assert_eq!(cli.ok(&["incr", "n"]), "1\n");
    assert_eq!(cli.ok(&["incr", "n", "-5"]), "-4\n");
    assert_eq!(cli.json(&["incr", "m", "2", "--initial=-10", "--ttl", "60"])["value"], -8);
    assert!(cli.fails(1, &["incr", "greeting"]).contains("not_an_integer"));
    assert_eq!(cli.ok(&["getset", "m", "new", "--ttl", "60"]), "-8\n");
    assert_eq!(cli.json(&["getset", "m", "newer"])["cache_item"]["value"], "new");
    cli.ok(&["delete", "m"]);
    assert_eq!(cli.ok(&["getset", "m", "1"]), "", "there was nothing to print");
    cli.ok(&["touch", "m", "--ttl", "7"]);
    assert!(cli.json(&["get", "m", "--full"])["ttl"].as_u64().is_some_and(|ttl| ttl <= 7));
    cli.fails(3, &["touch", "nothing"]);
    let there = cli.json(&["get", "m", "--full"])["version"].as_str().expect("a version").to_owned();
    assert!(cli.fails(1, &["set", "m", "2", "--if-absent"]).contains(&there));
    cli.ok(&["set", "m", "2", "--if-version", &there]);
    assert!(cli.fails(1, &["set", "m", "3", "--if-version", &there]).contains("condition_not_met"));
    cli.fails(2, &["set", "m", "3", "--if-version", &there, "--if-absent"]);
    cli.ok(&["delete", "n", "m"]);
}

fn conditions(cli: &Cli<'_>) {
    assert_eq!(cli.ok(&["incr", "counter"]), "1\n");
    assert_eq!(cli.ok(&["incr", "counter", "41"]), "42\n");
    assert_eq!(cli.ok(&["incr", "counter", "-2"]), "40\n");
    cli.fails(1, &["incr", "greeting"]);
    cli.ok(&["set", "lock", "me", "--if-absent"]);
    cli.fails(1, &["set", "lock", "you", "--if-absent"]);
    let version = cli.json(&["get", "lock", "--full"])["version"].as_str().expect("a version").to_owned();
    cli.ok(&["set", "lock", "me again", "--if-version", &version]);
    cli.fails(1, &["set", "lock", "late", "--if-version", &version]);
    assert_eq!(cli.ok(&["getset", "lock", "free"]), "me again\n");
    assert_eq!(cli.ok(&["get", "lock"]), "free\n");
    cli.ok(&["touch", "lock", "--ttl", "50"]);
    assert!(cli.json(&["get", "lock", "--full"])["ttl"].as_u64().is_some_and(|ttl| ttl <= 50));
    cli.ok(&["delete", "lock", "counter"]);
    cli.fails(3, &["touch", "lock"]);
}

fn lists(cli: &Cli<'_>) {
    let listed = cli.json(&["keys"]);
    assert_eq!(listed["total_keys"], 6, "{listed}");
    let table = cli.ok(&["keys", "*e*", "--limit", "2"]);
    assert!(table.contains("fed") && table.contains("filed") && !table.contains("text"), "{table}");
    let mut all: Vec<String> = cli.ok(&["keys", "--all"]).lines().map(str::to_owned).collect();
    all.sort();
    assert_eq!(all, ["fed", "filed", "greeting", "number", "object", "text"]);
    for line in cli.ok(&["keys", "--all", "-o", "json"]).lines() {
        let key: Value = serde_json::from_str(line).expect("a JSON object a line");
        assert!(key["key"].is_string());
    }
    let stats = cli.json(&["stats"]);
    assert_eq!(stats["statistics"]["total_items"], 6, "{stats}");
    assert!(cli.ok(&["stats"]).contains("hit_rate"));
}

async fn whole_caches(cli: &Cli<'_>, api: &Api) {
    for (file, format) in [("all.ndjson", "ndjson"), ("all.json", "json")] {
        cli.ok(&["export", file, "--format", format]);
        assert!(!cli.folder.join(format!("{file}.partial")).exists());
        let before = api.get("/api/cache/get/object").await.ok();
        cli.ok(&["clear", "--all"]);
        assert_eq!(cli.json(&["keys"])["total_keys"], 0);
        let imported = cli.json(&["import", file]);
        assert_eq!((&imported["successful_count"], &imported["failed_count"]), (&json!(6), &json!(0)), "{imported}");
        assert_eq!(cli.ok(&["get", "object"]), "{\"z\":1,\"a\":12345678901234567890}\n");
        let after = api.get("/api/cache/get/object").await.ok();
        assert_eq!(after["cache_item"]["created_at"], before["cache_item"]["created_at"], "{after}");
        assert_eq!(cli.json(&["get", "greeting", "--full"])["metadata"]["tags"], json!(["word"]));
        let skipped = cli.json(&["import", file, "--on-conflict", "skip"]);
        assert_eq!(skipped["skipped_count"], 6, "{skipped}");
    }
    let some = cli.ok(&["export", "--pattern", "f*"]);
    assert_eq!(some.lines().count(), 3, "two items and the coverage: {some}");
    let fed = cli.fed(&["import", "-"], &some);
    succeeded(&["import", "-"], &fed);
}

fn removal(cli: &Cli<'_>) {
    fs::write(cli.folder.join("warm.json"), r#"{"config:app": {"version": "1.0.0"}, "stats:daily": 7}"#)
        .expect("written");
    assert_eq!(cli.json(&["warm", "warm.json"])["successful_count"], 2);
    assert_eq!(cli.json(&["get", "config:app"]), json!({"version": "1.0.0"}));
    assert_eq!(cli.json(&["clear", "config:*"])["deleted_count"], 1);
    assert_eq!(cli.json(&["invalidate", "--tag", "word", "--pattern", "stats:*"])["deleted_count"], 2);
    cli.fails(3, &["get", "greeting"]);
    assert_eq!(cli.ok(&["delete", "number", "text"]).lines().count(), 2);
    assert_eq!(cli.json(&["delete", "number"])["found"], false);
}

fn administration(cli: &Cli<'_>) {
    let cluster = cli.json(&["cluster", "status"]);
    assert_eq!(cluster["ranges"]["serving"], cluster["ranges"]["total"], "{cluster}");
    assert_eq!(cli.json(&["cluster", "nodes"]).as_array().map(Vec::len), Some(3));
    assert!(cli.ok(&["cluster", "status"]).contains("leader"));
    assert!(cli.ok(&["cluster", "nodes"]).contains("active"));
    let changed = cli.json(&["cluster", "config", "set", "max_items=4321", "default_ttl=55"]);
    assert_eq!(changed["config"]["max_items"], 4321, "{changed}");
    assert_eq!(cli.ok(&["cluster", "config", "get", "max_items"]), "4321\n");
    let config = cli.json(&["cluster", "config", "get"]);
    assert_eq!(config["config"]["default_ttl"], 55, "{config}");
    assert_eq!(cli.json(&["stats"])["statistics"]["max_items"], 3 * 4321, "each node acts by it");
    assert!(cli.ok(&["cluster", "namespaces"]).contains("shop"));
    cli.ok(&["cluster", "namespaces", "--remove", "shop"]);
    assert!(!cli.ok(&["cluster", "namespaces"]).contains("shop"));
    cli.fails(3, &["-n", "shop", "get", "greeting"]);
}

fn operations(cli: &Cli<'_>) {
    assert_eq!(cli.json(&["cluster", "settings"])["replication_factor"], 2);
    assert_eq!(cli.json(&["cluster", "settings", "--rehome-after-s", "90"])["rehome_after_s"], 90);
    cli.ok(&["cluster", "apply", "--wait"]);
    let before = cli.json(&["cluster", "status"]);
    let plan = cli.json(&["cluster", "plan", "--drain", "3"]);
    assert!(plan["plan"]["ranges"].as_u64() > Some(0), "{plan}");
    assert_eq!(cli.json(&["cluster", "status"])["version"], before["version"], "a plan changes nothing");

    assert!(cli.ok(&["cluster", "drain", "3", "--wait"]).ends_with("node 3 holds nothing any more\n"));
    let status = cli.json(&["cluster", "status"]);
    assert_eq!((&status["nodes"][2]["membership"], &status["nodes"][2]["ranges"]), (&json!("leaving"), &json!(0)));
    assert!(cli.ok(&["cluster", "safe-to-stop", "3"]).contains("may be stopped"));
    cli.ok(&["cluster", "drain", "3", "--cancel"]);
    cli.ok(&["cluster", "weight", "3", "200"]);
    cli.ok(&["cluster", "weight", "3", "default"]);
    cli.ok(&["cluster", "pause"]);
    assert!(cli.ok(&["cluster", "plan"]).contains("PAUSED"));
    cli.ok(&["cluster", "resume"]);
    assert!(cli.ok(&["cluster", "apply", "--wait"]).ends_with("all copies are where they should be\n"));

    assert!(cli.ok(&["cluster", "apply", "--replication-factor", "1", "--wait"]).contains("given up"));
    let said = cli.fails(1, &["cluster", "safe-to-stop", "2"]);
    assert!(said.contains("should not be stopped") && said.contains("would be lost"), "{said}");
    assert!(cli.fails(1, &["cluster", "remove", "2"]).contains("only copy"));
    for missing in [&["cluster", "safe-to-stop", "9"][..], &["cluster", "drain", "9"], &["cluster", "remove", "9"]] {
        assert!(cli.fails(3, missing).contains("no node 9"), "{missing:?}");
    }
    assert!(cli.fails(1, &["cluster", "settings", "--min-in-sync", "2"]).contains("min_in_sync"));
    cli.ok(&["cluster", "apply", "--replication-factor", "2", "--wait"]);
}

fn failures(cli: &Cli<'_>) {
    assert!(cli.fails(3, &["get", "nothing"]).contains("nothing"));
    for usage in [
        &["get"][..],
        &["frobnicate"],
        &["set", "k"],
        &["clear"],
        &["invalidate"],
        &["set", "k", "v", "--ttl=-1"],
        &["keys", "--limit", "x"],
        &["-n", "no such/name", "keys"],
        &["cluster", "config", "set", "nonsense=1"],
        &["set", "k", "v", "--metadata", "[]"],
        &["keys", "-o", "yaml"],
    ] {
        cli.fails(2, usage);
    }
    for refused in [
        &["set", "k", "v", "--type", "number"][..],
        &["set", "k", "v", "--backend", "redis"],
        &["keys", "--limit", "1001"],
        &["cluster", "config", "set", "max_items=many"],
    ] {
        let said = cli.fails(1, refused);
        assert!(said.contains("422"), "{refused:?}: {said}");
    }
    fs::write(cli.folder.join("cut.json"), r#"{"success": true, "data": {"k": {"value": 1"#).expect("written");
    cli.fails(1, &["import", "cut.json"]);
    cli.fails(1, &["import", "no-such-file.json"]);
    cli.fails(1, &["export", "no/such/folder/file"]);
}

#[test]
fn a_router_that_cannot_be_reached_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    let cli = Cli { url: "http://127.0.0.1:1", folder: folder.path() };
    for arguments in [&["get", "k"][..], &["set", "k", "v"], &["keys"], &["stats"], &["export"], &["cluster", "status"]]
    {
        let said = cli.fails(1, arguments);
        assert!(said.contains("http://127.0.0.1:1") && said.contains("--url"), "{arguments:?}: {said}");
    }
}

#[test]
fn help_is_there_for_every_command_with_examples_and_exit_codes() {
    let folder = TempDir::new().expect("a temporary folder");
    let cli = Cli { url: "http://127.0.0.1:1", folder: folder.path() };
    let top = cli.ok(&["--help"]);
    let commands: Vec<&str> = commands_in(&top).collect();
    for expected in ["dev", "node", "router", "cluster", "get", "set", "delete", "keys", "stats", "export", "import"] {
        assert!(commands.contains(&expected), "{expected} is not in {commands:?}");
    }
    let mut pages: Vec<Vec<&str>> =
        commands.iter().filter(|command| **command != "help").map(|name| vec![*name]).collect();
    let cluster = cli.ok(&["cluster", "--help"]);
    pages.extend(commands_in(&cluster).filter(|command| *command != "help").map(|name| vec!["cluster", name]));
    pages.push(vec!["cluster", "config", "get"]);
    pages.push(vec!["cluster", "config", "set"]);
    for page in pages {
        let text = cli.ok(&[&page[..], &["--help"]].concat());
        for part in ["Usage: ringhold", "EXAMPLES:", "EXIT CODES:"] {
            assert!(text.contains(part), "{page:?} has no {part:?}: {text}");
        }
        let short = cli.ok(&[&page[..], &["-h"]].concat());
        assert!(short.contains("Usage: ringhold"), "{page:?}: {short}");
    }
    assert!(cli.ok(&["--version"]).starts_with("ringhold "));
}

/// Names below `Commands:` of a help page.
fn commands_in(help: &str) -> impl Iterator<Item = &str> {
    let list = help.split("Commands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    list.lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
}
