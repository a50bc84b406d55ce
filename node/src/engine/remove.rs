//! Removal of many records: by tag, by pattern, by clear.

use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
};

use ringhold_model::{
    Generation, RangeId, Version,
    wire::{Fault, RemoveRequest, Selection},
};

use super::{
    Commit, CommitOutcome, Engine, Now,
    effect::Reason,
    selection::{LOOKS_PER_HOLD, Selected, Served},
    shard::{Shard, Shared},
};

/// How far a removal got.
#[derive(Debug)]
pub struct Removal {
    /// Records removed.
    pub removed: u64,
    /// Ranges in which every matching record was removed.
    pub done: Vec<RangeId>,
    /// Ranges in which there may be more: too many removals wait for copies. When those are committed, ask again for these.
    pub unfinished: Vec<RangeId>,
    /// To be waited for before this is told, and to be settled with it; `None`: it may be told at once.
    pub commit: Option<Commit>,
}

impl Removal {
    /// Leaves out the ranges that were lost meanwhile.
    pub fn settle(&mut self, outcome: &CommitOutcome) {
        let lost = outcome.lost_ranges();
        self.done.retain(|range| !lost.contains(range));
    }

    /// Adds what was done in the ranges that were unfinished.
    pub fn add(&mut self, more: Self) {
        self.removed += more.removed;
        self.done.extend(more.done);
        self.done.sort_unstable();
        self.unfinished = more.unfinished;
    }
}

/// What a clear removed.
#[derive(Debug)]
pub struct Purge {
    /// Records that the clear removed on this node, also those freed before this call.
    pub removed: u64,
    /// The generation that holds now.
    pub generation: Generation,
    /// The ranges that are served in the wanted epoch.
    pub done: Vec<RangeId>,
}

/// What a removal did, and where it could not go on.
#[derive(Debug, Default)]
struct Sweep {
    removed: u64,
    /// Ranges in which too many effects wait for copies.
    full: BTreeSet<RangeId>,
    /// Ranges in which nothing could be ordered for want of a lease.
    idle: BTreeSet<RangeId>,
}

/// Last version of each range of a shard when a removal began with it: later records survive.
struct Horizon(Vec<Version>);

impl Engine {
    /// Removes the records that match the selection's pattern, if it has one, or carry any of the tags. Records
    /// written after the engine began with their shard survive.
    pub fn remove(&self, request: &RemoveRequest<'_>, now: Now) -> Result<Removal, Fault> {
        let by_pattern = request.selection.pattern.is_some();
        let mut selected = self.select(&request.selection)?;
        selected.copies_min = self.view.load().min_in_sync;
        let mut sweep = Sweep::default();
        for number in self.shards_of(&selected) {
            let (horizon, tagged) = self.begin_removal(number, &selected, &request.tags);
            for slots in tagged.chunks(LOOKS_PER_HOLD) {
                let mut shard = self.shards[number].lock();
                let served = selected.serve(&mut shard);
                for at in slots {
                    if is_tagged(&shard, *at, &selected, &request.tags)
                        && horizon.covers(&shard, &self.shared, &served, *at)
                        && shard.is_live(shard.slots.get(*at), now.mono_ms)
                    {
                        sweep.remove(&self.shared, &mut shard, *at, now);
                    }
                }
            }
            if by_pattern {
                self.remove_matching(number, &mut selected, &horizon, &mut sweep, now);
            }
        }
        let Sweep { removed, mut full, idle } = sweep;
        full.extend(idle.iter().copied());
        full.iter().for_each(|range| selected.lose(*range));
        let (done, commit) = self.done(&mut selected);
        full.retain(|range| !idle.contains(range));
        Ok(Removal { removed, done, unfinished: full.into_iter().collect(), commit })
    }

    /// Frees the records of generations before the one in force and says how many the clear at `selection.view` removed.
    pub fn purge(&self, selection: &Selection<'_>, now: Now) -> Result<Purge, Fault> {
        let mut selected = self.select(selection)?;
        let (number, generation) = (selected.info.number, selected.info.generation);
        let mut removed = 0;
        for shard in &self.shards {
            loop {
                let mut budget = LOOKS_PER_HOLD as u32;
                let mut shard = shard.lock();
                shard.purge(&self.shared, number, now.mono_ms, &mut budget);
                if budget > 0 {
                    let space = shard.spaces.get(usize::from(number)).and_then(Option::as_ref);
                    removed += space.map_or(0, |space| space.removed_by(Generation(selection.view)));
                    break;
                }
            }
        }
        Ok(Purge { removed, generation, done: self.done(&mut selected).0 })
    }

    fn begin_removal(&self, number: usize, selected: &Selected, tags: &[&str]) -> (Horizon, Vec<u32>) {
        let shard = self.shards[number].lock();
        let horizon =
            shard.parts.iter().map(|part| Version { epoch: part.range.epoch(), seq: part.range.applied() }).collect();
        let space = shard.spaces.get(usize::from(selected.info.number)).and_then(Option::as_ref);
        let mut tagged = HashSet::new();
        for tag in tags {
            tagged.extend(space.map(|space| space.tags.slots(tag)).unwrap_or_default());
        }
        (Horizon(horizon), tagged.into_iter().collect())
    }

    fn remove_matching(&self, number: usize, selected: &mut Selected, horizon: &Horizon, sweep: &mut Sweep, now: Now) {
        let flow = self.walk_shard(number, selected, 0, now, &mut |shard, served, found, _| {
            for at in found {
                if horizon.covers(shard, &self.shared, served, *at) {
                    sweep.remove(&self.shared, shard, *at, now);
                }
            }
            ControlFlow::Continue(())
        });
        debug_assert!(flow.is_continue(), "the visitor never stops");
    }
}

impl Sweep {
    /// Removes a record, if its range takes the order now.
    fn remove(&mut self, shared: &Shared, shard: &mut Shard, at: u32, now: Now) {
        let part = shard.part_index(shared, shard.slots.get(at).hash);
        let range = &shard.parts[part].range;
        if !shared.lease.holds_now() {
            self.idle.insert(range.id());
        } else if !range.has_room() {
            self.full.insert(range.id());
        } else {
            shard.remove(shared, at, Reason::Invalidated, now.mono_ms);
            self.removed += 1;
        }
    }
}

impl Horizon {
    /// True when the record was there when the removal began and its range is still served in the same epoch.
    fn covers(&self, shard: &Shard, shared: &Shared, served: &Served, at: u32) -> bool {
        let Some(slot) = shard.slots.live(at) else { return false };
        let range = shard.part_index(shared, slot.hash);
        served.holds(shared, slot.hash) && slot.bytes().version() <= self.0[range]
    }
}

/// True when the slot still holds a record of the space with any of the tags: it may have been freed and used again.
fn is_tagged(shard: &Shard, at: u32, selected: &Selected, tags: &[&str]) -> bool {
    let Some(slot) = shard.slots.live(at).filter(|slot| slot.space == selected.info.number) else { return false };
    slot.bytes().tags().any(|tag| tags.contains(&tag))
}
