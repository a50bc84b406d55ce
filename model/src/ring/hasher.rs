//! A hasher whose results are a contract: equal on every machine, in every version of the compiler.
//!
//! The default hashers of Rust promise neither, and numbers are fed to them in native byte order.

use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Builds [`Stable`] hashers of one seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuildStable {
    pub(super) seed: u64,
}

/// xxh3-64 over little-endian bytes; every write is chained through the seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stable {
    state: u64,
}

impl BuildHasher for BuildStable {
    type Hasher = Stable;

    fn build_hasher(&self) -> Stable {
        Stable { state: self.seed }
    }
}

impl Hasher for Stable {
    fn write(&mut self, bytes: &[u8]) {
        self.state = xxh3_64_with_seed(bytes, self.state);
    }

    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    #[test]
    fn hashes_of_node_ids_never_change() {
        let build = BuildStable { seed: 0x5eed };
        assert_eq!(build.hash_one(NodeId(1)), xxh3_64_with_seed(&[1, 0, 0, 0, 0, 0, 0, 0], 0x5eed));
        assert_eq!(build.hash_one(NodeId(1)), build.hash_one(1_u64), "the crate hashes a chain of plain numbers");
    }
}
