//! Examples of bodies, written by the same functions that write the real ones.

mod access;
mod analytics;
mod operate;

use std::borrow::Cow;

use ringhold_model::{
    Epoch, NamespaceId, NodeId, Version,
    config::{Backend, CacheConfig, DataType, Strategy},
    wire::{HistogramParts, ItemRef, SpaceStats},
};
use serde_json::{Value, json};

pub(super) use self::{access::*, analytics::*, operate::*};
use crate::rest::{
    ApiError, CallKind, Coverage, FieldFault, Unmet,
    figures::Figures,
    render::{self, Check, Health, HealthDetails},
};

const NOW_MS: u64 = 1_767_323_045_678;
const KEY: &str = "user:123";
const VERSION: Version = Version { epoch: Epoch(12), seq: 345 };
const COVERAGE: Coverage = Coverage { nodes: 3, nodes_total: 3, ranges: 1_024, ranges_total: 1_024 };
const REQUEST_ID: &str = "5d1f0c3a9b7e428600000001";
const ITEM: ItemRef<'static> = ItemRef {
    value: br#"{"name":"John Doe","email":"john@example.com"}"#,
    size: 46,
    metadata: Some(br#"{"tags":["user","profile"],"source":"database"}"#),
    data_type: DataType::Json,
    strategy: Strategy::Lru,
    ttl_ms: Some(3_599_100),
    created_at_ms: NOW_MS,
    accessed_at_ms: NOW_MS + 900,
    access_count: 1,
    version: VERSION,
};

/// The body that `write` writes.
fn body(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    write(&mut out);
    serde_json::from_slice(&out).unwrap_or_default()
}

fn stored_outcome() -> render::Stored {
    render::Stored {
        size: ITEM.size,
        ttl_ms: Some(3_600_000),
        backend: Backend::Memory,
        strategy: Strategy::Lru,
        version: VERSION,
        copies: 1,
    }
}

pub(super) fn set_request() -> Value {
    json!({
        "key": KEY,
        "value": {"name": "John Doe", "email": "john@example.com"},
        "data_type": "json",
        "ttl": 3600,
        "backend": "memory",
        "strategy": "lru",
        "metadata": {"tags": ["user", "profile"], "source": "database"}
    })
}

pub(super) fn set() -> Value {
    body(|out| render::stored(out, KEY, &stored_outcome()))
}

pub(super) fn hit() -> Value {
    body(|out| render::hit(out, KEY, &ITEM, Backend::Memory))
}

pub(super) fn miss() -> Value {
    body(|out| render::miss(out, KEY))
}

pub(super) fn incr_request() -> Value {
    json!({"by": 1, "initial": 0, "ttl": 60})
}

pub(super) fn counted() -> Value {
    let counted = render::Counted { value: 42, version: VERSION, copies: 1, ttl_ms: Some(47_200) };
    body(|out| render::counted(out, "hits:home", &counted))
}

pub(super) fn getset_request() -> Value {
    json!({"value": {"name": "Jane Doe"}, "ttl": 3600})
}

pub(super) fn swapped() -> Value {
    let version = Version { seq: VERSION.seq + 1, ..VERSION };
    let stored = render::Stored { size: 19, version, ..stored_outcome() };
    body(|out| render::swapped(out, KEY, &stored, Some(&ITEM)))
}

pub(super) fn touch_request() -> Value {
    json!({"ttl": 900})
}

pub(super) fn touched() -> Value {
    body(|out| render::touched(out, KEY, VERSION, Some(900_000)))
}

/// A write that the item which is there does not allow.
pub(super) fn unmet(what: Unmet) -> ApiError {
    ApiError::Unmet { what, version: Some(VERSION) }
}

pub(super) fn deleted() -> Value {
    body(|out| render::deleted(out, KEY, true))
}

pub(super) fn cleared() -> Value {
    body(|out| render::cleared(out, 42, Some("user:*"), &COVERAGE))
}

pub(super) fn invalidate_request() -> Value {
    json!({"tags": ["user", "profile"], "pattern": "temp:*"})
}

pub(super) fn invalidated() -> Value {
    let tags = [Cow::Borrowed("user"), Cow::Borrowed("profile")];
    body(|out| render::invalidated(out, 7, &tags, Some("temp:*"), &COVERAGE))
}

pub(super) fn set_batch_request() -> Value {
    json!([
        {"key": "user:123", "value": {"name": "John"}, "data_type": "json", "ttl": 3600},
        {"key": "user:456", "value": {"name": "Jane"}, "data_type": "json", "ttl": -1}
    ])
}

pub(super) fn set_batch() -> Value {
    let error = field_fault();
    let results = [
        render::SetResult { key: Some("user:123"), outcome: Ok(stored_outcome()) },
        render::SetResult { key: Some("user:456"), outcome: Err(&error) },
    ];
    body(|out| render::set_batch(out, &results, &COVERAGE))
}

pub(super) fn get_batch_request() -> Value {
    json!(["user:123", "user:456", "user:789"])
}

pub(super) fn get_batch() -> Value {
    let error = unavailable(CallKind::Read);
    let results = [
        render::GetResult { key: Some("user:123"), outcome: Ok(Some(&ITEM)) },
        render::GetResult { key: Some("user:456"), outcome: Ok(None) },
        render::GetResult { key: Some("user:789"), outcome: Err(&error) },
    ];
    body(|out| render::get_batch(out, &results, Backend::Memory, &COVERAGE))
}

