//! Which item goes first when room is needed. One file a policy.
//!
//! The items of a pool are in *lists*, one a strategy; a list has one to three *queues*, and every shard has its part of each.
//! A queue is in ascending order of *ranks*, which are comparable over the shards: the lowest is the first of the whole pool,
//! so a policy is exact for the node and not only within a shard. The rank of every queue's first item is published after
//! every change (see `pool.rs`).
//!
//! Who looks for a victim looks at the first item of one queue after the other; the policy gives it up or spares it, and then
//! another is the first. What such a step needs to know of other shards is in [`Common`].

mod chain;
mod column;
mod common;
mod fifo;
mod ghost;
mod lfu;
mod lru;
mod s3fifo;
mod sieve;
mod sketch;
mod treap;
mod ttl;
mod w_tinylfu;

use std::{ops::Range, sync::atomic::AtomicU64};

use ringhold_model::config::Strategy;

use super::slab::{Slab, Slot};

pub(super) use common::Common;

/// The strategies that have a list, in the order in which [`Slot::list`] numbers them.
pub(super) const LISTS: [Strategy; 7] = [
    Strategy::Lru,
    Strategy::Lfu,
    Strategy::Fifo,
    Strategy::Ttl,
    Strategy::Sieve,
    Strategy::S3Fifo,
    Strategy::WTinyLfu,
];

/// Queues of all lists of a pool.
pub(super) const QUEUES: usize = 10;

/// The place of an item in its queue; the lowest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// What the policy orders by first: uses, deadlines, rounds.
    pub major: u64,
    /// What decides between equals: a tick of the node's order of accesses.
    pub minor: u64,
}

impl Rank {
    /// Rank of "nothing there".
    pub(super) const NONE: Self = Self { major: u64::MAX, minor: u64::MAX };
}

/// What became of the first item of a queue that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It is to go.
    Victim(u32),
    /// It stays; another one is the first now.
    Spared,
    /// It goes unless it was used more often than the first of another queue, which then goes for it.
    Contends {
        /// How often, about.
        uses: u64,
    },
    /// There was none.
    Empty,
}

/// The items of one (shard, pool, strategy) in the order in which they go.
pub(super) trait Policy: Send + std::fmt::Debug {
    /// Adds an item whose slot is filled; `tick` is its place in the order of all accesses of the node.
    fn insert(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64);

    /// The item was read or is being overwritten.
    fn touch(&mut self, slots: &mut Slab, common: &Common, at: u32, tick: u64);

    /// The item's deadline is about to change; [`Policy::renew`] follows.
    fn prepare(&mut self, _slots: &mut Slab, _at: u32) {}

    /// The item, which was touched, has other bytes or another deadline now. `is_new`: it is another item under the same key;
    /// else it was counted up or got another time to live.
    fn renew(&mut self, _slots: &mut Slab, _at: u32, _tick: u64, _is_new: bool) {}

    /// Takes an item out.
    fn remove(&mut self, slots: &mut Slab, common: &Common, at: u32);

    /// The first item of a queue; 0 is the list's first queue.
    fn first(&self, queue: usize) -> Option<u32>;

    /// Its rank, [`Rank::NONE`] if there is none.
    fn rank(&self, queue: usize) -> Rank;

    /// Rank of any item.
    fn rank_of(&self, slots: &Slab, at: u32) -> Rank {
        Rank { major: 0, minor: slots.get(at).rank() }
    }

    /// Items in a queue.
    fn len(&self, queue: usize) -> u64;

    /// The item of the same queue that goes after `at`; with [`Policy::first`] it walks a queue.
    fn after(&self, slots: &Slab, at: u32) -> Option<u32>;

    /// Looks at the first item of a queue because room is needed. What is spared may get a new place by the node's `ticks`.
    fn look(&mut self, _slots: &mut Slab, _common: &Common, queue: usize, _ticks: &AtomicU64) -> Look {
        self.first(queue).map_or(Look::Empty, Look::Victim)
    }

    /// How often an item was used lately, about; for policies that compare it.
    fn uses(&self, _slots: &Slab, _at: u32) -> u64 {
        0
    }

    /// The first item contended and won.
    fn admit(&mut self, _slots: &mut Slab, _common: &Common, _ticks: &AtomicU64) {}

    /// The item is evicted and taken out next.
    fn evict(&mut self, _slots: &Slab, _common: &Common, _at: u32) {}

    /// True when no queue has an item.
    fn is_empty(&self) -> bool {
        (0..3).all(|queue| self.len(queue) == 0)
    }
}

/// The list of a strategy. The strategies without one only say how writes reach a backend.
pub(super) const fn list_of(strategy: Strategy) -> usize {
    match strategy {
        Strategy::Lru | Strategy::WriteThrough | Strategy::WriteBehind => 0,
        Strategy::Lfu => 1,
        Strategy::Fifo => 2,
        Strategy::Ttl => 3,
        Strategy::Sieve => 4,
        Strategy::S3Fifo => 5,
        Strategy::WTinyLfu => 6,
    }
}

/// The queues of a list among those of its pool.
pub(super) const fn queues_of(list: usize) -> Range<usize> {
    match list {
        5 => 5..7,
        6 => 7..10,
        _ => list..list + 1,
    }
}

/// The queue of a list that gives up an item next, by the items in each.
pub(super) fn queue_of(list: usize, items: impl Fn(usize) -> u64) -> usize {
    let first = queues_of(list).start;
    first
        + match LISTS[list] {
            Strategy::S3Fifo => s3fifo::next_queue(items(first), items(first + 1)),
            Strategy::WTinyLfu => w_tinylfu::next_queue([0, 1, 2].map(|at| items(first + at))),
            _ => 0,
        }
}

/// The queue with whose first item one that [contends](Look::Contends) is compared.
pub(super) fn rival_of(list: usize, items: impl Fn(usize) -> u64) -> usize {
    let first = queues_of(list).start;
    first + w_tinylfu::rival_queue(items(first + 1))
}

/// True when ranks of a list of one pool compare with those of another pool.
pub(super) const fn is_comparable(list: usize) -> bool {
    matches!(LISTS[list], Strategy::Lru | Strategy::Lfu | Strategy::Fifo | Strategy::Ttl)
}

/// An empty list.
pub(super) fn open(list: usize) -> Box<dyn Policy> {
    match LISTS[list] {
        Strategy::Lfu => Box::new(lfu::Lfu::default()),
        Strategy::Fifo => Box::new(fifo::Fifo::default()),
        Strategy::Ttl => Box::new(ttl::Soonest::default()),
        Strategy::Sieve => Box::new(sieve::Sieve::default()),
        Strategy::S3Fifo => Box::new(s3fifo::S3Fifo::default()),
        Strategy::WTinyLfu => Box::new(w_tinylfu::WTinyLfu::default()),
        _ => Box::new(lru::Lru::default()),
    }
}

/// True when items that enter a list together do so in the order of their last use.
pub(super) fn enters_by_use(list: usize) -> bool {
    matches!(LISTS[list], Strategy::Lru | Strategy::Lfu | Strategy::WTinyLfu)
}

/// Orders items that enter a list together, by what their slots tell; see `listing.rs` and `switch.rs`. Uses and deadlines are
/// for the policy itself to read.
pub(super) fn entry_order(list: usize, slot: &Slot) -> (u64, u64) {
    let time = if enters_by_use(list) { slot.accessed_at_ms() } else { slot.bytes().created_at_ms() };
    (time, slot.rank())
}
