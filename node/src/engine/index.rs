//! An index whose order is the order of the hashes, so that a walk from any hash costs only what it returns.
//!
//! A bucket is the top bits of a hash below the shard's bits; entries of a bucket are chained through their slots. It grows
//! and shrinks by one bucket at a time (linear hashing, Litwin 1980): bucket b of the old table becomes 2b and 2b+1 of the new
//! one, so the order stays, no step takes long, and the load is always about one entry a bucket.
//!
//! ```text
//! hashes   0 ........................................ max
//!          | split: twice as many, short | not yet split |
//! tables   | fine                        | coarse        |
//! ```

use super::slab::{NIL, Slab};

const BUCKET_BITS_MIN: u32 = 4;
/// Buckets of one chunk of a table: 2 KiB.
const CHUNK_BUCKETS: usize = 512;
/// Entries for eight buckets at which one is split.
const LOAD_MAX: usize = 9;
/// Entries for eight buckets below which two are joined.
const LOAD_MIN: usize = 7;
/// Most pairs that one removal joins.
const JOINS_MAX: usize = 2;

/// Entries of one (shard, space).
#[derive(Debug)]
pub(super) struct Index {
    /// Bits of the hash that choose the shard.
    shard_bits: u32,
    /// Log2 of the buckets of the coarse table.
    bucket_bits: u32,
    /// Buckets of the coarse table that are split: those below.
    split: usize,
    coarse: Table,
    /// Two buckets for each that is split.
    fine: Table,
    entries: usize,
}

/// A place in the index; changes with every insertion and removal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    at: usize,
    is_fine: bool,
}

/// First slots of chains, in chunks that come and go; one that is not needed is empty.
#[derive(Debug, Default)]
struct Table(Vec<Box<[u32]>>);

impl Index {
    pub(super) fn new(shard_bits: u32) -> Self {
        let mut coarse = Table::default();
        coarse.open_all(1 << BUCKET_BITS_MIN);
        Self { shard_bits, bucket_bits: BUCKET_BITS_MIN, split: 0, coarse, fine: Table::default(), entries: 0 }
    }

    /// Entries, of every generation.
    pub(super) fn len(&self) -> usize {
        self.entries
    }

    /// The slot that holds this key.
    pub(super) fn find(&self, slots: &Slab, hash: u64, key: &[u8]) -> Option<u32> {
        let mut at = *self.head(self.bucket_of(hash));
        while at != NIL {
            let slot = slots.get(at);
            if slot.hash == hash && slot.bytes().key_bytes() == key {
                return Some(at);
            }
            at = slot.chain();
        }
        None
    }

    /// The first slot of the bucket of a hash.
    pub(super) fn first(&self, hash: u64) -> Option<u32> {
        let at = *self.head(self.bucket_of(hash));
        (at != NIL).then_some(at)
    }

    /// Adds a slot whose key is not in the index.
    pub(super) fn insert(&mut self, slots: &mut Slab, at: u32) {
        self.link(slots, at);
        self.entries += 1;
        if self.entries * 8 > self.buckets() * LOAD_MAX {
            self.split(slots);
        }
    }

    /// Takes a slot out.
    pub(super) fn remove(&mut self, slots: &mut Slab, at: u32) {
        let (hash, chain) = (slots.get(at).hash, slots.get(at).chain());
        let head = self.head_mut(self.bucket_of(hash));
        if *head == at {
            *head = chain;
        } else {
            let mut before = *head;
            while slots.get(before).chain() != at {
                before = slots.get(before).chain();
            }
            slots.get_mut(before).set_chain(chain);
        }
        self.entries -= 1;
        for _ in 0..JOINS_MAX {
            if self.entries * 8 < self.buckets() * LOAD_MIN {
                self.join(slots);
            }
        }
    }

    /// The bucket of a hash of this shard.
    pub(super) fn bucket_of(&self, hash: u64) -> Bucket {
        let fine = ((hash << self.shard_bits) >> (63 - self.bucket_bits)) as usize;
        let is_fine = fine / 2 < self.split;
        Bucket { at: if is_fine { fine } else { fine / 2 }, is_fine }
    }

    /// The lowest hash of the bucket after `bucket`, given any hash of the shard; `None`: it is the shard's last.
    pub(super) fn bucket_end(&self, shard_hash: u64, bucket: Bucket) -> Option<u64> {
        let bits = self.bucket_bits + u32::from(bucket.is_fine);
        let next = bucket.at as u64 + 1;
        if next == 1 << bits {
            return None;
        }
        let shard = shard_hash.checked_shr(64 - self.shard_bits).unwrap_or(0);
        let base = shard.checked_shl(64 - self.shard_bits).unwrap_or(0);
        Some(base | ((next << (64 - bits)) >> self.shard_bits))
    }

