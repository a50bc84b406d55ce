//! How much load, of what kind.

use std::time::Duration;

use ringhold_model::{
    ids::NamespaceId,
    key::{key_hash, range_of},
};

/// A load.
#[derive(Clone, Debug)]
pub struct Options {
    /// Requests a second, whatever becomes of them.
    pub rate: u32,
    /// Most requests under way; what is due beyond that is counted and left out.
    pub outstanding_max: usize,
    /// Keys with one writer at a time.
    pub registers: usize,
    /// So many of them get half of the requests.
    pub hot: usize,
    /// Keys that are incremented.
    pub counters: usize,
    /// Size of a register's value, in bytes.
    pub value_bytes: usize,
    /// What is asked for.
    pub mix: Mix,
    /// How long a client waits for an answer.
    pub patience: Duration,
    pub seed: u64,
    /// Limits are so low that items are evicted: a miss says nothing then, but what is read must be right.
    pub evicts: bool,
    /// Begins the names of all keys, so that loads do not meet.
    pub prefix: &'static str,
}

/// Shares of the requests, in percent; what is left are sets and deletes of registers.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Reads of registers.
    pub reads: u32,
    /// Increments and reads of counters, half each.
    pub counts: u32,
    /// Attempts (three a key) and reads of claims, half each.
    pub claims: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate: 1_000,
            outstanding_max: 400,
            registers: 20_000,
            hot: 500,
            counters: 20,
            value_bytes: 40,
            mix: Mix { reads: 60, counts: 10, claims: 6 },
            patience: Duration::from_secs(8),
            seed: 1,
            evicts: false,
            prefix: "",
        }
    }
}

/// In which range a key lies.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    pub hash_seed: u64,
    pub namespace: NamespaceId,
    pub range_bits: u8,
}

impl Placement {
    pub fn ranges(&self) -> usize {
        1 << self.range_bits
    }

    pub fn range_of(&self, key: &str) -> usize {
        range_of(key_hash(self.hash_seed, self.namespace, key), self.range_bits).0.into()
    }
}
