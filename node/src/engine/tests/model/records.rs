//! The model's records, and which of them goes when a limit is reached.

use ringhold_model::{NamespaceId, Version, config::Strategy};

use super::{super::rig::OTHER, glob, write::Guard};
use crate::engine::{Now, charge::allocated, policy::list_of};

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) namespace: NamespaceId,
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) tags: Vec<&'static str>,
    pub(super) deadline: Option<u64>,
    /// As the engine told it.
    pub(super) version: Version,
    pub(super) own: Option<Strategy>,
    pub(super) order: Order,
}

/// What decides when a record goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order {
    /// When it was put where it is in its list; all such times differ.
    place: u64,
    /// For `lfu`.
    uses: u64,
    /// The same with the age of the pool at the last use, where that counts.
    priority: u64,
    reads: u64,
    created_ms: u64,
    accessed_ms: u64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) records: Vec<Record>,
    time: u64,
    config: Setup,
    own_config: Option<Setup>,
    /// Of the default pool, and of the other namespace's own: the highest priority of a victim.
    ages: [u64; 2],
    pub(super) evicted: [u64; 2],
    pub(super) expired: [u64; 2],
    pub(super) invalidated: [u64; 2],
}

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) strategy: Strategy,
    pub(super) max_items: u64,
    pub(super) max_bytes: u64,
    /// Whether `lfu` ages.
    pub(super) ages: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { strategy: Strategy::Lru, max_items: 0, max_bytes: 0, ages: false }
    }
}

/// What a write does to a record that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// Another record takes its place.
    Replace,
    /// It is counted up.
    Count,
}

pub(super) fn of(namespace: NamespaceId) -> usize {
    usize::from(namespace == OTHER)
}

impl Order {
    /// Of a record that is written now.
    pub(super) fn written(wall_ms: u64) -> Self {
        Self { created_ms: wall_ms, accessed_ms: wall_ms, ..Self::default() }
    }
}

impl Record {
    pub(super) fn charge(&self) -> u64 {
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 1).sum();
        let bytes = 40 + self.key.len() + self.value.len() + tags;
        allocated(bytes as u64) + 56 + 4 + 48 * self.tags.len() as u64
    }

    /// The lowest goes first.
    fn rank(&self, strategy: Strategy) -> (u64, u64) {
        let place = self.order.place;
        match strategy {
            Strategy::Lfu => (self.order.priority, place),
            Strategy::Ttl => (self.deadline.unwrap_or(u64::MAX), place),
            _ => (0, place),
        }
    }
}

impl Model {
    pub(super) fn expire(&mut self, now: u64) {
        let is_due = |record: &Record| record.deadline.is_some_and(|deadline| deadline <= now);
        for record in self.records.extract_if(.., |record| is_due(record)) {
            self.expired[of(record.namespace)] += 1;
        }
    }

    pub(super) fn find(&self, namespace: NamespaceId, key: &str) -> Option<usize> {
        self.records.iter().position(|record| record.namespace == namespace && record.key == key)
    }

    /// A use of a record; not yet what a read or a write does besides.
    pub(super) fn touch(&mut self, at: usize) -> &mut Record {
        self.time += 1;
        let strategy = self.strategy(&self.records[at]);
        let age = self.age_of(self.records[at].namespace);
        let record = &mut self.records[at];
        if matches!(strategy, Strategy::Lru | Strategy::Lfu) {
            record.order.place = self.time;
            record.order.uses += 1;
            record.order.priority = record.order.uses + age;
        }
        record
    }

    /// Which pool the records of a namespace are in.
    fn pool_of(&self, namespace: NamespaceId) -> usize {
        usize::from(self.own(namespace).is_some())
    }

    fn age_of(&self, namespace: NamespaceId) -> u64 {
        if self.config_of(namespace).ages { self.ages[self.pool_of(namespace)] } else { 0 }
    }

    pub(super) fn read(&mut self, at: usize, now: Now) -> &Record {
        let record = self.touch(at);
        record.order.reads += 1;
        record.order.accessed_ms = now.wall_ms;
        record
    }

    fn config_of(&self, namespace: NamespaceId) -> Setup {
        self.own(namespace).unwrap_or(self.config)
    }

    /// The config of the records of a namespace alone, if it has its own.
    fn own(&self, namespace: NamespaceId) -> Option<Setup> {
        self.own_config.filter(|_| namespace == OTHER)
    }

    fn strategy(&self, record: &Record) -> Strategy {
        record.own.unwrap_or(self.config_of(record.namespace).strategy)
    }

    pub(super) fn configure(&mut self, setup: Setup) {
        self.change(|model| {
            if setup.ages && !model.config.ages {
                model.ages[0] = 0;
            }
            model.config = setup;
        });
        self.trim();
    }

