use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn document() -> Value {
    serde_json::to_value(openapi(&Limits::default(), false)).unwrap()
}

#[test]
fn the_document_is_this() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("openapi", document());
    });
}

#[test]
fn the_document_is_the_same_each_time() {
    let limits = Limits::default();
    assert_eq!(openapi(&limits, false).to_json().unwrap(), openapi(&limits, false).to_json().unwrap());
}

#[test]
fn bounds_follow_the_limits() {
    let limits = Limits { key_bytes: 77, batch_items: 5, ttl_seconds: 60, ..Limits::default() };
    let document = serde_json::to_value(openapi(&limits, false)).unwrap();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Key"]["maxLength"], 77);
    assert_eq!(schemas["SetBatchRequest"]["maxItems"], 5);
    assert_eq!(schemas["Ttl"]["maximum"], 60);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(at)) = members.get("$ref") {
                    assert!(document.pointer(at.trim_start_matches('#')).is_some(), "{at}");
                }
                members.values().for_each(|value| walk(value, document));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

/// Every content with a schema and an example, in requests, answers and shared answers.
fn contents(value: &Value, found: &mut Vec<(Value, Value)>) {
    match value {
        Value::Object(members) => {
            if let (Some(schema), Some(example)) = (members.get("schema"), members.get("example")) {
                found.push((schema.clone(), example.clone()));
            }
            if let (Some(schema), Some(Value::Object(examples))) = (members.get("schema"), members.get("examples")) {
                found.extend(examples.values().map(|example| (schema.clone(), example["value"].clone())));
            }
            members.values().for_each(|value| contents(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| contents(value, found)),
        _ => {}
    }
}

#[test]
fn examples_fit_their_schemas_and_hold_no_unknown_field() {
    let document = document();
    let mut found = Vec::new();
    contents(&document["paths"], &mut found);
    contents(&document["components"]["responses"], &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for (schema, example) in &found {
        assert_eq!(fault(schema, example, &document), None, "{example:#}");
    }
}

/// Why `value` does not fit; knows the keywords that tell structures apart, and takes fields beyond the schema's as faults.
fn fault(schema: &Value, value: &Value, document: &Value) -> Option<String> {
    if let Some(at) = schema["$ref"].as_str() {
        return fault(document.pointer(at.trim_start_matches('#'))?, value, document);
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let faults: Vec<_> = options.iter().map(|option| fault(option, value, document)).collect();
        return if faults.contains(&None) { None } else { Some(format!("none fits: {faults:?}")) };
    }
    if let Some(parts) = schema["allOf"].as_array() {
        // The first part holds the fields; the others narrow them.
        return fault(&parts[0], value, document);
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Some(format!("{value} is none of {}", schema["enum"]));
    }
    let types: BTreeSet<&str> = match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = match value {
        Value::Null => types.contains("null"),
        Value::Bool(_) => types.contains("boolean"),
        Value::Number(number) => types.contains("number") || (types.contains("integer") && !number.is_f64()),
        Value::String(_) => types.contains("string"),
        Value::Array(_) => types.contains("array"),
        Value::Object(_) => types.contains("object"),
    };
    if !fits {
        return Some(format!("{value} is no {types:?}"));
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| fault(&schema["items"], item, document)),
        Value::Object(members) => member_fault(schema, members, document),
        _ => None,
    }
}

fn member_fault(schema: &Value, members: &serde_json::Map<String, Value>, document: &Value) -> Option<String> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = required.into_iter().find(|name| !members.contains_key(*name)) {
        return Some(format!("{name} is missing"));
    }
    members.iter().find_map(|(name, value)| {
        let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        let is_free =
            schema["properties"].as_object().is_none_or(|known| known.is_empty() || known.contains_key("tags"));
        match known {
            Some(known) => fault(known, value, document),
            None if is_free => None,
            None => Some(format!("{name} is not in the schema")),
        }
    })
}
