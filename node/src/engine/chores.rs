//! What is done in the background, in bounded steps: freeing what is due, stale or lost, and trimming to lowered limits.

use std::sync::Arc;

use super::{
    Engine, Now,
    effect::Reason,
    shard::{Shard, Shared, Wipe},
    space::SpaceInfo,
};

/// Looks at slots in one hold of a shard's lock.
const LOOKS_PER_HOLD: u32 = 256;
/// Looks at slots in one call of [`Engine::step`].
const LOOKS_PER_STEP: u32 = 4_096;
/// Evictions in one call of [`Engine::step`].
const TRIMS_PER_STEP: usize = 1_024;
/// Routers silent for this long are forgotten; far above any deadline of a request.
const ROUTER_SILENT_MS: u64 = 600_000;

impl Engine {
    /// Does a bounded piece of the background work. True: there is more to do, call again soon; else every
    /// `cleanup_interval` at the latest, better every second.
    pub fn step(&self, now: Now) -> bool {
        self.note_times(now);
        let mut budget = LOOKS_PER_STEP;
        self.expire_some(now.mono_ms, &mut budget);
        for shard in &self.shards {
            while budget > 0 {
                let mut hold = budget.min(LOOKS_PER_HOLD);
                budget -= hold;
                let more = shard.lock().clean(&self.shared, now.mono_ms, &mut hold);
                budget += hold;
                if !more {
                    break;
                }
            }
        }
        self.retire_spaces();
        let trimmed = self.trim_part(TRIMS_PER_STEP, now.mono_ms);
        budget == 0 || trimmed == TRIMS_PER_STEP
    }

    /// Forgets the results of routers that were silent for ten minutes.
    pub fn forget_silent_routers(&self, now: Now) {
        let since = now.mono_ms.saturating_sub(ROUTER_SILENT_MS);
        for shard in &self.shards {
            for part in &mut shard.lock().parts {
                part.range.operations.forget_silent(since);
            }
        }
        self.previous.forget_old(since);
    }

    fn retire_spaces(&self) {
        let mut registry = self.registry.lock();
        let is_gone = |info: &Arc<SpaceInfo>| self.shards.iter().all(|shard| shard.lock().close(info.number));
        let (gone, retiring) = std::mem::take(&mut registry.retiring).into_iter().partition::<Vec<_>, _>(is_gone);
        registry.retiring = retiring;
        for info in gone {
            registry.retire(&info);
        }
    }
}

impl Shard {
    /// Frees stale records and those of lost ranges. True: there are more.
    fn clean(&mut self, shared: &Shared, now_ms: u64, budget: &mut u32) -> bool {
        for number in 0..self.spaces.len() as u16 {
            self.purge(shared, number, now_ms, budget);
        }
        for at in 0..self.parts.len() {
            if self.parts[at].range.is_wiping() {
                self.wipe(shared, at, now_ms, budget);
                self.relist(shared, at);
            }
        }
        *budget == 0
    }

    /// Frees records of a range whatever their space, from where the last call stopped. The range takes no writes meanwhile.
    fn wipe(&mut self, shared: &Shared, range: usize, now_ms: u64, budget: &mut u32) {
        let (first, last) = self.hashes_of(shared, range);
        if self.wipe.range != range || self.wipe.hash < first || self.wipe.space >= self.spaces.len() {
            self.wipe = Wipe { range, space: 0, hash: first };
        }
        while *budget > 0 && self.wipe.space < self.spaces.len() {
            let Some(space) = &self.spaces[self.wipe.space] else {
                self.wipe = Wipe { range, space: self.wipe.space + 1, hash: first };
                continue;
            };
            let bucket = space.index.bucket_of(self.wipe.hash);
            let next = space.index.bucket_end(self.wipe.hash, bucket).filter(|next| *next <= last);
            let inside = |at: &u32| (first..=last).contains(&self.slots.get(*at).hash);
            let doomed: Vec<u32> = space.index.chain(&self.slots, bucket).filter(inside).collect();
            *budget = budget.saturating_sub(1 + doomed.len() as u32);
            for at in doomed {
                self.remove(shared, at, Reason::Wiped, now_ms);
            }
            self.wipe = match next {
                Some(hash) => Wipe { hash, ..self.wipe },
                None => Wipe { range, space: self.wipe.space + 1, hash: first },
            };
        }
    }

    /// Drops the part of a space that was removed, once it holds nothing. True: there is none.
    fn close(&mut self, number: u16) -> bool {
        let Some(part) = self.spaces.get_mut(usize::from(number)) else { return true };
        if part.as_ref().is_some_and(|space| space.index.len() == 0) {
            *part = None;
        }
        part.is_none()
    }
}
