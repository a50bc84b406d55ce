//! When the plan is made anew, and for whom.

use std::collections::BTreeSet;

use ringhold_model::{
    NodeId,
    cluster::{Command, NodeState, Plan},
};

use super::facts::Facts;

/// A new plan: when there is none, the nodes changed, others are down for too long than the present one leaves out, or it
/// counts on one that was to leave and is down for too long (moves were cancelled). Never one that nobody could own.
pub(super) fn new_plan(facts: &Facts<'_>) -> Option<Command> {
    let state = facts.state;
    let absent = absent(facts);
    let is_due = match &state.plan {
        None => facts.may_plan,
        Some(plan) => {
            let left_out: BTreeSet<NodeId> = plan.absent.iter().filter(|id| facts.is_active(**id)).copied().collect();
            plan.id < state.nodes_changed_at || left_out != absent || is_deserted(facts, plan)
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
    let left_out = |id: &NodeId| facts.state.plan.as_ref().is_some_and(|plan| plan.absent.contains(id));
    let is_absent = |id: &NodeId| (left_out(id) && !facts.leases.holds(*id)) || is_away(facts, *id);
    in_state(facts, NodeState::Active).filter(is_absent).collect()
}

/// True when the plan wants copies at a node that was to leave and is away: they are missing, and nobody else is to make
/// them.
fn is_deserted(facts: &Facts<'_>, plan: &Plan) -> bool {
    let away: Vec<NodeId> = in_state(facts, NodeState::Leaving).filter(|id| is_away(facts, *id)).collect();
    !away.is_empty() && plan.owners.iter().flatten().any(|id| away.contains(id))
}

/// True when the node has been without a lease for longer than copies are to be missing.
fn is_away(facts: &Facts<'_>, id: NodeId) -> bool {
    let patience_ms = u64::from(facts.state.settings.rehome_after_s) * 1_000;
    let down_ms = facts.leases.nodes.get(&id).and_then(|standing| standing.down_ms);
    !facts.leases.holds(id) && down_ms.is_some_and(|down| down >= patience_ms)
}

fn in_state(facts: &Facts<'_>, state: NodeState) -> impl Iterator<Item = NodeId> {
    facts.state.nodes.iter().filter(move |(_, node)| node.state == state).map(|(id, _)| *id)
}
