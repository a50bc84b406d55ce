//! Answers of the calls about API keys.

use std::collections::BTreeMap;

use ringhold_model::{KeyId, cluster::AccessKey};
use serde::Serialize;

use super::splice::{optional_string, raw, serde, string};
use crate::{auth, json::write_stamp};

#[derive(Serialize)]
struct Row<'a> {
    id: String,
    name: &'a str,
    scopes: Vec<&'static str>,
    namespaces: Option<&'a [String]>,
    key_patterns: Option<&'a [String]>,
    created_at: String,
    expires_at: Option<String>,
    last_used: Option<String>,
    old_text_ends_at: Option<String>,
}

impl<'a> Row<'a> {
    fn new(id: KeyId, key: &'a AccessKey) -> Self {
        let scopes = [("read", key.scopes.read), ("write", key.scopes.write), ("admin", key.scopes.admin)];
        let some = |list: &'a [String]| (!list.is_empty()).then_some(list);
        Self {
            id: auth::id_text(id),
            name: &key.name,
            scopes: scopes.into_iter().filter(|(_, has)| *has).map(|(word, _)| word).collect(),
            namespaces: some(&key.namespaces),
            key_patterns: some(&key.patterns),
            created_at: stamp(key.created_at_ms),
            expires_at: key.expires_at_ms.map(stamp),
            last_used: key.last_used_ms.map(stamp),
            old_text_ends_at: key.secrets.iter().find_map(|secret| secret.ends_at_ms).map(stamp),
        }
    }
}

/// Answer of making and rotating a key: the only place where its text is ever shown.
pub fn access_key_told(out: &mut Vec<u8>, id: KeyId, key: &AccessKey, text: Option<&str>, message: &str) {
    string(out, "{\"success\":true,\"message\":", message);
    optional_string(out, ",\"api_key\":", text);
    raw(out, ",\"key\":");
    serde(out, &Row::new(id, key));
    out.push(b'}');
}

/// Answer of listing the keys.
pub fn access_keys(out: &mut Vec<u8>, keys: &BTreeMap<KeyId, AccessKey>) {
    #[derive(Serialize)]
    struct Rows<'a> {
        success: bool,
        total_keys: usize,
        keys: Vec<Row<'a>>,
    }
    let rows = keys.iter().map(|(id, key)| Row::new(*id, key)).collect();
    serde(out, &Rows { success: true, total_keys: keys.len(), keys: rows });
}

/// Answer of revoking a key; one that is not known is a miss.
pub fn access_key_revoked(out: &mut Vec<u8>, id: KeyId, found: bool) {
    raw(out, if found { "{\"success\":true,\"found\":true," } else { "{\"success\":true,\"found\":false," });
    string(out, "\"message\":", if found { "The key is ended" } else { "No such key" });
    string(out, ",\"id\":", &auth::id_text(id));
    out.push(b'}');
}

fn stamp(ms: u64) -> String {
    let mut out = Vec::new();
    write_stamp(&mut out, ms);
    String::from_utf8_lossy(&out).into_owned()
}
