//! The cache configuration that Raft replicates.

use serde::{Deserialize, Serialize};

use super::{Backend, LfuAging, Strategy};

/// How one (namespace, backend) behaves, field by field as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheConfig {
    /// The backend that this configures.
    pub backend: Backend,
    /// Strategy of items that do not bring their own.
    pub strategy: Strategy,
    /// Bytes that one node may hold; 0: no limit.
    pub max_memory: u64,
    /// Items that one node may hold; 0: no limit.
    pub max_items: u64,
    /// TTL of items that do not bring their own, in seconds; 0: they never expire.
    pub default_ttl: u64,
    /// Longest time that an expired item may occupy memory, in seconds (1 to 86,400).
    pub cleanup_interval: u64,
    /// Whether stored bytes are compressed.
    pub compression_enabled: bool,
    /// Whether stored bytes are encrypted.
    pub encryption_enabled: bool,
    /// Whether `lfu` lets what was used often once grow old.
    pub lfu_aging: LfuAging,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            backend: Backend::Memory,
            strategy: Strategy::Lru,
            max_memory: 100 * 1024 * 1024,
            max_items: 10_000,
            default_ttl: 3_600,
            cleanup_interval: 300,
            compression_enabled: false,
            encryption_enabled: false,
            lfu_aging: LfuAging::None,
        }
    }
}

/// The fields of a [`CacheConfig`] that a PATCH names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigPatch {
    /// New strategy.
    pub strategy: Option<Strategy>,
    /// New limit of bytes a node.
    pub max_memory: Option<u64>,
    /// New limit of items a node.
    pub max_items: Option<u64>,
    /// New default TTL in seconds.
    pub default_ttl: Option<u64>,
    /// New cleanup interval in seconds.
    pub cleanup_interval: Option<u64>,
    /// New choice of compression.
    pub compression_enabled: Option<bool>,
    /// New choice of encryption.
    pub encryption_enabled: Option<bool>,
    /// New aging of `lfu`.
    pub lfu_aging: Option<LfuAging>,
}

impl ConfigPatch {
    /// `config` with the fields of this patch in place.
    pub fn applied_to(&self, config: &CacheConfig) -> CacheConfig {
        CacheConfig {
            backend: config.backend,
            strategy: self.strategy.unwrap_or(config.strategy),
            max_memory: self.max_memory.unwrap_or(config.max_memory),
            max_items: self.max_items.unwrap_or(config.max_items),
            default_ttl: self.default_ttl.unwrap_or(config.default_ttl),
            cleanup_interval: self.cleanup_interval.unwrap_or(config.cleanup_interval),
            compression_enabled: self.compression_enabled.unwrap_or(config.compression_enabled),
            encryption_enabled: self.encryption_enabled.unwrap_or(config.encryption_enabled),
            lfu_aging: self.lfu_aging.unwrap_or(config.lfu_aging),
        }
    }
}

impl ConfigPatch {
    /// True when the patch names no field.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
