//! Changes that another node ordered, put into the table together or not at all.
//!
//! A copy cannot make room for itself. What it is told fits as a whole, or nothing of it is done; so removals that come after
//! a record that has no room can make it. Nobody sees what is between: all is done in one hold of the lock.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use ringhold_model::{Generation, NamespaceId, Version, config::Backend};

use super::{
    block::Block,
    budget::Margin,
    effect::{Change, Effect, Record},
    pool::Pool,
    shard::{Shard, Shared},
    space::SpaceInfo,
    table::Incoming,
    view::View,
};

/// Keys that are searched one by one; more are found by their hashes.
const SEARCHED_MAX: usize = 8;

/// See the module.
pub(super) struct Plan<'a> {
    shared: &'a Shared,
    view: &'a View,
    keys: Vec<Planned>,
    /// By hash the last of `keys` with it, once there are many.
    places: HashMap<u64, usize>,
    /// Room that is needed (or, negative, given back) by pool.
    needs: Vec<(Arc<Pool>, Need)>,
    /// Changes so far; the last one of a key gives it its place in the order of arrival.
    changes: usize,
}

/// What becomes of one key.
struct Planned {
    info: Arc<SpaceInfo>,
    hash: u64,
    /// A block with the key, or the key.
    key: Box<[u8]>,
    existing: Option<Existing>,
    record: Option<Record>,
    /// What is charged after the changes so far.
    charge: Option<u64>,
    /// Number of the last change.
    last: usize,
    /// Another key with the same hash.
    before: Option<usize>,
}

#[derive(Clone, Copy)]
struct Existing {
    at: u32,
    version: Version,
    is_stale: bool,
}

/// Items and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Need {
    items: i64,
    bytes: i64,
}

/// Room that is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shortage {
    /// The space whose own limit is reached; `None`: it is the node's.
    pub space: Option<(NamespaceId, Backend)>,
    pub items: u64,
    pub bytes: u64,
}

impl<'a> Plan<'a> {
    pub(super) fn new(shared: &'a Shared, view: &'a View) -> Self {
        let (keys, places, needs) = (Vec::new(), HashMap::new(), Vec::new());
        Self { shared, view, keys, places, needs, changes: 0 }
    }

    /// Adds an effect. True: it gave room back. What is of no namespace that this node knows, or of an older generation, changes
    /// nothing.
    pub(super) fn add(&mut self, shard: &Shard, effect: &Effect) -> bool {
        let Some(info) = self.space(shard, (effect.namespace, effect.backend), effect.generation) else { return false };
        match &effect.change {
            Change::Store(record) => self.store(shard, info, effect.hash, record.clone()),
            Change::Remove { version, .. } => self.remove(shard, info, effect, *version),
        }
    }

    /// Adds a record of a chunk.
    pub(super) fn add_record(
        &mut self,
        shard: &Shard,
        space: (NamespaceId, Backend),
        generation: Generation,
        hash: u64,
        record: Record,
    ) {
        if let Some(info) = self.space(shard, space, generation) {
            self.store(shard, info, hash, record);
        }
    }

    fn space(
        &self,
        shard: &Shard,
        (namespace, backend): (NamespaceId, Backend),
        generation: Generation,
    ) -> Option<Arc<SpaceInfo>> {
        let info = self.view.space(namespace, backend)?;
        (!info.is_removed() && generation >= shard.generation(info)).then(|| info.clone())
    }

    fn store(&mut self, shard: &Shard, info: Arc<SpaceInfo>, hash: u64, record: Record) -> bool {
        let charge = (self.shared.charge)(&record.block);
        let at = self.key(shard, info, hash, record.block.key_bytes());
        self.keys[at].record = Some(record);
        self.charge(shard, at, Some(charge))
    }

