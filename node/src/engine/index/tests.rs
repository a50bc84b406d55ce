use std::collections::BTreeMap;

use proptest::prelude::*;
use ringhold_model::{
    config::DataType,
    wire::{NewRecord, Ttl},
};

use super::{super::block::Block, *};

const SHARD_BITS: u32 = 2;
/// The top bits of all hashes: the third of four shards.
const SHARD: u64 = 2 << 62;

fn block(key: &str) -> Block {
    let record = NewRecord {
        value: b"1",
        metadata: None,
        tags: vec![],
        data_type: DataType::Number,
        strategy: None,
        ttl: Ttl::Default,
        history: None,
        when: vec![],
    };
    Block::build(key, &record, 0).unwrap()
}

fn hash_of(key: u32) -> u64 {
    SHARD | (u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> SHARD_BITS)
}

/// All hashes in the order of a walk from the shard's lowest, bucket by bucket.
fn walk(index: &Index, slots: &Slab) -> Vec<u64> {
    let (mut walked, mut from) = (Vec::new(), Some(SHARD));
    while let Some(hash) = from {
        let bucket = index.bucket_of(hash);
        let mut hashes: Vec<u64> = index.chain(slots, bucket).map(|at| slots.get(at).hash).collect();
        hashes.sort_unstable();
        walked.extend(hashes);
        from = index.bucket_end(hash, bucket);
        assert!(from.is_none_or(|next| next > hash && !index.bucket_of(next).eq(&bucket)), "{hash:x} -> {from:x?}");
    }
    walked
}

/// Bytes of both tables.
fn table_bytes(index: &Index) -> usize {
    index.fine.0.iter().chain(&index.coarse.0).map(|chunk| chunk.len() * 4).sum()
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.is_fine) == (other.at, other.is_fine)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn it_holds_what_was_put_in_and_walks_it_in_order(steps in prop::collection::vec((any::<bool>(), 0..4_000u32), 1..60)) {
        let (mut index, mut slots, mut held) = (Index::new(SHARD_BITS), Slab::new(), BTreeMap::new());
        for (adds, run) in steps {
            for key in run / 2..run {
                match held.remove(&key) {
                    None if adds => {
                        let at = slots.insert(hash_of(key), block(&key.to_string()));
                        index.insert(&mut slots, at);
                        held.insert(key, at);
                    }
                    Some(at) if adds => { held.insert(key, at); }
                    Some(at) => {
                        index.remove(&mut slots, at);
                        slots.remove(at);
                    }
                    None => {}
                }
            }
            prop_assert_eq!(index.len(), held.len());
            for (key, at) in &held {
                prop_assert_eq!(index.find(&slots, hash_of(*key), key.to_string().as_bytes()), Some(*at));
            }
            let mut hashes: Vec<u64> = held.keys().map(|key| hash_of(*key)).collect();
            hashes.sort_unstable();
            prop_assert_eq!(walk(&index, &slots), hashes);
            prop_assert_eq!(index.all(&slots).count(), held.len());
        }
    }
}

#[test]
fn its_bytes_follow_its_entries_up_and_down() {
    let (mut index, mut slots) = (Index::new(SHARD_BITS), Slab::new());
    let entries = 60_000u32;
    let ats: Vec<u32> = (0..entries).map(|key| slots.insert(hash_of(key), block(&key.to_string()))).collect();
    let bound = |entries: usize| entries * 4 * 8 / LOAD_MIN + 3 * 4 * CHUNK_BUCKETS;
    for (n, at) in ats.iter().enumerate() {
        index.insert(&mut slots, *at);
        assert!(table_bytes(&index) <= (n + 1) * 4 + 3 * 4 * CHUNK_BUCKETS, "{n} entries in {}", table_bytes(&index));
    }
    for (n, at) in ats.iter().enumerate() {
        index.remove(&mut slots, *at);
        let left = entries as usize - n - 1;
        assert!(table_bytes(&index) <= bound(left), "{left} entries in {} bytes", table_bytes(&index));
    }
    assert_eq!(table_bytes(&index), 4 << BUCKET_BITS_MIN);
}

#[test]
fn a_step_of_growth_moves_one_bucket() {
    let (mut index, mut slots) = (Index::new(SHARD_BITS), Slab::new());
    for key in 0..20_000 {
        let before = index.buckets();
        let at = slots.insert(hash_of(key), block(&key.to_string()));
        index.insert(&mut slots, at);
        assert!(index.buckets() <= before + 1);
    }
}
