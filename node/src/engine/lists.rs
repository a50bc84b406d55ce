//! A shard's part of the lists of eviction, of all pools and strategies; every change is published to the pool.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ringhold_model::config::Strategy;

use super::{
    policy::{self, LISTS, Look, Policy, Rank, list_of, queues_of},
    pool::{Place, Pool},
    slab::Slab,
};

/// One list a strategy, made at its first use.
type Own = [Option<Box<dyn Policy>>; LISTS.len()];

/// See the module.
#[derive(Debug)]
pub(super) struct Lists {
    /// Number of the shard.
    shard: usize,
    /// By the pool's number.
    pools: Vec<Option<Box<Own>>>,
}

impl Lists {
    pub(super) fn new(shard: usize) -> Self {
        Self { shard, pools: Vec::new() }
    }

    /// Adds an item, whose slot is filled, to the list of a strategy.
    pub(super) fn add(&mut self, slots: &mut Slab, place: Place<'_>, at: u32, strategy: Strategy, tick: u64) {
        let Place { pool, bytes } = place;
        let (list, number) = (list_of(strategy), usize::from(pool.number));
        if self.pools.len() <= number {
            self.pools.resize_with(number + 1, || None);
        }
        let own = self.pools[number].get_or_insert_with(Box::default);
        let policy = own[list].get_or_insert_with(|| policy::open(list)).as_mut();
        if policy.is_empty() {
            pool.opened(list);
        }
        slots.get_mut(at).set_list(list);
        policy.insert(slots, &pool.common, at, tick);
        pool.publish(self.shard, list, policy, |held| held + bytes);
    }

    /// The item was read or is being overwritten.
    pub(super) fn touch(&mut self, slots: &mut Slab, pool: &Pool, at: u32, tick: u64) {
        let (shard, list) = (self.shard, slots.get(at).list());
        let policy = self.policy_mut(pool, list);
        policy.touch(slots, &pool.common, at, tick);
        pool.publish_ranks(shard, list, policy);
    }

    /// The item's deadline is about to change, and perhaps its strategy; [`Lists::renew`] follows. `place` tells what it was
    /// charged.
    pub(super) fn prepare(&mut self, slots: &mut Slab, place: Place<'_>, at: u32, strategy: Strategy) {
        let list = slots.get(at).list();
        if list == list_of(strategy) {
            self.policy_mut(place.pool, list).prepare(slots, at);
        } else {
            self.take(slots, place, at);
        }
    }

    /// The item, which was touched and [prepared](Lists::prepare) and was charged `was` before, has other bytes or another
    /// deadline, or another strategy.
    pub(super) fn renew(
        &mut self,
        slots: &mut Slab,
        place: Place<'_>,
        was: u64,
        at: u32,
        strategy: Strategy,
        (tick, is_new): (u64, bool),
    ) {
        let list = slots.get(at).list();
        if list != list_of(strategy) {
            return self.add(slots, place, at, strategy, tick);
        }
        let shard = self.shard;
        let policy = self.policy_mut(place.pool, list);
        policy.renew(slots, at, tick, is_new);
        place.pool.publish(shard, list, policy, |held| held + place.bytes - was);
    }

    /// Takes an item out.
    pub(super) fn take(&mut self, slots: &mut Slab, place: Place<'_>, at: u32) {
        let Place { pool, bytes } = place;
        let (shard, list) = (self.shard, slots.get(at).list());
        let policy = self.policy_mut(pool, list);
        let round = policy.rank(0).major;
        policy.remove(slots, &pool.common, at);
        let (is_empty, passes) = (policy.is_empty(), policy.rank(0).major != round);
        pool.publish(shard, list, policy, |held| held - bytes);
        if passes && LISTS[list] == Strategy::Sieve {
            // Perhaps it was the last one ahead of the hand.
            let round = pool.lowest(queues_of(list).start).map_or(0, |(_, rank)| rank.major);
            pool.common.round.fetch_max(round, Relaxed);
        }
        if is_empty {
            pool.closed(list);
        }
    }

