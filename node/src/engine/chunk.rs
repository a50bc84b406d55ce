//! The records of a range in the order of their hashes, a bounded piece at a time: for a copy that is being filled.

use ringhold_model::{Generation, NamespaceId, config::Backend};

use super::{
    effect::Record,
    shard::{Shard, Shared},
};
use crate::replica::message::{ChunkRecord, ChunkRef, OpRecord};

/// What a record takes besides its bytes, at both ends and on the way.
const RECORD_BYTES: usize = 96;

/// A chunk as it was read; the records are shared with the table.
#[derive(Debug)]
pub(super) struct Chunk {
    from: u64,
    at: u64,
    next: Option<u64>,
    records: Vec<Piece>,
    operations: Vec<OpRecord>,
    pub bytes: usize,
}

#[derive(Debug)]
struct Piece {
    namespace: NamespaceId,
    backend: Backend,
    generation: Generation,
    hash: u64,
    record: Record,
}

/// A slot that was found, and what it takes.
type Found = (u64, u32, usize);

impl Chunk {
    /// How many records it has.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The chunk as it is sent at `now_ms`.
    pub(super) fn to_ref(&self, now_ms: u64) -> ChunkRef<'_> {
        let records = self.records.iter().map(|piece| ChunkRecord {
            namespace: piece.namespace,
            backend: piece.backend,
            generation: piece.generation,
            hash: piece.hash,
            record: piece.record.to_ref(now_ms),
        });
        let mut chunk = ChunkRef {
            from: self.from,
            at: self.at,
            next: self.next,
            records: records.collect(),
            operations: self.operations.clone(),
            checksum: 0,
        };
        chunk.checksum = chunk.sum();
        chunk
    }
}

impl Shard {
    /// Reads the records of a part from hash `from` on, as they are after effect `at`, which is the last. Records whose time is
    /// over are among them until their primary ordered that they go: this very node.
    pub(super) fn read_chunk(&self, shared: &Shared, part: usize, from: u64, at: u64) -> Chunk {
        let (first, last) = self.hashes_of(shared, part);
        let (found, next) = self.find_chunk((from, last), shared.chunk_bytes);
        let range = &self.parts[part].range;
        let piece = |&(hash, at, _): &Found| {
            let slot = self.slots.get(at);
            let space = self.spaces[usize::from(slot.space)].as_ref().expect("a used slot's space is there");
            let record = Record::of(slot);
            Piece { namespace: space.namespace, backend: space.backend, generation: space.generation, hash, record }
        };
        Chunk {
            from,
            at,
            next,
            records: found.iter().map(piece).collect(),
            operations: if from == first { range.operations.records().collect() } else { Vec::new() },
            bytes: found.iter().map(|(_, _, bytes)| bytes).sum(),
        }
    }

    /// The slots of a chunk and where the next begins, cut between two hashes. The largest space goes first: where it fills a
    /// chunk the others need not be looked at beyond.
    fn find_chunk(&self, (from, last): (u64, u64), bytes_max: usize) -> (Vec<Found>, Option<u64>) {
        let mut spaces: Vec<usize> = (0..self.spaces.len()).filter(|at| self.spaces[*at].is_some()).collect();
        spaces.sort_by_key(|at| std::cmp::Reverse(self.spaces[*at].as_ref().map_or(0, |space| space.index.len())));
        let (mut found, mut end) = (Vec::new(), last.checked_add(1));
        for space in spaces {
            end = self.find_in_space(space, (from, last, end), bytes_max, &mut found);
            found.sort_by_key(|(hash, _, _)| *hash);
            end = cut(&mut found, end, bytes_max);
        }
        (found, end.filter(|end| *end <= last))
    }

    /// Adds the slots of one space below `end`, until they alone fill a chunk. Returns where it stopped.
    fn find_in_space(
        &self,
        space: usize,
        (from, last, end): (u64, u64, Option<u64>),
        bytes_max: usize,
        found: &mut Vec<Found>,
    ) -> Option<u64> {
        let Some(space) = &self.spaces[space] else { return end };
        let is_before_end = |hash: u64| hash <= last && end.is_none_or(|end| hash < end);
        let (mut next, mut bytes) = (Some(from), 0);
        while let Some(hash) = next.filter(|hash| is_before_end(*hash)) {
            if bytes >= bytes_max {
                return Some(hash);
            }
            let bucket = space.index.bucket_of(hash);
            for at in space.index.chain(&self.slots, bucket) {
                let slot = self.slots.get(at);
                if slot.hash >= from && is_before_end(slot.hash) && slot.generation == space.ordinal {
                    let takes = slot.bytes().payload_bytes() + RECORD_BYTES;
                    bytes += takes;
                    found.push((slot.hash, at, takes));
                }
            }
            next = space.index.bucket_end(hash, bucket);
        }
        end
    }
}

/// Keeps the records of the lowest hashes that fill a chunk, and says which hash comes first after them.
fn cut(found: &mut Vec<Found>, end: Option<u64>, bytes_max: usize) -> Option<u64> {
    let mut bytes = 0;
    for at in 0..found.len() {
        let is_new_hash = at > 0 && found[at - 1].0 != found[at].0;
        if is_new_hash && bytes >= bytes_max {
            let next = found[at].0;
            found.truncate(at);
            return Some(next);
        }
        bytes += found[at].2;
    }
    // A hash that fills a chunk alone is not cut, so the end moves at least behind it.
    found.retain(|(hash, _, _)| end.is_none_or(|end| *hash < end));
    end
}
