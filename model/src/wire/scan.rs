//! Calls that touch many keys of a node. Each names the ranges it wants by epoch; ranges that the node does not hold in
//! that epoch are left out of the answer's `done` list, and the router asks again with a newer view.

use serde::{Deserialize, Serialize};

use super::point::ItemRef;
use crate::{
    config::Backend,
    ids::{Epoch, Generation, NamespaceId, RangeId},
};

/// A range in a certain epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RangeRef {
    /// The range.
    pub range: RangeId,
    /// The epoch in the router's view.
    pub epoch: Epoch,
}

/// Which records: those of a (namespace, backend) in `ranges` that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection<'a> {
    /// `applied` of the router's state; a node behind it first catches up.
    pub view: u64,
    /// The namespace.
    pub namespace: NamespaceId,
    /// The backend.
    pub backend: Backend,
    /// The ranges, ascending.
    pub ranges: Vec<RangeRef>,
    /// An fnmatch glob over the whole key; `None`: all.
    pub pattern: Option<&'a str>,
}

/// What a scan returns of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScanContent {
    /// Without value and metadata.
    Info,
    /// Everything.
    Full,
}

/// A page of records in hash order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRequest<'a> {
    /// Which records.
    #[serde(borrow)]
    pub selection: Selection<'a>,
    /// Records with a lower hash are left out.
    pub from_hash: u64,
    /// Most records to return (records of one hash are never split, so it may be passed by a few).
    pub records_max: u32,
    /// Stop after about this many bytes of keys, values and metadata; at least one record is returned.
    pub bytes_max: u32,
    /// What to return of each.
    pub content: ScanContent,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanReply<'a> {
    /// `applied` of the node's state.
    pub view: u64,
    /// Records in hash order.
    #[serde(borrow)]
    pub entries: Vec<ScanEntry<'a>>,
    /// All matching records of the `done` ranges with a hash *below* this were returned; `None`: all of them.
    pub next_hash: Option<u64>,
    /// The ranges that the node held in the epoch asked for, through the whole page.
    pub done: Vec<RangeId>,
}

/// One record of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanEntry<'a> {
    /// Hash of (namespace, key).
    pub hash: u64,
    /// The key.
    pub key: &'a str,
    /// The record; value and metadata empty for `ScanContent::Info`.
    #[serde(borrow)]
    pub item: ItemRef<'a>,
}

/// The first keys in key order (bytewise).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstKeysRequest<'a> {
    /// Which records.
    #[serde(borrow)]
    pub selection: Selection<'a>,
    /// Most keys to return; bounds the node's memory.
    pub keys_max: u32,
}

/// The keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstKeysReply<'a> {
    /// `applied` of the node's state.
    pub view: u64,
    /// Ascending.
    #[serde(borrow)]
    pub keys: Vec<&'a str>,
    /// How many match in all, in the `done` ranges.
    pub total: u64,
    /// The ranges that the node held in the epoch asked for.
    pub done: Vec<RangeId>,
}

/// How many records match (request: [`Selection`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountReply {
    /// `applied` of the node's state.
    pub view: u64,
    /// Live records that match, in the `done` ranges.
    pub total: u64,
    /// The ranges that the node held in the epoch asked for.
    pub done: Vec<RangeId>,
}

/// Remove the records that match the pattern or carry any of the tags: the union of both. Each range does it in its own
/// order; records written after the node began with their range survive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveRequest<'a> {
    /// Which ranges; its `pattern` selects records (`None`: by tags alone).
    #[serde(borrow)]
    pub selection: Selection<'a>,
    /// Tags, any of which selects a record.
    #[serde(borrow)]
    pub tags: Vec<&'a str>,
}

/// How far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveReply {
    /// `applied` of the node's state.
    pub view: u64,
    /// Records removed.
    pub removed: u64,
    /// Ranges in which every matching record was removed.
    pub done: Vec<RangeId>,
}

/// Answer to `Method::Purge` (request: [`Selection`] without pattern, whose `view` is the clear's log index): records of
/// generations before `generation` are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeReply {
    /// `applied` of the node's state.
    pub view: u64,
    /// Records freed by the clear of this generation, also when an earlier call or the background freed them.
    pub removed: u64,
    /// The generation that holds now.
    pub generation: Generation,
    /// The ranges that the node holds in the epoch asked for.
    pub done: Vec<RangeId>,
}
