//! Answers of the configuration calls.

use ringhold_model::config::{Backend, CacheConfig};
use serde::Serialize;

use super::splice::serde;

#[derive(Serialize)]
pub(super) struct ConfigBody {
    backend: &'static str,
    strategy: &'static str,
    max_memory: u64,
    max_items: u64,
    default_ttl: u64,
    cleanup_interval: u64,
    compression_enabled: bool,
    encryption_enabled: bool,
    lfu_aging: &'static str,
}

impl From<&CacheConfig> for ConfigBody {
    fn from(config: &CacheConfig) -> Self {
        Self {
            backend: config.backend.as_str(),
            strategy: config.strategy.as_str(),
            max_memory: config.max_memory,
            max_items: config.max_items,
            default_ttl: config.default_ttl,
            cleanup_interval: config.cleanup_interval,
            compression_enabled: config.compression_enabled,
            encryption_enabled: config.encryption_enabled,
            lfu_aging: config.lfu_aging.as_str(),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    config: ConfigBody,
    default_backend: &'static str,
    version: u64,
}

/// Answer of reading the configuration. `version` counts its changes (0: never changed).
pub fn config(out: &mut Vec<u8>, config: &CacheConfig, default_backend: Backend, version: u64) {
    answer(out, None, config, default_backend, version);
}

/// Answer of changing it, once every serving node applied it.
pub fn config_changed(out: &mut Vec<u8>, config: &CacheConfig, default_backend: Backend, version: u64) {
    answer(out, Some("The configuration holds on every serving node"), config, default_backend, version);
}

fn answer(out: &mut Vec<u8>, message: Option<&str>, config: &CacheConfig, default_backend: Backend, version: u64) {
    let default_backend = default_backend.as_str();
    serde(out, &Answer { success: true, message, config: config.into(), default_backend, version });
}
