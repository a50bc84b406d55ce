//! Use over time, made from the tallies: what they grew by in each ten seconds. Costs operations nothing; the borders of the
//! times are as exact as the background work is regular, which is a tenth of a second.
//!
//! Times are those of the wall clock, so that figures of different nodes meet under the same minute. When it is set back,
//! times that are then yet to come are not shown, and written anew when they come.

use std::collections::BTreeMap;

use ringhold_model::{
    NamespaceId,
    config::Backend,
    stats::MINUTES_KEPT,
    wire::{Minute, Recent},
};

use super::super::Now;

/// Length of the shorter slots.
const SLOT_MS: u64 = 10_000;
/// Slots in fifteen minutes, and the present one.
const SLOTS_KEPT: u64 = 91;
const SLOTS_PER_MINUTE: u64 = 60_000 / SLOT_MS;

type Key = (NamespaceId, Backend);

/// Sums over the shards, from which times are made by subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Totals {
    pub operations: u64,
    pub hits: u64,
    pub misses: u64,
    pub sets: u64,
    pub deletes: u64,
    pub evictions: u64,
    pub expired: u64,
}

/// Use of all spaces over time. Only one thread at a time looks at the tallies for it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Timelines {
    /// Where what is counted now belongs; `None` before the first look.
    slot: Option<u64>,
    spaces: BTreeMap<Key, Timeline>,
}

#[derive(Debug, Default)]
struct Timeline {
    seen: Totals,
    /// Each under its minute modulo [`MINUTES_KEPT`].
    minutes: Vec<Minute>,
    /// Slot and operations, each under its slot modulo [`SLOTS_KEPT`].
    slots: Vec<(u64, u64)>,
}

impl Timelines {
    /// Whether a slot has ended since the last look.
    pub(in crate::engine) fn is_over(&self, now: Now) -> bool {
        self.slot != Some(now.wall_ms / SLOT_MS)
    }

    /// Notes the present totals. What came since the last look belongs to the slot of that look: looks come soon after a slot
    /// begins. Spaces that are not named are forgotten.
    pub(in crate::engine) fn look(&mut self, now: Now, totals: impl IntoIterator<Item = (Key, Totals)>) {
        let present = now.wall_ms / SLOT_MS;
        let slot = self.slot.replace(present).unwrap_or(present);
        let mut before = std::mem::take(&mut self.spaces);
        for (key, totals) in totals {
            let mut timeline = before.remove(&key).unwrap_or_default();
            timeline.note(slot, totals);
            if timeline.seen != Totals::default() {
                self.spaces.insert(key, timeline);
            }
        }
    }

    /// The last hour of a space by minute, the present minute last.
    pub(in crate::engine) fn minutes(&self, key: Key, now: Now) -> Vec<Minute> {
        let present = now.wall_ms / 60_000;
        let is_shown = |minute: &&Minute| minute.minute <= present && minute.minute + MINUTES_KEPT > present;
        let kept = self.spaces.get(&key).map_or(&[][..], |timeline| &timeline.minutes);
        let mut minutes: Vec<Minute> = kept.iter().filter(is_shown).copied().collect();
        minutes.sort_unstable_by_key(|minute| minute.minute);
        minutes
    }

    /// Operations of a space in the last full slots.
    pub(in crate::engine) fn recent(&self, key: Key, now: Now) -> Recent {
        let present = now.wall_ms / SLOT_MS;
        let slots = self.spaces.get(&key).map_or(&[][..], |timeline| &timeline.slots);
        let within = |minutes: u64| {
            let first = present.saturating_sub(minutes * SLOTS_PER_MINUTE);
            slots.iter().filter(|(slot, _)| (first..present).contains(slot)).map(|(_, operations)| operations).sum()
        };
        Recent { minute: within(1), minutes_5: within(5), minutes_15: within(15) }
    }
}