pub(super) fn warm_request() -> Value {
    json!({"config:app": {"version": "1.0.0", "features": ["auth", "api"]}, "stats:daily": {"users": 1000}})
}

pub(super) fn warm() -> Value {
    let result = |key| render::SetResult { key: Some(key), outcome: Ok(stored_outcome()) };
    body(|out| render::set_batch(out, &[result("config:app"), result("stats:daily")], &COVERAGE))
}

pub(super) fn keys() -> Value {
    let page = render::KeysPage { total_keys: Some(1), limit: 100, offset: 0, next_cursor: None, coverage: COVERAGE };
    body(|out| render::keys(out, &page, [(KEY, &ITEM)]))
}

pub(super) fn stats() -> Value {
    let space = SpaceStats {
        items: 1_200,
        bytes: 480_000,
        hits: 900,
        misses: 100,
        sets: 1_300,
        deletes: 20,
        evictions: 80,
        expired: 5,
        ops_10s: 230,
        evictions_10s: 8,
        max_memory: 104_857_600,
        max_items: 10_000,
        ..SpaceStats::empty(NamespaceId(1), Backend::Memory)
    };
    let figures = Figures { space, latency_us: HistogramParts(vec![(40, 950), (180, 49), (900, 1)]) };
    let node = |id, state, figures| render::NodeRow {
        node: NodeId(id),
        state,
        address: format!("10.0.0.{id}:7100"),
        rss_bytes: 52_000_000,
        uptime_ms: 86_400_000,
        figures,
    };
    let config = CacheConfig::default();
    let nodes = vec![node(1, "active", Some(figures)), node(2, "down", None)];
    let coverage = Coverage { nodes: 1, nodes_total: 2, ranges: 512, ranges_total: 1_024 };
    body(|out| render::stats(out, &render::StatsView { config: &config, nodes, coverage }))
}

pub(super) fn config_request() -> Value {
    json!({
        "backend": "memory",
        "strategy": "lru",
        "max_memory": 104_857_600,
        "max_items": 10_000,
        "default_ttl": 3600,
        "cleanup_interval": 300,
        "compression_enabled": false,
        "encryption_enabled": false,
        "lfu_aging": "none"
    })
}

pub(super) fn config_patch() -> Value {
    json!({"max_items": 20_000, "default_ttl": 600})
}

pub(super) fn config() -> Value {
    body(|out| render::config(out, &CacheConfig::default(), Backend::Memory, 17))
}

pub(super) fn config_changed() -> Value {
    body(|out| render::config_changed(out, &CacheConfig::default(), Backend::Memory, 18))
}

fn tail() -> render::Tail {
    render::Tail { items: 1, exported_at_ms: NOW_MS, coverage: COVERAGE }
}

pub(super) fn export() -> Value {
    body(|out| {
        render::json_head(out, "default", NOW_MS);
        render::json_entry(out, true, KEY, &ITEM, Backend::Memory);
        render::json_tail(out, &tail());
    })
}

pub(super) fn import_request() -> Value {
    json!({"data": export()["data"]})
}

pub(super) fn export_lines() -> Value {
    let mut out = Vec::new();
    render::ndjson_entry(&mut out, KEY, &ITEM, Backend::Memory);
    render::ndjson_tail(&mut out, "default", &tail());
    String::from_utf8_lossy(&out).into_owned().into()
}

pub(super) fn imported() -> Value {
    let count = render::ImportCount { imported: 99, skipped: 0, failed: 1 };
    let fault = render::ImportFault { at: 17, key: Some("user:456".into()), error: field_fault() };
    body(|out| render::imported(out, &count, &[fault], &COVERAGE))
}

pub(super) fn namespaces() -> Value {
    let row = |name: &str, items| render::NamespaceRow {
        name: name.into(),
        total_items: items,
        total_memory_usage: items * 400,
    };
    body(|out| render::namespaces(out, &[row("default", 1_200), row("team-a", 30)], &COVERAGE))
}

pub(super) fn namespace_removed() -> Value {
    body(|out| render::namespace_removed(out, "team-a", true))
}

pub(super) fn health() -> Value {
    let check = Check { name: "leader", ok: true, detail: "node 2 leads".into() };
    let details = HealthDetails { checks: Some(&[check]), warnings: &[] };
    body(|out| render::health(out, Health::Healthy, NOW_MS, "0.1.0", details))
}

pub(super) fn unhealthy() -> Value {
    body(|out| render::health(out, Health::Unhealthy, NOW_MS, "0.1.0", HealthDetails::default()))
}

pub(super) fn root() -> Value {
    body(|out| render::root(out, "0.1.0"))
}

/// The body of an error.
pub(super) fn error(error: &ApiError) -> Value {
    serde_json::from_slice(&error.body(REQUEST_ID)).unwrap_or_default()
}

/// A fault of one field.
pub(super) fn field_fault() -> ApiError {
    let msg = "Input should be greater than or equal to 0";
    ApiError::invalid(FieldFault::new("greater_than_equal", &["body", "ttl"], msg).with_raw("-1"))
}

/// Owners out of reach.
pub(super) fn unavailable(call: CallKind) -> ApiError {
    ApiError::unavailable("The owner of the key cannot be reached", call)
}

/// A clear or an invalidation that is not through.
pub(super) fn incomplete() -> ApiError {
    ApiError::Incomplete {
        detail: "341 of 1024 ranges could not be reached; repeat the call".into(),
        deleted_count: 30,
        coverage: Coverage { nodes: 2, nodes_total: 3, ranges: 683, ranges_total: 1_024 },
    }
}
