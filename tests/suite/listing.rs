//! Listing keys: pages in key order, and the walk by cursor.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    harness::client::Api,
    shared,
    shown::{shown, shown_but},
};

async fn fill(api: &Api, prefix: &str, count: usize) {
    let items: Vec<Value> =
        (0..count).map(|n| json!({"key": format!("{prefix}{n:04}"), "value": n, "ttl": 0})).collect();
    for chunk in items.chunks(1_000) {
        api.post("/api/cache/set-batch", &json!(chunk)).await.ok();
    }
}

async fn page(api: &Api, query: &str) -> Value {
    api.get(&format!("/api/cache/keys?{query}")).await.ok()
}

fn names(page: &Value) -> Vec<String> {
    page["keys"].as_array().expect("a list").iter().map(|row| row["key"].as_str().expect("a key").into()).collect()
}

#[tokio::test]
async fn a_page_has_the_rows_and_the_total() {
    let api = shared::api();
    api.post("/api/cache/set", &json!({"key": "a", "value": [1, 2], "ttl": 0})).await.ok();
    api.post("/api/cache/set", &json!({"key": "b", "value": "x", "ttl": 100})).await.ok();
    let answer = api.get("/api/cache/keys?pattern=*&limit=5&offset=0&backend=memory").await;
    let mut body = answer.ok();
    assert!(body["keys"][1]["ttl"].as_u64().is_some_and(|ttl| ttl <= 100));
    body["keys"][1]["ttl"] = json!("[ttl]");
    insta::assert_json_snapshot!(shown(&body));
    assert_eq!(answer.header("x-cache-coverage"), Some("3/3"));
}

#[tokio::test]
async fn a_namespace_that_nobody_wrote_to_is_empty() {
    let api = shared::api();
    insta::assert_json_snapshot!(page(&api, "").await);
    assert_eq!(page(&api, "cursor=").await["next_cursor"], Value::Null);
}

#[tokio::test]
async fn pages_by_offset_are_in_key_order_and_fit_together() {
    let api = shared::api();
    fill(&api, "k", 250).await;
    let all: Vec<String> = (0..250).map(|n| format!("k{n:04}")).collect();
    assert_eq!(names(&page(&api, "").await), all[..100], "the default limit is 100");
    let mut seen = Vec::new();
    for offset in (0..300).step_by(60) {
        let page = page(&api, &format!("limit=60&offset={offset}")).await;
        assert_eq!(
            (page["total_keys"].as_u64(), page["offset"].as_u64(), page["limit"].as_u64()),
            (Some(250), Some(offset), Some(60))
        );
        assert_eq!(page["next_cursor"], Value::Null);
        seen.extend(names(&page));
    }
    assert_eq!(seen, all);
    assert_eq!(names(&page(&api, "limit=1000").await), all);
    assert_eq!(names(&page(&api, "limit=1&offset=249").await), all[249..]);
    assert!(names(&page(&api, "offset=250").await).is_empty());
    assert!(names(&page(&api, "offset=100000&limit=1000").await).is_empty());
    assert_eq!(names(&page(&api, "pattern=k00?5&limit=3&offset=1").await), ["k0015", "k0025", "k0035"]);
}

#[tokio::test]
async fn limits_and_offsets_out_of_bounds_are_refused() {
    let api = shared::api();
    for (query, fault) in [
        ("limit=0", "greater_than_equal query.limit"),
        ("limit=1001", "less_than_equal query.limit"),
        ("limit=99999999999999999999999999", "less_than_equal query.limit"),
        ("limit=-1", "greater_than_equal query.limit"),
        ("limit=", "int_parsing query.limit"),
        ("limit=ten", "int_parsing query.limit"),
        ("limit=1.5", "int_parsing query.limit"),
        ("limit=0x10", "int_parsing query.limit"),
        ("limit=5&limit=6", "duplicate_field query.limit"),
        ("offset=-1", "greater_than_equal query.offset"),
        ("offset=100001", "less_than_equal query.offset"),
        ("offset=18446744073709551616", "less_than_equal query.offset"),
        ("offset=1e3", "int_parsing query.offset"),
        ("backend=database", "not_available query.backend"),
        ("backend=", "enum query.backend"),
    ] {
        assert_eq!(api.get(&format!("/api/cache/keys?{query}")).await.faults(), [fault], "{query}");
    }
    let faults = api.get("/api/cache/keys?limit=0&offset=-1&pattern=&backend=floppy").await.faults();
    assert_eq!(faults.len(), 4, "all faults are listed: {faults:?}");
    assert!(names(&page(&api, "unknown=1&limit=%31%30").await).is_empty());
}

