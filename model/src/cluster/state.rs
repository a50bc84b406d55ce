//! What Raft replicates.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    access::AccessKey,
    command::{Outcome, RequestId},
};
use crate::{
    config::{Backend, CacheConfig},
    ids::{ClusterId, Epoch, Generation, Incarnation, KeyId, Mid, NamespaceId, NodeId, RangeId},
    key::range_of,
};

/// Where a node is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// `host:port` of the internal port (framed RPC: data, Raft, control).
    pub rpc: String,
    /// `host:port` of the HTTP port with health and metrics.
    pub health: String,
}

/// Where a node stands in its life. `down` is derived, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// Known, not started or not caught up yet; holds no range.
    Joining,
    /// May hold ranges.
    Active,
    /// Hands its ranges over.
    Leaving,
    /// Will never return; the id is burned.
    Gone,
}

/// One member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Random identity drawn with the node's data folder: tells a wiped node from a restarted one.
    pub birth: u64,
    /// How often the process has started on this data folder; the higher start knows the newer addresses.
    pub boot: u64,
    /// The running (or last) process; `None` until its first `NodeStart`.
    pub incarnation: Option<Incarnation>,
    /// Where it is reached.
    pub addresses: Addresses,
    /// Failure domain; empty: none given.
    pub zone: String,
    /// Share of the ranges relative to other nodes, in percent of a plain node (100).
    pub weight: u32,
    /// Where it stands.
    pub state: NodeState,
    /// Log index of the last entry that changed what this node is to some range; see [`ClusterState::touched_at`].
    pub touched_at: u64,
    /// Share of the ranges that an operator set; it counts instead of `weight`, also after a restart.
    pub set_weight: Option<u32>,
}

impl Node {
    /// Share of the ranges that counts: what an operator set, else what the node says itself.
    pub fn weight(&self) -> u32 {
        self.set_weight.unwrap_or(self.weight)
    }
}

/// A node's membership in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// Which of its memberships in this range.
    pub mid: Mid,
}

/// Who holds a range: the *actual* layout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeRecord {
    /// Log index of the last change of primary; zero: never assigned.
    pub epoch: Epoch,
    /// Orders the range's effects; `None` only before the first assignment.
    pub primary: Option<NodeId>,
    /// The copies that every acknowledged write has reached, the primary's included.
    pub in_sync: Vec<Member>,
    /// The copy that is being filled.
    pub pending: Option<Member>,
    /// How often the range lost all its copies and began empty.
    pub resets: u32,
}

/// Where each range *should* live; the actual layout moves toward it step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Log index of the entry that set it.
    pub id: u64,
    /// Per range its owners, the wanted primary first.
    pub owners: Vec<Vec<NodeId>>,
    /// Active nodes that own nothing in it because they were down for too long when it was computed.
    pub absent: BTreeSet<NodeId>,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name, unique.
    pub name: String,
    /// Per backend that was cleared the generation of its records; absent: zero.
    pub generations: BTreeMap<Backend, Generation>,
    /// Backends of which only primaries answer reads, because clears are under way; with the log index at which each clear asked
    /// for it. Never empty sets.
    pub silent: BTreeMap<Backend, BTreeSet<u64>>,
}

impl Namespace {
    /// A namespace that was never cleared.
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), generations: BTreeMap::new(), silent: BTreeMap::new() }
    }
}

/// A configuration and the log index that set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigRecord {
    /// What holds.
    pub config: CacheConfig,
    /// Log index of the last change.
    pub version: u64,
}

/// Replicated settings of the data plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Copies that a range should have.
    pub replication_factor: u8,
    /// Fewest in-sync copies with which a range accepts writes.
    pub min_in_sync: u8,
    /// No copy moves for the sake of balance; lost copies are still restored.
    pub moves_paused: bool,
    /// Most bytes a second that one node sends to copies that are being filled; 0: no bound.
    pub fill_bytes_per_s: u64,
    /// How long a node may be down before its copies are restored elsewhere, in seconds.
    pub rehome_after_s: u32,
    /// How long a range may be without any member that holds a lease before it begins again, empty; in seconds.
    pub reset_after_s: u32,
}

