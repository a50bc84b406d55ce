//! The cache configuration that Raft replicates, the words it is made of, and the rules that its values obey.

mod cache;
mod check;
mod words;

pub use cache::{CacheConfig, ConfigPatch};
pub use check::{
    CLEANUP_INTERVAL_MAX_SECONDS, ConfigFault, DEFAULT_TTL_MAX_SECONDS, check_backend, check_config, config_faults,
};
pub use words::{Backend, DataType, LfuAging, Strategy, UnknownWord, is_backend_built, is_strategy_built};