    /// Looks at the first item of a queue because room is needed.
    pub(super) fn look(
        &mut self,
        slots: &mut Slab,
        pool: &Pool,
        (list, queue): (usize, usize),
        ticks: &AtomicU64,
    ) -> Look {
        if self.policy(pool, list).is_none() {
            return Look::Empty;
        }
        let shard = self.shard;
        let policy = self.policy_mut(pool, list);
        let look = policy.look(slots, &pool.common, queue - queues_of(list).start, ticks);
        if look == Look::Spared {
            pool.publish_ranks(shard, list, policy);
        }
        look
    }

    /// The first item of a queue.
    pub(super) fn first(&self, pool: &Pool, (list, queue): (usize, usize)) -> Option<u32> {
        self.policy(pool, list)?.first(queue - queues_of(list).start)
    }

    /// The item that goes after `at`, if it is one of the same queue.
    pub(super) fn after(&self, slots: &Slab, pool: &Pool, at: u32) -> Option<u32> {
        self.policy(pool, slots.get(at).list())?.after(slots, at)
    }

    /// The items of a list in the order in which its queues hold them, the queue that gives up an item next first.
    pub(super) fn walk<'a>(
        &'a self,
        slots: &'a Slab,
        pool: &Pool,
        list: usize,
    ) -> impl Iterator<Item = (Rank, u32)> + 'a {
        let policy = self.policy(pool, list);
        let (next, queues) = (policy::queue_of(list, |queue| pool.items(queue)), queues_of(list));
        let others = queues.clone().filter(move |queue| *queue != next);
        let first = move |queue| policy.and_then(|policy| policy.first(queue - queues.start));
        std::iter::once(next).chain(others).flat_map(move |queue| {
            let after = move |at: &u32| policy.and_then(|policy| policy.after(slots, *at));
            std::iter::successors(first(queue), after)
                .map(move |at| (policy.map_or(Rank::NONE, |p| p.rank_of(slots, at)), at))
        })
    }

    /// Rank of the item that goes after `at`; `NONE`: there is none.
    pub(super) fn rank_after(&self, slots: &Slab, pool: &Pool, at: u32) -> Rank {
        let policy = self.policy(pool, slots.get(at).list());
        policy.and_then(|policy| Some(policy.rank_of(slots, policy.after(slots, at)?))).unwrap_or(Rank::NONE)
    }

    /// How often the first item of a queue was used lately.
    pub(super) fn uses(&self, slots: &Slab, pool: &Pool, (list, queue): (usize, usize)) -> Option<u64> {
        let policy = self.policy(pool, list)?;
        policy.first(queue - queues_of(list).start).map(|at| policy.uses(slots, at))
    }

    /// The first item of a list's first queue contended and won.
    pub(super) fn admit(&mut self, slots: &mut Slab, pool: &Pool, list: usize, ticks: &AtomicU64) {
        let shard = self.shard;
        let policy = self.policy_mut(pool, list);
        policy.admit(slots, &pool.common, ticks);
        pool.publish_ranks(shard, list, policy);
    }

    /// The item is evicted and taken out next.
    pub(super) fn evict(&mut self, slots: &Slab, pool: &Pool, at: u32) {
        self.policy_mut(pool, slots.get(at).list()).evict(slots, &pool.common, at);
    }

    fn policy(&self, pool: &Pool, list: usize) -> Option<&dyn Policy> {
        self.pools.get(usize::from(pool.number))?.as_ref()?[list].as_deref()
    }

    fn policy_mut(&mut self, pool: &Pool, list: usize) -> &mut dyn Policy {
        let own = self.pools[usize::from(pool.number)].as_mut().expect("a listed slot's pool has lists");
        own[list].as_deref_mut().expect("a listed slot's list is there")
    }

    /// All lists there are, with their numbers.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &dyn Policy)> {
        let own = self.pools.iter().flatten();
        own.flat_map(|own| own.iter().enumerate().filter_map(|(list, policy)| Some((list, policy.as_deref()?))))
    }
}
