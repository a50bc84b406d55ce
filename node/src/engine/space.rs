//! A *space* is a (namespace, backend): what the whole node knows of it, and a shard's part of it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use ringhold_model::{
    Generation, NamespaceId,
    config::{Backend, CacheConfig, Strategy},
    wire::EvictionCauses,
};

use super::{
    index::Index,
    insight::{Insight, Totals},
    pool::Pool,
    slab::Slot,
    tags::Tags,
};

/// Clears that a shard remembers the counts of.
const CLEARS_KEPT: usize = 16;
/// Length of the windows that rates are counted in.
const WINDOW_MS: u64 = 10_000;

/// A space as one state of the cluster has it; a new state makes a new one.
#[derive(Debug)]
pub(super) struct SpaceInfo {
    /// Its number in every shard.
    pub number: u16,
    pub namespace: NamespaceId,
    pub backend: Backend,
    pub generation: Generation,
    pub config: CacheConfig,
    pub pool: Arc<Pool>,
    /// Copies answer no reads of it, because it is being cleared.
    pub is_silent: bool,
    /// Set before the shards are told that the namespace is gone, read under their locks: a write that planned with the old
    /// state cannot slip in afterwards. Shared by all infos of one number.
    pub is_removed: Arc<AtomicBool>,
}

impl SpaceInfo {
    /// What names the space.
    pub(super) fn key(&self) -> (NamespaceId, Backend) {
        (self.namespace, self.backend)
    }

    pub(super) fn is_removed(&self) -> bool {
        self.is_removed.load(Relaxed)
    }

    /// Time that a record without its own TTL lives; `None`: for ever.
    pub(super) fn default_ttl_ms(&self) -> Option<u64> {
        (self.config.default_ttl != 0).then(|| self.config.default_ttl.saturating_mul(1_000))
    }

    /// The strategy that governs a record.
    pub(super) fn strategy(&self, own: Option<Strategy>) -> Strategy {
        own.unwrap_or(self.config.strategy)
    }
}

/// A shard's part of a space.
#[derive(Debug)]
pub(super) struct Space {
    pub namespace: NamespaceId,
    pub backend: Backend,
    pub index: Index,
    pub tags: Tags,
    pub pool: Arc<Pool>,
    /// The config's strategy, as the shard has it.
    pub strategy: Strategy,
    /// Stamp of the records written now; others are stale.
    pub ordinal: u16,
    pub generation: Generation,
    pub tally: Tally,
    pub insight: Insight,
    /// Records of older generations that are not freed yet.
    pub stale: u64,
    /// Where freeing them goes on.
    pub purge_from: u64,
    clears: VecDeque<Clear>,
}

/// One clear and what it removed.
#[derive(Debug)]
struct Clear {
    /// Ordinal of the generation that it ended.
    ended: u16,
    generation: Generation,
    at_ms: u64,
    /// Ranges of the shard, a bit each, whose primary this node was then: their records it counts, whoever leads them when they
    /// are freed.
    led: Vec<u64>,
    removed: u64,
}

/// Counts of a shard's part of a space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Records of the current generation, due ones not yet freed included.
    pub items: u64,
    /// Bytes charged to them.
    pub bytes: u64,
    pub hits: u64,
    pub misses: u64,
    pub sets: u64,
    pub deletes: u64,
    pub evictions: u64,
    pub expired: u64,
    pub invalidated: u64,
    /// The evictions, by what made them necessary.
    pub causes: EvictionCauses,
    ops: Window,
    evicted: Window,
}

/// Counts events, in all and in windows of ten seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    total: u64,
    /// When the present window ends.
    ends_ms: u64,
    /// The total when it began.
    before: u64,
    /// Events of the window before.
    last: u64,
}

impl Space {
    pub(super) fn new(info: &SpaceInfo, shard_bits: u32) -> Self {
        Self {
            namespace: info.namespace,
            backend: info.backend,
            index: Index::new(shard_bits),
            tags: Tags::default(),
            pool: info.pool.clone(),
            strategy: info.config.strategy,
            ordinal: 0,
            generation: info.generation,
            tally: Tally::default(),
            insight: Insight::default(),
            stale: 0,
            purge_from: 0,
            clears: VecDeque::new(),
        }
    }

    /// The strategy that a record of the space stands under.
    pub(super) fn strategy_of(&self, slot: &Slot) -> Strategy {
        slot.bytes().strategy().unwrap_or(self.strategy)
    }

