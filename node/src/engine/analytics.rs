//! How keys are used, over the whole engine: the shards' figures put together, and over time.

use std::collections::BTreeMap;

use ringhold_model::{
    NamespaceId,
    config::Backend,
    wire::{EvictionCauses, HotKey, HotKeys, KeyUse, Prefixes, Usage},
};

use super::{
    Engine, Now,
    insight::{Timelines, Totals, WINDOW_MS},
    shard::Shard,
    space::{Space, SpaceInfo},
};

/// Most prefixes that a node tells of one space: each shard has its own few.
const ROWS_MAX: usize = 256;

/// What the engine knows of times. Under a lock of its own.
#[derive(Debug, Default)]
pub(super) struct Times {
    lines: Timelines,
    /// When the present window of hot keys began, and the one before; monotonic milliseconds.
    window: Option<u64>,
    window_before: Option<u64>,
}

impl Times {
    /// Whether a window is over, so that the shards have to begin the next one.
    fn turn(&mut self, now: Now) -> bool {
        let began = *self.window.get_or_insert(now.mono_ms);
        let is_over = now.mono_ms.saturating_sub(began) >= WINDOW_MS;
        if is_over {
            self.window_before = self.window.replace(now.mono_ms);
        }
        is_over
    }

    /// For how long hot keys have been counted.
    fn window_ms(&self, now: Now) -> u64 {
        let began = self.window_before.or(self.window).unwrap_or(now.mono_ms);
        now.mono_ms.saturating_sub(began)
    }
}

impl Engine {
    /// Whether there is such a space in the state that the engine acts by.
    pub fn has_space(&self, namespace: NamespaceId, backend: Backend) -> bool {
        self.view.load().space(namespace, backend).is_some()
    }

    /// What is counted of one (namespace, backend); times of operations, which the caller measures, are left out. `None`:
    /// there is no such space.
    pub fn usage(&self, namespace: NamespaceId, backend: Backend, hot_keys_max: usize, now: Now) -> Option<Usage> {
        let view = self.view.load();
        let info = view.space(namespace, backend)?;
        let mut times = self.timelines.lock();
        self.look(&mut times, now);
        let mut usage = Usage {
            minutes: times.lines.minutes(info.key(), now),
            recent: times.lines.recent(info.key(), now),
            hot_keys: HotKeys { window_ms: times.window_ms(now), ..HotKeys::default() },
            ..Usage::default()
        };
        drop(times);
        let mut rows = BTreeMap::<Option<String>, KeyUse>::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let Some(Some(space)) = shard.spaces.get(usize::from(info.number)) else { continue };
            usage.evictions.add(space.tally.causes);
            let (prefixes, other) = space.insight.prefixes();
            prefixes.for_each(|(prefix, keys)| rows.entry(prefix.map(str::to_owned)).or_default().add(keys));
            usage.prefixes.other.add(other);
            let mut hot = self.hot_keys(&shard, space, now);
            hot.truncate(hot_keys_max);
            usage.hot_keys.add(&hot);
        }
        usage.hot_keys.truncate(hot_keys_max);
        usage.prefixes.add(&Prefixes { rows: rows.into_iter().collect(), ..Prefixes::default() });
        usage.prefixes.truncate(ROWS_MAX);
        Some(usage)
    }

    /// The evictions of one (namespace, backend), by cause.
    pub fn evictions_by_cause(&self, namespace: NamespaceId, backend: Backend) -> EvictionCauses {
        let mut causes = EvictionCauses::default();
        let view = self.view.load();
        let Some(info) = view.space(namespace, backend) else { return causes };
        for shard in &self.shards {
            if let Some(Some(space)) = shard.lock().spaces.get(usize::from(info.number)) {
                causes.add(space.tally.causes);
            }
        }
        causes
    }

    /// The keys of one shard that were used most and are still there, in ranges whose primary this node is.
    fn hot_keys(&self, shard: &Shard, space: &Space, now: Now) -> HotKeys {
        let name = |hash: u64| {
            let part = &shard.parts[shard.part_index(&self.shared, hash)];
            let bucket = space.index.bucket_of(hash);
            let mut slots = space.index.chain(&shard.slots, bucket).map(|at| shard.slots.get(at));
            let slot = slots.find(|slot| slot.hash == hash && shard.is_live(slot, now.mono_ms))?;
            part.range.is_primary().then(|| slot.bytes().key().to_owned())
        };
        let listed = space.insight.hot().into_iter().filter_map(|(hash, least, most)| {
            (least > 0).then_some(())?;
            Some(HotKey { key: name(hash)?, count: least, error: most - least })
        });
        HotKeys { window_ms: 0, keys: listed.collect(), unlisted_max: space.insight.unlisted_max() }
    }

    /// Notes what was used when a time is over. Costs next to nothing at other moments.
    pub(super) fn note_times(&self, now: Now) {
        // Whoever holds it has just looked.
        let Some(mut times) = self.timelines.try_lock() else { return };
        if times.lines.is_over(now) {
            self.look(&mut times, now);
        }
    }

    fn look(&self, times: &mut Times, now: Now) {
        let turns = times.turn(now);
        let view = self.view.load();
        let mut totals = vec![Totals::default(); view.spaces.len()];
        for shard in &self.shards {
            let mut shard = shard.lock();
            for (totals, info) in totals.iter_mut().zip(&view.spaces) {
                let Some(Some(space)) = shard.spaces.get_mut(usize::from(info.number)) else { continue };
                totals.add(space.tally.totals());
                if turns {
                    space.insight.turn();
                }
            }
        }
        let keys = view.spaces.iter().map(|info: &std::sync::Arc<SpaceInfo>| info.key());
        times.lines.look(now, keys.zip(totals));
    }
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.hits += other.hits;
        self.misses += other.misses;
        self.sets += other.sets;
        self.deletes += other.deletes;
        self.evictions += other.evictions;
        self.expired += other.expired;
    }
}
