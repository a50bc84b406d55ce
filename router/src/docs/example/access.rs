//! Examples of the bodies about API keys.

use ringhold_model::{
    KeyId,
    cluster::{AccessKey, KeySecret, Scopes},
};
use serde_json::{Value, json};

use super::{NOW_MS, body};
use crate::rest::render;

const ID: KeyId = KeyId(0x5d1f_0c3a_9b7e_4286);
const TEXT: &str = "rh_5d1f0c3a9b7e4286_Zm9yIHRoZSBkb2N1bWVudCBvbmx5LCBvcGVucyBub3Ro";

fn key(is_rotated: bool) -> AccessKey {
    let secret = |ends_at_ms| KeySecret { ends_at_ms, hash: Default::default() };
    AccessKey {
        name: "shop backend".into(),
        scopes: Scopes { read: true, write: true, admin: false },
        namespaces: vec!["shop".into()],
        patterns: vec!["cart:*".into()],
        created_at_ms: NOW_MS,
        expires_at_ms: Some(NOW_MS + 7_776_000_000),
        last_used_ms: is_rotated.then_some(NOW_MS + 60_000),
        secrets: if is_rotated { vec![secret(Some(NOW_MS + 3_600_000)), secret(None)] } else { vec![secret(None)] },
    }
}

pub(in crate::docs) fn api_key_request() -> Value {
    json!({
        "name": "shop backend",
        "scopes": ["read", "write"],
        "namespaces": ["shop"],
        "key_patterns": ["cart:*"],
        "expires_in": 7_776_000
    })
}

pub(in crate::docs) fn api_key_made() -> Value {
    body(|out| {
        render::access_key_told(out, ID, &key(false), Some(TEXT), "The key is made; its text is not shown again")
    })
}

pub(in crate::docs) fn api_key_rotation() -> Value {
    json!({"overlap": 3_600})
}

pub(in crate::docs) fn api_key_rotated() -> Value {
    body(|out| render::access_key_told(out, ID, &key(true), Some(TEXT), "The key has a new text"))
}

pub(in crate::docs) fn api_keys() -> Value {
    body(|out| render::access_keys(out, &[(ID, key(true))].into()))
}

pub(in crate::docs) fn api_key_revoked() -> Value {
    body(|out| render::access_key_revoked(out, ID, true))
}
