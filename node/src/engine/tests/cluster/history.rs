//! What clients saw of one key, and whether some order of their operations explains it (Wing and Gong, 1993, with memory).

use std::{collections::HashSet, fmt};

/// What was asked of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Get,
    Set(i64),
    SetAbsent(i64),
    Delete,
    Increment(i64),
    Swap(i64),
    Touch,
    /// The whole namespace was cleared, or all matching keys removed; or the range began again, empty.
    Wipe,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Value(Option<i64>),
    Done,
    Refused,
    Found(bool),
    Sum(i64),
}

/// An operation on a key. Times are steps of the world.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) ask: Ask,
    pub(super) asked_at: u64,
    /// `None`: nobody knows whether it was done, or when.
    pub(super) told: Option<(Told, u64)>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:4}", self.asked_at)?;
        match &self.told {
            Some((told, at)) => write!(f, "..{at:<4} {:?} -> {told:?}", self.ask),
            None => write!(f, "..?    {:?}", self.ask),
        }
    }
}

/// What may become of records by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They stay.
    Stays,
    /// They may be evicted.
    Evicted,
    /// They may expire too, and then be seen again (rule E1): a copy outlives the deadline by the time that the effect took to
    /// it; and a write is decided when it begins but shown when it is committed, so that the record that it was decided on may
    /// expire in between.
    Expires,
}

/// The operations that are done already, the value after them, and one that expired but may still be somewhere.
type Place = (u128, Option<i64>, Option<i64>);

/// Looks for an order in which every answer is right.
pub(super) fn is_explained(events: &[Event], fate: Fate) -> bool {
    assert!(events.len() <= 128, "{} events of one key", events.len());
    let mut open: Vec<Place> = vec![(0, None, None)];
    let mut seen: HashSet<Place> = HashSet::from([(0, None, None)]);
    while let Some(place) = open.pop() {
        let (done, value, ghost) = place;
        let left = || events.iter().enumerate().filter(move |(at, _)| done & (1 << at) == 0);
        let Some(first_told) = left().filter_map(|(_, event)| event.told.as_ref().map(|(_, at)| *at)).min() else {
            return true;
        };
        let candidates: Vec<_> = left().filter(|(_, event)| event.asked_at <= first_told).collect();
        let next = |(at, event): &(usize, &Event), value| event.follow(value).map(|value| (done | (1 << at), value));
        // What changes nothing and fits may come first: no other order gains by waiting. A wipe does: it fits anywhere; and a
        // write that brings an expired record back, or a read that sees one.
        let idle = |candidate: &(usize, &Event)| {
            let may_wait = candidate.1.ask == Ask::Wipe || (fate == Fate::Expires && value.is_some());
            let is_pinned = candidate.1.told.is_some() && !may_wait;
            next(candidate, value).filter(|(_, after)| is_pinned && *after == value)
        };
        let mut nexts: Vec<Place> = match candidates.iter().find_map(idle) {
            Some((done, value)) => vec![(done, value, ghost)],
            None => {
                let after = candidates.iter().filter_map(|candidate| next(candidate, value));
                after.map(|(done, value)| (done, value, None)).collect()
            }
        };
        if fate != Fate::Stays && value.is_some() {
            nexts.push((done, None, value.filter(|_| fate == Fate::Expires)));
        }
        if ghost.is_some() {
            let again = candidates.iter().filter_map(|candidate| next(candidate, ghost));
            nexts.extend(again.map(|(done, value)| (done, value, None)));
        }
        open.extend(nexts.into_iter().filter(|next| seen.insert(*next)));
    }
    false
}

impl Event {
    /// The value after this was done to `value`, if the answer is right then.
    fn follow(&self, value: Option<i64>) -> Option<Option<i64>> {
        let (told, after) = self.ask.done_to(value);
        self.told.as_ref().is_none_or(|(was_told, _)| *was_told == told).then_some(after)
    }
}

impl Ask {
    fn done_to(&self, value: Option<i64>) -> (Told, Option<i64>) {
        match (self, value) {
            (Self::Get, value) => (Told::Value(value), value),
            (Self::SetAbsent(_), Some(_)) => (Told::Refused, value),
            (Self::Set(new) | Self::SetAbsent(new), _) => (Told::Done, Some(*new)),
            (Self::Delete, value) => (Told::Found(value.is_some()), None),
            (Self::Increment(by), value) => {
                let sum = value.unwrap_or(0) + by;
                (Told::Sum(sum), Some(sum))
            }
            (Self::Swap(new), value) => (Told::Value(value), Some(*new)),
            (Self::Touch, value) => (Told::Found(value.is_some()), value),
            (Self::Wipe, _) => (Told::Done, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(ask: Ask, asked_at: u64, told: Option<(Told, u64)>) -> Event {
        Event { ask, asked_at, told }
    }

    fn get(asked_at: u64, value: Option<i64>, told_at: u64) -> Event {
        event(Ask::Get, asked_at, Some((Told::Value(value), told_at)))
    }

    #[test]
    fn a_lost_write_a_read_that_goes_back_and_a_write_done_twice_are_found() {
        let set = event(Ask::Set(1), 1, Some((Told::Done, 2)));
        assert!(is_explained(&[set.clone(), get(3, Some(1), 4)], Fate::Stays));
        assert!(!is_explained(&[set.clone(), get(3, None, 4)], Fate::Stays));
        assert!(is_explained(&[set.clone(), get(3, None, 4)], Fate::Evicted));
        assert!(!is_explained(&[set.clone(), get(3, None, 4), get(5, Some(1), 6)], Fate::Evicted));
        let unknown = event(Ask::Set(2), 3, None);
        assert!(is_explained(&[set.clone(), unknown.clone(), get(5, Some(1), 6), get(7, Some(2), 8)], Fate::Stays));
        assert!(!is_explained(&[set, unknown, get(5, Some(2), 6), get(7, Some(1), 8)], Fate::Stays));
        let swap = event(Ask::Swap(2), 3, Some((Told::Value(Some(1)), 9)));
        let expired = [event(Ask::Set(1), 1, Some((Told::Done, 2))), swap, get(4, None, 5), get(10, Some(2), 11)];
        assert!(is_explained(&expired, Fate::Expires) && !is_explained(&expired, Fate::Evicted));
        let increment = event(Ask::Increment(1), 1, Some((Told::Sum(1), 9)));
        assert!(!is_explained(&[increment, get(10, Some(2), 11)], Fate::Stays));
    }
}
