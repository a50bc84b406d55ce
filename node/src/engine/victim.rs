//! The choice of what goes when room is needed: of all lists the one that holds most over its share, and in it what its
//! policy gives up.
//!
//! A list's share is the limit divided by the lists that hold anything, by items or by bytes, whichever limit is nearer. All
//! shares being equal, the list that holds most is the one; the config's own of equals. For a node's total the lists of all
//! pools are taken together by strategy, in one order where their ranks compare; else the pool that holds most gives.

use std::borrow::Borrow;

use parking_lot::MutexGuard;
use ringhold_model::config::Strategy;

use super::{
    Engine,
    budget::Budget,
    cause::Cause,
    policy::{LISTS, Look, Rank, is_comparable, queue_of, rival_of},
    pool::Pool,
    room::Short,
    shard::Shard,
};

/// Records that are looked at for one whose end can be ordered now.
const VICTIMS_MAX: usize = 64;

/// First items that are looked at and spared before one goes whatever its policy says: bounds the time of a write whose
/// victim is far, because much was used since the last one.
const SPARED_MAX: usize = 65_536;

/// What an eviction is counted as, and its time.
#[derive(Clone, Copy, Debug)]
struct Why {
    cause: Cause,
    now_ms: u64,
    /// Hash of the record that the room is for.
    spare: Option<u64>,
}

impl Engine {
    /// Evicts the one record that goes first. False: nothing can go.
    pub(super) fn evict(&self, pool: &Pool, short: Short, spare: Option<u64>, now_ms: u64) -> bool {
        match (short, &pool.budget) {
            (Short::Pool, Some(own)) => self.evict_from(&[pool], own, spare, now_ms),
            _ => self.evict_from(&self.view.load().pools, &self.shared.total, spare, now_ms),
        }
    }

    fn evict_from<P: Borrow<Pool>>(&self, pools: &[P], budget: &Budget, spare: Option<u64>, now_ms: u64) -> bool {
        let why = Why { cause: Cause::in_budget(budget), now_ms, spare };
        let mut without = [false; LISTS.len()];
        while let Some(list) = most_over_its_share(pools, budget.is_bound_by_items(), without) {
            if let Some(is_evicted) = self.evict_of(pools, list, why) {
                return is_evicted;
            }
            without[list] = true;
        }
        false
    }

    /// Evicts the first record of a list. `None`: there is only the one to spare.
    fn evict_of<P: Borrow<Pool>>(&self, pools: &[P], list: usize, why: Why) -> Option<bool> {
        if compares(pools, list) {
            return self.evict_among(pools, list, why);
        }
        // The largest gives, unless it holds only the one to spare.
        let mut by_size: Vec<&Pool> = pools.iter().map(Borrow::borrow).filter(|pool| pool.is_open(list)).collect();
        by_size.sort_by_key(|pool| pool.items_of(list));
        by_size.into_iter().rev().find_map(|pool| self.evict_among(&[pool], list, why))
    }

    /// The same, of pools whose ranks compare, or of one.
    fn evict_among<P: Borrow<Pool>>(&self, pools: &[P], list: usize, why: Why) -> Option<bool> {
        let items = |queue| pools.iter().map(|pool| pool.borrow().items(queue)).sum();
        let mut queue = queue_of(list, items);
        for spared in 0..=SPARED_MAX {
            let Some((pool, number)) = lowest(pools, queue) else {
                // All of it was moved to another queue, or is gone.
                let next = queue_of(list, items);
                if next == queue {
                    return Some(false);
                }
                queue = next;
                continue;
            };
            let mut shard = self.shards[number].lock();
            if spared == SPARED_MAX {
                return Some(self.give_up(shard, pool, (list, queue), why));
            }
            let Shard { lists, slots, .. } = &mut *shard;
            match lists.look(slots, pool, (list, queue), &self.shared.ticks) {
                Look::Spared => {}
                Look::Victim(at) if is_comparable(list) && why.spare == Some(slots.get(at).hash) => {
                    let next = lists.rank_after(slots, pool, at);
                    let other = lowest_but(pools, queue, Some((pool.number, number)));
                    if let Some((pool, number)) =
                        other.filter(|(_, _, rank)| *rank < next).map(|other| (other.0, other.1))
                    {
                        drop(shard);
                        return Some(self.give_up(self.shards[number].lock(), pool, (list, queue), why));
                    }
                    return (next != Rank::NONE).then(|| self.give_up(shard, pool, (list, queue), why));
                }
                Look::Victim(_) | Look::Empty => return Some(self.give_up(shard, pool, (list, queue), why)),
                Look::Contends { uses } => {
                    drop(shard);
                    let rival = (list, rival_of(list, items));
                    return Some(self.contest(pool, number, uses, (list, queue), rival, why));
                }
            }
        }
        Some(false)
    }

