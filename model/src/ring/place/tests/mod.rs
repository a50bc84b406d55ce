//! Tests of the placement: rules, golden numbers, figures of balance and movement, properties.

mod figures;
mod golden;
mod properties;
mod rules;

use super::{Candidate, Placement, place};
use crate::{
    ids::NodeId,
    ring::{Quota, quotas},
};

const SEED: u64 = 0x5eed;

fn node(id: u64, weight: u32, zone: &str) -> Candidate {
    Candidate { id: NodeId(id), weight, zone: zone.to_owned() }
}

/// Plain nodes with the ids 1 to `count`.
fn plain(count: u64) -> Vec<Candidate> {
    (1..=count).map(|id| node(id, 100, "")).collect()
}

fn primaries(placement: &Placement, id: NodeId) -> u64 {
    placement.owners.iter().filter(|owners| owners.first() == Some(&id)).count() as u64
}

fn members(placement: &Placement, id: NodeId) -> u64 {
    placement.owners.iter().filter(|owners| owners.contains(&id)).count() as u64
}

/// Copies that have to be filled to get from one placement to the other.
fn moved(from: &Placement, to: &Placement) -> u64 {
    let new = |(old, new): (&Vec<NodeId>, &Vec<NodeId>)| new.iter().filter(|id| !old.contains(id)).count() as u64;
    from.owners.iter().zip(&to.owners).map(new).sum()
}

/// The candidates that count, each with its quota.
fn with_quotas(nodes: &[Candidate], bits: u8, copies: usize) -> Vec<(Candidate, Quota)> {
    let mut nodes: Vec<_> = nodes.iter().filter(|node| node.weight > 0).cloned().collect();
    nodes.sort_by_key(|node| node.id);
    let weights: Vec<_> = nodes.iter().map(|node| node.weight).collect();
    let quotas = quotas(&weights, 1 << bits, copies);
    nodes.into_iter().zip(quotas).collect()
}

/// Checks everything that holds for every placement.
fn assert_sound(nodes: &[Candidate], bits: u8, copies: usize, placement: &Placement) {
    let quotas = with_quotas(nodes, bits, copies);
    let owners = copies.clamp(1, quotas.len().max(1)).min(quotas.len());
    assert_eq!(placement.owners.len(), 1 << bits);
    for range in &placement.owners {
        assert_eq!(range.len(), owners, "as many owners as there are copies and nodes");
        let distinct: std::collections::BTreeSet<_> = range.iter().collect();
        assert_eq!(distinct.len(), range.len(), "owners are distinct");
    }
    for (node, quota) in &quotas {
        let (primaries, members) = (primaries(placement, node.id), members(placement, node.id));
        assert!(primaries <= quota.primaries_cap, "node {}: {primaries} primaries of {quota:?}", node.id);
        assert!(primaries >= quota.primaries_floor, "node {}: {primaries} primaries of {quota:?}", node.id);
        assert!(members <= quota.members_cap, "node {}: {members} members of {quota:?}", node.id);
    }
    assert_eq!(placement.zone_rule_relaxed, !zones_hold(nodes, owners, placement));
}

fn zones_hold(nodes: &[Candidate], owners: usize, placement: &Placement) -> bool {
    let zone = |id: &NodeId| nodes.iter().find(|node| node.id == *id).map(|node| node.zone.as_str());
    let all: std::collections::BTreeSet<_> =
        nodes.iter().filter(|node| node.weight > 0).map(|node| node.zone.as_str()).collect();
    placement.owners.iter().all(|range| {
        let zones: std::collections::BTreeSet<_> = range.iter().filter_map(zone).collect();
        zones.len() >= owners.min(all.len())
    })
}
