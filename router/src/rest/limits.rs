//! The bounds that requests are checked against.

use ringhold_model::key::METADATA_BYTES_MAX;

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 1_024;
/// Most keys on one page of a listing.
pub const PAGE_KEYS_MAX: u32 = 1_000;
/// Keys on a page when the request does not say.
pub const PAGE_KEYS_DEFAULT: u32 = 100;
/// Deepest page by `offset`: every node sorts and returns that many keys; a cursor walk has no such bound.
pub const OFFSET_MAX: u32 = 100_000;

/// Hot keys that are told when the request does not say.
pub const HOT_KEYS_DEFAULT: u32 = 20;
/// Most hot keys that are told.
pub const HOT_KEYS_MAX: u32 = 500;
/// Prefixes that are told apart when the request does not say.
pub const PREFIXES_DEFAULT: u32 = 20;
/// Most prefixes that are told apart; each node tells as many.
pub const PREFIXES_MAX: u32 = 256;

/// What the settings allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest key in bytes (`CACHE_MAX_KEY_LENGTH`).
    pub key_bytes: usize,
    /// Largest value in bytes, without insignificant whitespace (`CACHE_MAX_VALUE_SIZE`).
    pub value_bytes: usize,
    /// Most items in a batch (`CACHE_MAX_BATCH_SIZE`).
    pub batch_items: usize,
    /// Largest request body in bytes (`CACHE_MAX_BODY_SIZE`); import is bounded per item instead.
    pub body_bytes: usize,
    /// Longest TTL in seconds (`CACHE_MAX_TTL`).
    pub ttl_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key_bytes: 250,
            value_bytes: 1_048_576,
            batch_items: 1_000,
            body_bytes: 8_388_608,
            ttl_seconds: 315_360_000,
        }
    }
}

impl Limits {
    /// Largest item of an import in bytes of JSON text: value, metadata and key (escaped, twice), and room for
    /// indentation.
    pub const fn item_bytes(&self) -> usize {
        2 * (self.value_bytes + METADATA_BYTES_MAX) + 12 * self.key_bytes + 4_096
    }
}