    fn remove(&mut self, shard: &Shard, info: Arc<SpaceInfo>, effect: &Effect, version: Version) -> bool {
        let at = self.key(shard, info, effect.hash, effect.key());
        let planned = &mut self.keys[at];
        let is_there = planned.charge.is_some();
        let there = match &planned.record {
            Some(record) => Some(record.block.version()),
            None => planned.existing.filter(|existing| is_there && !existing.is_stale).map(|existing| existing.version),
        };
        if there != Some(version) {
            return false;
        }
        planned.record = None;
        self.charge(shard, at, None)
    }

    /// Notes what a key is charged from now on. True: it is less than before.
    fn charge(&mut self, shard: &Shard, at: usize, charge: Option<u64>) -> bool {
        self.changes += 1;
        let planned = &mut self.keys[at];
        planned.last = self.changes;
        let former = std::mem::replace(&mut planned.charge, charge);
        let items = i64::from(charge.is_some()) - i64::from(former.is_some());
        let bytes = charge.unwrap_or(0) as i64 - former.unwrap_or(0) as i64;
        // The shard's word on the pool counts: it is what is given back to.
        let space = shard.spaces.get(usize::from(planned.info.number)).and_then(Option::as_ref);
        let pool = space.map_or(&planned.info.pool, |space| &space.pool);
        let need = match self.needs.iter_mut().find(|(known, _)| Arc::ptr_eq(known, pool)) {
            Some((_, need)) => need,
            None => {
                self.needs.push((pool.clone(), Need::default()));
                &mut self.needs.last_mut().expect("just pushed").1
            }
        };
        need.items += items;
        need.bytes += bytes;
        items < 0 || bytes < 0
    }

    /// The place of a key in the plan.
    fn key(&mut self, shard: &Shard, info: Arc<SpaceInfo>, hash: u64, key: &[u8]) -> usize {
        let is_it =
            |planned: &Planned| planned.hash == hash && planned.info.number == info.number && *planned.key == *key;
        let mut before = None;
        if self.keys.len() <= SEARCHED_MAX {
            if let Some(at) = self.keys.iter().position(is_it) {
                return at;
            }
        } else {
            before = self.places.get(&hash).copied();
            let mut next = before;
            while let Some(at) = next {
                if is_it(&self.keys[at]) {
                    return at;
                }
                next = self.keys[at].before;
            }
        }
        let existing = shard.find(info.number, hash, key).map(|at| {
            let slot = shard.slots.get(at);
            (Existing { at, version: slot.bytes().version(), is_stale: shard.is_stale(slot) }, slot)
        });
        let charge = existing.map(|(_, slot)| (self.shared.charge)(slot.bytes()));
        let existing = existing.map(|(existing, _)| existing);
        self.keys.push(Planned { info, hash, key: key.into(), existing, record: None, charge, last: 0, before });
        self.index();
        self.keys.len() - 1
    }

    /// Notes where keys are, once they are too many to be searched.
    fn index(&mut self) {
        let count = self.keys.len();
        let new = if count == SEARCHED_MAX + 1 { 0 } else { count - 1 };
        if count > SEARCHED_MAX {
            for at in new..count {
                let former = self.places.insert(self.keys[at].hash, at);
                self.keys[at].before = former;
            }
        }
    }

    /// Reserves the room that all changes so far need together.
    pub(super) fn reserve(&self, shard: &Shard) -> Result<(), Shortage> {
        let all = self.total();
        if self.needs.iter().any(|(_, need)| need.items > 0) && shard.slots.is_full() {
            return Err(Shortage { space: None, items: 1, bytes: 0 });
        }
        for (at, (pool, need)) in self.needs.iter().enumerate() {
            if let Some(own) = &pool.budget
                && !own.reserve(need.items(), need.bytes(), Margin::None)
            {
                self.give_back(&self.needs[..at]);
                let (items, bytes) = own.short(need.items(), need.bytes());
                return Err(Shortage { space: self.space_of(pool), items, bytes });
            }
        }
        if !self.shared.total.reserve(all.items(), all.bytes(), Margin::None) {
            self.give_back(&self.needs);
            let (items, bytes) = self.shared.total.short(all.items(), all.bytes());
            return Err(Shortage { space: None, items, bytes });
        }
        Ok(())
    }