    pub(super) fn configure_own(&mut self, setup: Setup) {
        let is_first = self.own_config.is_none();
        self.change(|model| {
            if setup.ages && model.own_config.is_none_or(|own| !own.ages) {
                model.ages[1] = 0;
            }
            model.own_config = Some(setup);
        });
        // With lists of its own its records are counted anew.
        for at in 0..self.records.len() {
            if is_first && self.records[at].namespace == OTHER {
                self.count_anew(at);
            }
        }
        self.trim();
    }

    /// What is known of a record when it comes into another list.
    fn count_anew(&mut self, at: usize) {
        let age = self.age_of(self.records[at].namespace);
        let order = &mut self.records[at].order;
        order.uses = order.reads + 1;
        order.priority = order.uses + age;
    }

    /// Records that change lists deal out their places anew, among those of their namespace.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let how = |model: &Self, record: &Record| (model.strategy(record), model.config_of(record.namespace).ages);
        let before: Vec<_> = self.records.iter().map(|record| how(self, record)).collect();
        change(self);
        let now = |model: &Self, at: usize| how(model, &model.records[at]);
        let all = 0..self.records.len();
        let moved: Vec<_> = all.clone().filter(|at| now(self, *at).0 != before[*at].0).collect();
        for at in
            all.filter(|at| now(self, *at).0 == Strategy::Lfu && now(self, *at) != before[*at]).collect::<Vec<_>>()
        {
            self.count_anew(at);
        }
        for namespace in 0..2 {
            let mut here = moved.clone();
            here.retain(|at| of(self.records[*at].namespace) == namespace);
            let mut places: Vec<_> = here.iter().map(|at| self.records[*at].order.place).collect();
            places.sort_unstable();
            // Lists have ranks of their own: which comes first matters only where they share places.
            here.sort_by_key(|at| {
                let Record { order, .. } = &self.records[*at];
                let strategy = self.strategy(&self.records[*at]);
                let by_use = matches!(strategy, Strategy::Lru | Strategy::Lfu);
                (list_of(strategy), if by_use { order.accessed_ms } else { order.created_ms }, order.place)
            });
            for (at, place) in here.into_iter().zip(places) {
                self.records[at].order.place = place;
                self.count_anew(at);
            }
        }
    }

    /// Items and bytes of all records, or of a namespace's alone.
    fn held(&self, only_own: bool) -> (u64, u64) {
        let held = self.records.iter().filter(|record| !only_own || record.namespace == OTHER);
        (held.clone().count() as u64, held.map(Record::charge).sum())
    }

    /// Evicts what goes first of all records, or of a namespace's alone.
    fn evict(&mut self, only_own: bool, spared: Option<(NamespaceId, &str)>) {
        let config = self.own_config.filter(|_| only_own).unwrap_or(self.config);
        let (items, bytes) = self.held(only_own);
        let by_items =
            config.max_items != 0 && (config.max_bytes == 0 || items * config.max_bytes >= bytes * config.max_items);
        let there: Vec<_> =
            self.records.iter().filter(|record| !only_own || record.namespace == OTHER).cloned().collect();
        let held = |strategy: Strategy| -> u64 {
            let like = there.iter().filter(|record| self.strategy(record) == strategy);
            like.map(|record| if by_items { 1 } else { record.charge() }).sum()
        };
        let may_go = |record: &&Record| spared != Some((record.namespace, &*record.key));
        // Priorities with ages compare within a pool only: the one that holds more gives, if it has anything to give.
        let ages = [self.config.ages, self.own_config.is_some_and(|own| own.ages)];
        let apart = !only_own && ages[0] | ages[1];
        let in_pool = |pool: usize| {
            let like = there.iter().filter(|record| self.strategy(record) == Strategy::Lfu);
            like.filter(|record| self.pool_of(record.namespace) == pool).count()
        };
        let by_size = if in_pool(1) >= in_pool(0) { [1, 0] } else { [0, 1] };
        let can_give = |pool: &usize| {
            let like = there.iter().filter(|record| self.strategy(record) == Strategy::Lfu);
            like.filter(may_go).any(|record| self.pool_of(record.namespace) == *pool)
        };
        let from = apart.then(|| by_size.into_iter().find(can_give).unwrap_or_default());
        let candidates = |record: &&Record| {
            let is_here = from.is_none_or(|pool| self.pool_of(record.namespace) == pool);
            may_go(record) && (is_here || self.strategy(record) != Strategy::Lfu)
        };
        let strategies = there.iter().filter(candidates).map(|record| self.strategy(record));
        let most = strategies
            .max_by_key(|strategy| {
                (held(*strategy), *strategy == config.strategy, std::cmp::Reverse(list_of(*strategy)))
            })
            .expect("a single record fits");
        let like = there.iter().filter(candidates).filter(|record| self.strategy(record) == most);
        let victim = like.min_by_key(|record| record.rank(most)).expect("the list holds something");
        let pool = self.pool_of(victim.namespace);
        if most == Strategy::Lfu && ages[pool] {
            self.ages[pool] = self.ages[pool].max(victim.order.priority);
        }
        let at = self.find(victim.namespace, &victim.key).expect("it is there");
        self.evicted[of(self.records.remove(at).namespace)] += 1;
    }

    /// Evicts until the limits hold.
    fn trim(&mut self) {
        loop {
            let is_over = |config: Setup, (items, bytes): (u64, u64)| {
                (config.max_items != 0 && items > config.max_items)
                    || (config.max_bytes != 0 && bytes > config.max_bytes)
            };
            let own = self.own_config.is_some_and(|own| is_over(own, self.held(true)));
            if !own && !is_over(self.config, self.held(false)) {
                return;
            }
            self.evict(own, None);
        }
    }

    /// Evicts until a record has room, but not the one that it overwrites.
    fn make_room(&mut self, record: &Record) {
        loop {
            let there = self.find(record.namespace, &record.key).map(|at| self.records[at].charge());
            let need = (u64::from(there.is_none()), record.charge().saturating_sub(there.unwrap_or(0)));
            let is_short = |config: Setup, (items, bytes): (u64, u64)| {
                (config.max_items != 0 && need.0 > 0 && items + need.0 > config.max_items)
                    || (config.max_bytes != 0 && need.1 > 0 && bytes + need.1 > config.max_bytes)
            };
            let own = self.own(record.namespace).is_some_and(|own| is_short(own, self.held(true)));
            if !own && !is_short(self.config, self.held(false)) {
                return;
            }
            self.evict(own, Some((record.namespace, &record.key)));
        }
    }

    /// Version of a record.
    pub(super) fn version(&self, namespace: NamespaceId, key: &str) -> Option<Version> {
        self.find(namespace, key).map(|at| self.records[at].version)
    }

    /// Whether a condition holds for a record.
    pub(super) fn holds(&self, namespace: NamespaceId, key: &str, guard: Guard) -> bool {
        match guard {
            Guard::None => true,
            Guard::Absent => self.find(namespace, key).is_none(),
            Guard::Present | Guard::Same => self.find(namespace, key).is_some(),
            Guard::Other => false,
        }
    }

    pub(super) fn set(&mut self, mut record: Record, guard: Guard, change: Change) -> &'static str {
        let fits = |config: Setup| config.max_bytes == 0 || record.charge() <= config.max_bytes;
        if !fits(self.config) || !self.own(record.namespace).is_none_or(fits) {
            return "too large";
        }
        if !self.holds(record.namespace, &record.key, guard) {
            return "unmet";
        }
        if let Some(at) = self.find(record.namespace, &record.key) {
            self.touch(at);
        }
        self.make_room(&record);
        self.time += 1;
        let old = self.find(record.namespace, &record.key).map(|at| self.records.remove(at));
        let strategy = self.strategy(&record);
        let is_new = change == Change::Replace;
        let Order { created_ms, accessed_ms, .. } = record.order;
        let age = self.age_of(record.namespace);
        record.order = Order { place: self.time, uses: 1, priority: 1 + age, reads: 0, created_ms, accessed_ms };
        if let Some(old) = old {
            let reads = if is_new { 0 } else { old.order.reads };
            record.order.reads = reads;
            if !is_new {
                record.order.created_ms = old.order.created_ms;
            }
            let stays = self.strategy(&old) == strategy;
            let is_moved = is_new && matches!(strategy, Strategy::Fifo | Strategy::Ttl);
            match stays {
                true if is_moved => {}
                true => {
                    (record.order.place, record.order.uses) = (old.order.place, old.order.uses);
                    record.order.priority = old.order.priority;
                }
                false => (record.order.uses, record.order.priority) = (reads + 1, reads + 1 + age),
            }
        }
        self.records.push(record);
        "stored"
    }

    pub(super) fn remove(&mut self, namespace: NamespaceId, matches: impl Fn(&Record) -> bool) -> u64 {
        let doomed = self.records.extract_if(.., |record| record.namespace == namespace && matches(record));
        let removed = doomed.count() as u64;
        self.invalidated[of(namespace)] += removed;
        removed
    }

    pub(super) fn keys(&self, namespace: NamespaceId, pattern: Option<&str>) -> Vec<String> {
        let mine = self.records.iter().filter(|record| record.namespace == namespace && glob(pattern, &record.key));
        let mut keys: Vec<_> = mine.map(|record| record.key.clone()).collect();
        keys.sort();
        keys
    }
}