    /// Begins a new generation: all records become stale. The caller has freed the stale ones before the ordinals wrap.
    pub(super) fn clear(&mut self, generation: Generation, led: Vec<u64>, now_ms: u64) {
        self.clears.push_back(Clear { ended: self.ordinal, generation, at_ms: now_ms, led, removed: 0 });
        if self.clears.len() > CLEARS_KEPT {
            self.clears.pop_front();
        }
        self.ordinal = self.ordinal.wrapping_add(1);
        self.generation = generation;
        self.stale += self.tally.items;
        self.tally.items = 0;
        self.tally.bytes = 0;
        self.purge_from = 0;
        self.insight.forget_keys();
    }

    /// Counts a read at the range's primary.
    #[inline(always)]
    pub(super) fn count_read(&mut self, hash: u64, key: &[u8], is_hit: bool, now_ms: u64) {
        self.tally.read(is_hit, now_ms);
        self.insight.read(hash, key, is_hit);
    }

    /// Counts a read at another copy.
    pub(super) fn count_copy_read(&mut self, key: &[u8], is_hit: bool, now_ms: u64) {
        self.tally.read(is_hit, now_ms);
        self.insight.read_at_copy(key, is_hit);
    }

    /// Counts a write that stored something.
    #[inline(always)]
    pub(super) fn count_set(&mut self, hash: u64, key: &[u8], now_ms: u64) {
        self.tally.set(now_ms);
        self.insight.write(hash, key);
    }

    /// Counts a deletion, of a record that was there or was not.
    pub(super) fn count_delete(&mut self, hash: u64, key: &[u8], found: bool, now_ms: u64) {
        self.tally.delete(found, now_ms);
        self.insight.write(hash, key);
    }

    /// Notes that a stale record was freed, and counts it where its range's primary was at the clear. `part`: the range's place in
    /// the shard. Of clears that are forgotten nobody asks any more.
    pub(super) fn purged(&mut self, ordinal: u16, deadline_ms: u64, part: usize) {
        self.stale -= 1;
        let clear = self.clears.iter_mut().rev().find(|clear| clear.ended == ordinal);
        match clear.filter(|clear| clear.led[part / 64] >> (part % 64) & 1 == 1) {
            Some(clear) if deadline_ms != 0 && deadline_ms <= clear.at_ms => self.tally.expired += 1,
            Some(clear) => {
                clear.removed += 1;
                self.tally.invalidated += 1;
            }
            None => {}
        }
    }

    /// Records freed so far by the clear which began `generation`, or by the one that it was merged into because the node
    /// learned of both at once.
    pub(super) fn removed_by(&self, generation: Generation) -> u64 {
        self.clears.iter().find(|clear| clear.generation >= generation).map_or(0, |clear| clear.removed)
    }
}

impl Tally {
    fn read(&mut self, is_hit: bool, now_ms: u64) {
        self.hits += u64::from(is_hit);
        self.misses += u64::from(!is_hit);
        self.ops.count(now_ms);
    }

    fn set(&mut self, now_ms: u64) {
        self.sets += 1;
        self.ops.count(now_ms);
    }

    fn delete(&mut self, found: bool, now_ms: u64) {
        self.deletes += u64::from(found);
        self.ops.count(now_ms);
    }

    pub(super) fn evict(&mut self, now_ms: u64) {
        self.evictions += 1;
        self.evicted.count(now_ms);
    }

    /// Reads and writes in the last full ten seconds.
    pub(super) fn ops_10s(&self, now_ms: u64) -> u64 {
        self.ops.last_full(now_ms)
    }

    /// What use over time is made from.
    pub(super) fn totals(&self) -> Totals {
        let Self { hits, misses, sets, deletes, evictions, expired, .. } = *self;
        Totals { operations: self.ops.total, hits, misses, sets, deletes, evictions, expired }
    }

    /// Evictions in the last full ten seconds.
    pub(super) fn evictions_10s(&self, now_ms: u64) -> u64 {
        self.evicted.last_full(now_ms)
    }
}

impl Window {
    #[inline]
    fn count(&mut self, now_ms: u64) {
        if now_ms >= self.ends_ms {
            self.turn(now_ms);
        }
        self.total += 1;
    }

    fn turn(&mut self, now_ms: u64) {
        let start_ms = now_ms - now_ms % WINDOW_MS;
        self.last = if start_ms == self.ends_ms { self.total - self.before } else { 0 };
        self.before = self.total;
        self.ends_ms = start_ms + WINDOW_MS;
    }

    fn last_full(&self, now_ms: u64) -> u64 {
        match now_ms.checked_sub(self.ends_ms) {
            None => self.last,
            Some(since) if since < WINDOW_MS => self.total - self.before,
            Some(_) => 0,
        }
    }
}
