//! What nodes say to each other about ranges: the bodies of `Method::Replicate`, requests from a primary, replies from members.
//!
//! Records borrow from the frame they were read from, or from the engine's blocks when they are written.

use ringhold_model::{Epoch, Generation, Mid, NamespaceId, OpId, RangeId, Version, config::Backend, wire::raw};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::{follow::Refusal, operations::OpResult};
use crate::engine::Reason;

/// What a primary has to say to one member; one answer a message, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// `applied` of the state that the sender acts by; the receiver first acts by it too.
    pub view: u64,
    /// The messages, to be taken in order.
    #[serde(borrow)]
    pub messages: Vec<Message<'a>>,
}

/// One message about one range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// The range.
    pub range: RangeId,
    /// The sender's epoch.
    pub epoch: Epoch,
    /// The receiver's membership.
    pub mid: Mid,
    /// What it says.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// See [`Next`](super::Next).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body<'a> {
    /// A new primary asks for the promise, and the effects after this number.
    Take {
        /// Number of its last effect.
        applied: u64,
    },
    /// A pending copy is to begin: what it has of the range goes, its history starts after this number.
    Begin {
        /// That number.
        start: u64,
    },
    /// The next effect.
    Append {
        /// The effect.
        #[serde(borrow)]
        effect: EffectRef<'a>,
        /// All effects up to this number are committed.
        committed: u64,
    },
    /// All effects up to this number are committed.
    Committed {
        /// That number.
        seq: u64,
    },
    /// Records for a copy that is being filled.
    Chunk(#[serde(borrow)] ChunkRef<'a>),
    /// Both should have the same records after effect `at`.
    Compare {
        /// Number of the last effect.
        at: u64,
        /// What the sender has.
        digest: Digest,
    },
    /// Serve no longer.
    Retire,
    /// From a member to its primary: the member is full of copies and needs room for what it is primary of itself; some of the
    /// range should go.
    Evict {
        /// The space whose own limit is reached; `None`: it is the node's.
        space: Option<(NamespaceId, Backend)>,
        /// Items.
        items: u64,
        /// Bytes.
        bytes: u64,
    },
}

/// An effect: a whole record, or the removal of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRef<'a> {
    /// The epoch of its birth and its number in the range's history.
    pub version: Version,
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// The generation that it was made in; in a newer one it is invisible.
    pub generation: Generation,
    /// Hash of (namespace, key).
    pub hash: u64,
    /// What it does.
    #[serde(borrow)]
    pub change: ChangeRef<'a>,
    /// The operation that it is the outcome of; evictions and expiries have none.
    pub op: Option<OpRecord>,
}

/// What an effect does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeRef<'a> {
    /// The record is this now; its version is the effect's.
    Store(#[serde(borrow)] RecordRef<'a>),
    /// The record goes, if it has this version.
    Remove {
        /// The key.
        key: &'a str,
        /// The version that goes.
        version: Version,
        /// Why.
        reason: Reason,
    },
}

/// A record as it lies in its block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef<'a> {
    /// The block's head: version, creation, lengths.
    pub head: [u64; 3],
    /// Key, metadata, tags and value.
    #[serde(serialize_with = "raw::bytes")]
    pub bytes: &'a [u8],
    /// Milliseconds that remain, counted when this was written; `None`: it does not expire.
    pub ttl_ms: Option<u64>,
    /// Wall clock of the last read that hit, else of the write.
    pub accessed_at_ms: u64,
    /// Reads that hit.
    pub access_count: u32,
}

/// Records of consecutive hashes, as they are after one effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRef<'a> {
    /// The first hash that it covers.
    pub from: u64,
    /// Number of the last effect that it shows.
    pub at: u64,
    /// The first hash that it does not cover; `None`: it goes to the end of the range.
    pub next: Option<u64>,
    /// Every live record of those hashes, of all spaces.
    #[serde(borrow)]
    pub records: Vec<ChunkRecord<'a>>,
    /// The results of recent operations; in the first chunk only.
    pub operations: Vec<OpRecord>,
    /// xxh3-64 over hashes, heads and bytes of the records, in order.
    pub checksum: u64,
}

impl ChunkRef<'_> {
    /// What [`checksum`](Self::checksum) is to be.
    pub fn sum(&self) -> u64 {
        let mut sum = Xxh3::new();
        for ChunkRecord { hash, record, .. } in &self.records {
            sum.update(&hash.to_le_bytes());
            record.head.iter().for_each(|word| sum.update(&word.to_le_bytes()));
            sum.update(record.bytes);
        }
        sum.digest()
    }
}

/// A record of a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRecord<'a> {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// The generation of its space at the sender.
    pub generation: Generation,
    /// Hash of (namespace, key).
    pub hash: u64,
    /// The record.
    #[serde(borrow)]
    pub record: RecordRef<'a>,
}

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpRecord {
    /// Which operation.
    pub id: OpId,
    /// Its router's lowest operation without an answer.
    pub lowest_open: u64,
    /// What became of it.
    pub result: OpResult,
}

/// What a range holds, in two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Records of the current generations.
    pub items: u64,
    /// The sum of a mix of hash and version of each; the order does not matter.
    pub sum: u64,
}

/// The member's answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply<'a> {
    /// `applied` of the state that the member acts by.
    pub view: u64,
    /// One a message.
    #[serde(borrow)]
    pub answers: Vec<Answer<'a>>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<'a> {
    /// All effects up to this number are applied.
    Acked {
        /// That number.
        applied: u64,
    },
    /// The copy is empty, its history starts after this number.
    Begun {
        /// That number.
        start: u64,
    },
    /// The chunk is in (or was); the next begins at this hash.
    ChunkTaken {
        /// `None`: that was the last.
        cursor: Option<u64>,
    },
    /// Digests were compared.
    Compared {
        /// Whether they are the same.
        is_equal: bool,
    },
    /// No older epoch is followed any more.
    Promise {
        /// Number of the last effect applied.
        applied: u64,
        /// All up to this one are known to be committed.
        committed: u64,
        /// Effects that the asker lacks, from the first on; fewer than up to `applied` when they are too large for one answer: the
        /// asker then asks again.
        #[serde(borrow)]
        effects: Vec<EffectRef<'a>>,
    },
    /// It serves no longer.
    Retired,
    /// It was not done.
    Refused(Refusal),
    /// As much went as could.
    Evicted,
}
