//! W-TinyLFU (Einziger et al., 2017): new items enter a *window*, an LRU of a hundredth of all. What leaves it stays only if
//! it was used more often lately, by a sketch, than what would go for it from the main part. That is a segmented LRU: items
//! are on *probation* until they are used, then *protected*, at most four fifths of the main part.
//!
//! Queues are exact over the shards of a pool; an item's uses are counted in the sketch of its own shard. What a shard does
//! alone is approximate: when the window or the protected part holds too much after an insert or a use, the shard's own oldest
//! leaves it, and not the oldest of the pool. With one shard nothing is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{super::slab::Slab, Common, Look, Policy, Rank, chain::Chain, sketch::Sketch};

/// One in so many is in the window.
const WINDOW: u64 = 100;
const IN_WINDOW: u8 = 0;
const ON_PROBATION: u8 = 1;
const PROTECTED: u8 = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WTinyLfu {
    /// By the mark of their items.
    queues: [Chain; 3],
    sketch: Sketch,
}

/// Which queue gives up an item, by the items in each: the window if the next item fills it, else the main part.
pub(super) fn next_queue(items: [u64; 3]) -> usize {
    let [window, probation, protected] = items;
    if window >= window_max(items) || probation + protected == 0 {
        usize::from(IN_WINDOW)
    } else {
        rival_queue(probation)
    }
}

/// The queue of the main part that gives up an item.
pub(super) fn rival_queue(probation: u64) -> usize {
    usize::from(if probation > 0 { ON_PROBATION } else { PROTECTED })
}

fn window_max(items: [u64; 3]) -> u64 {
    (items.iter().sum::<u64>() / WINDOW).max(1)
}

impl WTinyLfu {
    fn push(&mut self, slots: &mut Slab, common: &Common, at: u32, queue: u8, tick: u64) {
        slots.get_mut(at).set_mark(queue);
        self.queues[usize::from(queue)].push(slots, at, tick);
        common.segments[usize::from(queue)].fetch_add(1, Relaxed);
    }

    fn pop(&mut self, slots: &mut Slab, common: &Common, at: u32) {
        let queue = usize::from(slots.get(at).mark());
        self.queues[queue].unlink(slots, at);
        common.segments[queue].fetch_sub(1, Relaxed);
    }

    /// Moves the shard's oldest item of one queue to another.
    fn shift(&mut self, slots: &mut Slab, common: &Common, from: u8, to: u8, tick: u64) {
        if let Some(at) = self.queues[usize::from(from)].first() {
            self.pop(slots, common, at);
            self.push(slots, common, at, to, tick);
        }
    }
}

impl Policy for WTinyLfu {
    fn insert(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64) {
        let slot = slots.get(at);
        let queue = if slot.access_count > 0 { ON_PROBATION } else { IN_WINDOW };
        self.sketch.fit(self.queues.iter().map(Chain::len).sum::<u64>() as usize + 1);
        self.sketch.count(slot.hash);
        self.push(slots, common, at, queue, tick);
        let items = common.segment_items();
        if items[usize::from(IN_WINDOW)] > window_max(items) {
            self.shift(slots, common, IN_WINDOW, ON_PROBATION, tick);
        }
    }

    fn touch(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64) {
        let slot = slots.get(at);
        self.sketch.count(slot.hash);
        if slot.mark() != ON_PROBATION {
            return self.queues[usize::from(slot.mark())].move_back(slots, at, tick);
        }
        self.pop(slots, common, at);
        self.push(slots, common, at, PROTECTED, tick);
        let [_, probation, protected] = common.segment_items();
        if protected > (probation + protected) * 4 / 5 {
            self.shift(slots, common, PROTECTED, ON_PROBATION, tick);
        }
    }

    fn remove(&mut self, slots: &mut Slab, common: &Common, at: u32) {
        self.pop(slots, common, at);
    }

    fn first(&self, queue: usize) -> Option<u32> {
        self.queues[queue].first()
    }

    fn rank(&self, queue: usize) -> Rank {
        self.queues[queue].rank()
    }

    fn len(&self, queue: usize) -> u64 {
        self.queues[queue].len()
    }

    fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        Chain::after(slots, at)
    }

    fn look(&mut self, slots: &mut Slab, common: &Common, queue: usize, _: &AtomicU64) -> Look {
        let Some(at) = self.first(queue) else { return Look::Empty };
        let [_, probation, protected] = common.segment_items();
        if queue == usize::from(IN_WINDOW) && probation + protected > 0 {
            return Look::Contends { uses: self.uses(slots, at) };
        }
        Look::Victim(at)
    }

    fn uses(&self, slots: &Slab, at: u32) -> u64 {
        self.sketch.uses(slots.get(at).hash)
    }

    fn admit(&mut self, slots: &mut Slab, common: &Common, ticks: &AtomicU64) {
        self.shift(slots, common, IN_WINDOW, ON_PROBATION, ticks.fetch_add(1, Relaxed));
    }
}
