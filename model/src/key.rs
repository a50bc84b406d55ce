//! Keys and where they live in the hash space.

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ids::{NamespaceId, RangeId};

/// Name of the namespace that a request without `X-Cache-Namespace` uses.
pub const DEFAULT_NAMESPACE: &str = "default";
/// Longest name of a namespace, in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 64;
/// Most namespaces in one cluster; each costs a row in the replicated state and a table in every shard.
pub const NAMESPACES_MAX: usize = 1_000;
/// Most tags on one item.
pub const TAGS_MAX: usize = 32;
/// Longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 128;
/// Largest metadata of one item, in bytes of JSON.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;
/// Upper bound of the setting `CACHE_MAX_KEY_LENGTH`, in bytes.
pub const KEY_BYTES_LIMIT: usize = 4_096;

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// The key has no bytes.
    #[error("the key is empty; give it at least one character")]
    Empty,
    /// The key is longer than the limit.
    #[error("the key is {bytes} bytes long; at most {max} are allowed (CACHE_MAX_KEY_LENGTH)")]
    TooLong {
        /// Length found, in bytes.
        bytes: usize,
        /// Length allowed, in bytes.
        max: usize,
    },
    /// The key holds a control character (Unicode category Cc, NUL included).
    #[error("the key holds a control character at byte {at}; remove or encode it")]
    Control {
        /// Position of the character, in bytes from the start.
        at: usize,
    },
}

/// Checks a key against the rules that hold on every backend: 1 to `bytes_max` bytes, no control characters.
pub fn check_key(key: &str, bytes_max: usize) -> Result<(), KeyFault> {
    if key.is_empty() {
        return Err(KeyFault::Empty);
    }
    if key.len() > bytes_max {
        return Err(KeyFault::TooLong { bytes: key.len(), max: bytes_max });
    }
    match key.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(KeyFault::Control { at }),
        None => Ok(()),
    }
}

/// True when `name` is a legal namespace: `[A-Za-z0-9._-]{1,64}`.
pub fn is_namespace(name: &str) -> bool {
    (1..=NAMESPACE_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Place of a key in the hash space: xxh3-64 of the key, seeded by the cluster's seed and the namespace.
///
/// The seed is drawn when the cluster is formed, so that nobody outside can aim keys at one range. Computed once, at the
/// router, and carried in the request.
pub fn key_hash(cluster_seed: u64, namespace: NamespaceId, key: &str) -> u64 {
    xxh3_64_with_seed(key.as_bytes(), cluster_seed ^ namespace.0.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The range that holds `hash` when the hash space is cut into `2^bits` ranges. `bits` is 1 to 16.
pub fn range_of(hash: u64, bits: u8) -> RangeId {
    RangeId((hash >> (64 - u32::from(bits))) as u16)
}

/// Lowest hash of a range when the hash space is cut into `2^bits` ranges.
pub fn range_start(range: RangeId, bits: u8) -> u64 {
    u64::from(range.0) << (64 - u32::from(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_one_rule_everywhere() {
        assert_eq!(check_key("user:1/a b%ü😀", 250), Ok(()));
        assert_eq!(check_key("", 250), Err(KeyFault::Empty));
        assert_eq!(check_key("abcd", 3), Err(KeyFault::TooLong { bytes: 4, max: 3 }));
        for bad in ["a\0", "a\n", "a\u{7f}", "a\u{85}"] {
            assert_eq!(check_key(bad, 250), Err(KeyFault::Control { at: 1 }), "{bad:?}");
        }
    }

    #[test]
    fn the_hash_is_a_fixed_contract() {
        // Persisted placements and running clusters depend on these numbers.
        assert_eq!(key_hash(0, NamespaceId(0), "user:1"), xxh3_64_with_seed(b"user:1", 0));
        assert_ne!(key_hash(7, NamespaceId(1), "user:1"), key_hash(7, NamespaceId(2), "user:1"));
    }

    #[test]
    fn ranges_are_equal_parts_in_hash_order() {
        assert_eq!(range_of(0, 10), RangeId(0));
        assert_eq!(range_of(u64::MAX, 10), RangeId(1023));
        assert_eq!(range_start(RangeId(1), 10), 1 << 54);
        assert_eq!(range_of(range_start(RangeId(513), 10), 10), RangeId(513));
    }
}