impl Timeline {
    fn note(&mut self, slot: u64, totals: Totals) {
        let seen = std::mem::replace(&mut self.seen, totals);
        // A space that was removed and made again counts from zero.
        let grown = |read: fn(&Totals) -> u64| read(&totals).checked_sub(read(&seen)).unwrap_or(read(&totals));
        let minute = Minute {
            minute: slot / SLOTS_PER_MINUTE,
            operations: grown(|totals| totals.operations),
            hits: grown(|totals| totals.hits),
            misses: grown(|totals| totals.misses),
            sets: grown(|totals| totals.sets),
            deletes: grown(|totals| totals.deletes),
            evictions: grown(|totals| totals.evictions),
            expired: grown(|totals| totals.expired),
        };
        if totals == seen {
            return;
        }
        let kept = place(&mut self.minutes, minute.minute % MINUTES_KEPT);
        if kept.minute != minute.minute {
            *kept = Minute { minute: minute.minute, ..Minute::default() };
        }
        kept.add(&minute);
        let kept = place(&mut self.slots, slot % SLOTS_KEPT);
        if kept.0 != slot {
            *kept = (slot, 0);
        }
        kept.1 += minute.operations;
    }
}

fn place<T: Default>(ring: &mut Vec<T>, at: u64) -> &mut T {
    let at = at as usize;
    if ring.len() <= at {
        ring.resize_with(at + 1, T::default);
    }
    &mut ring[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = (NamespaceId(1), Backend::Memory);

    fn at(seconds: u64) -> Now {
        Now { mono_ms: 5, wall_ms: seconds * 1_000 }
    }

    fn operations(count: u64) -> [(Key, Totals); 1] {
        [(KEY, Totals { operations: count, ..Totals::default() })]
    }

    fn by_minute(lines: &Timelines, now: Now) -> Vec<(u64, u64)> {
        lines.minutes(KEY, now).iter().map(|minute| (minute.minute, minute.operations)).collect()
    }

    #[test]
    fn what_was_counted_since_the_last_look_belongs_to_its_time() {
        let mut lines = Timelines::default();
        assert!(lines.is_over(at(6_000)));
        lines.look(at(6_000), operations(0));
        lines.look(at(6_005), operations(3));
        assert!(!lines.is_over(at(6_009)) && lines.is_over(at(6_010)));
        lines.look(at(6_060), operations(10));
        lines.look(at(6_061), operations(12));
        assert_eq!(by_minute(&lines, at(6_061)), [(100, 10), (101, 2)]);
        assert_eq!(lines.recent(KEY, at(6_061)), Recent { minute: 10, minutes_5: 10, minutes_15: 10 });
        assert_eq!(lines.recent(KEY, at(6_070)), Recent { minute: 2, minutes_5: 12, minutes_15: 12 });
    }

    #[test]
    fn an_hour_is_kept_and_clock_steps_show_no_time_twice() {
        let mut lines = Timelines::default();
        for minute in 0..200 {
            lines.look(at(minute * 60), operations(minute * (minute + 1) / 2));
        }
        let shown = by_minute(&lines, at(199 * 60));
        assert_eq!((shown.len(), shown[0], shown[58]), (59, (140, 141), (198, 199)), "none in the present minute yet");
        lines.look(at(150 * 60), operations(20_000));
        lines.look(at(151 * 60), operations(20_007));
        let shown = by_minute(&lines, at(151 * 60));
        assert!(shown.is_sorted() && shown.iter().all(|(minute, _)| *minute <= 151), "{shown:?}");
        assert_eq!(shown.iter().find(|(minute, _)| *minute == 150), Some(&(150, 151 + 7)));
    }

    #[test]
    fn a_removed_space_is_forgotten_and_its_successor_counts_from_zero() {
        let mut lines = Timelines::default();
        lines.look(at(0), operations(7));
        lines.look(at(10), operations(2));
        assert_eq!(by_minute(&lines, at(10)), [(0, 9)]);
        lines.look(at(20), []);
        assert!(lines.spaces.is_empty());
    }
}
