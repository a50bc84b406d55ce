//! API keys as the cluster keeps them: who holds one, what it opens, and how its text is recognised. The text itself is
//! nowhere in the state; its hash is enough to recognise it, and too long to be guessed back.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ids::KeyId, key::is_namespace, pattern::PATTERN_BYTES_MAX};

/// Most keys of a cluster: routers hold all of them, and get them with every change of the state.
pub const ACCESS_KEYS_MAX: usize = 1_000;
/// Longest name of a key, in bytes.
pub const ACCESS_NAME_BYTES_MAX: usize = 256;
/// Most namespaces, and most patterns, that one key is bound to.
pub const ACCESS_BOUNDS_MAX: usize = 100;

/// What a key may be used for. `admin` holds the other two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    /// Looking at items and figures.
    pub read: bool,
    /// Changing items.
    pub write: bool,
    /// Configuration, cluster, namespaces and keys.
    pub admin: bool,
}

/// SHA-256 of a key's text.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// One text under which a key is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySecret {
    /// Its hash.
    pub hash: SecretHash,
    /// When it ends, in milliseconds since 1970, because it was replaced; `None`: it is the present one.
    pub ends_at_ms: Option<u64>,
}

/// An API key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// For people.
    pub name: String,
    /// What it opens.
    pub scopes: Scopes,
    /// Names of the namespaces that it opens; empty: all. They need not exist yet.
    pub namespaces: Vec<String>,
    /// Patterns of the cache's keys that it opens; empty: all.
    pub patterns: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it ends; `None`: never.
    pub expires_at_ms: Option<u64>,
    /// When it was used last, to about a minute.
    pub last_used_ms: Option<u64>,
    /// The present text, and the one that it replaced, if any; the present one last.
    pub secrets: Vec<KeySecret>,
}

/// A change of the API keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessCommand {
    /// Makes a key.
    Put {
        /// Its id, drawn by the router.
        id: KeyId,
        /// What it opens.
        key: AccessKey,
    },
    /// Gives a key another text; the present one stays good for a while.
    Rotate {
        /// Which.
        id: KeyId,
        /// Hash of the new text.
        hash: SecretHash,
        /// When the present text ends, in milliseconds since 1970.
        old_ends_at_ms: u64,
    },
    /// Ends a key.
    Revoke {
        /// Which.
        id: KeyId,
    },
    /// Keys were used.
    NoteUses {
        /// Which, and when last, in milliseconds since 1970.
        uses: Vec<(KeyId, u64)>,
    },
}

/// Why a change of the API keys was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum AccessRejection {
    /// No key with this id.
    #[error("no such key")]
    Unknown,
    /// A key's name, scopes or bounds are out of bounds.
    #[error("{0}")]
    Bad(String),
    /// The bound on keys is reached.
    #[error("the cluster has {0} keys, the most it may have; revoke one first")]
    TooMany(usize),
}

impl AccessKey {
    /// Says what is out of bounds.
    pub fn check(&self) -> Result<(), String> {
        let Self { name, scopes, namespaces, patterns, .. } = self;
        if name.is_empty() || name.len() > ACCESS_NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(format!("a key's name has 1 to {ACCESS_NAME_BYTES_MAX} bytes and no control characters"));
        }
        if *scopes == Scopes::default() {
            return Err("a key needs at least one scope".into());
        }
        if namespaces.len() > ACCESS_BOUNDS_MAX || patterns.len() > ACCESS_BOUNDS_MAX {
            return Err(format!(
                "a key is bound to at most {ACCESS_BOUNDS_MAX} namespaces and {ACCESS_BOUNDS_MAX} patterns"
            ));
        }
        if !namespaces.iter().all(|name| is_namespace(name)) {
            return Err("a namespace is named by 1 to 64 letters, digits, dots, dashes or underscores".into());
        }
        if !patterns.iter().all(|pattern| (1..=PATTERN_BYTES_MAX).contains(&pattern.len())) {
            return Err(format!("a pattern has 1 to {PATTERN_BYTES_MAX} bytes"));
        }
        if scopes.admin && !(namespaces.is_empty() && patterns.is_empty()) {
            return Err(
                "the scope admin is for the whole cluster: such a key is bound to no namespace and no pattern".into()
            );
        }
        Ok(())
    }
}
