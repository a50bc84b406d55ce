//! Hierarchical timing wheel: which items are due, to the millisecond, in time independent of how many wait.
//!
//! Seven levels of 64 slots cover the 40 bits of a deadline. An item sits at the level of the highest bit in which its
//! deadline differs from the wheel's time, and moves down as the time comes nearer (Varghese and Lauck, 1987, scheme 6).
//! Lists are linked through the slots; the `wheel_prev` of a list's first slot names the list (`FLAG | list`).

use super::slab::{NIL, Slab};

const LEVELS: usize = 7;
const LEVEL_BITS: u32 = 6;
const LISTS: usize = 1 << LEVEL_BITS;
const FLAG: u32 = 1 << 23;
/// Latest deadline that a slot keeps: 34 years of the monotonic clock.
pub(super) const DEADLINE_MAX: u64 = (1 << 40) - 1;

/// A deadline as slots keep it: zero would mean that there is none.
pub(super) fn clamped(deadline_ms: u64) -> u64 {
    deadline_ms.clamp(1, DEADLINE_MAX)
}

/// The items of a shard that expire.
#[derive(Debug)]
pub(super) struct Wheel {
    /// All deadlines below are out of the wheel or in the list of exactly this time.
    elapsed: u64,
    occupied: [u64; LEVELS],
    heads: Box<[u32; LEVELS * LISTS]>,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self { elapsed: 0, occupied: [0; LEVELS], heads: Box::new([NIL; LEVELS * LISTS]) }
    }

    /// Sets the deadline of a slot that is not in the wheel and links it.
    pub(super) fn insert(&mut self, slots: &mut Slab, at: u32, deadline_ms: u64) {
        let deadline = clamped(deadline_ms);
        slots.get_mut(at).set_deadline_ms(deadline);
        self.link(slots, at, deadline);
    }

    /// Takes a slot out, if it is in, and clears its deadline.
    pub(super) fn remove(&mut self, slots: &mut Slab, at: u32) {
        if slots.get(at).wheel_prev() != NIL {
            self.unlink(slots, at);
            slots.get_mut(at).set_deadline_ms(0);
        }
    }

    /// Takes a slot out, if it is in, and leaves its deadline to be read.
    pub(super) fn suspend(&mut self, slots: &mut Slab, at: u32) {
        if slots.get(at).wheel_prev() != NIL {
            self.unlink(slots, at);
        }
    }

    /// Puts a slot that came out back in, to come out again at `until_ms`; its deadline stays.
    pub(super) fn defer(&mut self, slots: &mut Slab, at: u32, until_ms: u64) {
        self.link(slots, at, clamped(until_ms));
    }

    /// Takes out and returns a slot whose deadline is over; its deadline stays readable. Every look at a slot costs one of
    /// `budget`; `None` with budget left: nothing is due.
    pub(super) fn pop_due(&mut self, slots: &mut Slab, now_ms: u64, budget: &mut u32) -> Option<u32> {
        while *budget > 0 {
            let Some((list, start)) = self.first().filter(|(_, start)| *start <= now_ms) else {
                self.elapsed = self.elapsed.max(now_ms.min(DEADLINE_MAX));
                return None;
            };
            *budget -= 1;
            self.elapsed = self.elapsed.max(start);
            let at = self.heads[list];
            self.unlink(slots, at);
            let deadline = slots.get(at).deadline_ms();
            if deadline <= now_ms {
                return Some(at);
            }
            self.link(slots, at, deadline);
        }
        None
    }

    /// Nothing is due before this time; `None`: nothing ever.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.first().map(|(_, start)| start)
    }

    /// The list with the earliest start.
    fn first(&self) -> Option<(usize, u64)> {
        let mut first = None::<(usize, u64)>;
        for level in 0..LEVELS {
            let occupied = self.occupied[level];
            if occupied == 0 {
                continue;
            }
            let shift = LEVEL_BITS * level as u32;
            let here = (self.elapsed >> shift) as u32 % LISTS as u32;
            let list = (occupied.rotate_right(here).trailing_zeros() + here) % LISTS as u32;
            let base = (self.elapsed >> (shift + LEVEL_BITS)) << (shift + LEVEL_BITS);
            let start = base | (u64::from(list) << shift);
            if first.is_none_or(|(_, earliest)| start < earliest) {
                first = Some((level * LISTS + list as usize, start));
            }
        }
        first
    }

    fn link(&mut self, slots: &mut Slab, at: u32, deadline: u64) {
        let when = deadline.max(self.elapsed);
        let level = ((self.elapsed ^ when) | 1).ilog2() / LEVEL_BITS;
        let place = (when >> (LEVEL_BITS * level)) as usize % LISTS;
        let list = level as usize * LISTS + place;
        let next = std::mem::replace(&mut self.heads[list], at);
        self.occupied[level as usize] |= 1 << place;
        if next != NIL {
            slots.get_mut(next).set_wheel_prev(at);
        }
        let slot = slots.get_mut(at);
        slot.set_wheel_prev(FLAG | list as u32);
        slot.set_wheel_next(next);
    }

    fn unlink(&mut self, slots: &mut Slab, at: u32) {
        let slot = slots.get_mut(at);
        let (prev, next) = (slot.wheel_prev(), slot.wheel_next());
        slot.set_wheel_prev(NIL);
        slot.set_wheel_next(NIL);
        if next != NIL {
            slots.get_mut(next).set_wheel_prev(prev);
        }
        if prev & FLAG == 0 {
            slots.get_mut(prev).set_wheel_next(next);
            return;
        }
        let list = (prev & !FLAG) as usize;
        self.heads[list] = next;
        if next == NIL {
            self.occupied[list / LISTS] &= !(1 << (list % LISTS));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ringhold_model::{
        config::DataType,
        wire::{NewRecord, Ttl},
    };

    use super::{super::block::Block, *};

    fn block() -> Block {
        let record = NewRecord {
            value: b"1",
            metadata: None,
            tags: vec![],
            data_type: DataType::Number,
            strategy: None,
            ttl: Ttl::Default,
            history: None,
            when: vec![],
        };
        Block::build("k", &record, 0).unwrap()
    }

    fn delay() -> impl Strategy<Value = u64> {
        prop_oneof![0..5u64, 0..100u64, 0..5_000u64, 0..10_000_000u64, 0..20_000_000_000u64]
    }

    proptest! {
        #[test]
        fn exactly_the_due_items_come_out_whatever_the_steps(
            steps in prop::collection::vec((delay(), delay(), any::<bool>(), 1..20u32), 1..200),
        ) {
            let (mut wheel, mut slots) = (Wheel::new(), Slab::new());
            let (mut now, mut waiting) = (0u64, std::collections::BTreeMap::<u32, u64>::new());
            for (delay, advance, cancel, mut budget) in steps {
                let at = slots.insert(0, block());
                wheel.insert(&mut slots, at, now + delay);
                waiting.insert(at, (now + delay).max(1));
                if cancel && let Some((&at, _)) = waiting.iter().nth(waiting.len() / 2) {
                    waiting.remove(&at);
                    wheel.remove(&mut slots, at);
                    slots.remove(at);
                }
                now += advance / 8;
                while let Some(at) = wheel.pop_due(&mut slots, now, &mut budget) {
                    prop_assert!(waiting.remove(&at).is_some_and(|deadline| deadline <= now));
                    slots.remove(at);
                }
                if budget > 0 {
                    prop_assert!(waiting.values().all(|deadline| *deadline > now));
                }
                let earliest = waiting.values().min();
                prop_assert!(wheel.next_due_ms().is_none() == earliest.is_none());
                if let (Some(bound), Some(&earliest)) = (wheel.next_due_ms(), earliest) {
                    prop_assert!(bound <= earliest.max(now));
                }
            }
        }
    }
}
