//! Walks over many records: in hash order, in holds of a shard's lock that are short whatever the number of records.

use std::{ops::ControlFlow, sync::Arc};

use ringhold_model::{
    Epoch, RangeId,
    pattern::Pattern,
    wire::{Fault, RangeRef, Selection},
};

use super::{
    Commit, Engine, Now,
    commit::Tickets,
    point::unknown,
    shard::{Shard, Shared},
    slab::Slot,
    space::SpaceInfo,
};

/// Looks at slots and buckets in one hold of a shard's lock.
pub(super) const LOOKS_PER_HOLD: usize = 256;

/// What a walk calls under the lock: the shard, the wanted ranges that it serves, slots of live and matching records in the
/// order of their hashes, and the lowest hash that comes after them (`None`: there is none).
pub(super) type Visit<'a> = dyn FnMut(&mut Shard, &Served, &[u32], Option<u64>) -> ControlFlow<()> + 'a;

/// Which records a walk wants, and which ranges it could not serve.
pub(super) struct Selected {
    pub info: Arc<SpaceInfo>,
    pattern: Option<Pattern>,
    /// Ascending, one entry a range.
    ranges: Vec<RangeRef>,
    /// Ranges that were not served in the wanted epoch at some moment of the walk; ascending.
    lost: Vec<RangeId>,
    /// In-sync members without which a range is not served; 0 for reads.
    pub copies_min: u8,
}

/// The wanted ranges of one shard that it serves at this moment.
pub(super) struct Served {
    first: usize,
    /// Per range of the shard the epoch, if it is wanted and served.
    epochs: Vec<Option<Epoch>>,
}

impl Served {
    /// True when the hash is in one of the ranges.
    pub(super) fn holds(&self, shared: &Shared, hash: u64) -> bool {
        self.epochs[(hash >> (64 - shared.range_bits)) as usize - self.first].is_some()
    }
}

impl Engine {
    pub(super) fn select(&self, selection: &Selection<'_>) -> Result<Selected, Fault> {
        let view = self.view.load();
        let info = view.space(selection.namespace, selection.backend).ok_or_else(|| unknown(selection.backend))?;
        let pattern = selection.pattern.map(Pattern::parse).transpose().map_err(|_| Fault::Malformed)?;
        let mut ranges = selection.ranges.clone();
        ranges.retain(|wanted| u32::from(wanted.range.0) >> self.shared.range_bits == 0);
        ranges.sort_unstable_by_key(|wanted| wanted.range);
        ranges.dedup_by_key(|wanted| wanted.range);
        Ok(Selected {
            info: info.clone(),
            pattern: pattern.filter(|pattern| !pattern.matches_all()),
            ranges,
            lost: Vec::new(),
            copies_min: 0,
        })
    }

    /// The wanted ranges that were served through the whole walk and still are, under a lease that holds after it; and what is
    /// to be waited for before this is told, because the walk may have seen it: all that is not committed in these ranges.
    pub(super) fn done(&self, selected: &mut Selected) -> (Vec<RangeId>, Option<Commit>) {
        let mut tickets = Tickets::default();
        for number in self.shards_of(selected) {
            let mut shard = self.shards[number].lock();
            let served = selected.serve(&mut shard);
            if !self.shared.lease.holds_now() {
                selected.lose_all(&shard);
                continue;
            }
            for (part, _) in shard.parts.iter_mut().zip(&served.epochs).filter(|(_, epoch)| epoch.is_some()) {
                if part.range.is_uncommitted() {
                    let (id, applied) = (part.range.id(), part.range.applied());
                    tickets.wait(&mut part.waiters, applied, u32::from(id.0));
                }
            }
        }
        let is_lost = |range: RangeId| selected.lost.binary_search(&range).is_ok();
        let done = selected.ranges.iter().map(|wanted| wanted.range).filter(|range| !is_lost(*range)).collect();
        (done, tickets.commit())
    }

    /// Runs a walk whose result has to be that of the `done` ranges exactly: if one was lost on the way, again without it.
    pub(super) fn settle_on<T>(
        &self,
        selected: &mut Selected,
        mut walk: impl FnMut(&mut Selected) -> T,
    ) -> (T, Vec<RangeId>, Option<Commit>) {
        let mut held = self.done(selected).0;
        loop {
            selected.ranges.retain(|wanted| held.binary_search(&wanted.range).is_ok());
            let result = walk(selected);
            let (done, commit) = self.done(selected);
            if done.len() == held.len() {
                return (result, done, commit);
            }
            held = done;
        }
    }

