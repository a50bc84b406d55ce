//! Keys of every kind, in bodies and in paths.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{
    harness::client::Api,
    raw::{exchange, status},
    shared,
};

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
}

/// A GET whose path is sent byte for byte.
async fn get_raw(namespace: &str, path: &str) -> (u16, Value) {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Cache-Namespace: {namespace}\r\nConnection: close\r\n\r\n");
    let answer = exchange(shared::calm().router_address(), request).await;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status(&answer), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn keys_of_any_text_are_kept_apart_and_found_in_every_call() {
    let namespace = shared::namespace();
    let api = shared::calm().api().in_namespace(&namespace);
    let keys: Vec<&str> = vec![
        "a",
        "a/b",
        "a//b",
        "/a",
        "a/",
        "/",
        "//",
        "a b",
        " a",
        "a ",
        "a+b",
        "100%",
        "%41",
        "%2F",
        "%",
        "a?b=c",
        "a#b",
        ".",
        "..",
        "../x",
        "a/../b",
        "./a",
        "a.json",
        "é",
        "e\u{301}",
        "日本語",
        "😀",
        "\u{200b}",
        "\u{feff}",
        "a&b=c;d",
        "\"quoted\"",
        "'",
        "\\",
        "{key}",
        "*",
        "[a]",
        "!",
        "A",
        "null",
        "0",
        "~",
        "a:b:c",
        "a,b",
    ];
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(api.set(key, json!(n)).await["key"], *key);
    }
    for (n, key) in keys.iter().enumerate() {
        // Byte for byte, because decent clients resolve `%2E%2E`.
        let (_, answer) = get_raw(&namespace, &format!("/api/cache/get/{}", encoded(key))).await;
        assert_eq!((&answer["cache_item"]["key"], &answer["cache_item"]["value"]), (&json!(key), &json!(n)), "{key:?}");
    }
    let batch = api.post("/api/cache/get-batch", &json!(keys)).await.ok();
    assert_eq!(batch["found_count"], keys.len());
    let listed = api.get("/api/cache/keys?limit=1000").await.ok();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    let listed: Vec<_> = listed["keys"].as_array().expect("a list").iter().map(|row| row["key"].clone()).collect();
    assert_eq!(json!(listed), json!(sorted), "listed in the order of their bytes");
    for key in keys.iter().filter(|key| ![".", "..", "./a", "../x", "a/../b"].contains(key)) {
        assert_eq!(api.delete(&format!("/api/cache/delete/{}", encoded(key))).await.ok()["found"], true, "{key:?}");
    }
}

#[tokio::test]
async fn a_path_is_decoded_once_and_only_once() {
    let namespace = shared::namespace();
    let api = shared::calm().api().in_namespace(&namespace);
    for key in ["a/b", "a b", "100%", "%41", "a+b", "x/", "é", "a//b", "?", "..", "a/../b"] {
        api.set(key, json!(key)).await;
    }
    for (path, key) in [
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("%61/%62", "a/b"),
        ("a%20b", "a b"),
        ("100%25", "100%"),
        ("100%", "100%"),
        ("%2541", "%41"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("x/", "x/"),
        ("%C3%A9", "é"),
        ("%c3%a9", "é"),
        ("a//b", "a//b"),
        ("%3F", "?"),
        ("..", ".."),
        ("a/../b", "a/../b"),
        ("a%2F%2E%2E%2Fb", "a/../b"),
    ] {
        let (code, body) = get_raw(&namespace, &format!("/api/cache/get/{path}")).await;
        assert_eq!((code, &body["cache_item"]["value"]), (200, &json!(key)), "{path}: {body}");
    }
    let (_, body) = get_raw(&namespace, "/api/cache/get/a/b?backend=memory").await;
    assert_eq!(body["cache_item"]["value"], "a/b", "a query is no part of the key");
}

#[tokio::test]
async fn keys_that_are_none_are_refused_in_paths() {
    let namespace = shared::namespace();
    let long = "x".repeat(251);
    for (path, kind) in [
        ("", "string_too_short"),
        ("%00", "string_pattern_mismatch"),
        ("a%00b", "string_pattern_mismatch"),
        ("a%0Ab", "string_pattern_mismatch"),
        ("%7F", "string_pattern_mismatch"),
        ("%C2%85", "string_pattern_mismatch"),
        ("%FF", "string_unicode"),
        ("%C3%28", "string_unicode"),
        ("%ED%A0%80", "string_unicode"),
        ("%C0%AF", "string_unicode"),
        (&long, "string_too_long"),
    ] {
        let (code, body) = get_raw(&namespace, &format!("/api/cache/get/{path}")).await;
        assert_eq!(code, 422, "{path:?}: {body}");
        let fault = &body["detail"][0];
        assert_eq!((&fault["type"], &fault["loc"]), (&json!(kind), &json!(["path", "key"])), "{path:?}");
    }
    let api = shared::calm().api().in_namespace(&namespace);
    assert_eq!(api.delete("/api/cache/delete/a%00b").await.faults(), ["string_pattern_mismatch path.key"]);
    assert_eq!(api.delete(&format!("/api/cache/delete/{long}")).await.faults(), ["string_too_long path.key"]);
}

#[tokio::test]
async fn keys_that_are_none_are_refused_in_bodies() {
    let api = shared::api();
    for (key, kind) in [
        (json!(""), "string_too_short"),
        (json!("a\u{0}"), "string_pattern_mismatch"),
        (json!("\n"), "string_pattern_mismatch"),
        (json!("a\u{7f}"), "string_pattern_mismatch"),
        (json!("a\u{85}"), "string_pattern_mismatch"),
        (json!("é".repeat(126)), "string_too_long"),
        (json!(1), "string_type"),
        (Value::Null, "string_type"),
        (json!(["k"]), "string_type"),
    ] {
        let answer = api.post("/api/cache/set", &json!({"key": key, "value": 1})).await;
        assert_eq!(answer.faults(), [format!("{kind} body.key")], "{key}");
    }
    assert_eq!(api.post("/api/cache/set", &json!({"value": 1})).await.faults(), ["missing body.key"]);
}

#[tokio::test]
async fn a_key_may_have_250_bytes() {
    let api = shared::api();
    for key in ["x".repeat(250), "é".repeat(125), "😀".repeat(62)] {
        api.set(&key, json!(1)).await;
        assert_eq!(api.value(&encoded(&key)).await, Some(json!(1)));
    }
}

#[tokio::test]
async fn other_routes_know_no_trailing_slash() {
    let api: Api = shared::api();
    for path in ["/api/cache/keys/", "/api/cache/stats/", "/api/cache/config/", "/health/", "/api/namespaces//"] {
        let answer = api.get(path).await;
        assert!([404, 405].contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    }
}
