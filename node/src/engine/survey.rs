//! A look at all records of a space: how many, of what type, under which prefix, for how long.

use std::{collections::HashMap, ops::ControlFlow};

use ringhold_model::{
    RangeId,
    config::DataType,
    stats::ttl_bucket,
    wire::{Amount, Fault, Survey, SurveyRequest, TTL_BUCKETS},
};

use super::{
    Commit, Engine, Now,
    insight::{PREFIXES_MAX, prefix_of},
    selection::Selected,
    shard::{Shard, Shared},
};

/// Prefixes that one look tells apart; those that come first do.
const ROWS_MAX: usize = PREFIXES_MAX * 4;

/// What a look found.
#[derive(Debug)]
pub struct Found {
    /// Of the `done` ranges.
    pub survey: Survey,
    /// The ranges that were served in the wanted epoch.
    pub done: Vec<RangeId>,
    /// To be waited for before this is told; `None`: it may be told at once. When it says that anything was lost, this is not
    /// true for any set of ranges and has to be asked for again.
    pub commit: Option<Commit>,
}

/// What is known before it is written down.
#[derive(Default)]
struct Look {
    seen: Amount,
    types: HashMap<DataType, Amount>,
    prefixes: HashMap<Box<str>, Amount>,
    /// Keys without a prefix.
    plain: Amount,
    other_prefixes: Amount,
    ttl: [Amount; TTL_BUCKETS],
}

impl Engine {
    /// Looks at the records in bounded steps, as a walk does, until `records_max` of them were seen or `is_late` says that it
    /// takes too long. The rest is then taken to be like them; how many there are in all is known without a look.
    pub fn survey(
        &self,
        request: &SurveyRequest<'_>,
        now: Now,
        mut is_late: impl FnMut() -> bool,
    ) -> Result<Found, Fault> {
        let mut selected = self.select(&request.selection)?;
        let (survey, done, commit) = self.settle_on(&mut selected, |selected| {
            let (mut look, mut is_cut) = (Look::default(), false);
            self.walk(selected, 0, now, &mut |shard, _, found, _| {
                found.iter().for_each(|at| look.note(&self.shared, shard, *at, now));
                is_cut = look.seen.items >= request.records_max || is_late();
                if is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let total = if is_cut { self.led(selected) } else { look.seen };
            look.written(total)
        });
        Ok(Found { survey, done, commit })
    }

    /// Records of the space in the wanted ranges, from the ranges' own counts, in which due ones are until they are freed.
    fn led(&self, selected: &Selected) -> Amount {
        let mut held = Amount::default();
        for number in self.shards_of(selected) {
            let shard = self.shards[number].lock();
            for part in shard.parts.iter().filter(|part| selected.wants(part.range.id())) {
                let sum = part.sums.of(selected.info.number);
                held.add(Amount { items: sum.items, bytes: sum.bytes });
            }
        }
        held
    }
}

impl Look {
    fn note(&mut self, shared: &Shared, shard: &Shard, at: u32, now: Now) {
        let slot = shard.slots.get(at);
        let block = slot.bytes();
        let amount = Amount { items: 1, bytes: (shared.charge)(block) };
        self.seen.add(amount);
        self.types.entry(block.data_type()).or_default().add(amount);
        self.ttl[ttl_bucket(slot.ttl_ms(now.mono_ms))].add(amount);
        let Some(prefix) = prefix_of(block.key()) else { return self.plain.add(amount) };
        let is_full = self.prefixes.len() >= ROWS_MAX;
        match self.prefixes.get_mut(prefix) {
            Some(known) => known.add(amount),
            None if is_full => self.other_prefixes.add(amount),
            None => {
                self.prefixes.insert(prefix.into(), amount);
            }
        }
    }

    /// The figures, scaled from the records seen to all.
    fn written(self, total: Amount) -> Survey {
        // More may have been seen than is held now.
        let total = Amount { items: total.items.max(self.seen.items), bytes: total.bytes.max(self.seen.bytes) };
        let seen = self.seen;
        let scaled = |amount: Amount| Amount {
            items: scale(amount.items, total.items, seen.items),
            bytes: scale(amount.bytes, total.bytes, seen.bytes),
        };
        let mut types: Vec<_> = self.types.into_iter().map(|(name, amount)| (name, scaled(amount))).collect();
        types.sort_unstable_by_key(|(name, _)| *name);
        let named = self.prefixes.into_iter().map(|(name, amount)| (Some(String::from(name)), amount));
        let plain = (self.plain.items > 0).then_some((None, self.plain));
        let mut prefixes: Vec<_> = named.chain(plain).map(|(name, amount)| (name, scaled(amount))).collect();
        prefixes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Survey {
            total,
            looked_at: seen.items,
            types,
            prefixes,
            other_prefixes: scaled(self.other_prefixes),
            ttl: self.ttl.map(scaled),
        }
    }
}

/// `part` of `seen`, as a part of `total`.
fn scale(part: u64, total: u64, seen: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(total) / u128::from(seen.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}