    /// Takes the room although it is not there.
    pub(super) fn overdraw(&self) {
        let all = self.total();
        for (pool, need) in &self.needs {
            if let Some(own) = &pool.budget {
                own.admit(need.items(), need.bytes());
            }
        }
        self.shared.total.admit(all.items(), all.bytes());
        self.shared.overdrawn_items.fetch_add(all.items(), Relaxed);
        self.shared.overdrawn_bytes.fetch_add(all.bytes(), Relaxed);
    }

    /// What the node's total is to count.
    fn total(&self) -> Need {
        let counted = self.needs.iter().filter(|(pool, _)| pool.is_in_total);
        counted.fold(Need::default(), |all, (_, need)| Need {
            items: all.items + need.items,
            bytes: all.bytes + need.bytes,
        })
    }

    fn give_back(&self, needs: &[(Arc<Pool>, Need)]) {
        for (pool, need) in needs {
            if let Some(own) = &pool.budget {
                own.release(need.items(), need.bytes());
            }
        }
    }

    fn space_of(&self, pool: &Arc<Pool>) -> Option<(NamespaceId, Backend)> {
        let info = self.view.spaces.iter().find(|info| Arc::ptr_eq(&info.pool, pool))?;
        Some(info.key())
    }

    /// Does it, after the room was reserved. Returns what went, to be dropped after unlocking.
    pub(super) fn execute(mut self, shard: &mut Shard) -> Vec<Block> {
        let all = self.total();
        let mut gone = Vec::new();
        if self.keys.len() > 1 {
            self.keys.sort_by_key(|planned| planned.last);
        }
        for planned in self.keys.drain(..).filter(|planned| planned.last > 0) {
            gone.extend(planned.execute(self.shared, shard));
        }
        for (pool, need) in &self.needs {
            if let Some(own) = &pool.budget {
                own.release(need.freed_items(), need.freed_bytes());
            }
        }
        self.shared.total.release(all.freed_items(), all.freed_bytes());
        gone
    }
}

impl Planned {
    /// Room is accounted for by the plan.
    fn execute(self, shared: &Shared, shard: &mut Shard) -> Option<Block> {
        let mut existing = self.existing;
        let mut gone = None;
        if let Some(Existing { at, is_stale, .. }) = existing
            && (is_stale || self.record.is_none())
        {
            let unlinked = shard.unlink(shared, at);
            if is_stale && let Some(space) = shard.spaces[usize::from(unlinked.space)].as_mut() {
                space.purged(unlinked.generation, unlinked.record.deadline_ms, unlinked.part);
            }
            gone = Some(unlinked.record.block);
            existing = None;
        }
        let Some(Record { block, deadline_ms, accessed_at_ms, access_count }) = self.record else { return gone };
        let tick = shared.tick();
        let incoming = Incoming {
            hash: self.hash,
            info: &self.info,
            block,
            deadline_ms: (deadline_ms != 0).then_some(deadline_ms),
            accessed_at_ms,
            access_count: u64::from(access_count),
            tick,
            is_new: true,
        };
        let Some(Existing { at, .. }) = existing else {
            shard.insert(shared, incoming);
            return gone;
        };
        if shard.parts[shard.part_index(shared, self.hash)].is_listed {
            shard.touch(at, tick);
        }
        shard.replace(shared, at, incoming).0
    }
}

impl Need {
    const fn items(self) -> u64 {
        if self.items > 0 { self.items as u64 } else { 0 }
    }

    const fn bytes(self) -> u64 {
        if self.bytes > 0 { self.bytes as u64 } else { 0 }
    }

    const fn freed_items(self) -> u64 {
        self.items.unsigned_abs() - self.items()
    }

    const fn freed_bytes(self) -> u64 {
        self.bytes.unsigned_abs() - self.bytes()
    }
}
