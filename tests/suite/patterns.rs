//! fnmatch patterns in every call that takes one.

use serde_json::{Value, json};

use crate::{harness::client::Api, shared};

const KEYS: &[&str] = &[
    "user:1",
    "user:2",
    "user:10",
    "user:a",
    "User:1",
    "session/1/x",
    "session/2/y",
    "a*b",
    "axb",
    "a[b",
    "a]b",
    "[x]",
    "é1",
    "e1",
    "a-b",
    "a!b",
    "a^b",
    "a\\b",
    "?",
];

async fn filled() -> Api {
    let api = shared::api();
    let items: Vec<Value> = KEYS.iter().map(|key| json!({"key": key, "value": 1})).collect();
    assert_eq!(api.post("/api/cache/set-batch", &json!(items)).await.ok()["successful_count"], KEYS.len());
    api
}

async fn matched(api: &Api, pattern: &str) -> Vec<String> {
    let request =
        api.request(reqwest::Method::GET, "/api/cache/keys").query(&[("pattern", pattern), ("limit", "1000")]);
    let answer = api.send(request).await.ok();
    assert_eq!(answer["total_keys"].as_u64(), answer["keys"].as_array().map(|keys| keys.len() as u64));
    let keys = answer["keys"].as_array().expect("a list").iter();
    keys.map(|row| row["key"].as_str().expect("a key").to_owned()).collect()
}

#[tokio::test]
async fn patterns_match_whole_keys_as_fnmatch_does() {
    let api = filled().await;
    for (pattern, expected) in [
        ("user:1", &["user:1"][..]),
        ("user:?", &["user:1", "user:2", "user:a"]),
        ("user:*", &["user:1", "user:10", "user:2", "user:a"]),
        ("*:1", &["User:1", "user:1"]),
        ("[uU]ser:1", &["User:1", "user:1"]),
        ("user:[0-9]", &["user:1", "user:2"]),
        ("user:[!0-9]", &["user:a"]),
        ("user:[!a]*", &["user:1", "user:10", "user:2"]),
        ("session/*", &["session/1/x", "session/2/y"]),
        ("session/?/[xz]", &["session/1/x"]),
        ("a[*]b", &["a*b"]),
        ("a[[]b", &["a[b"]),
        ("a[]]b", &["a]b"]),
        ("[[]x]", &["[x]"]),
        ("a[!]]b", &["a!b", "a*b", "a-b", "a[b", "a\\b", "a^b", "axb"]),
        ("a[a-]b", &["a-b"]),
        ("a[\\]b", &["a\\b"]),
        ("a\\b", &["a\\b"]),
        ("a[^]b", &["a^b"]),
        ("[?]", &["?"]),
        ("?", &["?"]),
        ("?1", &["e1", "é1"]),
        ("[é]1", &["é1"]),
        ("user", &[]),
        ("*user*[", &[]),
        ("a[b", &["a[b"]),
    ] {
        assert_eq!(matched(&api, pattern).await, expected, "{pattern}");
    }
    assert_eq!(matched(&api, "*").await.len(), KEYS.len());
    assert_eq!(matched(&api, "**").await.len(), KEYS.len());
}

#[tokio::test]
async fn clear_invalidate_and_export_use_the_same_patterns() {
    let api = filled().await;
    let request = api.request(reqwest::Method::GET, "/api/cache/export").query(&[("pattern", "user:[!a]*")]);
    let exported = api.send(request).await.ok();
    let keys: Vec<_> = exported["data"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(keys, ["user:1", "user:10", "user:2"]);
    let cleared =
        api.send(api.request(reqwest::Method::POST, "/api/cache/clear").query(&[("pattern", "user:[12]*")])).await;
    assert_eq!(
        (cleared.ok()["deleted_count"].as_u64(), cleared.ok()["pattern"].as_str()),
        (Some(3), Some("user:[12]*"))
    );
    assert_eq!(cleared.header("x-cache-coverage"), Some("3/3"));
    let gone = api.post("/api/cache/invalidate", &json!({"pattern": "session/?/*"})).await.ok();
    assert_eq!(gone["deleted_count"], 2);
    assert_eq!(matched(&api, "*").await.len(), KEYS.len() - 5);
    assert_eq!(matched(&api, "user:*").await, ["user:a"]);
    let again = api.post("/api/cache/invalidate", &json!({"pattern": "session/?/*"})).await.ok();
    assert_eq!(again["deleted_count"], 0);
}

#[tokio::test]
async fn clear_without_a_pattern_takes_everything_and_counts_it() {
    let api = filled().await;
    let answer = api.post("/api/cache/clear", &Value::Null).await;
    insta::assert_json_snapshot!(answer.ok());
    assert!(matched(&api, "*").await.is_empty());
    assert_eq!(api.post("/api/cache/clear", &Value::Null).await.ok()["deleted_count"], 0);
    api.set("new", json!(1)).await;
    assert_eq!(matched(&api, "*").await, ["new"], "what is written afterwards stays");
}

#[tokio::test]
async fn hostile_patterns_are_matched_in_time() {
    let api = shared::api();
    let items: Vec<Value> = (0..200).map(|n| json!({"key": format!("{}{n}", "a".repeat(240)), "value": 1})).collect();
    api.post("/api/cache/set-batch", &json!(items)).await.ok();
    for pattern in [
        "a*".repeat(500),
        "[".repeat(1_024),
        "*".repeat(1_024),
        "?*".repeat(512),
        format!("{}[!a]", "*a".repeat(500)),
        "[a-".repeat(341),
    ] {
        matched(&api, &pattern).await;
        api.post("/api/cache/invalidate", &json!({"pattern": format!("{}\u{1}", &pattern[..1_000])})).await.ok();
    }
    assert_eq!(matched(&api, &"a*".repeat(500)).await, Vec::<String>::new());
    assert_eq!(matched(&api, &"a*".repeat(240)).await.len(), 200);
}

#[tokio::test]
async fn empty_and_overlong_patterns_are_refused_everywhere() {
    let api = shared::api();
    for (pattern, kind) in
        [("", "string_too_short"), (&"a".repeat(1_025)[..], "string_too_long"), (&"é".repeat(513), "string_too_long")]
    {
        for (method, path) in [
            (reqwest::Method::GET, "/api/cache/keys"),
            (reqwest::Method::GET, "/api/cache/export"),
            (reqwest::Method::POST, "/api/cache/clear"),
        ] {
            let answer = api.send(api.request(method, path).query(&[("pattern", pattern)])).await;
            assert_eq!(answer.faults(), [format!("{kind} query.pattern")], "{path}");
        }
        let answer = api.post("/api/cache/invalidate", &json!({"pattern": pattern})).await;
        assert_eq!(answer.faults(), [format!("{kind} body.pattern")]);
    }
    assert_eq!(api.get("/api/cache/keys?pattern=%FF").await.faults(), ["string_unicode query.pattern"]);
    assert_eq!(api.get("/api/cache/keys?pattern=a&pattern=b").await.faults(), ["duplicate_field query.pattern"]);
}
