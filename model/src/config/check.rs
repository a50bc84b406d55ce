//! What a configuration must obey. The rule book, the router and the settings all ask here, so that they never disagree.

use thiserror::Error;

use super::{Backend, CacheConfig, is_backend_built, is_strategy_built};

/// Longest cleanup interval, in seconds: one day.
pub const CLEANUP_INTERVAL_MAX_SECONDS: u64 = 86_400;
/// Longest default TTL, in seconds: ten years, the default of `CACHE_MAX_TTL`.
pub const DEFAULT_TTL_MAX_SECONDS: u64 = 315_360_000;

/// One field of a configuration that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {message}")]
pub struct ConfigFault {
    /// Name of the field, as clients write it.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Every fault of `config`, in the order of its fields; empty when it may be used.
pub fn config_faults(config: &CacheConfig) -> Vec<ConfigFault> {
    let mut faults = Vec::new();
    let mut fault = |field, message| faults.push(ConfigFault { field, message });
    if let Err(message) = check_backend(config.backend) {
        fault("backend", message);
    }
    if !is_strategy_built(config.strategy) {
        fault("strategy", format!("the strategy `{}` is not built yet; use `lru` (CACHE_STRATEGY)", config.strategy));
    }
    if config.default_ttl > DEFAULT_TTL_MAX_SECONDS {
        fault("default_ttl", format!("must be 0 (never) to {DEFAULT_TTL_MAX_SECONDS} seconds (CACHE_DEFAULT_TTL)"));
    }
    if !(1..=CLEANUP_INTERVAL_MAX_SECONDS).contains(&config.cleanup_interval) {
        let message = format!("must be 1 to {CLEANUP_INTERVAL_MAX_SECONDS} seconds (CACHE_CLEANUP_INTERVAL)");
        fault("cleanup_interval", message);
    }
    if config.compression_enabled {
        let message = "compression is not built yet; set it to false (CACHE_COMPRESSION_ENABLED)";
        fault("compression_enabled", message.to_owned());
    }
    if config.encryption_enabled {
        let message = "encryption is not built yet; set it to false (CACHE_ENCRYPTION_ENABLED)";
        fault("encryption_enabled", message.to_owned());
    }
    faults
}

/// Checks `config`; the error is one text that names every fault.
pub fn check_config(config: &CacheConfig) -> Result<(), String> {
    let faults = config_faults(config);
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// Checks that this version serves `backend`; the error says so and names the setting.
pub fn check_backend(backend: Backend) -> Result<(), String> {
    if is_backend_built(backend) {
        Ok(())
    } else {
        Err(format!("the backend `{backend}` is not built yet; use another one (CACHE_BACKEND)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Strategy;

    fn fields(config: &CacheConfig) -> Vec<&'static str> {
        config_faults(config).iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn the_default_config_is_allowed() {
        assert_eq!(check_config(&CacheConfig::default()), Ok(()));
    }

    #[test]
    fn bounds_are_inclusive() {
        let base = CacheConfig::default();
        for (cleanup_interval, default_ttl, expected) in [
            (1, 0, vec![]),
            (86_400, 315_360_000, vec![]),
            (0, 315_360_001, vec!["default_ttl", "cleanup_interval"]),
            (86_401, 0, vec!["cleanup_interval"]),
            (u64::MAX, u64::MAX, vec!["default_ttl", "cleanup_interval"]),
        ] {
            let config = CacheConfig { cleanup_interval, default_ttl, ..base.clone() };
            assert_eq!(fields(&config), expected, "{cleanup_interval} {default_ttl}");
        }
    }

    #[test]
    fn what_is_not_built_is_named_field_by_field() {
        let config = CacheConfig {
            backend: Backend::Database,
            strategy: Strategy::WriteBehind,
            compression_enabled: true,
            encryption_enabled: true,
            ..CacheConfig::default()
        };
        assert_eq!(fields(&config), ["backend", "strategy", "compression_enabled", "encryption_enabled"]);
        let text = check_config(&config).unwrap_err();
        assert!(text.contains("`database` is not built yet") && text.contains("CACHE_ENCRYPTION_ENABLED"), "{text}");
    }
}
