//! Copies are added where the plan wants them, and given up where they will not come to anything (rule C1).

use std::collections::BTreeMap;

use ringhold_model::{
    NodeId,
    cluster::{Change, Member, Move},
};

use super::facts::{Facts, Place};

/// Most copies that one node is filled with at the same time, so that none of them takes for ever.
const PENDING_PER_NODE_MAX: usize = 64;
/// Most in the whole cluster.
const PENDING_MAX: usize = 128;

/// Whom ranges get as the next copy: wanted, and without one. Ranges with the fewest living copies come first. While moves
/// are paused only what is lost is restored.
pub(super) fn additions(facts: &Facts<'_>) -> Vec<Move> {
    let mut pending: BTreeMap<NodeId, usize> = BTreeMap::new();
    for member in facts.state.ranges.iter().filter_map(|record| record.pending) {
        *pending.entry(member.node).or_default() += 1;
    }
    let mut total: usize = pending.values().sum();
    let copies_wanted = usize::from(facts.state.settings.replication_factor).min(facts.able().len());
    let mut places: Vec<_> = facts.places().filter(|place| place.record.pending.is_none()).collect();
    places.sort_by_key(|place| facts.living_copies(place.record));
    let mut moves = Vec::new();
    for place in places {
        if total >= PENDING_MAX {
            break;
        }
        let is_lost = facts.living_copies(place.record) < copies_wanted;
        if facts.state.settings.moves_paused && !is_lost {
            continue;
        }
        let has_room = |id: &NodeId| pending.get(id).is_none_or(|count| *count < PENDING_PER_NODE_MAX);
        if let Some(to) = missing(facts, &place).find(has_room) {
            *pending.entry(to).or_default() += 1;
            total += 1;
            moves.push(Move { range: place.range, epoch: place.record.epoch, to });
        }
    }
    moves
}

/// Owners without a copy that could be filled now, in the order of the plan. Filling is the primary's work.
fn missing<'a>(facts: &'a Facts<'_>, place: &'a Place<'_>) -> impl Iterator<Item = NodeId> + 'a {
    let primary = place.record.primary.filter(|primary| facts.leases.holds(*primary));
    let could_come = move |id: &NodeId| {
        let is_reached = primary.is_some_and(|primary| !facts.leases.is_unreachable(*id, primary));
        is_reached && !place.has_copy(*id) && facts.is_able(*id)
    };
    place.wanted.iter().copied().filter(could_come)
}

/// Pending copies that are not wanted any more, or whose node cannot be filled.
pub(super) fn cancellations(facts: &Facts<'_>) -> Vec<Change> {
    let hopeless = |place: &Place<'_>, member: Member| {
        let by_primary = place.record.primary.is_some_and(|by| facts.leases.is_unreachable(member.node, by));
        let is_wanted = place.wanted.contains(&member.node) && facts.is_active(member.node);
        let is_going = facts.leases.nodes.get(&member.node).is_some_and(|standing| standing.is_stopping);
        !is_wanted || by_primary || is_going || !facts.leases.may_hold(member.node)
    };
    let change = |place: Place<'_>| {
        let member = place.record.pending.filter(|member| hopeless(&place, *member))?;
        Some(Change { range: place.range, epoch: place.record.epoch, member })
    };
    facts.places().filter_map(change).collect()
}
