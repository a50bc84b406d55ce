//! The owners of every range beside its primary.

use super::{
    augment,
    board::{Board, Bound, Reach},
};
use crate::ring::quota::Quota;

/// After so many ranges for which no exchange keeps the zones apart, exchanges for the sake of zones are given up: the
/// weights do not allow it, and each search costs a look at everything.
const ZONE_SEARCHES_MAX: usize = 64;

/// Per range its owners, the given primary first. No node is above `members_cap`.
pub(super) fn assign(board: &Board, primaries: &[usize]) -> Vec<Vec<usize>> {
    let owners = primaries.iter().map(|primary| vec![*primary]).collect();
    let mut shelf = Shelf { board, owners, load: vec![0; board.nodes()], failed_zone_searches: 0 };
    for primary in primaries {
        shelf.load[*primary] += 1;
    }
    if board.copies > 1 {
        shelf.keep();
        shelf.shrink();
        shelf.trim();
        shelf.fill();
        shelf.settle();
    }
    shelf.owners
}

/// The owners so far, and how many ranges each node holds.
pub(super) struct Shelf<'a> {
    pub(super) board: &'a Board,
    pub(super) owners: Vec<Vec<usize>>,
    pub(super) load: Vec<u64>,
    failed_zone_searches: usize,
}

impl Shelf<'_> {
    /// Earlier owners stay as long as they keep the zones apart; there may be one too many where the primary is new.
    fn keep(&mut self) {
        for range in 0..self.owners.len() {
            let primary = self.owners[range][0];
            let others = || self.board.previous(range).iter().copied().filter(move |node| *node != primary);
            let all: Vec<_> = [primary].into_iter().chain(others()).collect();
            // Where all together are apart, their order is of no importance.
            let all_fit = self.board.is_spread(&all);
            for node in others() {
                if all_fit || self.board.is_spread_with(&self.owners[range], node) {
                    self.add(range, node);
                }
            }
        }
    }

    /// Where there are too many owners, the one that is most above its share goes.
    fn shrink(&mut self) {
        for range in 0..self.owners.len() {
            while self.owners[range].len() > self.board.copies {
                let owners = &self.owners[range];
                let surplus = |node: usize| self.load[node] as i64 - self.board.quotas[node].members_floor as i64;
                let stays_spread = |at: usize| {
                    let others: Vec<_> = owners.iter().copied().filter(|node| *node != owners[at]).collect();
                    self.board.is_spread(&others)
                };
                let goes = (1..owners.len()).max_by_key(|at| (stays_spread(*at), surplus(owners[*at]), *at));
                self.remove(range, goes.unwrap_or(owners.len() - 1));
            }
        }
    }

    /// Nodes above their cap let go of copies; a node's primaries alone never exceed it.
    fn trim(&mut self) {
        for range in (0..self.owners.len()).rev() {
            for at in (1..self.owners[range].len()).rev() {
                let node = self.owners[range][at];
                if self.load[node] > self.bound(node, Bound::Cap) {
                    self.remove(range, at);
                }
            }
        }
    }

    fn fill(&mut self) {
        for count in 1..self.board.copies {
            for range in 0..self.owners.len() {
                if self.owners[range].len() == count {
                    self.add_one(range);
                }
            }
        }
    }

    /// One more owner for a range: with the zones apart if the caps allow it at all, else without.
    fn add_one(&mut self, range: usize) {
        if let Some(node) = self.apart(range) {
            return self.add(range, node);
        }
        if self.failed_zone_searches < ZONE_SEARCHES_MAX {
            if augment::exchange(self, range, augment::Zones::Apart) {
                return;
            }
            self.failed_zone_searches += 1;
        }
        let has_room = |node: &usize| self.may_take(range, *node, Bound::Cap);
        let before = self.board.previous(range).iter().copied().find(has_room);
        match before.or_else(|| self.board.walk(range).find(has_room)) {
            Some(node) => self.add(range, node),
            None => {
                let found = augment::exchange(self, range, augment::Zones::Ignored);
                debug_assert!(found, "the caps add up to all copies, so an exchange makes room");
            }
        }
    }

    /// The first node on the circle with room that keeps the zones apart; on top of an earlier placement an owed one.
    fn apart(&self, range: usize) -> Option<usize> {
        let bounds: &[Bound] = if self.board.previous.is_some() { &[Bound::Floor, Bound::Cap] } else { &[Bound::Cap] };
        let first_below = |bound: &Bound| {
            let fits = |node: &usize| {
                self.may_take(range, *node, *bound) && self.board.is_spread_with(&self.owners[range], *node)
            };
            self.board.walk(range).find(fits)
        };
        bounds.iter().find_map(first_below)
    }

    /// Nodes below their share take copies from nodes above theirs, where the zones allow it.
    fn settle(&mut self) {
        for reach in [Reach::Before, Reach::Anywhere] {
            for range in 0..self.owners.len() {
                for at in 1..self.owners[range].len() {
                    self.settle_one(range, at, reach);
                }
            }
        }
    }

    fn settle_one(&mut self, range: usize, at: usize, reach: Reach) {
        let owners = &self.owners[range];
        let donor = owners[at];
        if self.load[donor] <= self.bound(donor, Bound::Floor) || !self.is_any_owed() {
            return;
        }
        let fits = |node: &usize| {
            self.may_take(range, *node, Bound::Floor) && self.board.is_spread_after(owners, donor, *node)
        };
        let may_pass = |node: &usize| reach != Reach::Before || *node != donor;
        if let Some(taker) = self.board.walk(range).take_while(may_pass).find(fits) {
            self.owners[range][at] = taker;
            self.load[donor] -= 1;
            self.load[taker] += 1;
        }
    }

    fn is_any_owed(&self) -> bool {
        (0..self.load.len()).any(|node| self.load[node] < self.bound(node, Bound::Floor))
    }

    fn may_take(&self, range: usize, node: usize, bound: Bound) -> bool {
        self.load[node] < self.bound(node, bound) && !self.owners[range].contains(&node)
    }

    pub(super) fn has_room(&self, node: usize) -> bool {
        self.load[node] < self.bound(node, Bound::Cap)
    }

    pub(super) fn add(&mut self, range: usize, node: usize) {
        self.owners[range].push(node);
        self.load[node] += 1;
    }

    fn remove(&mut self, range: usize, at: usize) {
        let node = self.owners[range].remove(at);
        self.load[node] -= 1;
    }

    fn bound(&self, node: usize, bound: Bound) -> u64 {
        let Quota { members_floor, members_cap, .. } = self.board.quotas[node];
        match bound {
            Bound::Floor => members_floor,
            Bound::Cap => members_cap,
        }
    }
}
