use proptest::prelude::*;
use ringhold_model::key::METADATA_BYTES_MAX;

use super::*;

fn read(body: &str) -> Result<SetRequest<'_>, ApiError> {
    parse(body.as_bytes(), &Limits::default())
}

/// The faults of a body, as `type at.path`.
fn faults(body: &str) -> Vec<String> {
    let Err(ApiError::Invalid(faults)) = read(body) else { panic!("{body} is not refused with 422") };
    let step = |step: &crate::rest::Step| match step {
        crate::rest::Step::Name(name) => name.clone(),
        crate::rest::Step::Index(index) => index.to_string(),
    };
    let path = |fault: &FieldFault| fault.loc.iter().map(step).collect::<Vec<_>>().join(".");
    faults.iter().map(|fault| format!("{} {}", fault.kind, path(fault))).collect()
}

fn with(fields: &str) -> String {
    format!(r#"{{"key":"k","value":1,{fields}}}"#)
}

#[test]
fn a_plain_request_is_read_without_copies() {
    let body = r#"{"key":"user:1","value":{"a":[1,2.50]},"ttl":60,"metadata":{"tags":["x"]},"data_type":"json"}"#;
    let request = read(body).unwrap();
    assert!(matches!((&request.key, &request.value), (Cow::Borrowed("user:1"), Cow::Borrowed(br#"{"a":[1,2.50]}"#))));
    assert!(matches!(request.metadata, Some(Cow::Borrowed(br#"{"tags":["x"]}"#))));
    assert_eq!(request.tags, ["x"]);
    assert_eq!((request.ttl, request.data_type), (Ttl::Millis(60_000), DataType::Json));
    assert_eq!((request.backend, request.strategy), (None, None));
}

#[test]
fn what_is_left_out_or_null_takes_its_default() {
    let request = read(r#"{"key":"k","value":null}"#).unwrap();
    assert_eq!((request.ttl, request.data_type), (Ttl::Default, DataType::Json));
    assert_eq!(request.metadata.as_deref(), Some(&b"{}"[..]));
    let body = with(r#""ttl":null,"backend":null,"strategy":null,"metadata":null,"if_absent":false,"more":[{}]"#);
    let request = read(&body).unwrap();
    assert_eq!((request.ttl, request.backend, request.strategy), (Ttl::Default, None, None));
    assert_eq!(request.metadata, None);
}

#[test]
fn values_come_out_as_they_went_in() {
    for value in [
        "12345678901234567890",
        "-0",
        "1.50",
        "1E5",
        "1e400",
        r#"{"b":1,"a":2,"b":3}"#,
        r#""\u00fc \ud83d\ude00 \/ \u0000""#,
        "\"\u{fc}\u{1f600}\"",
        r#"[[],{},"",null,true]"#,
    ] {
        let body = format!("{{\"key\":\"k\",\"value\": {value}\n}}");
        assert_eq!(read(&body).unwrap().value, value.as_bytes(), "{value}");
    }
}

#[test]
fn types_are_inferred_or_checked() {
    for (value, inferred) in [
        ("\"a\"", DataType::String),
        ("1.5", DataType::Number),
        ("true", DataType::Boolean),
        ("[]", DataType::List),
        ("{}", DataType::Dictionary),
        ("null", DataType::Json),
    ] {
        assert_eq!(read(&format!(r#"{{"key":"k","value":{value}}}"#)).unwrap().data_type, inferred);
        for declared in DataType::ALL {
            let body = format!(r#"{{"data_type":"{declared}","value":{value},"key":"k"}}"#);
            let fits = *declared == DataType::Json || (*declared == inferred);
            assert_eq!(read(&body).is_ok(), fits, "{declared} {value}");
        }
    }
    for (value, fits) in
        [("aGk=", true), ("", true), ("\\u0061Gk=", true), ("aGk", false), ("a-k=", false), ("aGl=", false)]
    {
        let body = format!(r#"{{"key":"k","data_type":"binary","value":"{value}"}}"#);
        assert_eq!(read(&body).is_ok(), fits, "{value}");
    }
    assert_eq!(faults(&with(r#""data_type":"text""#)), ["enum body.data_type"]);
    assert_eq!(faults(&with(r#""data_type":null"#)), ["string_type body.data_type"]);
}

#[test]
fn ttls_are_whole_seconds_within_bounds() {
    for (ttl, expected) in [
        ("0", Ttl::Never),
        ("1", Ttl::Millis(1_000)),
        ("60.0", Ttl::Millis(60_000)),
        ("315360000", Ttl::Millis(315_360_000_000)),
    ] {
        assert_eq!(read(&with(&format!("\"ttl\":{ttl}"))).unwrap().ttl, expected, "{ttl}");
    }
    for (ttl, kind) in [
        ("-1", "greater_than_equal"),
        ("-1e308", "greater_than_equal"),
        ("315360001", "less_than_equal"),
        ("18446744073709551616", "less_than_equal"),
        ("1e308", "less_than_equal"),
        ("1e999999", "less_than_equal"),
        ("0.5", "int_from_float"),
        ("\"1e3\"", "int_type"),
        ("\"60\"", "int_type"),
        ("true", "int_type"),
        ("[]", "int_type"),
    ] {
        assert_eq!(faults(&with(&format!("\"ttl\":{ttl}"))), [format!("{kind} body.ttl")], "{ttl}");
    }
}

#[test]
fn every_fault_is_listed() {
    let body = r#"{"key":7,"ttl":-1,"data_type":"x","backend":"database","strategy":"mru","metadata":[],"ttl":-2,"if_absent":1,"if_version":11}"#;
    assert_eq!(
        faults(body),
        [
            "duplicate_field body.ttl",
            "dict_type body.metadata",
            "bool_type body.if_absent",
            "string_type body.if_version",
            "string_type body.key",
            "enum body.data_type",
            "greater_than_equal body.ttl",
            "not_available body.backend",
            "enum body.strategy",
            "missing body.value",
        ]
    );
    assert_eq!(faults("{}"), ["missing body.key", "missing body.value"]);
}

#[test]
fn what_is_not_built_is_named_with_its_setting() {
    for (fields, setting) in
        [(r#""backend":"database""#, "DATABASE_URL"), (r#""strategy":"write_behind""#, "CACHE_STRATEGY")]
    {
        let body = with(fields);
        let Err(ApiError::Invalid(faults)) = read(&body) else { panic!("{fields}") };
        assert!(faults[0].msg.contains(setting), "{}", faults[0].msg);
    }
}

#[test]
fn keys_follow_the_one_rule() {
    let long = "x".repeat(251);
    for key in ["", "a\\u0000b", "a\\r\\nb", "\\u0085", "\\ud800", &long] {
        let body = format!(r#"{{"key":"{key}","value":1}}"#);
        assert_eq!(faults(&body).len(), 1, "{key}");
    }
    for key in ["../../etc/passwd", "a b%c/d", "\u{1f600}", "\\u0061", "x".repeat(250).as_str()] {
        assert!(read(&format!(r#"{{"key":"{key}","value":1}}"#)).is_ok(), "{key}");
    }
}

#[test]
fn metadata_and_tags_are_bounded() {
    let tags = |tags: &[String]| with(&format!(r#""metadata":{{"tags":{}}}"#, serde_json::to_string(tags).unwrap()));
    let numbered: Vec<_> = (0..33).map(|n| format!("t{n}")).collect();
    assert_eq!(read(&tags(&numbered[..32])).unwrap().tags.len(), 32);
    assert_eq!(faults(&tags(&numbered)), ["too_long body.metadata.tags"]);
    assert!(read(&tags(&["x".repeat(128)])).is_ok());
    assert_eq!(
        faults(&tags(&["x".repeat(129), String::new()])),
        ["string_too_long body.metadata.tags.0", "string_too_short body.metadata.tags.1"]
    );
    for bad in [
        r#"{"tags":"a"}"#,
        r#"{"tags":null}"#,
        r#"{"tags":[1]}"#,
        r#"{"tags":["a","a"]}"#,
        r#"{"tags":[],"tags":[]}"#,
        "1",
    ] {
        assert_eq!(faults(&with(&format!("\"metadata\":{bad}"))).len(), 1, "{bad}");
    }
    let sized = |bytes: usize| with(&format!(r#""metadata": {{ "x" : "{}" }}"#, "y".repeat(bytes - 8)));
    assert!(read(&sized(METADATA_BYTES_MAX)).is_ok());
    assert_eq!(faults(&sized(METADATA_BYTES_MAX + 1)), ["too_long body.metadata"]);
}

#[test]
fn large_values_are_413_and_deep_ones_422() {
    let limits = Limits { value_bytes: 10, ..Limits::default() };
    let status = |body: &str| parse(body.as_bytes(), &limits).map(|_| ()).map_err(|error| error.status().as_u16());
    assert_eq!(status(r#"{"key":"k","value":"12345678"}"#), Ok(()));
    assert_eq!(status(r#"{"key":"k","value":[ 1, 2, 3, 4 ]}"#), Ok(()));
    assert_eq!(status(r#"{"key":"k","value":"123456789"}"#), Err(413));
    assert_eq!(status(r#"{"key":"","value":"123456789"}"#), Err(422));
    let deep = format!(r#"{{"key":"k","value":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(faults(&deep), ["recursion_limit body.value"]);
}

#[test]
fn malformed_bodies_are_400_and_other_kinds_422() {
    let deep = "[".repeat(100_000);
    for body in ["", "{", "{\"key\":\"k\",\"value\":NaN}", "{\"key\":\"a\nb\",\"value\":1}", "{'key':1}", "{}{}", &deep]
    {
        assert_eq!(read(body).map_err(|error| error.status().as_u16()), Err(400), "{body:.30}");
    }
    assert_eq!(parse(b"{\"key\":\"\xff\"}", &Limits::default()).map_err(|error| error.status().as_u16()), Err(400));
    for body in ["[]", "null", "\"text\"", "12"] {
        assert_eq!(faults(body), ["model_attributes_type body"], "{body}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_but_never_panics(body in ".{0,200}") {
        let _ = read(&body);
    }

    #[test]
    fn anything_json_like_is_read_or_refused_with_readable_errors(
        body in r#"\{("(key|value|ttl|metadata|tags|data_type)":("k"|1|-1|0\.5|null|\[\]|\{"tags":\["a"\]\}|"\\ud800"),?){0,6}\}"#
    ) {
        if let Err(error) = read(&body) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&error.body("id")).is_ok());
        }
    }
}
