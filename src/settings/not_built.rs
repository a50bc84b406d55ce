//! What this version does not do yet: turning it on stops the start; configuring it without turning it on is warned about.

use ringhold_model::config::{CacheConfig, is_backend_built, is_strategy_built};

use super::read::Reader;

/// Refuses every setting that turns on what is not built.
pub(crate) fn refuse(reader: &mut Reader<'_>, config: &CacheConfig) {
    if !is_backend_built(config.backend) {
        reader.refuse("CACHE_BACKEND", "memory, redis, memcached or file; the database backend is not built yet");
    }
    if !is_strategy_built(config.strategy) {
        reader
            .refuse("CACHE_STRATEGY", "a strategy other than write_through and write_behind, which are not built yet");
    }
    let switches = [
        ("CACHE_COMPRESSION_ENABLED", config.compression_enabled, "false; compression is not built yet"),
        ("CACHE_ENCRYPTION_ENABLED", config.encryption_enabled, "false; encryption is not built yet"),
    ];
    for (name, is_on, expected) in switches {
        if is_on {
            reader.refuse(name, expected);
        }
    }
    if reader.integer("RATE_LIMIT_PER_MINUTE", 0..=u64::MAX) > 0 {
        reader.refuse("RATE_LIMIT_PER_MINUTE", "0; rate limits are not built yet");
    }
    let format = |text: &str| matches!(text, "json" | "msgpack").then(|| text == "json");
    if !reader.parsed("CACHE_SERIALIZATION_FORMAT", format) {
        reader.refuse("CACHE_SERIALIZATION_FORMAT", "json; msgpack is not built yet");
    }
}

/// Settings that only configure something that is not built, and what becomes of requests that want it.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("DATABASE_URL", "the database backend is not built yet; requests that name it get 422"),
    ("CACHE_WRITE_STORE", "write_through and write_behind are not built yet; requests that name them get 422"),
    ("CACHE_COMPRESSION_THRESHOLD", "compression is not built yet; nothing is compressed"),
    ("CACHE_ENCRYPTION_KEY", "encryption is not built yet; nothing is encrypted"),
];

/// A warning for each setting that is given, well formed and without effect.
pub(crate) fn warnings(reader: &Reader<'_>) -> Vec<String> {
    let given = WITHOUT_EFFECT.iter().filter(|(name, _)| reader.is_changed(name));
    given.map(|(name, consequence)| format!("{name} is set, but {consequence}")).collect()
}
