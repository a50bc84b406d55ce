//! Byte strings by one copy: left alone, serde writes a `&[u8]` element by element. The bytes written are the same.

use serde::{Serialize, Serializer};

/// For a `&[u8]`.
pub fn bytes<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// For an `Option<&[u8]>`.
pub fn optional_bytes<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    struct Bytes<'a>(&'a [u8]);
    impl Serialize for Bytes<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
    bytes.map(Bytes).serialize(serializer)
}
