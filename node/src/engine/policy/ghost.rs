//! Hashes of items that went lately.

use std::collections::{HashMap, VecDeque};

/// A FIFO of hashes of bounded length.
#[derive(Debug, Default)]
pub(in crate::engine) struct Ghosts {
    /// Per hash the number of its newest entry in `order`.
    entries: HashMap<u64, u64>,
    /// Oldest first; entries whose hash was taken or added again stay until they are met.
    order: VecDeque<(u64, u64)>,
    next: u64,
    /// Taken out already for writes that wait for room.
    expected: VecDeque<u64>,
}

/// Writes that wait for room at once, of which it is known that their keys are ghosts.
const EXPECTED_MAX: usize = 64;

impl Ghosts {
    /// Adds a hash; the oldest go while there are more than `max`.
    pub(super) fn add(&mut self, hash: u64, max: usize) {
        if max == 0 {
            return;
        }
        while self.entries.len() >= max {
            let Some((oldest, number)) = self.order.pop_front() else { break };
            if self.entries.get(&oldest) == Some(&number) {
                self.entries.remove(&oldest);
            }
        }
        self.next += 1;
        self.entries.insert(hash, self.next);
        self.order.push_back((hash, self.next));
        if self.order.len() > 2 * self.entries.len() + 64 {
            self.order.retain(|(hash, number)| self.entries.get(hash) == Some(number));
        }
    }

    /// A hash will be taken soon; what is evicted meanwhile does not push it out.
    pub(super) fn expect(&mut self, hash: u64) {
        if self.entries.remove(&hash).is_some() {
            self.expected.truncate(EXPECTED_MAX - 1);
            self.expected.push_front(hash);
        }
    }

    /// Takes a hash out; true: it was there.
    pub(super) fn take(&mut self, hash: u64) -> bool {
        let expected = self.expected.iter().position(|expected| *expected == hash);
        expected.and_then(|at| self.expected.remove(at)).or_else(|| self.entries.remove(&hash)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_ghosts_go_first_and_a_ghost_comes_back_once() {
        let mut ghosts = Ghosts::default();
        (1..=5).for_each(|hash| ghosts.add(hash, 3));
        assert_eq!([1, 2, 3, 4, 5].map(|hash| ghosts.take(hash)), [false, false, true, true, true]);
        assert!(!ghosts.take(5));
    }

    #[test]
    fn an_expected_ghost_is_not_pushed_out() {
        let mut ghosts = Ghosts::default();
        (1..=3).for_each(|hash| ghosts.add(hash, 3));
        ghosts.expect(1);
        (4..=9).for_each(|hash| ghosts.add(hash, 3));
        assert_eq!([1, 1, 2, 6, 7].map(|hash| ghosts.take(hash)), [true, false, false, false, true]);
    }

    #[test]
    fn what_is_kept_stays_in_proportion_to_the_ghosts() {
        let mut ghosts = Ghosts::default();
        for hash in 0..10_000 {
            ghosts.add(hash, 100);
            ghosts.take(hash);
        }
        assert!(ghosts.order.len() < 100);
    }
}