/// Everything that Raft replicates; identical on all nodes at the same `applied`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Which cluster this is; zero until `Form` was applied.
    pub cluster: ClusterId,
    /// Seed of the key hash and of the ring.
    pub hash_seed: u64,
    /// The hash space is cut into `2^range_bits` ranges.
    pub range_bits: u8,
    /// Log index of the last command applied; the *view index* that requests and replies carry.
    pub applied: u64,
    /// The id that the next new node gets.
    pub next_node: u64,
    /// Log index of the last change of what plans are computed from: which nodes are active, their zones and weights.
    pub nodes_changed_at: u64,
    /// Log index of the last entry that every node must act by before it serves on: clears and their silences, namespaces that
    /// went, configs.
    pub barrier_at: u64,
    /// All nodes, gone ones included.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Per range who holds it.
    pub ranges: Vec<RangeRecord>,
    /// Where ranges should live; `None` until the leader computed the first.
    pub plan: Option<Plan>,
    /// All namespaces.
    pub namespaces: BTreeMap<NamespaceId, Namespace>,
    /// Configs by (namespace, backend); what is absent inherits from the namespace `default`.
    pub configs: BTreeMap<(NamespaceId, Backend), ConfigRecord>,
    /// Backend of requests that name none.
    pub default_backend: Option<Backend>,
    /// Data plane settings.
    pub settings: Settings,
    /// API keys.
    pub keys: BTreeMap<KeyId, AccessKey>,
    /// Log index of the last change of what they open, or to whom.
    pub keys_changed_at: u64,
    /// Answers of recent proposals, oldest first: a proposal that is sent again is answered, not applied again.
    pub(super) answered: VecDeque<(RequestId, Outcome)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            replication_factor: 2,
            min_in_sync: 1,
            moves_paused: false,
            fill_bytes_per_s: 256 << 20,
            rehome_after_s: 60,
            reset_after_s: 30,
        }
    }
}

impl ClusterState {
    /// True once the cluster was formed.
    pub fn is_formed(&self) -> bool {
        self.cluster != ClusterId(0)
    }

    /// This state as routers need it: without the memory of answers, which only those who apply commands use and which can
    /// be larger than all the rest.
    pub fn without_answers(&self) -> Self {
        // A clone of everything but `answered`; field by field, so that a new field is not forgotten.
        let Self {
            cluster,
            hash_seed,
            range_bits,
            applied,
            next_node,
            nodes_changed_at,
            barrier_at,
            keys_changed_at,
            ..
        } = *self;
        Self {
            cluster,
            hash_seed,
            range_bits,
            applied,
            next_node,
            nodes_changed_at,
            barrier_at,
            nodes: self.nodes.clone(),
            ranges: self.ranges.clone(),
            plan: self.plan.clone(),
            namespaces: self.namespaces.clone(),
            configs: self.configs.clone(),
            default_backend: self.default_backend,
            settings: self.settings.clone(),
            keys: self.keys.clone(),
            keys_changed_at,
            answered: VecDeque::new(),
        }
    }

    /// The range that holds `hash`.
    pub fn range_of(&self, hash: u64) -> RangeId {
        range_of(hash, self.range_bits)
    }

    /// The record of a range; `None` when the id is beyond the number of ranges.
    pub fn range(&self, range: RangeId) -> Option<&RangeRecord> {
        self.ranges.get(usize::from(range.0))
    }

    /// Id of the namespace with this name.
    pub fn namespace_id(&self, name: &str) -> Option<NamespaceId> {
        self.namespaces.iter().find(|(_, ns)| ns.name == name).map(|(id, _)| *id)
    }

    /// Generation of the records of a (namespace, backend).
    pub fn generation(&self, namespace: NamespaceId, backend: Backend) -> Generation {
        self.namespaces.get(&namespace).and_then(|ns| ns.generations.get(&backend)).copied().unwrap_or_default()
    }

    /// Ranges whose primary is `node`.
    pub fn primaries_of(&self, node: NodeId) -> impl Iterator<Item = (RangeId, &RangeRecord)> {
        self.ranges
            .iter()
            .enumerate()
            .filter(move |(_, record)| record.primary == Some(node))
            .map(|(at, record)| (RangeId(at as u16), record))
    }
}
