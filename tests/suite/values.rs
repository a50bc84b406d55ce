//! A value comes back as it went in.

use serde_json::{Value, json};

use crate::{harness::client::Api, shared};

/// Stores the JSON text `value` and gives the text that comes back.
async fn round_trip(api: &Api, value: &str) -> String {
    let stored = api.post_raw("/api/cache/set", format!("{{\"key\": \"k\", \"value\": {value}}}")).await.ok();
    let answer = api.get("/api/cache/get/k").await;
    assert_eq!(answer.ok()["cache_item"]["size"], stored["size"]);
    let text = answer.raw(&["cache_item", "value"]);
    assert_eq!(stored["size"], text.len(), "{value}");
    text
}

#[tokio::test]
async fn the_text_of_a_value_is_kept() {
    let api = shared::api();
    for value in [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1.50",
        "1E5",
        "1e+5",
        "1e-7",
        "12345678901234567890",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "-9223372036854775809",
        "18446744073709551616",
        "true",
        "false",
        "null",
        r#""""#,
        r#""a""#,
        r#"[]"#,
        r#"{}"#,
        r#"{"b":1,"a":2,"B":3}"#,
        r#"{"z":{"y":{"x":[1,[2,[3]]]}}}"#,
        r#""\u0041\n\t\"\\\/\b\f\r""#,
        r#""\u00e9""#,
        r#""é""#,
        r#""\ud83d\ude00""#,
        r#""😀""#,
        r#""a b  c""#,
        r#"{"":{"":""}}"#,
        r#"{"a":1,"a":2}"#,
        r#"["  spaced  ","\u2028"]"#,
        r#""\u0000""#,
    ] {
        assert_eq!(round_trip(&api, value).await, value);
    }
}

