//! What the engine takes from the replicated state: which spaces there are, how they are configured, who shares a limit,
//! and what this node is to each range.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool,
        Ordering::{Relaxed, SeqCst},
    },
};

use ringhold_model::{
    NamespaceId, NodeId,
    cluster::ClusterState,
    config::{Backend, CacheConfig, is_backend_built},
    key::DEFAULT_NAMESPACE,
};

use super::{Engine, Now, budget::Budget, commit::Woken, pool::Pool, shard::Shared, space::SpaceInfo};

/// Longer than any write is sent again.
const UNSURE_MS: u64 = 60_000;

/// One state of the cluster, ready for use by operations. Replaced as a whole.
#[derive(Debug)]
pub(super) struct View {
    /// `applied` of the state.
    pub index: u64,
    /// Ascending by namespace and backend.
    pub spaces: Vec<Arc<SpaceInfo>>,
    /// All pools that the node's total counts, the default one first.
    pub pools: Vec<Arc<Pool>>,
    /// The pools of what backends outside keep.
    pub outside: Vec<Arc<Pool>>,
    /// In-sync members without which nothing is written.
    pub min_in_sync: u8,
}

/// Hands out the numbers of spaces and pools. Written by `apply_view` and by the chores that retire numbers, one at a time.
#[derive(Debug)]
pub(super) struct Registry {
    shards: usize,
    default_pool: Arc<Pool>,
    /// The pools of the namespace `default` on backends outside, by [`Backend`] as a number.
    outside: Vec<Arc<Pool>>,
    /// Spaces whose namespace is gone and whose records are being freed.
    pub retiring: Vec<Arc<SpaceInfo>>,
    spaces: Numbers,
    pools: Numbers,
}

/// Small numbers that are used again.
#[derive(Debug, Default)]
struct Numbers {
    next: u16,
    free: Vec<u16>,
}

impl View {
    pub(super) fn space(&self, namespace: NamespaceId, backend: Backend) -> Option<&Arc<SpaceInfo>> {
        let at = self.spaces.binary_search_by_key(&(namespace, backend), |info| info.key()).ok()?;
        Some(&self.spaces[at])
    }
}

impl Registry {
    pub(super) fn new(shards: usize) -> Self {
        let mut pools = Numbers::default();
        let default_pool = Arc::new(Pool::new(pools.take(), shards, None, true));
        let outside = |_: &Backend| Arc::new(Pool::new(pools.take(), shards, Some(Budget::default()), false));
        let outside = Backend::ALL.iter().map(outside).collect();
        Self { shards, default_pool, outside, retiring: Vec::new(), spaces: Numbers::default(), pools }
    }

    pub(super) fn empty_view(&self) -> View {
        let (pools, outside) = (vec![self.default_pool.clone()], self.outside.clone());
        View { index: 0, spaces: Vec::new(), pools, outside, min_in_sync: 1 }
    }

    /// No shard holds anything of a retired space any more: its numbers may be used again.
    pub(super) fn retire(&mut self, info: &SpaceInfo) {
        self.spaces.free.push(info.number);
        if self.is_own(&info.pool) {
            self.pools.free.push(info.pool.number);
        }
    }

    fn next_view(&mut self, state: &ClusterState, old: &View, shared: &Shared) -> View {
        let default = state.namespace_id(DEFAULT_NAMESPACE);
        let mut view = View { index: state.applied, min_in_sync: state.settings.min_in_sync, ..self.empty_view() };
        for (&namespace, record) in &state.namespaces {
            for &backend in Backend::ALL.iter().filter(|backend| is_backend_built(**backend)) {
                let own = state.configs.get(&(namespace, backend));
                let inherited = default.and_then(|default| state.configs.get(&(default, backend)));
                let config = own.or(inherited).map_or_else(CacheConfig::default, |record| record.config.clone());
                let known = old.space(namespace, backend);
                // What a backend outside keeps is not in memory: each has a limit of its own.
                let is_outside = backend != Backend::Memory;
                let pool = if Some(namespace) == default && is_outside {
                    let pool = self.outside[backend as usize].clone();
                    pool.budget.as_ref().expect("made with one").limit(config.max_items, config.max_memory);
                    pool.configure(&config);
                    pool
                } else if Some(namespace) == default {
                    shared.total.limit(config.max_items, config.max_memory);
                    self.default_pool.configure(&config);
                    self.default_pool.clone()
                } else if own.is_some() {
                    let pool = self.own_pool(known, !is_outside);
                    pool.budget.as_ref().expect("own pools have one").limit(config.max_items, config.max_memory);
                    pool.configure(&config);
                    if is_outside { &mut view.outside } else { &mut view.pools }.push(pool.clone());
                    pool
                } else if is_outside {
                    self.outside[backend as usize].clone()
                } else {
                    self.default_pool.clone()
                };
                let info = SpaceInfo {
                    number: known.map_or_else(|| self.spaces.take(), |known| known.number),
                    namespace,
                    backend,
                    generation: record.generations.get(&backend).copied().unwrap_or_default(),
                    config,
                    pool,
                    is_silent: record.silent.contains_key(&backend),
                    is_removed: known
                        .map_or_else(|| Arc::new(AtomicBool::new(false)), |known| known.is_removed.clone()),
                };
                view.spaces.push(Arc::new(info));
            }
        }
        view.spaces.sort_unstable_by_key(|info| info.key());
        view
    }

