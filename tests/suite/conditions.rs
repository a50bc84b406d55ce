//! Conditions on one key: in the body and in the headers, alone and in a race.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::client::{Answer, Api},
    shared,
};

/// A call with headers, and with a body unless it is null.
async fn call(api: &Api, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
    let mut request = api.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(if body.is_null() { request } else { request.json(&body) }).await
}

async fn set_if(api: &Api, headers: &[(&str, &str)], value: Value) -> Answer {
    call(api, Method::POST, "/api/cache/set", headers, json!({"key": "k", "value": value})).await
}

fn version(answer: &Value) -> String {
    answer["version"].as_str().expect("a version").to_owned()
}

#[tokio::test]
async fn if_absent_stores_only_where_nothing_is() {
    let api = shared::api();
    let body = json!({"key": "k", "value": 1, "if_absent": true});
    let stored = api.post("/api/cache/set", &body).await.ok();
    let refused = api.post("/api/cache/set", &body).await.refused(409, "condition_not_met");
    assert_eq!(refused["version"], stored["version"], "it says what is there");
    api.delete("/api/cache/delete/k").await.ok();
    api.post("/api/cache/set", &body).await.ok();
    api.post("/api/cache/set", &json!({"key": "k", "value": 2, "if_absent": false})).await.ok();
    assert_eq!(api.value("k").await, Some(json!(2)));
}

#[tokio::test]
async fn if_version_stores_only_over_that_version() {
    let api = shared::api();
    let set = |version: &str, value| json!({"key": "k", "value": value, "if_version": version});
    let nothing = api.post("/api/cache/set", &set("1-1", 1)).await.refused(409, "condition_not_met");
    assert_eq!(nothing["version"], Value::Null);
    let first = version(&api.set("k", json!(1)).await);
    let second = version(&api.post("/api/cache/set", &set(&first, 2)).await.ok());
    assert_ne!(first, second);
    for stale in [first.as_str(), "", "anything", "\u{fc}", &format!("\"{second}\"")] {
        let refused = api.post("/api/cache/set", &set(stale, 3)).await.refused(409, "condition_not_met");
        assert_eq!(refused["version"], second.as_str(), "{stale}");
    }
    assert_eq!(api.value("k").await, Some(json!(2)));
}

#[tokio::test]
async fn both_conditions_of_a_body_must_hold() {
    let api = shared::api();
    let first = version(&api.set("k", json!(1)).await);
    let both = json!({"key": "k", "value": 2, "if_absent": true, "if_version": first});
    api.post("/api/cache/set", &both).await.refused(409, "condition_not_met");
    assert_eq!(api.value("k").await, Some(json!(1)));
}

#[tokio::test]
async fn a_condition_in_a_batch_fails_its_item_alone() {
    let api = shared::api();
    let there = version(&api.set("b", json!(1)).await);
    let items = json!([
        {"key": "a", "value": 1, "if_absent": true},
        {"key": "a", "value": 2, "if_absent": true},
        {"key": "b", "value": 2, "if_version": there},
        {"key": "b", "value": 3, "if_version": there},
        {"key": "c", "value": 3, "if_version": "9-9"},
        {"key": "c", "value": 3, "if_version": 9},
    ]);
    let answer = api.post("/api/cache/set-batch", &items).await.ok();
    assert_eq!((answer["successful_count"].as_u64(), answer["failed_count"].as_u64()), (Some(2), Some(4)));
    let results = answer["results"].as_array().expect("a list");
    let codes: Vec<_> = results.iter().map(|result| result["error"]["code"].as_str()).collect();
    let unmet = Some("condition_not_met");
    assert_eq!(codes, [None, unmet, None, unmet, unmet, Some("validation_error")]);
    assert_eq!(results[1]["error"]["version"], results[0]["result"]["version"]);
    assert_eq!(results[3]["error"]["version"], results[2]["result"]["version"]);
    assert_eq!(results[4]["error"]["version"], Value::Null);
    assert_eq!((api.value("a").await, api.value("b").await), (Some(json!(1)), Some(json!(2))));
}

