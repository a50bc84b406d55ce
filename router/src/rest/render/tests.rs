use ringhold_model::{
    Epoch, Version,
    config::{Backend, DataType, Strategy},
    wire::{Fault, ItemRef},
};

use super::*;
use crate::rest::{ApiError, CallKind, Coverage};

const ITEM: ItemRef<'static> = ItemRef {
    value: b"1.50",
    size: 4,
    metadata: None,
    data_type: DataType::Number,
    strategy: Strategy::Lru,
    ttl_ms: Some(1),
    created_at_ms: 0,
    accessed_at_ms: 1_767_323_045_678,
    access_count: 3,
    version: Version { epoch: Epoch(12), seq: 7 },
};
const COVERAGE: Coverage = Coverage { nodes: 2, nodes_total: 3, ranges: 5, ranges_total: 8 };

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_hit_is_the_item_byte_for_byte() {
    assert_eq!(
        text(|out| hit(out, "a\"b", &ITEM, Backend::Memory)),
        r#"{"success":true,"found":true,"cache_item":{"key":"a\"b","value":1.50,"data_type":"number","ttl":1,"#
            .to_owned()
            + r#""created_at":"1970-01-01T00:00:00.000Z","accessed_at":"2026-01-02T03:04:05.678Z","access_count":3,"#
            + r#""size":4,"metadata":null,"version":"12-7","strategy":"lru","backend":"memory"}}"#
    );
}

#[test]
fn remaining_seconds_are_rounded_up_and_never_zero() {
    for (ttl_ms, shown) in [
        (None, "null"),
        (Some(0), "1"),
        (Some(1_000), "1"),
        (Some(1_001), "2"),
        (Some(3_599_999), "3600"),
        (Some(3_600_000), "3600"),
    ] {
        let answer = text(|out| hit(out, "k", &ItemRef { ttl_ms, ..ITEM }, Backend::Memory));
        assert!(answer.contains(&format!("\"ttl\":{shown},")), "{answer}");
    }
}

#[test]
fn batches_count_and_keep_the_order() {
    let error = ApiError::from_fault(&Fault::DeadlinePassed, CallKind::Write);
    let stored = Stored {
        size: 4,
        ttl_ms: None,
        backend: Backend::Memory,
        strategy: Strategy::Lru,
        version: ITEM.version,
        copies: 1,
    };
    let results = [SetResult { key: Some("a"), outcome: Ok(stored) }, SetResult { key: None, outcome: Err(&error) }];
    assert_eq!(
        text(|out| set_batch(out, &results, &COVERAGE)),
        r#"{"success":true,"message":"Stored 1 of 2 items","total_items":2,"successful_count":1,"failed_count":1,"#
            .to_owned()
            + r#""results":[{"key":"a","success":true,"result":{"success":true,"message":"Stored","key":"a","size":4,"#
            + r#""ttl":null,"backend":"memory","strategy":"lru","version":"12-7","copies":1}},"#
            + r#"{"key":null,"success":false,"error":{"detail":"The deadline of the request passed","#
            + r#""code":"deadline_passed","outcome":"unknown"}}],"#
            + r#""coverage":{"nodes":2,"nodes_total":3,"ranges":5,"ranges_total":8},"complete":false}"#
    );
    let results = [
        GetResult { key: Some("a"), outcome: Ok(None) },
        GetResult { key: Some("b"), outcome: Ok(Some(&ITEM)) },
        GetResult { key: Some("c"), outcome: Err(&error) },
    ];
    let answer: serde_json::Value =
        serde_json::from_str(&text(|out| get_batch(out, &results, Backend::Memory, &COVERAGE))).unwrap();
    let counts = ["total_keys", "found_count", "not_found_count", "failed_count"].map(|name| answer[name].as_u64());
    assert_eq!(counts, [Some(3), Some(1), Some(1), Some(1)]);
    assert_eq!(answer["results"][0]["result"]["found"], false);
    assert_eq!(answer["results"][1]["result"]["cache_item"]["value"], 1.5);
}

#[test]
fn errors_say_whether_a_write_was_applied() {
    for (fault, status, outcome) in [
        (Fault::Busy, 503, "not_applied"),
        (Fault::Overloaded, 503, "not_applied"),
        (Fault::Unknown, 503, "unknown"),
        (Fault::NoLeader, 503, "unknown"),
        (Fault::DeadlinePassed, 504, "unknown"),
    ] {
        let error = ApiError::from_fault(&fault, CallKind::Write);
        let body: serde_json::Value = serde_json::from_slice(&error.body("r1")).unwrap();
        assert_eq!((error.status().as_u16(), &body["outcome"]), (status, &outcome.into()), "{fault}");
        assert_eq!(body["request_id"], "r1");
        assert_eq!(error.retry_after_s().is_some(), status == 503);
        let read = ApiError::from_fault(&fault, CallKind::Read);
        assert!(serde_json::from_slice::<serde_json::Value>(&read.body("r1")).unwrap().get("outcome").is_none());
    }
    let large = ApiError::from_fault(&Fault::TooLarge { bytes: 9, max: 5 }, CallKind::Write);
    assert_eq!(large.status().as_u16(), 413);
}

#[test]
fn an_incomplete_clear_says_how_far_it_came() {
    let error = ApiError::Incomplete { detail: "d".into(), deleted_count: 4, coverage: COVERAGE };
    let body: serde_json::Value = serde_json::from_slice(&error.body("r1")).unwrap();
    assert_eq!(
        (&body["deleted_count"], &body["complete"], &body["coverage"]["nodes"]),
        (&4.into(), &false.into(), &2.into())
    );
    assert_eq!(error.coverage().map(Coverage::header).as_deref(), Some("2/3"));
}