    /// The first item of a queue, of one shard, goes unless it was used more often than the first of its rival's, which then
    /// goes for it. One lock at a time: what changes in between makes a worse choice, but not a wrong one.
    fn contest(
        &self,
        pool: &Pool,
        number: usize,
        uses: u64,
        place: (usize, usize),
        rival: (usize, usize),
        why: Why,
    ) -> bool {
        if let Some((other, _)) = pool.lowest(rival.1) {
            let shard = self.shards[other].lock();
            if shard.lists.uses(&shard.slots, pool, rival).is_some_and(|rival| uses > rival) {
                let is_evicted = self.give_up(shard, pool, rival, why);
                let mut shard = self.shards[number].lock();
                let Shard { lists, slots, .. } = &mut *shard;
                lists.admit(slots, pool, place.0, &self.shared.ticks);
                return is_evicted;
            }
        }
        self.give_up(self.shards[number].lock(), pool, place, why)
    }

    /// Evicts the first item of a queue whose end can be ordered now. False: there is none.
    fn give_up(&self, mut shard: MutexGuard<'_, Shard>, pool: &Pool, (list, queue): (usize, usize), why: Why) -> bool {
        // Between the look at the ranks and the lock all may have gone: then there is room.
        let Some(first) = shard.lists.first(pool, (list, queue)) else { return true };
        let after = |at: &u32| shard.lists.after(&shard.slots, pool, *at);
        let victims = std::iter::successors(Some(first), after).take(VICTIMS_MAX);
        let mut victims = victims.filter(|at| shard.may_remove(&self.shared, shard.slots.get(*at).hash));
        let is_spared = |at: &u32| why.spare == Some(shard.slots.get(*at).hash);
        let Some(mut at) = victims.next() else { return false };
        if is_spared(&at) {
            at = victims.next().unwrap_or(at);
        }
        let Shard { lists, slots, .. } = &mut *shard;
        lists.evict(slots, pool, at);
        let block = shard.evict(&self.shared, at, why.cause, why.now_ms);
        drop(shard);
        drop(block);
        true
    }
}

/// The list that gives up an item; `None`: all are empty. With one list that holds anything nothing is counted.
pub(super) fn most_over_its_share<P: Borrow<Pool>>(
    pools: &[P],
    by_items: bool,
    without: [bool; LISTS.len()],
) -> Option<usize> {
    let mut open =
        (0..LISTS.len()).filter(|list| !without[*list] && pools.iter().any(|pool| pool.borrow().is_open(*list)));
    let first = open.next()?;
    let Some(second) = open.next() else { return Some(first) };
    let held = |list: usize| -> u64 { pools.iter().map(|pool| holds(pool.borrow(), list, by_items)).sum() };
    let own = pools.first().map_or(0, |pool| pool.borrow().list());
    [first, second]
        .into_iter()
        .chain(open)
        .map(|list| (held(list), list == own, list))
        .max_by_key(|(held, is_own, list)| (*held, *is_own, std::cmp::Reverse(*list)))
        .map(|(_, _, list)| list)
}

/// True when a list's ranks compare over the pools. Where LFU ages, each pool has an age of its own.
pub(super) fn compares<P: Borrow<Pool>>(pools: &[P], list: usize) -> bool {
    is_comparable(list) && (LISTS[list] != Strategy::Lfu || !pools.iter().any(|pool| pool.borrow().ages()))
}

fn holds(pool: &Pool, list: usize, by_items: bool) -> u64 {
    if by_items { pool.items_of(list) } else { pool.bytes_of(list) }
}

/// The pool and the shard with the lowest rank in a queue.
fn lowest<P: Borrow<Pool>>(pools: &[P], queue: usize) -> Option<(&Pool, usize)> {
    lowest_but(pools, queue, None).map(|(pool, shard, _)| (pool, shard))
}

/// The same, with the rank, and without one shard of one pool.
fn lowest_but<P: Borrow<Pool>>(pools: &[P], queue: usize, but: Option<(u16, usize)>) -> Option<(&Pool, usize, Rank)> {
    let mut lowest = None::<(&Pool, usize, Rank)>;
    for pool in pools.iter().map(Borrow::borrow) {
        let but = but.filter(|(number, _)| *number == pool.number).map(|(_, shard)| shard);
        if let Some((shard, rank)) = pool.lowest_but(queue, but)
            && lowest.is_none_or(|lowest| rank < lowest.2)
        {
            lowest = Some((pool, shard, rank));
        }
    }
    lowest
}
