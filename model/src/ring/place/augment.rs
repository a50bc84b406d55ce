//! Room by exchange: when every node that a range could use is full, one of them hands another range on, and so on along
//! the shortest chain that ends at a node with room (an augmenting path of bipartite matching).
//!
//! Without regard for zones a chain always exists. Let `M` be the caps of all members, `P(S)` the ranges whose primary is
//! in a set `S` of `s` nodes. By max-flow min-cut all copies fit unless some `S` has `M(all) - M(S) < ranges * (copies - s)`;
//! but `M(all) >= ranges * copies`, and no cap is above `ranges`, so `M(S) <= ranges * s`.

use std::collections::VecDeque;

use super::copies::Shelf;

/// Whether the zone rule holds for an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zones {
    Apart,
    Ignored,
}

/// Gives `range` one more owner by an exchange; false when there is none.
pub(super) fn exchange(shelf: &mut Shelf<'_>, range: usize, zones: Zones) -> bool {
    let Some(chain) = Search::new(shelf, zones).run(range) else { return false };
    let mut node = chain.end;
    shelf.load[node] += 1;
    while let Some((giver, given)) = chain.given_by[node] {
        for owner in &mut shelf.owners[given] {
            if *owner == giver {
                *owner = node;
            }
        }
        node = giver;
    }
    shelf.owners[range].push(node);
    true
}

/// A chain, read from its end: node, who gave it which range, who gave that one which range, …
struct Chain {
    end: usize,
    given_by: Vec<Option<(usize, usize)>>,
}

struct Search<'a, 'b> {
    shelf: &'a Shelf<'b>,
    zones: Zones,
    /// Per node the ranges of which it is a copy, not the primary.
    copies_of: Vec<Vec<usize>>,
    seen: Vec<bool>,
    given_by: Vec<Option<(usize, usize)>>,
    queue: VecDeque<usize>,
}

impl<'a, 'b> Search<'a, 'b> {
    fn new(shelf: &'a Shelf<'b>, zones: Zones) -> Self {
        let nodes = shelf.board.nodes();
        let mut copies_of = vec![Vec::new(); nodes];
        for (range, owners) in shelf.owners.iter().enumerate() {
            owners.iter().skip(1).for_each(|node| copies_of[*node].push(range));
        }
        Self { shelf, zones, copies_of, seen: vec![false; nodes], given_by: vec![None; nodes], queue: VecDeque::new() }
    }

    fn run(mut self, range: usize) -> Option<Chain> {
        let shelf = self.shelf;
        let owners = &shelf.owners[range];
        let fits = |node| self.zones == Zones::Ignored || shelf.board.is_spread_with(owners, node);
        let first: Vec<_> = shelf.board.walk(range).filter(|node| !owners.contains(node) && fits(*node)).collect();
        let mut end = first.into_iter().find(|node| self.visit(*node, None));
        while end.is_none() {
            let giver = self.queue.pop_front()?;
            end = self.pass_on(giver, range);
        }
        end.map(|end| Chain { end, given_by: self.given_by })
    }

    /// Looks at all nodes that could take a range from `giver`; the first that has room.
    fn pass_on(&mut self, giver: usize, except: usize) -> Option<usize> {
        let shelf = self.shelf;
        for range in std::mem::take(&mut self.copies_of[giver]).into_iter().filter(|range| *range != except) {
            let owners = &shelf.owners[range];
            for node in 0..shelf.board.nodes() {
                let fits = || self.zones == Zones::Ignored || shelf.board.is_spread_after(owners, giver, node);
                if !self.seen[node] && !owners.contains(&node) && fits() && self.visit(node, Some((giver, range))) {
                    return Some(node);
                }
            }
        }
        None
    }

    /// Notes how `node` was reached; true when it has room.
    fn visit(&mut self, node: usize, given_by: Option<(usize, usize)>) -> bool {
        self.seen[node] = true;
        self.given_by[node] = given_by;
        self.queue.push_back(node);
        self.shelf.has_room(node)
    }
}