    /// Whether a pool belongs to one space alone.
    fn is_own(&self, pool: &Arc<Pool>) -> bool {
        pool.budget.is_some() && !self.outside.iter().any(|shared| Arc::ptr_eq(shared, pool))
    }

    fn own_pool(&mut self, known: Option<&Arc<SpaceInfo>>, is_in_total: bool) -> Arc<Pool> {
        match known.filter(|known| self.is_own(&known.pool)) {
            Some(known) => known.pool.clone(),
            None => Arc::new(Pool::new(self.pools.take(), self.shards, Some(Budget::default()), is_in_total)),
        }
    }
}

impl Engine {
    /// Acts by a new state from now on: roles and epochs of ranges, namespaces, configs and limits, generations. An older
    /// state than the one in force changes nothing.
    ///
    /// What a state makes invisible is invisible when this returns; its memory is freed by [`Engine::step`]. The caller
    /// passes no state that does not know this run of the node yet: what it gives to `me` belongs to a former process.
    pub fn apply_view(&self, state: &ClusterState, me: NodeId, now: Now) {
        let mut registry = self.registry.lock();
        let old = self.view.load_full();
        if !state.is_formed() || state.applied < old.index || u32::from(state.range_bits) != self.shared.range_bits {
            return;
        }
        // What is sent from now on may be sent by the new state already.
        self.acting.fetch_max(state.applied, SeqCst);
        let new = registry.next_view(state, &old, &self.shared);
        let is_removed = |info: &&Arc<SpaceInfo>| new.space(info.namespace, info.backend).is_none();
        let removed: Vec<_> = old.spaces.iter().filter(is_removed).cloned().collect();
        for info in &removed {
            info.is_removed.store(true, Relaxed);
        }
        self.apply_ranges(state, me, now);
        for info in &new.spaces {
            if let Some(known) = old.space(info.namespace, info.backend) {
                self.apply_space(known, info, now);
            }
        }
        for info in removed {
            for shard in &self.shards {
                shard.lock().clear(&self.shared, info.number, info.generation, now.mono_ms);
            }
            registry.retiring.push(info);
        }
        self.view.store(Arc::new(new));
    }

    fn apply_ranges(&self, state: &ClusterState, me: NodeId, now: Now) {
        let owners = state.plan.as_ref().map_or(&[][..], |plan| &plan.owners);
        let mut outputs = Vec::new();
        for shard in &self.shards {
            let count = shard.lock().parts.len();
            for at in 0..count {
                // One lock a range: the records of one that this node begins or ceases to lead change their lists.
                let mut woken = Woken::default();
                let mut shard = shard.lock();
                let part = &mut shard.parts[at];
                let id = part.range.id();
                let Some(record) = state.range(id) else { continue };
                let owners = owners.get(usize::from(id.0)).map_or(&[][..], Vec::as_slice);
                // Copies that the plan does not want go only while copies may move.
                let wanted = if state.settings.moves_paused { &[][..] } else { owners };
                part.wants_copies = owners.len() > 1;
                let (member, resets) = (part.range.member(), part.range.resets());
                let (epoch, is_led) = (part.range.epoch(), part.range.is_primary());
                part.range.set_record(record, wanted, me, &mut outputs);
                if part.range.epoch() != epoch {
                    part.led_before = is_led;
                }
                let is_new = part.range.member() != member || record.resets != resets;
                if is_new && record.resets > 0 {
                    part.unsure_until_ms = now.mono_ms + UNSURE_MS;
                }
                part.fills.retain(|node| record.pending.is_some_and(|member| member.node == node));
                part.act(&self.shared, &mut outputs, &mut woken);
                shard.relist(&self.shared, at);
                drop(shard);
                woken.tell();
            }
        }
    }

    fn apply_space(&self, known: &SpaceInfo, info: &SpaceInfo, now: Now) {
        let (clears, moves) = (known.generation != info.generation, !Arc::ptr_eq(&known.pool, &info.pool));
        if clears || moves {
            for shard in &self.shards {
                let mut shard = shard.lock();
                if clears {
                    shard.clear(&self.shared, info.number, info.generation, now.mono_ms);
                }
                if moves {
                    shard.change_pool(&self.shared, info);
                }
            }
        }
        let order = |info: &SpaceInfo| (info.config.strategy, info.config.lfu_aging);
        if order(known) != order(info) {
            self.switch(known, info);
        }
    }
}

impl Numbers {
    fn take(&mut self) -> u16 {
        self.free.pop().unwrap_or_else(|| {
            let number = self.next;
            self.next = self.next.checked_add(1).expect("namespaces are bounded far below 65,536");
            number
        })
    }
}
