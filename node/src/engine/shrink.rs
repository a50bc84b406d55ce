//! Making room at a copy: the primary evicts in the range, because only it orders the end of the range's records.

use ringhold_model::{RangeId, key::range_start};

use super::{
    Engine, Now,
    block::Block,
    cause::Cause,
    plan::Shortage,
    shard::{Shard, Shared},
};

/// Records that are compared to find those that were not used for longest.
const SAMPLE: usize = 16;
/// How many of a sample go.
const SAMPLE_EVICTED: usize = 4;
/// Evictions in one hold of the lock.
const EVICTIONS_MAX: usize = 4_096;

impl Engine {
    /// Evicts in a range until what a copy is short of is covered, or nothing is left, or too much waits for copies. False:
    /// nothing was evicted.
    pub(super) fn shrink(&self, range: RangeId, shortage: Shortage, now: Now) -> bool {
        let view = self.view.load();
        let only = match shortage.space {
            None => None,
            Some((namespace, backend)) => match view.space(namespace, backend) {
                Some(info) => Some(info.number),
                None => return false,
            },
        };
        let mut gone: Vec<Block> = Vec::new();
        let mut shard = self.shard_of(range_start(range, self.shared.range_bits as u8)).lock();
        let part = shard.part_of(range);
        let (mut items, mut bytes) = (shortage.items, shortage.bytes);
        while (items > 0 || bytes > 0) && gone.len() < EVICTIONS_MAX {
            let sample = shard.sample(&self.shared, part, only);
            let before = gone.len();
            for at in sample.into_iter().take(SAMPLE_EVICTED) {
                let range = &shard.parts[part].range;
                if (items == 0 && bytes == 0) || !range.may_order() || !range.has_last_room() {
                    break;
                }
                let block = shard.evict(&self.shared, at, Cause::Copies, now.mono_ms);
                items = items.saturating_sub(1);
                bytes = bytes.saturating_sub((self.shared.charge)(&block));
                gone.push(block);
            }
            if gone.len() == before {
                break;
            }
        }
        drop(shard);
        !gone.is_empty()
    }
}

impl Shard {
    /// Some records of a range, of one space or all, from anywhere; the one that was not used for longest first.
    fn sample(&self, shared: &Shared, part: usize, only: Option<u16>) -> Vec<u32> {
        let (first, last) = self.hashes_of(shared, part);
        let anywhere = shared.tick().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let start = first | (anywhere >> shared.range_bits);
        let count = self.spaces.len();
        let mut found = Vec::new();
        for place in 0..count {
            let number = ((anywhere >> 48) as usize + place) % count;
            let Some(space) =
                self.spaces[number].as_ref().filter(|_| only.is_none_or(|only| usize::from(only) == number))
            else {
                continue;
            };
            // From the start to the end of the range, then the rest of it.
            for (from, to) in [(start, last), (first, start)] {
                let mut next = Some(from);
                while let Some(hash) = next.filter(|hash| *hash <= to && found.len() < SAMPLE) {
                    let bucket = space.index.bucket_of(hash);
                    let slots = space.index.chain(&self.slots, bucket).filter(|at| {
                        let slot = self.slots.get(*at);
                        (from..=to).contains(&slot.hash) && slot.generation == space.ordinal && !found.contains(at)
                    });
                    let slots: Vec<u32> = slots.collect();
                    found.extend(slots);
                    next = space.index.bucket_end(hash, bucket);
                }
            }
            if found.len() >= SAMPLE {
                break;
            }
        }
        found.sort_by_key(|at| self.slots.get(*at).rank());
        found
    }
}
