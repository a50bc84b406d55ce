//! S3-FIFO (Yang et al., 2023): new items enter a small queue, a tenth of all; what was used there twice moves to the main
//! queue, the rest goes and leaves its hash as a ghost. What comes back while it is a ghost enters the main queue at once.
//! The main queue is a FIFO with second chances, as many as the item was used, at most three.
//!
//! Exact over the shards of a pool: both queues are in the order of ticks, the ghosts are the pool's. Until something is
//! evicted for the first time, a small queue that has its tenth overflows into the main one, as in libCacheSim.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{super::slab::Slab, Common, Look, Policy, Rank, chain::Chain};

const USES: u8 = 3;
const MAIN: u8 = 1 << 2;
/// Uses in the small queue that move an item to the main one.
const USES_MOVE: u8 = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct S3Fifo {
    small: Chain,
    main: Chain,
}

/// Which queue gives up an item: 0 the small one, 1 the main one.
pub(super) fn next_queue(small: u64, main: u64) -> usize {
    let all = small + main;
    usize::from(small == 0 || main > all - all / 10)
}

impl S3Fifo {
    fn queue(&self, queue: usize) -> &Chain {
        if queue == 0 { &self.small } else { &self.main }
    }
}

impl Policy for S3Fifo {
    fn insert(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64) {
        let slot = slots.get_mut(at);
        let uses = slot.access_count.min(u32::from(USES)) as u8;
        let is_main = common.ghosts.lock().take(slot.hash) || common.small_is_full();
        slot.set_mark(uses | if is_main { MAIN } else { 0 });
        if is_main {
            self.main.push(slots, at, tick);
            common.main_items.fetch_add(1, Relaxed);
        } else {
            self.small.push(slots, at, tick);
            common.small_items.fetch_add(1, Relaxed);
        }
    }

    fn touch(&mut self, slots: &mut Slab, _: &Common, at: u32, _: u64) {
        let slot = slots.get_mut(at);
        let mark = slot.mark();
        slot.set_mark((mark & MAIN) | ((mark & USES) + 1).min(USES));
    }

    fn remove(&mut self, slots: &mut Slab, common: &Common, at: u32) {
        if slots.get(at).mark() & MAIN == 0 {
            self.small.unlink(slots, at);
            common.small_items.fetch_sub(1, Relaxed);
        } else {
            self.main.unlink(slots, at);
            common.main_items.fetch_sub(1, Relaxed);
        }
    }

    fn first(&self, queue: usize) -> Option<u32> {
        self.queue(queue).first()
    }

    fn rank(&self, queue: usize) -> Rank {
        self.queue(queue).rank()
    }

    fn len(&self, queue: usize) -> u64 {
        if queue < 2 { self.queue(queue).len() } else { 0 }
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        Chain::after(slots, at)
    }

    fn look(&mut self, slots: &mut Slab, common: &Common, queue: usize, ticks: &AtomicU64) -> Look {
        let Some(at) = self.first(queue) else { return Look::Empty };
        let mark = slots.get(at).mark();
        let uses = mark & USES;
        if queue == 0 && uses >= USES_MOVE {
            self.small.unlink(slots, at);
            slots.get_mut(at).set_mark(MAIN);
            self.main.push(slots, at, ticks.fetch_add(1, Relaxed));
            common.small_items.fetch_sub(1, Relaxed);
            common.main_items.fetch_add(1, Relaxed);
            return Look::Spared;
        }
        if queue == 1 && uses >= 1 {
            slots.get_mut(at).set_mark(MAIN | (uses - 1));
            self.main.move_back(slots, at, ticks.fetch_add(1, Relaxed));
            return Look::Spared;
        }
        Look::Victim(at)
    }

    fn evict(&mut self, slots: &Slab, common: &Common, at: u32) {
        common.has_evicted.store(true, Relaxed);
        let slot = slots.get(at);
        if slot.mark() & MAIN == 0 {
            let items = common.small_items.load(Relaxed) + common.main_items.load(Relaxed);
            common.ghosts.lock().add(slot.hash, (items * 9 / 10) as usize);
        }
    }
}
