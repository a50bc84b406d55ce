//! Answers, written straight into the buffer that goes to the socket.
//!
//! The answers of single keys and batches are spliced from the bytes of the nodes, without a tree in between. The rare ones
//! are serialised from their own types. Field names and their order are the contract; see the OpenAPI document.

mod access;
mod admin;
mod analytics;
mod batch;
mod cluster;
mod config;
mod export;
mod import;
mod item;
mod keys;
mod splice;
mod stats;
mod write;

pub use access::{access_key_revoked, access_key_told, access_keys};
pub use admin::{Check, Health, HealthDetails, NamespaceRow, health, namespace_removed, namespaces, root};
pub use analytics::{BackendRow, HotKeysView, access_patterns, backends, hot_keys, memory, ttl_distribution};
pub use batch::{GetResult, SetResult, get_batch, set_batch};
pub use cluster::{ClusterView, PlanView, cluster, node_changed, plan, safe_to_stop, settings_changed, state_word};
pub use config::{config, config_changed};
pub use export::{Tail, json_entry, json_head, json_tail, ndjson_entry, ndjson_tail};
pub use import::{ImportCount, ImportFault, imported};
pub use item::{hit, miss};
pub use keys::{KeysPage, keys};
pub use stats::{NodeRow, StatsView, stats};
pub use write::{Counted, Stored, cleared, counted, deleted, invalidated, stored, swapped, touched};

#[cfg(test)]
mod tests;
