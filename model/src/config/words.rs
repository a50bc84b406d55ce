//! The words that configurations, requests and settings are made of.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in the order of the documentation.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word that clients, settings and documents use.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text { $($text => Ok($name::$variant),)+ _ => Err(UnknownWord) }
            }
        }
    };
}

/// The text is none of the words of the enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;

words!(
    /// Where items are kept.
    Backend {
        /// In the memory of the nodes.
        Memory = "memory",
        /// In a Redis server.
        Redis = "redis",
        /// In memcached servers.
        Memcached = "memcached",
        /// In an SQL database.
        Database = "database",
        /// In files.
        File = "file",
    }
);

words!(
    /// Which item goes first when room is needed, or how writes reach the backend.
    Strategy {
        /// The least recently used item goes first.
        Lru = "lru",
        /// The least frequently used item goes first.
        Lfu = "lfu",
        /// The oldest item goes first.
        Fifo = "fifo",
        /// The item that expires soonest goes first.
        Ttl = "ttl",
        /// Writes reach the backend before they are answered.
        WriteThrough = "write_through",
        /// Writes reach the backend in the background.
        WriteBehind = "write_behind",
        /// New items prove themselves in a small queue; what was used there lives on in a main one.
        S3Fifo = "s3fifo",
        /// An item stays if it was used more often than what it would replace, by a sketch of all recent uses.
        WTinyLfu = "w_tinylfu",
        /// A hand sweeps from old to new and takes the first item that was not used since it passed.
        Sieve = "sieve",
    }
);

words!(
    /// Whether `lfu` lets what was used often once grow old.
    LfuAging {
        /// Uses count for ever: exact LFU.
        None = "none",
        /// What is used gets the age of the list on top of its uses (LFU with dynamic aging).
        Dynamic = "dynamic",
    }
);

words!(
    /// What a client says its value is.
    DataType {
        /// A JSON string.
        String = "string",
        /// Any JSON.
        Json = "json",
        /// Base64 text.
        Binary = "binary",
        /// A JSON number.
        Number = "number",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A JSON array.
        List = "list",
        /// A JSON object.
        Dictionary = "dictionary",
    }
);

/// True for the backends that this version serves; the others are refused with a clear error.
pub const fn is_backend_built(backend: Backend) -> bool {
    !matches!(backend, Backend::Database)
}

/// True for the strategies that this version serves; the others are refused with a clear error.
pub const fn is_strategy_built(strategy: Strategy) -> bool {
    !matches!(strategy, Strategy::WriteThrough | Strategy::WriteBehind)
}
