//! One primary for every range.

use super::board::{Board, Bound, Reach};
use crate::ring::quota::Quota;

/// Per range its primary. No node is above `primaries_cap`, and none below `primaries_floor`.
pub(super) fn assign(board: &Board) -> Vec<usize> {
    let kept = (0..board.ranges()).map(|range| board.previous(range).first().copied());
    let mut seats = Seats { board, of: kept.collect(), load: vec![0; board.nodes()] };
    for node in seats.of.iter().flatten() {
        seats.load[*node] += 1;
    }
    seats.fill();
    seats.settle();
    seats.of.into_iter().flatten().collect()
}

struct Seats<'a> {
    board: &'a Board,
    of: Vec<Option<usize>>,
    load: Vec<u64>,
}

impl Seats<'_> {
    /// Ranges without a primary take the first node on the circle that has room. The caps add up to at least all ranges,
    /// so there is always one. On top of an earlier placement, nodes that are owed something come first: what they get
    /// now need not be moved to them in the end.
    fn fill(&mut self) {
        let bounds: &[Bound] = if self.board.previous.is_some() { &[Bound::Floor, Bound::Cap] } else { &[Bound::Cap] };
        for range in 0..self.of.len() {
            if self.of[range].is_none() {
                let first_below = |bound: &Bound| self.board.walk(range).find(|node| self.is_below(*node, *bound));
                let node = bounds.iter().find_map(first_below);
                self.of[range] = node;
                node.into_iter().for_each(|node| self.load[node] += 1);
            }
        }
    }

    /// The owed take from those above their cap first, then from those above their share; then the rest above a cap moves.
    ///
    /// It ends settled: were a node still owed after the widest sweep, another would be above its share (the shares add
    /// up to at most all ranges), would have been so at each of its ranges, and would have given one away.
    fn settle(&mut self) {
        for donors in [Bound::Cap, Bound::Floor] {
            for reach in [Reach::Holders, Reach::Before, Reach::Anywhere] {
                self.sweep(donors, Bound::Floor, reach);
            }
        }
        for reach in [Reach::Holders, Reach::Anywhere] {
            self.sweep(Bound::Cap, Bound::Cap, reach);
        }
    }

    /// Every range of a node above `donors` goes to a node below `takers` within `reach`, if there is one.
    fn sweep(&mut self, donors: Bound, takers: Bound, reach: Reach) {
        if !(0..self.load.len()).any(|node| self.is_below(node, takers)) {
            return;
        }
        for range in 0..self.of.len() {
            let Some(donor) = self.of[range].filter(|node| self.load[*node] > self.bound(*node, donors)) else {
                continue;
            };
            if let Some(taker) = self.taker(range, donor, takers, reach) {
                self.load[donor] -= 1;
                self.load[taker] += 1;
                self.of[range] = Some(taker);
            }
        }
    }

    fn taker(&self, range: usize, donor: usize, takers: Bound, reach: Reach) -> Option<usize> {
        let may_take = |node: &usize| *node != donor && self.is_below(*node, takers);
        match reach {
            Reach::Holders => self.board.previous(range).iter().copied().find(may_take),
            Reach::Before => self.board.walk(range).take_while(|node| *node != donor).find(may_take),
            Reach::Anywhere => self.board.walk(range).find(may_take),
        }
    }

    fn is_below(&self, node: usize, bound: Bound) -> bool {
        self.load[node] < self.bound(node, bound)
    }

    fn bound(&self, node: usize, bound: Bound) -> u64 {
        let Quota { primaries_floor, primaries_cap, .. } = self.board.quotas[node];
        match bound {
            Bound::Floor => primaries_floor,
            Bound::Cap => primaries_cap,
        }
    }
}