#[tokio::test]
async fn a_number_that_few_readers_take_is_kept() {
    let api = shared::api();
    api.post_raw("/api/cache/set", r#"{"key": "k", "value": -1E+99999}"#).await.ok();
    assert_eq!(api.get("/api/cache/get/k").await.raw(&["cache_item", "value"]), "-1E+99999");
}

#[tokio::test]
async fn only_whitespace_outside_of_strings_is_dropped() {
    let api = shared::api();
    for (value, kept) in [
        (" [ 1 , 2 ] ", "[1,2]"),
        ("{ \"a b\" : \" c \\\" d \" ,\r\n\t\"e\" : [ ] }", r#"{"a b":" c \" d ","e":[]}"#),
        ("\n\"  x  \"\n", "\"  x  \""),
        ("[ \"\\\\\" , \"\\\\\\\"  \" ]", r#"["\\","\\\"  "]"#),
        (" 1.50 ", "1.50"),
    ] {
        assert_eq!(round_trip(&api, value).await, kept);
    }
}

#[tokio::test]
async fn a_value_of_the_largest_size_is_kept_and_one_more_byte_is_413() {
    let api = shared::api();
    let text = "x".repeat(1_048_576 - 2);
    let stored = api.set("big", json!(text)).await;
    assert_eq!(stored["size"], 1_048_576);
    assert_eq!(api.value("big").await, Some(json!(text)));
    let answer = api.post("/api/cache/set", &json!({"key": "big", "value": format!("{text}x")})).await;
    answer.refused(413, "too_large");
    assert!(answer.text.contains("CACHE_MAX_VALUE_SIZE"), "{}", answer.text);
    assert_eq!(api.value("big").await, Some(json!(text)));
    // Insignificant whitespace does not count.
    let spaced = format!("{{\"key\":\"big\",\"value\":{}\"{text}\"}}", " ".repeat(1_000));
    api.post_raw("/api/cache/set", spaced).await.ok();
}

#[tokio::test]
async fn a_value_of_many_unicode_characters_is_kept() {
    let api = shared::api();
    let text: String = (0x20..0x2_0000).step_by(7).filter_map(char::from_u32).collect();
    api.set("k", json!(text)).await;
    assert_eq!(api.value("k").await, Some(json!(text)));
}

#[tokio::test]
async fn the_type_is_inferred_when_it_is_left_out() {
    let api = shared::api();
    for (value, expected) in [
        (json!("x"), "string"),
        (json!(1), "number"),
        (json!(-1.5), "number"),
        (json!(true), "boolean"),
        (json!([1]), "list"),
        (json!({"a": 1}), "dictionary"),
        (Value::Null, "json"),
    ] {
        api.set("k", value).await;
        assert_eq!(api.get("/api/cache/get/k").await.ok()["cache_item"]["data_type"], expected);
        assert_eq!(api.get("/api/cache/keys").await.ok()["keys"][0]["data_type"], expected);
    }
}

#[tokio::test]
async fn a_given_type_must_match_the_value() {
    let api = shared::api();
    let samples = [
        ("string", json!("x")),
        ("number", json!(1)),
        ("boolean", json!(false)),
        ("list", json!([])),
        ("dictionary", json!({})),
    ];
    for (data_type, _) in &samples {
        for (own, value) in &samples {
            let answer = api.post("/api/cache/set", &json!({"key": "k", "value": value, "data_type": data_type})).await;
            if data_type == own {
                answer.ok();
                assert_eq!(api.get("/api/cache/get/k").await.ok()["cache_item"]["data_type"], *data_type);
            } else {
                let faults = answer.faults();
                assert!(faults.len() == 1 && faults[0].ends_with(" body.value"), "{data_type} {value}: {faults:?}");
            }
        }
        let null = api.post("/api/cache/set", &json!({"key": "k", "value": null, "data_type": data_type})).await;
        assert_eq!(null.status, 422, "null is no {data_type}");
    }
    for (_, value) in &samples {
        api.post("/api/cache/set", &json!({"key": "k", "value": value, "data_type": "json"})).await.ok();
    }
    for bad in [json!("blob"), json!(""), json!("JSON"), json!(1), json!([])] {
        let answer = api.post("/api/cache/set", &json!({"key": "k", "value": 1, "data_type": bad})).await;
        assert!(answer.faults()[0].ends_with(" body.data_type"), "{bad}");
    }
}

#[tokio::test]
async fn binary_is_base64_text() {
    let api = shared::api();
    for good in ["", "QQ==", "QUI=", "QUJD", "+/+/", "AAAAAAAA"] {
        let body = json!({"key": "k", "value": good, "data_type": "binary"});
        api.post("/api/cache/set", &body).await.ok();
        let item = api.get("/api/cache/get/k").await.ok()["cache_item"].clone();
        assert_eq!((item["value"].as_str(), item["data_type"].as_str()), (Some(good), Some("binary")));
    }
    for bad in [
        json!("QQ="),
        json!("Q"),
        json!("QQ"),
        json!("Q==="),
        json!("QQ==\n"),
        json!("-_-_"),
        json!("é"),
        json!(1),
        json!([]),
    ] {
        let answer = api.post("/api/cache/set", &json!({"key": "k", "value": bad, "data_type": "binary"})).await;
        assert_eq!(answer.faults(), ["base64_type body.value"], "{bad}");
    }
}

#[tokio::test]
async fn unpaired_surrogates_are_refused_wherever_they_stand() {
    let api = shared::api();
    for (body, loc) in [
        (r#"{"key": "k", "value": "\ud800"}"#, "body.value"),
        (r#"{"key": "k", "value": "\udc00 \ud800"}"#, "body.value"),
        (r#"{"key": "k", "value": [{"a": "x\ud83dx"}]}"#, "body.value"),
        (r#"{"key": "k", "value": {"\udfff": 1}}"#, "body.value"),
        (r#"{"key": "k\ud800", "value": 1}"#, "body.key"),
        (r#"{"key": "k", "value": 1, "metadata": {"tags": ["\ud800"]}}"#, "body.metadata"),
        (r#"{"key": "k", "value": 1, "metadata": {"x": "\udead"}}"#, "body.metadata"),
    ] {
        let faults = api.post_raw("/api/cache/set", body).await.faults();
        assert!(faults[0].contains(loc), "{body}: {faults:?}");
    }
    assert_eq!(api.value("k").await, None);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_400() {
    let api = shared::api();
    for body in [
        "",
        " ",
        "{",
        "}",
        "{]",
        "nope",
        "{\"key\": \"k\", \"value\": 01}",
        "{\"key\": \"k\", \"value\": 1}}",
        "{\"key\": \"k\", \"value\": +1}",
        "{\"key\": \"k\", \"value\": .5}",
        "{\"key\": \"k\", \"value\": 1.}",
        "{\"key\": \"k\", \"value\": NaN}",
        "{\"key\": \"k\", \"value\": Infinity}",
        "{\"key\": \"k\", \"value\": 'x'}",
        "{\"key\": \"k\", \"value\": \"\u{1}\"}",
        "{\"key\": \"k\", \"value\": \"\\x\"}",
        "{\"key\": \"k\", \"value\": \"\\u12\"}",
        "{\"key\": \"k\", \"value\": [1,]}",
        "{\"key\": \"k\", \"value\": 1,}",
        "{key: 1}",
        "{\"key\": \"k\" \"value\": 1}",
        "/* c */ {\"key\": \"k\", \"value\": 1}",
        "\u{feff}{\"key\": \"k\", \"value\": 1",
    ] {
        let answer = api.post_raw("/api/cache/set", body).await;
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text);
        answer.refused(400, "malformed_json");
    }
    let answer = api.post_raw("/api/cache/set", &b"{\"key\": \"k\", \"value\": \"\xff\xfe\"}"[..]).await;
    assert!([400, 422].contains(&answer.status), "{}", answer.text);
    for body in ["[]", "1", "null", "\"x\"", "true"] {
        assert_eq!(api.post_raw("/api/cache/set", body).await.faults(), ["model_attributes_type body"], "{body}");
    }
}
