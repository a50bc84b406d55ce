//! Whether an engine's own accounts add up, and whether two engines hold the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering::Relaxed,
};

use ringhold_model::Version;

use super::{log::id, world::World};
use crate::{
    engine::{Engine, policy, shard::Shard, slab::NIL},
    replica::message::Digest,
};

/// By (space, key) the version, value and deadline of each record of a range.
pub(super) type Contents = BTreeMap<(u16, String), (Version, Vec<u8>)>;

impl World {
    pub(super) fn check_limits(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            let total = &node.engine.shared.total;
            let shared = &node.engine.shared;
            let items = total.items().saturating_sub(shared.overdrawn_items.load(Relaxed));
            let bytes = total.bytes().saturating_sub(shared.overdrawn_bytes.load(Relaxed));
            let (max_items, max_bytes) = (self.config.max_items, self.config.max_memory);
            assert!(max_items == 0 || items <= max_items, "node {}: {items} items of {max_items}", id(at));
            assert!(max_bytes == 0 || bytes <= max_bytes, "node {}: {bytes} bytes of {max_bytes}", id(at));
        }
    }

    pub(super) fn may_order(&self, node: usize, range: usize) -> bool {
        let engine = &self.nodes[node].engine;
        engine.shards.iter().any(|shard| {
            shard.lock().parts.iter().any(|part| usize::from(part.range.id().0) == range && part.range.may_order())
        })
    }

    /// Counts everything anew.
    pub(super) fn check_accounts(&self) {
        for node in &self.nodes {
            let (mut items, mut bytes) = (0, 0);
            for shard in &node.engine.shards {
                let counted = check_shard(&node.engine, &shard.lock());
                items += counted.0;
                bytes += counted.1;
            }
            let total = &node.engine.shared.total;
            assert_eq!((total.items(), total.bytes()), (items, bytes), "the node's total");
        }
    }
}

fn check_shard(engine: &Engine, shard: &Shard) -> (u64, u64) {
    let (mut items, mut bytes) = (0, 0);
    let mut listed = BTreeSet::new();
    for (list, policy) in shard.lists.all() {
        for queue in 0..policy::queues_of(list).len() {
            let mut next = policy.first(queue);
            let mut items = 0;
            while let Some(at) = next {
                assert!(listed.insert(at), "a slot is in a list twice");
                assert_eq!(shard.slots.get(at).list(), list, "the list that the slot names");
                next = policy.after(&shard.slots, at);
                items += 1;
            }
            assert_eq!(policy.len(queue), items, "items of a queue");
        }
    }
    let mut records = vec![0; shard.parts.len()];
    for space in shard.spaces.iter().flatten() {
        for at in space.index.all(&shard.slots) {
            let slot = shard.slots.get(at);
            let part = shard.part_index(&engine.shared, slot.hash);
            records[part] += 1;
            items += 1;
            bytes += (engine.shared.charge)(slot.bytes());
            let is_listed = shard.parts[part].is_listed;
            assert_eq!(listed.remove(&at), is_listed, "{:?} is {is_listed} listed", shard.parts[part].range.role());
            assert_eq!(slot.wheel_prev() != NIL, is_listed && slot.deadline_ms() != 0, "in the wheel");
        }
    }
    assert!(listed.is_empty(), "slots in lists that are in no index");
    for (part, records) in shard.parts.iter().zip(records) {
        assert_eq!(part.range.records(), records, "records of {:?}", part.range.id());
        assert!(part.range.is_wiping() || part.is_listed == part.range.may_order());
        let (digest, _) = contents(engine, shard, usize::from(part.range.id().0));
        assert_eq!(part.sums.digest(), digest, "the digest of {:?}", part.range.id());
    }
    (items, bytes)
}

/// What a node holds of a range.
pub(super) fn held(engine: &Engine, range: usize) -> (Digest, Contents) {
    let shards = engine.shards.iter().map(|shard| shard.lock());
    let of_range = |shard: &parking_lot::MutexGuard<'_, Shard>| {
        shard.parts.iter().any(|part| usize::from(part.range.id().0) == range)
    };
    let shard = shards.into_iter().find(of_range).expect("every range has its shard");
    contents(engine, &shard, range)
}

fn contents(engine: &Engine, shard: &Shard, range: usize) -> (Digest, Contents) {
    let mut sums = super::super::super::sums::Sums::default();
    let mut contents = Contents::new();
    for space in shard.spaces.iter().flatten() {
        for at in space.index.all(&shard.slots) {
            let slot = shard.slots.get(at);
            let part = &shard.parts[shard.part_index(&engine.shared, slot.hash)];
            if usize::from(part.range.id().0) != range || slot.generation != space.ordinal {
                continue;
            }
            let block = slot.bytes();
            let counted = crate::engine::sums::Counted { hash: slot.hash, version: block.version(), charge: 0 };
            sums.add(slot.space, counted);
            contents.insert((slot.space, block.key().to_owned()), (block.version(), block.value().to_vec()));
        }
    }
    (sums.digest(), contents)
}
