//! Limits. A *pool* is a set of spaces that share one limit and one order of eviction.
//!
//! The default pool's limit (the config of the namespace `default`) bounds everything the node holds; a namespace with a
//! config of its own has a pool of its own besides. A write reserves its room by compare-and-swap *before* its item is
//! linked, and room is given back only *after* an item was unlinked, so a limit is not passed for a moment.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use ringhold_model::config::CacheConfig;

use super::{
    policy::{Common, LISTS, Policy, QUEUES, Rank, list_of, queues_of},
    room::Margin,
};

/// Counts items and bytes and refuses what passes the limits. Written by every thread; relaxed, because each counter alone
/// carries the promise and the items themselves are published by the shards' locks.
#[derive(Debug, Default)]
pub(super) struct Budget {
    max_items: AtomicU64,
    max_bytes: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

/// Spaces with one limit and one order of eviction.
#[derive(Debug)]
pub(super) struct Pool {
    /// Number of its lists in every shard.
    pub number: u16,
    /// Its own limit; `None`: the default pool, which the node's total bounds.
    pub budget: Option<Budget>,
    /// What the shards' parts of a list share.
    pub common: Common,
    /// Number of the list of the config's strategy. Written when the config changes, read by whoever looks for a victim.
    list: AtomicUsize,
    /// Per list the shards whose part of it is not empty. Written under their locks.
    open: [AtomicUsize; LISTS.len()],
    shards: Box<[Published]>,
}

/// A pool, and what a record in it is charged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub pool: &'a Pool,
    pub bytes: u64,
}

/// What a shard tells of its part of a pool. Written under the shard's lock, read by whoever looks for the next victim; on its
/// own cache lines, so that shards do not disturb each other.
#[derive(Debug)]
#[repr(align(128))]
struct Published {
    queues: [Queue; QUEUES],
    /// Bytes charged to the items of each list.
    bytes: [AtomicU64; LISTS.len()],
}

/// The items of a queue, and the rank of the first; `Rank::NONE`: there is none. A reader may see parts of two states, and
/// then picks a victim that was not the very first.
#[derive(Debug)]
struct Queue {
    major: AtomicU64,
    minor: AtomicU64,
    items: AtomicU64,
}

impl Budget {
    /// Sets the limits (0: none); new reservations obey at once, what is there already is evicted in steps.
    pub(super) fn limit(&self, max_items: u64, max_bytes: u64) {
        self.max_items.store(max_items, Relaxed);
        self.max_bytes.store(max_bytes, Relaxed);
    }

    /// Limit of items; 0: none.
    pub(super) fn max_items(&self) -> u64 {
        self.max_items.load(Relaxed)
    }