    /// The slots of a bucket, in no order.
    pub(super) fn chain<'a>(&'a self, slots: &'a Slab, bucket: Bucket) -> impl Iterator<Item = u32> + 'a {
        chain(slots, *self.head(bucket))
    }

    /// All slots, in no order.
    pub(super) fn all<'a>(&'a self, slots: &'a Slab) -> impl Iterator<Item = u32> + 'a {
        let tables = self.fine.0.iter().chain(&self.coarse.0);
        tables.flat_map(|chunk| chunk.iter()).flat_map(move |head| chain(slots, *head))
    }

    fn buckets(&self) -> usize {
        (1 << self.bucket_bits) + self.split
    }

    fn head(&self, bucket: Bucket) -> &u32 {
        let table = if bucket.is_fine { &self.fine } else { &self.coarse };
        &table.0[bucket.at / CHUNK_BUCKETS][bucket.at % CHUNK_BUCKETS]
    }

    fn head_mut(&mut self, bucket: Bucket) -> &mut u32 {
        let table = if bucket.is_fine { &mut self.fine } else { &mut self.coarse };
        &mut table.0[bucket.at / CHUNK_BUCKETS][bucket.at % CHUNK_BUCKETS]
    }

    fn link(&mut self, slots: &mut Slab, at: u32) {
        let slot = slots.get_mut(at);
        let head = self.head_mut(self.bucket_of(slot.hash));
        slot.set_chain(std::mem::replace(head, at));
    }

    fn relink_all(&mut self, slots: &mut Slab, mut at: u32) {
        while at != NIL {
            let next = slots.get(at).chain();
            self.link(slots, at);
            at = next;
        }
    }

    /// Splits the next bucket.
    fn split(&mut self, slots: &mut Slab) {
        let at = self.split;
        self.fine.open(2 * at, 2 << self.bucket_bits);
        let first = self.coarse.take(at);
        self.split += 1;
        self.relink_all(slots, first);
        let total = 1 << self.bucket_bits;
        if self.split.is_multiple_of(CHUNK_BUCKETS) || self.split == total {
            self.coarse.close(at);
        }
        if self.split == total {
            self.coarse = std::mem::take(&mut self.fine);
            self.bucket_bits += 1;
            self.split = 0;
        }
    }

    /// Joins the two buckets that were split last.
    fn join(&mut self, slots: &mut Slab) {
        if self.split == 0 {
            if self.bucket_bits == BUCKET_BITS_MIN {
                return;
            }
            self.bucket_bits -= 1;
            self.fine = std::mem::take(&mut self.coarse);
            self.split = 1 << self.bucket_bits;
        }
        let at = self.split - 1;
        self.coarse.open(at, 1 << self.bucket_bits);
        let (first, second) = (self.fine.take(2 * at), self.fine.take(2 * at + 1));
        self.split = at;
        self.relink_all(slots, first);
        self.relink_all(slots, second);
        if at == 0 || (2 * at).is_multiple_of(CHUNK_BUCKETS) {
            self.fine.close(2 * at);
        }
    }
}

impl Table {
    /// Makes room for a bucket of a table that has `total` at last.
    fn open(&mut self, at: usize, total: usize) {
        let chunk = at / CHUNK_BUCKETS;
        if self.0.len() <= chunk {
            self.0.resize_with(chunk + 1, Box::default);
        }
        if self.0[chunk].is_empty() {
            self.0[chunk] = vec![NIL; total.min(CHUNK_BUCKETS)].into_boxed_slice();
        }
    }

    fn open_all(&mut self, total: usize) {
        for at in (0..total).step_by(CHUNK_BUCKETS) {
            self.open(at, total);
        }
    }

    fn take(&mut self, at: usize) -> u32 {
        std::mem::replace(&mut self.0[at / CHUNK_BUCKETS][at % CHUNK_BUCKETS], NIL)
    }

    /// Frees the chunk of a bucket, whose buckets are empty.
    fn close(&mut self, at: usize) {
        self.0[at / CHUNK_BUCKETS] = Box::default();
    }
}

fn chain(slots: &Slab, first: u32) -> impl Iterator<Item = u32> + '_ {
    let mut at = first;
    std::iter::from_fn(move || {
        let found = (at != NIL).then_some(at)?;
        at = slots.get(found).chain();
        Some(found)
    })
}

#[cfg(test)]
mod tests;
