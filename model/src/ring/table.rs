//! The compiled hash circle: the points of all nodes in order, and the clockwise walk over them.

use std::hash::{Hash, Hasher};

use consistent_hash_ring::RingBuilder;

use super::hasher::BuildStable;
use crate::ids::NodeId;

/// Points of a plain node (weight 100): a node's share of the circle then varies by about 8 %.
const POINTS_PLAIN: u64 = 160;
/// Most points of one node, reached at weight 2,500; building costs the square. A heavier node gets its share all the
/// same: the points say which ranges, the quotas how many.
const POINTS_MAX: u64 = 4_000;

/// The circle as a sorted list of (end of an arc, who owns the arc).
///
/// `consistent_hash_ring` places the points. Its own lookups are not used: its `replicas` are not the successors on the
/// circle, so the owner after a loss would not be the holder of the copy.
pub(super) struct Table {
    arcs: Vec<(u64, u32)>,
    nodes: usize,
}

/// A node on the circle: its place depends on the id alone, never on an address or on its position in a list.
#[derive(Clone, Copy)]
struct Token {
    id: NodeId,
    at: u32,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Token {}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.id.0);
    }
}

impl Table {
    /// Places `nodes`, given as (id, weight above 0). Walks name them by their position in the list.
    pub(super) fn build(nodes: impl ExactSizeIterator<Item = (NodeId, u32)>, seed: u64) -> Self {
        let count = nodes.len();
        let tokens = nodes.zip(0..).map(|((id, weight), at)| (Token { id, at }, points(weight)));
        let ring = RingBuilder::new(BuildStable { seed }).weighted_nodes_iter(tokens).build();
        let mut arcs: Vec<_> = ring.resident_ranges().map(|arc| (*arc.keys().end(), arc.node().at)).collect();
        // The arc that wraps around zero is given in two parts; the order of the parts is the crate's business.
        arcs.sort_unstable();
        Self { arcs, nodes: count }
    }

    /// Distinct nodes clockwise from `start`, each once.
    pub(super) fn walk(&self, start: u64) -> Walk<'_> {
        let from = self.arcs.partition_point(|(end, _)| *end < start);
        Walk { arcs: &self.arcs, from, steps: 0, seen: vec![0; self.nodes.div_ceil(64)], left: self.nodes }
    }
}

fn points(weight: u32) -> usize {
    (u64::from(weight) * POINTS_PLAIN / 100).clamp(1, POINTS_MAX) as usize
}

/// See [`Table::walk`]. Ends after one turn at the latest.
pub(super) struct Walk<'a> {
    arcs: &'a [(u64, u32)],
    from: usize,
    steps: usize,
    seen: Vec<u64>,
    left: usize,
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.left > 0 && self.steps < self.arcs.len() {
            let (_, node) = self.arcs[(self.from + self.steps) % self.arcs.len()];
            self.steps += 1;
            let (word, bit) = (node as usize / 64, 1 << (node % 64));
            if self.seen[word] & bit == 0 {
                self.seen[word] |= bit;
                self.left -= 1;
                return Some(node as usize);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ids: &[u64]) -> Table {
        Table::build(ids.iter().map(|id| (NodeId(*id), 100)), 7)
    }

    #[test]
    fn a_walk_names_every_node_once_from_any_start() {
        let table = table(&[1, 2, 3, 4, 5]);
        for start in [0, 1, u64::MAX / 3, u64::MAX - 1, u64::MAX] {
            let mut nodes: Vec<_> = table.walk(start).collect();
            nodes.sort_unstable();
            assert_eq!(nodes, [0, 1, 2, 3, 4], "{start}");
        }
    }

    #[test]
    fn the_circle_is_closed() {
        let table = table(&[1, 2, 3]);
        let first = table.walk(0).next();
        assert_eq!(table.arcs.last().map(|(end, _)| *end), Some(u64::MAX));
        assert_eq!(table.walk(u64::MAX).next(), first, "the last arc belongs to the owner of the first");
    }

    #[test]
    fn the_next_on_the_walk_inherits_a_lost_nodes_ranges() {
        let (all, without_3) = (table(&[1, 2, 3, 4]), table(&[1, 2, 4]));
        let id = |at: usize| [1, 2, 3, 4][at];
        for range in 0..1024_u64 {
            let start = range << 54;
            let survivors: Vec<u64> = all.walk(start).map(id).filter(|id| *id != 3).collect();
            let now: Vec<u64> = without_3.walk(start).map(|at| [1, 2, 4][at]).collect();
            assert_eq!(survivors, now);
        }
    }

    #[test]
    fn extreme_weights_have_few_and_bounded_points() {
        assert_eq!((points(1), points(100), points(250), points(u32::MAX)), (1, 160, 400, 4_000));
    }

    #[test]
    fn an_empty_circle_has_no_walk() {
        assert_eq!(table(&[]).walk(5).next(), None);
    }
}
