//! The opaque text that continues a walk through the keys.
//!
//! It names a position in hash order, which means the same whatever the layout of the cluster, and the walk that it belongs
//! to. Anything else than a cursor that this cluster gave out for the same walk is refused.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringhold_model::{Generation, NamespaceId, config::Backend};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const FORMAT: u8 = 1;
const BYTES: usize = 1 + 8 + 8 + 8 + 8;

/// Which walk: a cursor fits no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk<'a> {
    /// The cluster's hash seed: cursors of other clusters are refused.
    pub cluster_seed: u64,
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// The pattern, if any.
    pub pattern: Option<&'a str>,
}

/// A place in a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The generation of the records when the walk began.
    pub generation: Generation,
    /// Lowest hash that was not returned yet.
    pub from_hash: u64,
}

impl Cursor {
    /// The text for the client.
    pub fn encode(&self, walk: &Walk<'_>) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.generation.0.to_be_bytes());
        bytes.extend_from_slice(&self.from_hash.to_be_bytes());
        bytes.extend_from_slice(&walk.digest().to_be_bytes());
        let sum = xxh3_64_with_seed(&bytes, walk.cluster_seed);
        bytes.extend_from_slice(&sum.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a client's text; `None`: it is not a cursor of this walk.
    pub fn decode(text: &str, walk: &Walk<'_>) -> Option<Self> {
        let mut bytes = [0; BYTES + 2];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (body, sum) = bytes.get(..length)?.split_at_checked(BYTES - 8)?;
        let number = |at: usize| Some(u64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?));
        let is_ours = length == BYTES
            && body[0] == FORMAT
            && sum == xxh3_64_with_seed(body, walk.cluster_seed).to_be_bytes()
            && number(17)? == walk.digest();
        is_ours.then_some(Self { generation: Generation(number(1)?), from_hash: number(9)? })
    }
}

impl Walk<'_> {
    fn digest(&self) -> u64 {
        let mut text = format!("{} {} ", self.namespace, self.backend);
        if let Some(pattern) = self.pattern {
            text.push('p');
            text.push_str(pattern);
        }
        xxh3_64_with_seed(text.as_bytes(), self.cluster_seed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WALK: Walk<'static> =
        Walk { cluster_seed: 7, namespace: NamespaceId(3), backend: Backend::Memory, pattern: Some("a*") };

    proptest! {
        #[test]
        fn a_cursor_is_read_back_by_its_own_walk_only(generation: u64, from_hash: u64) {
            let cursor = Cursor { generation: Generation(generation), from_hash };
            let text = cursor.encode(&WALK);
            prop_assert_eq!(Cursor::decode(&text, &WALK), Some(cursor));
            for other in [
                Walk { cluster_seed: 8, ..WALK },
                Walk { namespace: NamespaceId(4), ..WALK },
                Walk { backend: Backend::File, ..WALK },
                Walk { pattern: None, ..WALK },
                Walk { pattern: Some("a"), ..WALK },
            ] {
                prop_assert_eq!(Cursor::decode(&text, &other), None);
            }
        }

        #[test]
        fn garbage_is_refused(text in ".{0,80}") {
            prop_assert_eq!(Cursor::decode(&text, &WALK), None);
        }
    }
}