#[tokio::test]
async fn the_version_is_the_entity_tag() {
    let api = shared::api();
    let tag = |answer: &Answer| answer.header("etag").map(str::to_owned);
    let stored = api.post("/api/cache/set", &json!({"key": "k", "value": 1})).await;
    assert_eq!(tag(&stored), Some(format!("\"{}\"", version(&stored.json()))));
    let hit = api.get("/api/cache/get/k").await;
    assert_eq!(tag(&hit), tag(&stored));
    for (path, body) in [
        ("/api/cache/incr/k", json!({})),
        ("/api/cache/getset/k", json!({"value": 5})),
        ("/api/cache/touch/k", json!({"ttl": 60})),
    ] {
        let answer = api.post(path, &body).await;
        assert_eq!(tag(&answer), Some(format!("\"{}\"", version(&answer.ok()))), "{path}");
        assert_eq!(tag(&api.get("/api/cache/get/k").await), tag(&answer), "{path}");
    }
    assert_eq!(tag(&api.delete("/api/cache/delete/k").await), None, "nothing is there any more");
    assert_eq!(tag(&api.get("/api/cache/get/k").await), None);
}

#[tokio::test]
async fn a_get_with_the_version_it_has_is_304_without_a_body() {
    let api = shared::api();
    let get = async |name: &str, value: &str| {
        call(&api, Method::GET, "/api/cache/get/k", &[(name, value)], Value::Null).await
    };
    assert_eq!(get("If-None-Match", "\"1-1\"").await.ok()["found"], false);
    assert_eq!(get("If-None-Match", "*").await.ok()["found"], false);
    assert_eq!(get("If-Match", "*").await.refused(412, "precondition_failed")["version"], Value::Null);
    let tag = format!("\"{}\"", version(&api.set("k", json!("v")).await));
    for same in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = get("If-None-Match", &same).await;
        assert_eq!((answer.status, answer.text.as_str()), (304, ""), "{same}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        assert!(answer.header("x-request-id").is_some() && answer.header("content-type").is_none());
    }
    assert_eq!(get("If-None-Match", "\"1-1\"").await.ok()["cache_item"]["value"], "v");
    assert_eq!(get("If-Match", &tag).await.ok()["cache_item"]["value"], "v");
    for other in ["\"1-1\"", &format!("W/{tag}")] {
        let refused = get("If-Match", other).await;
        assert_eq!(format!("\"{}\"", version(&refused.refused(412, "precondition_failed"))), tag);
        assert_eq!(refused.header("etag"), Some(tag.as_str()));
    }
}

#[tokio::test]
async fn headers_guard_a_set() {
    let api = shared::api();
    set_if(&api, &[("If-Match", "*")], json!(0)).await.refused(412, "precondition_failed");
    let first = set_if(&api, &[("If-None-Match", "*")], json!(1)).await;
    let tag = first.header("etag").expect("a tag").to_owned();
    first.ok();
    let refused = set_if(&api, &[("If-None-Match", "*")], json!(2)).await;
    assert_eq!(format!("\"{}\"", version(&refused.refused(412, "precondition_failed"))), tag);
    set_if(&api, &[("If-None-Match", &tag)], json!(2)).await.refused(412, "precondition_failed");
    set_if(&api, &[("If-Match", &format!("W/{tag}"))], json!(2)).await.refused(412, "precondition_failed");
    set_if(&api, &[("If-Match", "\"1-1\"")], json!(2)).await.refused(412, "precondition_failed");
    assert_eq!(api.value("k").await, Some(json!(1)), "nothing of it was done");
    set_if(&api, &[("If-Match", &format!("\"1-1\", {tag}"))], json!(3)).await.ok();
    set_if(&api, &[("If-Match", "*"), ("If-None-Match", "\"1-1\"")], json!(4)).await.ok();
    assert_eq!(api.value("k").await, Some(json!(4)));
}