    /// Limit of bytes; 0: none.
    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes.load(Relaxed)
    }

    pub(super) fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Reserves room; false: there is none.
    pub(super) fn reserve(&self, items: u64, bytes: u64, margin: Margin) -> bool {
        if !add(&self.items, items, margin.of(self.max_items())) {
            return false;
        }
        if !add(&self.bytes, bytes, margin.of(self.max_bytes())) {
            self.items.fetch_sub(items, Relaxed);
            return false;
        }
        true
    }

    /// How many items and bytes are too few for these.
    pub(super) fn short(&self, items: u64, bytes: u64) -> (u64, u64) {
        let short = |max: u64, used: u64, more: u64| if max == 0 { 0 } else { (used + more).saturating_sub(max) };
        (short(self.max_items(), self.items(), items), short(self.max_bytes(), self.bytes(), bytes))
    }

    /// Gives room back.
    pub(super) fn release(&self, items: u64, bytes: u64) {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.items.fetch_sub(items, Relaxed);
    }

    /// Counts what is there already, whatever the limit.
    pub(super) fn admit(&self, items: u64, bytes: u64) {
        self.items.fetch_add(items, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// True when the limit of items is nearer than the limit of bytes.
    pub(super) fn is_bound_by_items(&self) -> bool {
        let (items, bytes) = (u128::from(self.max_items()), u128::from(self.max_bytes()));
        items != 0 && (bytes == 0 || u128::from(self.items()) * bytes >= u128::from(self.bytes()) * items)
    }

    /// True when a lowered limit is passed.
    pub(super) fn is_over(&self) -> bool {
        self.short(0, 0) != (0, 0)
    }
}

impl Pool {
    pub(super) fn new(number: u16, shards: usize, budget: Option<Budget>) -> Self {
        let published = |_| Published {
            queues: std::array::from_fn(|_| Queue {
                major: AtomicU64::new(Rank::NONE.major),
                minor: AtomicU64::new(Rank::NONE.minor),
                items: AtomicU64::new(0),
            }),
            bytes: Default::default(),
        };
        Self {
            number,
            budget,
            common: Common::default(),
            list: AtomicUsize::new(0),
            open: Default::default(),
            shards: (0..shards).map(published).collect(),
        }
    }

    /// Takes from the config what concerns the choice of victims.
    pub(super) fn configure(&self, config: &CacheConfig) {
        self.list.store(list_of(config.strategy), Relaxed);
        self.common.max_items.store(config.max_items, Relaxed);
    }

    /// Number of the list of the config's strategy.
    pub(super) fn list(&self) -> usize {
        self.list.load(Relaxed)
    }

    /// A shard's part of a list has its first item.
    pub(super) fn opened(&self, list: usize) {
        self.open[list].fetch_add(1, Relaxed);
    }

    /// A shard's part of a list has lost its last item.
    pub(super) fn closed(&self, list: usize) {
        self.open[list].fetch_sub(1, Relaxed);
    }

    /// True when a list has items.
    pub(super) fn is_open(&self, list: usize) -> bool {
        self.open[list].load(Relaxed) > 0
    }

    /// Says what a shard's part of a list is now, and how its bytes changed.
    pub(super) fn publish(&self, shard: usize, list: usize, policy: &dyn Policy, bytes: impl Fn(u64) -> u64) {
        let held = &self.shards[shard].bytes[list];
        held.store(bytes(held.load(Relaxed)), Relaxed);
        self.publish_ranks(shard, list, policy);
    }

    /// The same where the bytes are what they were.
    pub(super) fn publish_ranks(&self, shard: usize, list: usize, policy: &dyn Policy) {
        for (at, queue) in self.shards[shard].queues[queues_of(list)].iter().enumerate() {
            let Rank { major, minor } = policy.rank(at);
            set(&queue.major, major);
            set(&queue.minor, minor);
            set(&queue.items, policy.len(at));
        }
    }

    /// Items in a queue.
    pub(super) fn items(&self, queue: usize) -> u64 {
        self.shards.iter().map(|shard| shard.queues[queue].items.load(Relaxed)).sum()
    }

    /// Items in a list.
    pub(super) fn items_of(&self, list: usize) -> u64 {
        queues_of(list).map(|queue| self.items(queue)).sum()
    }

    /// Bytes charged to a list.
    pub(super) fn bytes_of(&self, list: usize) -> u64 {
        self.shards.iter().map(|shard| shard.bytes[list].load(Relaxed)).sum()
    }

    /// The shard with the lowest rank in a queue, and that rank.
    pub(super) fn lowest(&self, queue: usize) -> Option<(usize, Rank)> {
        self.lowest_but(queue, None)
    }

    /// The same, without one shard.
    pub(super) fn lowest_but(&self, queue: usize, but: Option<usize>) -> Option<(usize, Rank)> {
        let mut lowest = (0, Rank::NONE);
        for (shard, published) in self.shards.iter().enumerate().filter(|(shard, _)| Some(*shard) != but) {
            let queue = &published.queues[queue];
            let rank = Rank { major: queue.major.load(Relaxed), minor: queue.minor.load(Relaxed) };
            if rank < lowest.1 {
                lowest = (shard, rank);
            }
        }
        (lowest.1 != Rank::NONE).then_some(lowest)
    }
}

/// Stores only what is new, so that a line that others read is not taken from them for nothing.
fn set(published: &AtomicU64, value: u64) {
    if published.load(Relaxed) != value {
        published.store(value, Relaxed);
    }
}

fn add(counter: &AtomicU64, amount: u64, max: u64) -> bool {
    if max == 0 {
        counter.fetch_add(amount, Relaxed);
        return true;
    }
    let room = |value: u64| value.checked_add(amount).filter(|sum| *sum <= max || amount == 0);
    counter.fetch_update(Relaxed, Relaxed, room).is_ok()
}
