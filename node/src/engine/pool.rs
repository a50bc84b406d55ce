//! Limits. A *pool* is a set of spaces that share one limit and one order of eviction.
//!
//! The default pool's limit (the config of the namespace `default`) bounds everything the node holds; a namespace with a
//! config of its own has a pool of its own besides. How a limit is kept is in `budget`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use ringhold_model::config::{CacheConfig, LfuAging};

use super::{
    budget::Budget,
    policy::{Common, LISTS, Policy, QUEUES, Rank, list_of, queues_of},
};

/// Spaces with one limit and one order of eviction.
#[derive(Debug)]
pub(super) struct Pool {
    /// Number of its lists in every shard.
    pub number: u16,
    /// Its own limit; `None`: the default pool, which the node's total bounds.
    pub budget: Option<Budget>,
    /// Whether the node's total counts it: not where a backend outside keeps the bytes.
    pub is_in_total: bool,
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

impl Pool {
    pub(super) fn new(number: u16, shards: usize, budget: Option<Budget>, is_in_total: bool) -> Self {
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
            is_in_total,
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
        let ages = config.lfu_aging == LfuAging::Dynamic;
        // What is there when aging begins has its uses as its priority.
        if !self.common.lfu_ages.swap(ages, Relaxed) {
            self.common.lfu_age.store(0, Relaxed);
        }
    }

    /// Number of the list of the config's strategy.
    pub(super) fn list(&self) -> usize {
        self.list.load(Relaxed)
    }

    /// True when the priorities of its LFU list age.
    pub(super) fn ages(&self) -> bool {
        self.common.lfu_ages.load(Relaxed)
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
