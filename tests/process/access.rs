//! Authentication in the real binary: keys by the command line, and secrets that are nowhere to be found afterwards.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    dev::Dev,
    harness::{client::Api, process::command},
};

/// A text that stands nowhere else.
const FIRST_KEY: &str = "canary-of-the-first-key";
const JWT_SECRET: &str = "canary-of-the-secret-that-signs-tokens";
/// A credential that is wrong, and the value of an item.
const GUESS: &str = "rh_0123456789abcdef_canary-of-a-guess";
const VALUE: &str = "canary-of-a-value";

#[tokio::test]
async fn keys_are_made_and_ended_by_command_and_no_secret_is_left_anywhere() {
    let environment = [
        ("CACHE_AUTH_ENABLED", "true"),
        ("CACHE_API_KEY", FIRST_KEY),
        ("CACHE_JWT_SECRET", JWT_SECRET),
        ("RUST_LOG", "trace"),
    ];
    let folder = TempDir::new().expect("a temporary folder");
    let mut dev =
        Dev::start_with(folder, &["dev", "--port", "0", "--nodes", "1", "--data", "data"], &environment).await;
    let run = |key: &str, arguments: &[&str]| {
        let mut command = command(dev.folder.path(), arguments);
        let output =
            command.env("RINGHOLD_URL", &dev.url).env("CACHE_API_KEY", key).output().expect("the binary starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let create = ["apikeys", "create", "shop", "--scope", "read", "--scope", "write", "-o", "json"];
    let (code, printed, said) = run(FIRST_KEY, &create);
    assert_eq!(code, Some(0), "{said}");
    let made: Value = serde_json::from_str(&printed).expect("JSON");
    let (key, id) = (made["api_key"].as_str().expect("a text"), made["key"]["id"].as_str().expect("an id"));
    assert_eq!(run(key, &["set", "k", VALUE]).0, Some(0));
    assert!(run(key, &["get", "k"]).1.contains(VALUE));
    for wrong in ["", GUESS] {
        let (code, _, said) = run(wrong, &["get", "k"]);
        assert!(code == Some(1) && said.contains("--api-key") && !said.contains("canary"), "{said}");
    }
    let (code, _, said) = run(key, &["apikeys", "list"]);
    assert!(code == Some(1) && said.contains("403"), "{said}");
    let (code, printed, said) = run(FIRST_KEY, &["apikeys", "list"]);
    assert!(code == Some(0) && printed.contains(id) && printed.contains("shop"), "{printed}{said}");
    let (code, rotated, said) = run(FIRST_KEY, &["apikeys", "rotate", id, "--overlap", "0", "-o", "json"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(run(key, &["get", "k"]).0, Some(1), "the old text is over");
    assert_eq!(run(FIRST_KEY, &["apikeys", "revoke", id]).0, Some(0));
    assert_eq!(run(FIRST_KEY, &["apikeys", "revoke", id]).0, Some(3), "there is none any more");

    let rotated: Value = serde_json::from_str(&rotated).expect("JSON");
    let api = Api::new(&dev.url).with_key(FIRST_KEY);
    let mut answers = String::new();
    for path in
        ["/health", "/metrics", "/api/cluster", "/api/cache/stats", "/api/cache/config", "/api/keys", "/api/nowhere"]
    {
        answers += &api.get(path).await.text;
    }
    assert_eq!(dev.process.terminate().code(), Some(0));
    let secrets =
        [FIRST_KEY, JWT_SECRET, GUESS, VALUE, secret(key), secret(rotated["api_key"].as_str().expect("a text"))];
    for secret in secrets {
        assert!(!answers.contains(secret), "{secret} is in an answer");
        let found = holding(dev.folder.path(), secret.as_bytes());
        assert!(found.is_empty(), "{secret} is in {found:?}");
    }
}

/// What of a key is secret.
fn secret(key: &str) -> &str {
    key.splitn(3, '_').nth(2).expect("mark, id and secret")
}

/// Files below `folder` with these bytes: logs, what was printed, and all data.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if fs::read(&path).expect("a file").windows(bytes.len()).any(|window| window == bytes) {
            found.push(path.display().to_string());
        }
    }
    found
}
