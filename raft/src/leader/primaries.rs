//! Primaries hand over: because they stop, or because the plan wants another (rule C2).

use ringhold_model::{NodeId, cluster::Move};

use super::facts::{Facts, Place};

/// Most handovers for the sake of balance at a time: each makes a range's writes wait for a moment.
const BALANCING_MAX: usize = 64;

/// Primaries of nodes that are about to stop go to another in-sync member that is alive and stays; the plan's order decides.
pub(super) fn relieved(facts: &Facts<'_>) -> Vec<Move> {
    let is_going = |id: NodeId| facts.leases.nodes.get(&id).is_some_and(|standing| standing.is_stopping);
    let places = facts.places().filter(|place| place.record.primary.is_some_and(is_going));
    places
        .filter_map(|place| {
            let members = place.record.in_sync.iter().map(|member| member.node);
            let planned = place.wanted.iter().copied().filter(|id| place.has_copy(*id));
            let to = planned.chain(members).find(|id| Some(*id) != place.record.primary && facts.leases.stays(*id))?;
            Some(step(&place, to))
        })
        .collect()
}

/// Ranges all of whose living owners are in sync go to the first of them that the plan names, if that one is alive.
pub(super) fn balanced(facts: &Facts<'_>) -> Vec<Move> {
    if facts.state.settings.moves_paused {
        return Vec::new();
    }
    let is_complete = |place: &Place<'_>| {
        let lives = place.record.primary.is_some_and(|primary| facts.leases.holds(primary));
        lives
            && place.record.pending.is_none()
            && place.wanted.iter().all(|id| place.has_copy(*id) || !facts.leases.stays(*id))
    };
    let moves = facts.places().filter(is_complete).filter_map(|place| {
        let first = place.wanted.first().copied()?;
        let may_lead = Some(first) != place.record.primary && place.has_copy(first) && facts.is_able(first);
        may_lead.then(|| step(&place, first))
    });
    moves.take(BALANCING_MAX).collect()
}

fn step(place: &Place<'_>, to: NodeId) -> Move {
    Move { range: place.range, epoch: place.record.epoch, to }
}