/// Walks to the end and counts how often each key came.
async fn walk(api: &Api, query: &str, mut between: impl AsyncFnMut(usize)) -> BTreeMap<String, usize> {
    let (mut seen, mut cursor, mut pages) = (BTreeMap::new(), String::new(), 0);
    loop {
        let page = page(api, &format!("{query}&cursor={cursor}")).await;
        assert_eq!(page["total_keys"].is_null(), pages > 0, "only the first page tells the total");
        assert_eq!(page["complete"], true);
        for key in names(&page) {
            *seen.entry(key).or_default() += 1;
        }
        pages += 1;
        assert!(pages < 1_000, "the walk ends");
        let Some(next) = page["next_cursor"].as_str() else { return seen };
        cursor = next.to_owned();
        between(pages).await;
    }
}

#[tokio::test]
async fn a_walk_gives_each_key_exactly_once() {
    let api = shared::api();
    fill(&api, "k", 1_200).await;
    for limit in [7, 100, 1_000] {
        let seen = walk(&api, &format!("limit={limit}"), async |_| {}).await;
        assert_eq!(seen.len(), 1_200, "limit {limit}");
        assert!(seen.values().all(|times| *times == 1), "limit {limit}");
    }
    let seen = walk(&api, "limit=10&pattern=k00*", async |_| {}).await;
    assert_eq!(seen.keys().cloned().collect::<Vec<_>>(), (0..100).map(|n| format!("k{n:04}")).collect::<Vec<_>>());
    let first = page(&api, "limit=10&cursor=").await;
    assert_eq!((first["total_keys"].as_u64(), first["keys"].as_array().map(Vec::len)), (Some(1_200), Some(10)));
    insta::assert_json_snapshot!(shown_but(&first, &["keys"]));
}

#[tokio::test]
async fn a_walk_gives_each_key_that_stays_exactly_once_while_others_come_and_go() {
    let api = shared::api();
    fill(&api, "stays", 500).await;
    fill(&api, "goes", 300).await;
    let change = async |n: usize| {
        fill(&api, &format!("new{n}-"), 20).await;
        for key in (n * 5..n * 5 + 5).map(|n| format!("goes{n:04}")) {
            api.delete(&format!("/api/cache/delete/{key}")).await.ok();
        }
        // An overwrite is no coming.
        api.set(&format!("stays{:04}", n % 500), json!("again")).await;
    };
    let seen = walk(&api, "limit=25", change).await;
    let stayed: BTreeSet<&String> = seen.keys().filter(|key| key.starts_with("stays")).collect();
    assert_eq!(stayed.len(), 500);
    assert!(seen.values().all(|times| *times == 1), "no key came twice");
}

#[tokio::test]
async fn a_cursor_belongs_to_its_listing() {
    let api = shared::api();
    fill(&api, "k", 50).await;
    let cursor =
        page(&api, "limit=10&pattern=k*&cursor=").await["next_cursor"].as_str().expect("more to come").to_owned();
    // Another limit is fine.
    assert_eq!(names(&page(&api, &format!("limit=40&pattern=k*&cursor={cursor}")).await).len(), 40);
    let other = shared::api();
    other.set("k", json!(1)).await;
    let mut foreign = vec![
        other.get(&format!("/api/cache/keys?pattern=k*&cursor={cursor}")).await,
        api.get(&format!("/api/cache/keys?cursor={cursor}")).await,
        api.get(&format!("/api/cache/keys?pattern=k&cursor={cursor}")).await,
    ];
    let flipped = format!("{}{}", if cursor.starts_with('A') { 'B' } else { 'A' }, &cursor[1..]);
    let garbage = ["x", "AAAA", "%00", "null", "-1", &cursor[1..], &format!("{cursor}A"), &flipped, &"A".repeat(5_000)]
        .map(str::to_owned);
    for text in garbage {
        foreign.push(api.get(&format!("/api/cache/keys?pattern=k*&cursor={text}")).await);
    }
    for answer in foreign {
        assert_eq!(answer.faults(), ["value_error query.cursor"]);
    }
}