    /// Numbers of the shards that have wanted ranges, ascending.
    pub(super) fn shards_of(&self, selected: &Selected) -> Vec<usize> {
        let shard =
            |wanted: &RangeRef| usize::from(wanted.range.0) >> (self.shared.range_bits - self.shared.shard_bits);
        let mut shards: Vec<usize> = selected.ranges.iter().map(shard).collect();
        shards.dedup();
        shards
    }

    /// Gives `visit` the live, matching records with a hash of at least `from_hash`, bucket by bucket. Records that stay
    /// through the whole walk come exactly once, whatever others do meanwhile.
    pub(super) fn walk(&self, selected: &mut Selected, from_hash: u64, now: Now, visit: &mut Visit<'_>) {
        for number in self.shards_of(selected) {
            if self.walk_shard(number, selected, from_hash, now, visit).is_break() {
                return;
            }
        }
    }

    /// The same within one shard.
    pub(super) fn walk_shard(
        &self,
        number: usize,
        selected: &mut Selected,
        from_hash: u64,
        now: Now,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let mut next = Some(from_hash);
        while let Some(from) = next {
            let mut shard = self.shards[number].lock();
            if from > shard.last_hash(&self.shared) {
                break;
            }
            let from = from.max(shard.first_hash(&self.shared));
            next = self.walk_hold(selected, &mut shard, from, now, visit)?;
        }
        ControlFlow::Continue(())
    }

    /// One hold of the lock. Continues with the hash where the next one begins, `None` at the end of the shard.
    fn walk_hold(
        &self,
        selected: &mut Selected,
        shard: &mut Shard,
        from_hash: u64,
        now: Now,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<(), Option<u64>> {
        let served = selected.serve(shard);
        let number = selected.info.number;
        let (mut looks, mut from) = (0, from_hash);
        let mut found = Vec::new();
        #[cfg(test)]
        let mut buckets = 0;
        while looks < LOOKS_PER_HOLD {
            let Some(Some(space)) = shard.spaces.get(usize::from(number)) else { return ControlFlow::Continue(None) };
            let bucket = space.index.bucket_of(from);
            let after = space.index.bucket_end(from, bucket);
            looks += 1;
            found.clear();
            for at in space.index.chain(&shard.slots, bucket) {
                looks += 1;
                let slot = shard.slots.get(at);
                let is_wanted = slot.hash >= from && served.holds(&self.shared, slot.hash);
                if is_wanted && shard.is_live(slot, now.mono_ms) && selected.matches(slot) {
                    found.push(at);
                }
            }
            #[cfg(test)]
            {
                buckets += 1;
                shard.note_looks((looks - buckets) as u32);
            }
            if found.len() > 1 {
                found.sort_unstable_by_key(|at| shard.slots.get(*at).hash);
            }
            if !found.is_empty() {
                let beyond = after.or_else(|| shard.last_hash(&self.shared).checked_add(1));
                visit(shard, &served, &found, beyond)?;
            }
            match after {
                Some(after) => from = after,
                None => return ControlFlow::Continue(None),
            }
        }
        ControlFlow::Continue(Some(from))
    }
}

impl Selected {
    /// True when the pattern matches the record's key, which is looked at only if there is a pattern.
    fn matches(&self, slot: &Slot) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(slot.bytes().key()))
    }

    /// The wanted ranges that a shard serves now; the others are lost. Under the shard's lock.
    pub(super) fn serve(&mut self, shard: &mut Shard) -> Served {
        let first = usize::from(shard.parts[0].range.id().0);
        let mut served = Served { first, epochs: vec![None; shard.parts.len()] };
        let from = self.ranges.partition_point(|wanted| usize::from(wanted.range.0) < first);
        for at in from..self.ranges.len() {
            let wanted = self.ranges[at];
            let Some(part) = shard.parts.get(usize::from(wanted.range.0) - first) else { break };
            let is_served = part.range.serves(wanted.epoch) && part.range.copies() >= self.copies_min;
            if is_served && !self.info.is_removed() {
                served.epochs[usize::from(wanted.range.0) - first] = Some(wanted.epoch);
            } else {
                self.lose(wanted.range);
            }
        }
        served
    }

    /// True when the range is one of those that are wanted still.
    pub(super) fn wants(&self, range: RangeId) -> bool {
        self.ranges.binary_search_by_key(&range, |wanted| wanted.range).is_ok()
    }

    /// A range is not served, or not all that was to be done in it was done.
    pub(super) fn lose(&mut self, range: RangeId) {
        if let Err(place) = self.lost.binary_search(&range) {
            self.lost.insert(place, range);
        }
    }

    fn lose_all(&mut self, shard: &Shard) {
        for part in &shard.parts {
            self.lose(part.range.id());
        }
    }
}
