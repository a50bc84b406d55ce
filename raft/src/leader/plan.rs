//! When the plan is made anew, and for whom.

use std::collections::BTreeSet;

use ringhold_model::{
    NodeId,
    cluster::{Command, NodeState},
};

use super::facts::Facts;

/// A new plan: when there is none, the nodes changed, or others are down for too long than the present one leaves out.
/// Never one that nobody could own.
pub(super) fn new_plan(facts: &Facts<'_>) -> Option<Command> {
    let state = facts.state;
    let absent = absent(facts);
    let is_due = match &state.plan {
        None => facts.may_plan,
        Some(plan) => {
            let left_out: BTreeSet<NodeId> = plan.absent.iter().filter(|id| facts.is_active(**id)).copied().collect();
            plan.id < state.nodes_changed_at || left_out != absent
        }
    };
    let is_able = state.candidates_without(&absent).iter().any(|candidate| candidate.weight > 0);
    (is_due && is_able).then(|| Command::SetPlan {
        owners: state.target_without(&absent).owners,
        computed_at: state.applied,
        absent,
    })
}

/// Active nodes whose copies are restored elsewhere: without a lease for so long, or left out already and not back yet. A
/// new leader does not know how long they have been away.
fn absent(facts: &Facts<'_>) -> BTreeSet<NodeId> {
    let patience_ms = u64::from(facts.state.settings.rehome_after_s) * 1_000;
    let left_out = |id: &NodeId| facts.state.plan.as_ref().is_some_and(|plan| plan.absent.contains(id));
    let is_away = |id: &NodeId| {
        let down_ms = facts.leases.nodes.get(id).and_then(|standing| standing.down_ms);
        !facts.leases.holds(*id) && (left_out(id) || down_ms.is_some_and(|down| down >= patience_ms))
    };
    let active = facts.state.nodes.iter().filter(|(_, node)| node.state == NodeState::Active);
    active.map(|(id, _)| *id).filter(is_away).collect()
}
