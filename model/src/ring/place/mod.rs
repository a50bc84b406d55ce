//! From nodes and quotas to owners.
//!
//! 1. *Keep*: what the previous placement says, as far as the nodes are still there.
//! 2. *Fill*: what has no owner goes clockwise to the first node below its cap.
//! 3. *Settle*: nodes below their fair share take from nodes above theirs, nodes above their cap give away.
//!
//! First for the primaries, then for the other copies. So a join moves what the new node is due and hardly more, a leave
//! moves what the leaver had, and placing again with the same nodes moves nothing.

mod augment;
mod board;
mod copies;
mod primaries;

use std::collections::{BTreeMap, BTreeSet};

use self::board::Board;
use super::{quota::quotas, table::Table};
use crate::ids::NodeId;

/// A node that may own ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The node.
    pub id: NodeId,
    /// Share of the ranges relative to the others; 0: it gets none.
    pub weight: u32,
    /// Failure domain; nodes with the same text (also with none) share it.
    pub zone: String,
}

/// Owners of every range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Per range its owners, the primary first; as many as there are copies, or as there are candidates with a weight.
    pub owners: Vec<Vec<NodeId>>,
    /// True when some range has fewer zones than it could have, because the caps left no other choice: a zone whose share
    /// of the weight is below 1/copies cannot hold a copy of every range.
    pub zone_rule_relaxed: bool,
}

/// Places `2^range_bits` ranges (1 to 16) with `copies` owners each.
///
/// Deterministic: equal arguments give equal owners on every machine; the order of `nodes` is of no importance, and a
/// repeated id counts once. No node ever exceeds its [`Quota`](super::Quota). `previous` is the placement to stay close
/// to; one of another length is ignored.
pub fn place(
    nodes: &[Candidate],
    range_bits: u8,
    copies: usize,
    seed: u64,
    previous: Option<&[Vec<NodeId>]>,
) -> Placement {
    let ranges = 1_usize << range_bits;
    let nodes: BTreeMap<NodeId, &Candidate> =
        nodes.iter().filter(|node| node.weight > 0).map(|node| (node.id, node)).collect();
    let copies = copies.clamp(1, nodes.len().max(1));
    if nodes.is_empty() {
        return Placement { owners: vec![Vec::new(); ranges], zone_rule_relaxed: false };
    }
    let ids: Vec<NodeId> = nodes.keys().copied().collect();
    let weights: Vec<u32> = nodes.values().map(|node| node.weight).collect();
    let zone_names: BTreeSet<&str> = nodes.values().map(|node| node.zone.as_str()).collect();
    let zone_names: Vec<&str> = zone_names.into_iter().collect();
    let board = Board {
        table: Table::build(ids.iter().copied().zip(weights.iter().copied()), seed),
        quotas: quotas(&weights, ranges as u64, copies),
        zones: nodes.values().filter_map(|node| zone_names.binary_search(&node.zone.as_str()).ok()).collect(),
        zone_count: zone_names.len(),
        range_bits,
        copies,
        previous: previous.filter(|owners| owners.len() == ranges).map(|owners| indexed(owners, &ids)),
    };
    let owners = copies::assign(&board, &primaries::assign(&board));
    let zone_rule_relaxed = owners.iter().any(|owners| !board.is_spread(owners));
    let owners = owners.into_iter().map(|owners| owners.into_iter().map(|at| ids[at]).collect()).collect();
    Placement { owners, zone_rule_relaxed }
}

/// `owners` by their places in `ids`, without those that are no candidates any more and without repetitions.
fn indexed(owners: &[Vec<NodeId>], ids: &[NodeId]) -> Vec<Vec<usize>> {
    let of_range = |owners: &Vec<NodeId>| {
        let mut places = Vec::with_capacity(owners.len());
        for id in owners {
            match ids.binary_search(id) {
                Ok(at) if !places.contains(&at) => places.push(at),
                _ => {}
            }
        }
        places
    };
    owners.iter().map(of_range).collect()
}

#[cfg(test)]
mod tests;