#[tokio::test]
async fn conditions_in_headers_and_body_must_both_hold() {
    let api = shared::api();
    let there = version(&api.set("k", json!(1)).await);
    let tag = format!("\"{there}\"");
    let set = async |tag: &str, body_version: &str| {
        let body = json!({"key": "k", "value": 2, "if_version": body_version});
        call(&api, Method::POST, "/api/cache/set", &[("If-Match", tag)], body).await
    };
    set("\"1-1\"", &there).await.refused(412, "precondition_failed");
    set(&tag, "1-1").await.refused(409, "condition_not_met");
    set("\"1-1\"", "1-1").await.refused(412, "precondition_failed");
    set(&tag, &there).await.ok();
}

#[tokio::test]
async fn headers_guard_a_delete_and_the_counting_calls() {
    let api = shared::api();
    let delete = async |name: &str, value: &str| {
        call(&api, Method::DELETE, "/api/cache/delete/k", &[(name, value)], Value::Null).await
    };
    delete("If-Match", "*").await.refused(412, "precondition_failed");
    assert_eq!(delete("If-None-Match", "*").await.ok()["found"], false);
    let first = version(&api.set("k", json!(1)).await);
    let there = version(&api.set("k", json!(2)).await);
    let refused = delete("If-Match", &format!("\"{first}\"")).await.refused(412, "precondition_failed");
    assert_eq!(refused["version"], there.as_str());
    for (path, body) in [("incr", json!({})), ("getset", json!({"value": 1})), ("touch", json!({"ttl": 1}))] {
        let path = format!("/api/cache/{path}/k");
        let tag = format!("\"{first}\"");
        call(&api, Method::POST, &path, &[("If-Match", &tag)], body).await.refused(412, "precondition_failed");
    }
    assert_eq!(delete("If-Match", &format!("\"{there}\"")).await.ok()["found"], true);
    assert_eq!(api.value("k").await, None);
    let touch = call(&api, Method::POST, "/api/cache/touch/k", &[("If-Match", "*")], json!({})).await;
    touch.refused(412, "precondition_failed");
}

#[tokio::test]
async fn headers_that_are_no_entity_tags_are_refused() {
    let api = shared::api();
    api.set("k", json!(1)).await;
    for bad in ["", "1-1", "\"1-1", "w/\"1-1\"", "*, \"1-1\"", "\"a\" \"b\""] {
        for (name, place) in [("If-Match", "header.If-Match"), ("If-None-Match", "header.If-None-Match")] {
            let expected = [format!("value_error {place}")];
            let headers = [(name, bad)];
            assert_eq!(set_if(&api, &headers, json!(2)).await.faults(), expected, "{bad}");
            for (method, path) in [(Method::GET, "/api/cache/get/k"), (Method::DELETE, "/api/cache/delete/k")] {
                assert_eq!(call(&api, method, path, &headers, Value::Null).await.faults(), expected, "{bad}");
            }
        }
    }
    assert_eq!(api.value("k").await, Some(json!(1)));
}

#[tokio::test]
async fn of_many_writers_that_want_to_be_first_one_is() {
    let api = shared::api();
    let writers = (0..16).map(|n| {
        let api = api.clone();
        async move { (n, api.post("/api/cache/set", &json!({"key": "k", "value": n, "if_absent": true})).await) }
    });
    let answers = join_all(writers).await;
    let winners: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(api.value("k").await, Some(json!(winners[0].0)));
    for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
        assert_eq!(version(&answer.refused(409, "condition_not_met")), version(&winners[0].1.json()));
    }
}

#[tokio::test]
async fn a_loop_of_compare_and_set_loses_no_update() {
    let api = shared::api();
    api.set("k", json!([])).await;
    let append = async |n: u64| {
        loop {
            let item = api.get("/api/cache/get/k").await.ok()["cache_item"].clone();
            let mut value = item["value"].clone();
            value.as_array_mut().expect("a list").push(json!(n));
            let body = json!({"key": "k", "value": value, "if_version": item["version"]});
            let answer = api.post("/api/cache/set", &body).await;
            if answer.status == 200 {
                return;
            }
            answer.refused(409, "condition_not_met");
        }
    };
    join_all((0..12).map(append)).await;
    let mut value: Vec<u64> = serde_json::from_value(api.value("k").await.expect("a value")).expect("a list");
    value.sort_unstable();
    assert_eq!(value, (0..12).collect::<Vec<_>>());
}
