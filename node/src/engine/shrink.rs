//! Making room at a copy: the primary evicts in the range, because only it orders the end of the range's records.
//!
//! What goes is chosen as for the primary's own room: the list that holds most gives, in the order of its policy, the records
//! that are in the range. Second chances are not given: the first of a queue goes.

use std::sync::Arc;

use ringhold_model::{RangeId, key::range_start};

use super::{
    Engine, Now,
    block::Block,
    cause::Cause,
    plan::Shortage,
    policy::LISTS,
    pool::Pool,
    shard::{Shard, Shared},
    victim::{compares, most_over_its_share},
};

/// Evictions in one hold of the lock.
const EVICTIONS_MAX: usize = 1_024;
/// Records that one hold of the lock looks at, to find those of the range: one in as many as a shard has ranges.
const LOOKS_MAX: usize = 4_096;

/// Records that are compared where the search found none.
const SAMPLE: usize = 16;

/// What is to go, and what may be done to find it.
struct Search {
    /// Place of the range in its shard.
    part: usize,
    /// Number of the space whose records go; `None`: of any.
    only: Option<u16>,
    items: u64,
    bytes: u64,
    looks: usize,
}

impl Engine {
    /// Evicts in a range until what a copy is short of is covered, or nothing is left, or enough was done for one hold of the
    /// lock, or too much waits for copies. False: nothing was evicted.
    pub(super) fn shrink(&self, range: RangeId, shortage: Shortage, now: Now) -> bool {
        let view = self.view.load();
        let Shortage { space, items, bytes } = shortage;
        let (only, pools) = match space {
            None => (None, view.pools.clone()),
            Some((namespace, backend)) => match view.space(namespace, backend) {
                Some(info) => (Some(info.number), vec![info.pool.clone()]),
                None => return false,
            },
        };
        let mut shard = self.shard_of(range_start(range, self.shared.range_bits as u8)).lock();
        let mut search = Search { part: shard.part_of(range), only, items, bytes, looks: LOOKS_MAX };
        let (mut gone, mut without) = (Vec::new(), [false; LISTS.len()]);
        while !search.is_over(&gone) {
            let Some(list) = most_over_its_share(&pools, search.items > 0, without) else { break };
            without[list] = true;
            let pools = pools_of(&pools, list);
            let victims = shard.first_in(&self.shared, &pools, list, &mut search);
            shard.evict_all(&self.shared, victims, &mut search, &mut gone, now.mono_ms);
        }
        if gone.is_empty() && !search.is_covered() {
            // All that goes first is of other ranges: some of this one then, by what its index finds.
            let victims = shard.sample(&self.shared, search.part, only);
            search.looks = SAMPLE;
            shard.evict_all(&self.shared, victims, &mut search, &mut gone, now.mono_ms);
        }
        drop(shard);
        !gone.is_empty()
    }
}

/// The pools whose parts of a list are taken together, or those that have any, one after the other.
fn pools_of(pools: &[Arc<Pool>], list: usize) -> Vec<Vec<Arc<Pool>>> {
    if compares(pools, list) {
        return vec![pools.to_vec()];
    }
    let mut apart: Vec<_> = pools.iter().filter(|pool| pool.is_open(list)).cloned().collect();
    apart.sort_by_key(|pool| std::cmp::Reverse(pool.items_of(list)));
    apart.into_iter().map(|pool| vec![pool]).collect()
}

impl Search {
    fn is_covered(&self) -> bool {
        self.items == 0 && self.bytes == 0
    }

    fn is_over(&self, gone: &[Block]) -> bool {
        self.is_covered() || self.looks == 0 || gone.len() >= EVICTIONS_MAX
    }
}

impl Shard {
    /// Records of the range in the order in which they go, enough to cover what is searched for if there are so many.
    fn first_in(&self, shared: &Shared, pools: &[Vec<Arc<Pool>>], list: usize, search: &mut Search) -> Vec<u32> {
        let mut found = Vec::new();
        for together in pools {
            let mut ranked = Vec::new();
            for pool in together {
                let (mut items, mut bytes) = (search.items, search.bytes);
                for (rank, at) in self.lists.walk(&self.slots, pool, list) {
                    if (items == 0 && bytes == 0) || search.looks == 0 || ranked.len() >= EVICTIONS_MAX {
                        break;
                    }
                    search.looks -= 1;
                    let slot = self.slots.get(at);
                    let is_here = self.part_index(shared, slot.hash) == search.part;
                    if is_here && search.only.is_none_or(|only| only == slot.space) && !self.is_stale(slot) {
                        items = items.saturating_sub(1);
                        bytes = bytes.saturating_sub((shared.charge)(slot.bytes()));
                        ranked.push((rank, at));
                    }
                }
            }
            if together.len() > 1 {
                ranked.sort_unstable();
            }
            found.extend(ranked.into_iter().map(|(_, at)| at));
        }
        found
    }

    /// Evicts these as far as that is needed and can be ordered.
    fn evict_all(
        &mut self,
        shared: &Shared,
        victims: Vec<u32>,
        search: &mut Search,
        gone: &mut Vec<Block>,
        now_ms: u64,
    ) {
        for at in victims {
            let range = &self.parts[search.part].range;
            if !range.may_order() || !range.has_last_room() {
                search.looks = 0;
                return;
            }
            if search.is_covered() || gone.len() >= EVICTIONS_MAX {
                return;
            }
            let number = usize::from(self.slots.get(at).space);
            let space = self.spaces[number].as_ref().expect("a used slot's space is there");
            self.lists.evict(&self.slots, &space.pool, at);
            let block = self.evict(shared, at, Cause::Copies, now_ms);
            search.items = search.items.saturating_sub(1);
            search.bytes = search.bytes.saturating_sub((shared.charge)(&block));
            gone.push(block);
        }
    }

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
