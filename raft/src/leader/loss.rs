//! Nodes whose lease ended, and ranges that nobody holds any more (rules L7, C6).

use ringhold_model::{
    NodeId,
    cluster::{Command, NodeState, RangeRecord, Restart},
};

use super::facts::{Facts, Place};

/// Nodes that surely hold no lease and are something to a range that can do without them. Where no other member lives they
/// stay listed, and nothing is proposed, so that this comes to rest.
pub(super) fn downs(facts: &Facts<'_>) -> Vec<Command> {
    let alive = facts.leases.alive();
    let lives = |id: NodeId| alive.iter().any(|(living, _)| *living == id);
    let mut commands = Vec::new();
    for (id, standing) in &facts.leases.nodes {
        let node = facts.state.nodes.get(id).filter(|node| node.state != NodeState::Gone);
        let is_current = node.is_some_and(|node| node.incarnation == Some(standing.incarnation));
        let is_down = is_current && !facts.leases.may_hold(*id);
        if is_down && facts.state.ranges.iter().any(|record| would_change(record, *id, lives)) {
            commands.push(Command::NodeDown { node: *id, incarnation: standing.incarnation, alive: alive.clone() });
        }
    }
    commands
}

/// Whether the rule book would take `down` off the range.
fn would_change(record: &RangeRecord, down: NodeId, lives: impl Fn(NodeId) -> bool) -> bool {
    let is_pending = record.pending.is_some_and(|member| member.node == down);
    let has = record.in_sync.iter().any(|member| member.node == down);
    is_pending || (has && record.in_sync.iter().any(|member| member.node != down && lives(member.node)))
}

/// Ranges none of whose members has had a lease for so long begin again: at the first living owner of the plan, else
/// at any living node, evenly.
pub(super) fn resets(facts: &Facts<'_>) -> Vec<Restart> {
    let able = facts.able();
    if !facts.leases.may_remove || able.is_empty() {
        return Vec::new();
    }
    let patience_ms = u64::from(facts.state.settings.reset_after_s) * 1_000;
    let is_lost = |place: &Place<'_>| {
        !place.record.in_sync.is_empty()
            && place
                .record
                .in_sync
                .iter()
                .all(|member| facts.leases.down_ms(member.node).is_some_and(|ms| ms >= patience_ms))
    };
    let step = |place: Place<'_>| {
        let planned = place.wanted.iter().copied().find(|id| able.contains(id));
        let to = planned.unwrap_or(able[usize::from(place.range.0) % able.len()]);
        Restart { range: place.range, epoch: place.record.epoch, to, members: place.record.in_sync.clone() }
    };
    facts.places().filter(is_lost).map(step).collect()
}
