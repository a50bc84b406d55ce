//! Invalidation by tags.

use serde_json::{Value, json};

use crate::{harness::client::Api, shared, small::keys};

async fn set_tagged(api: &Api, key: &str, tags: &[&str]) {
    api.post("/api/cache/set", &json!({"key": key, "value": 1, "metadata": {"tags": tags}})).await.ok();
}

async fn invalidate(api: &Api, body: Value) -> Value {
    api.post("/api/cache/invalidate", &body).await.ok()
}

#[tokio::test]
async fn items_with_any_of_the_tags_or_the_pattern_go_and_are_counted_once() {
    let api = shared::api();
    for n in 0..30 {
        let tags: &[&str] = match n % 3 {
            0 => &["fizz"],
            1 => &["buzz", "fizz"],
            _ => &["other"],
        };
        set_tagged(&api, &format!("k{n:02}"), tags).await;
    }
    let answer = api.post("/api/cache/invalidate", &json!({"tags": ["fizz", "unknown"], "pattern": "k0*"})).await;
    insta::assert_json_snapshot!(answer.ok());
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
    let left: Vec<String> = (0..30).filter(|n| n % 3 == 2 && *n > 9).map(|n| format!("k{n:02}")).collect();
    assert_eq!(keys(&api).await, left);
    assert_eq!(invalidate(&api, json!({"tags": ["buzz"]})).await["deleted_count"], 0);
    assert_eq!(invalidate(&api, json!({"tags": ["other"], "backend": "memory"})).await["deleted_count"], left.len());
    assert!(keys(&api).await.is_empty());
}

#[tokio::test]
async fn a_tag_is_compared_byte_by_byte_and_is_no_pattern() {
    let api = shared::api();
    for (key, tag) in
        [("1", "a*"), ("2", "ab"), ("3", "A*"), ("4", "é"), ("5", "e\u{301}"), ("6", " "), ("7", "a\u{0}b")]
    {
        set_tagged(&api, key, &[tag]).await;
    }
    assert_eq!(invalidate(&api, json!({"tags": ["a*"]})).await["deleted_count"], 1);
    assert_eq!(invalidate(&api, json!({"tags": ["é"]})).await["deleted_count"], 1);
    assert_eq!(invalidate(&api, json!({"tags": [" ", "a\u{0}b"]})).await["deleted_count"], 2);
    assert_eq!(keys(&api).await, ["2", "3", "5"]);
}

#[tokio::test]
async fn tags_go_with_their_item() {
    let api = shared::api();
    set_tagged(&api, "deleted", &["t"]).await;
    set_tagged(&api, "overwritten", &["t"]).await;
    set_tagged(&api, "stays", &["t"]).await;
    api.delete("/api/cache/delete/deleted").await.ok();
    set_tagged(&api, "overwritten", &["u"]).await;
    api.set("deleted", json!(1)).await;
    assert_eq!(invalidate(&api, json!({"tags": ["t"]})).await["deleted_count"], 1);
    assert_eq!(keys(&api).await, ["deleted", "overwritten"]);
}

#[tokio::test]
async fn an_item_has_at_most_32_tags_of_at_most_128_bytes() {
    let api = shared::api();
    let tags = |count: usize| (0..count).map(|n| format!("{n}{}", "x".repeat(125))).collect::<Vec<String>>();
    let set = |tags: Value| json!({"key": "k", "value": 1, "metadata": {"tags": tags}});
    api.post("/api/cache/set", &set(json!(tags(32)))).await.ok();
    assert_eq!(invalidate(&api, json!({"tags": tags(32)})).await["deleted_count"], 1);
    for (tags, kind) in [
        (json!(tags(33)), "too_long"),
        (json!(["x".repeat(129)]), "string_too_long"),
        (json!(["é".repeat(65)]), "string_too_long"),
        (json!([""]), "string_too_short"),
        (json!(["a", "a"]), "value_error"),
        (json!([1]), "string_type"),
        (json!([null]), "string_type"),
        (json!("a"), "list_type"),
        (json!({"a": 1}), "list_type"),
    ] {
        let faults = api.post("/api/cache/set", &set(tags.clone())).await.faults();
        assert!(faults[0].starts_with(&format!("{kind} body.metadata.tags")), "{tags}: {faults:?}");
        let faults = api.post("/api/cache/invalidate", &json!({"tags": tags})).await.faults();
        assert!(faults[0].starts_with(&format!("{kind} body.tags")), "{tags}: {faults:?}");
    }
}

#[tokio::test]
async fn an_invalidation_needs_tags_or_a_pattern() {
    let api = shared::api();
    for body in [json!({}), json!({"tags": []}), json!({"tags": null, "pattern": null}), json!({"backend": "memory"})] {
        assert_eq!(api.post("/api/cache/invalidate", &body).await.faults(), ["value_error body"], "{body}");
    }
    for (body, fault) in [
        (json!({"tags": ["a"], "backend": "database"}), "not_available body.backend"),
        (json!({"tags": ["a"], "backend": "floppy"}), "enum body.backend"),
        (json!({"pattern": 1}), "string_type body.pattern"),
        (json!([]), "model_attributes_type body"),
    ] {
        assert_eq!(api.post("/api/cache/invalidate", &body).await.faults(), [fault], "{body}");
    }
}
