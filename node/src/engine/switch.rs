//! A config's new strategy, or new aging: records move to other lists while reads and writes go on.
//!
//! From the first moment new records enter the list that the new config names. Those that are there are noted, sorted by what
//! their slots tell of them, and moved in that order; each hold of a shard's lock looks at or moves a bounded number. Until a
//! record is moved it stands in its old list, in its place there, and can be read, changed and evicted as before.
//!
//! Their places in the node's order of accesses are dealt out anew among them, in the order of the new list. All shards are
//! dealt out together where that takes a bounded amount of memory, so that the order is exact for the node; with more records
//! each shard deals out its own.

use ringhold_model::config::Strategy;

use super::{
    Engine,
    policy::{enters_by_use, entry_order, list_of},
    shard::{Shard, Shared},
    slab::Slot,
    space::SpaceInfo,
};

/// Moves in one hold of a shard's lock.
const MOVES_PER_HOLD: usize = 256;
/// Looks at slots in one, after which no other bucket of the index is begun.
const LOOKS_PER_HOLD: usize = 240;
/// Records that are sorted together: 20 MiB of notes.
const TOGETHER_MAX: u64 = 500_000;

/// A record that is to move.
#[derive(Clone, Copy, Debug)]
struct Move {
    shard: usize,
    at: u32,
    hash: u64,
    /// The list that it enters.
    list: usize,
    /// Its place among those that enter it.
    order: (u64, u64),
    /// Its place among all accesses of the node; what it had when it was noted.
    rank: u64,
    is_in_other: bool,
}

/// What a space's records are to be under.
#[derive(Clone, Copy, Debug)]
struct Target<'a> {
    info: &'a SpaceInfo,
    /// Priorities of LFU are made anew.
    ages: bool,
}

impl Engine {
    /// Moves all records of a space to the lists of its new config; its pool stays. No lock is held by the caller.
    pub(super) fn switch(&self, known: &SpaceInfo, info: &SpaceInfo) {
        let target = Target { info, ages: known.config.lfu_aging != info.config.lfu_aging };
        let mut records = 0;
        for shard in &self.shards {
            let mut shard = shard.lock();
            let space = shard.space(&self.shared, info);
            space.strategy = info.config.strategy;
            records += space.index.len() as u64;
        }
        let together = if records <= TOGETHER_MAX { self.shards.len() } else { 1 };
        for first in (0..self.shards.len()).step_by(together) {
            let mut moves: Vec<Move> = (first..first + together).flat_map(|shard| self.note(shard, target)).collect();
            deal(&mut moves);
            for shard in first..first + together {
                let mine = moves.iter().filter(|record| record.shard == shard);
                self.move_all(shard, mine.copied().collect(), target);
            }
        }
    }

    /// Notes the records of a shard that are to move.
    fn note(&self, number: usize, target: Target<'_>) -> Vec<Move> {
        let (mut moves, mut from) = (Vec::new(), None);
        loop {
            let mut shard = self.shards[number].lock();
            let start = from.unwrap_or_else(|| shard.first_hash(&self.shared));
            match shard.note(&self.shared, (number, start), target, &mut moves) {
                Some(next) => from = Some(next),
                None => return moves,
            }
        }
    }

    /// Moves them in ascending order of their places. Those that were used meanwhile come last: they are behind all others.
    fn move_all(&self, number: usize, moves: Vec<Move>, target: Target<'_>) {
        let mut late: Vec<Move> = Vec::new();
        for chunk in moves.chunks(MOVES_PER_HOLD) {
            let mut shard = self.shards[number].lock();
            late.extend(chunk.iter().filter(|record| !shard.move_one(&self.shared, record, target)).copied());
            #[cfg(test)]
            shard.note_looks(chunk.len() as u32);
        }
        for chunk in late.chunks(MOVES_PER_HOLD) {
            let mut shard = self.shards[number].lock();
            for record in chunk {
                if let Some(slot) = shard.slots.live(record.at) {
                    let (order, rank) = (entry_order(record.list, slot), self.shared.tick());
                    shard.move_one(&self.shared, &Move { order, rank, ..*record }, target);
                }
            }
            #[cfg(test)]
            shard.note_looks(chunk.len() as u32);
        }
    }
}

/// Sorts records by their places. Those that change lists get theirs anew, in the order of the new list.
fn deal(moves: &mut [Move]) {
    moves.sort_unstable_by_key(|record| (!record.is_in_other, record.list, record.order));
    let changed = moves.partition_point(|record| record.is_in_other);
    let mut ranks: Vec<u64> = moves[..changed].iter().map(|record| record.rank).collect();
    ranks.sort_unstable();
    for (record, rank) in moves.iter_mut().zip(ranks) {
        record.rank = rank;
    }
    moves.sort_unstable_by_key(|record| record.rank);
}

impl Target<'_> {
    /// The list that a listed record is to enter; `None`: it stands there already.
    fn of(self, slot: &Slot) -> Option<usize> {
        let list = list_of(self.info.strategy(slot.bytes().strategy()));
        let is_lfu = list == list_of(Strategy::Lfu);
        (list != slot.list() || (self.ages && is_lfu)).then_some(list)
    }
}

impl Shard {
    /// Notes records from a hash on. Returns where to go on.
    fn note(
        &mut self,
        shared: &Shared,
        (number, from): (usize, u64),
        target: Target<'_>,
        moves: &mut Vec<Move>,
    ) -> Option<u64> {
        let space = self.spaces[usize::from(target.info.number)].as_ref()?;
        let (mut next, mut looks) = (Some(from), 0);
        while let Some(hash) = next.filter(|_| looks < LOOKS_PER_HOLD) {
            let bucket = space.index.bucket_of(hash);
            looks += 1;
            for at in space.index.chain(&self.slots, bucket) {
                let slot = self.slots.get(at);
                looks += 1;
                if !self.parts[self.part_index(shared, slot.hash)].is_listed {
                    continue;
                }
                let Some(list) = target.of(slot) else { continue };
                let (order, rank, hash) = (entry_order(list, slot), slot.rank(), slot.hash);
                let is_in_other = list != slot.list();
                moves.push(Move { shard: number, at, hash, list, order, rank, is_in_other });
            }
            next = space.index.bucket_end(hash, bucket);
        }
        #[cfg(test)]
        self.note_looks(looks as u32);
        next
    }

    /// Moves a record, unless it went or stands where it should by now. False: it was used since it was noted.
    fn move_one(&mut self, shared: &Shared, record: &Move, target: Target<'_>) -> bool {
        let Some(slot) = self.slots.live(record.at) else { return true };
        let is_same = slot.hash == record.hash && slot.space == target.info.number;
        if !is_same || target.of(slot) != Some(record.list) || !self.parts[self.part_index(shared, slot.hash)].is_listed
        {
            return true;
        }
        if enters_by_use(record.list) && entry_order(record.list, slot) != record.order {
            return false;
        }
        let charge = self.delist(shared, record.at);
        self.enlist(record.at, record.rank, charge);
        true
    }
}
