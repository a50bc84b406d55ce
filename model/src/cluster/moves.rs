//! What a change would move, told before it is made.
//!
//! An operator who is about to drain a node asks: `state.preview(&[drain])`, then `then.target_without(&absent)` for the plan
//! that the leader would make of it, then `then.moves_towards(&owners)` for the steps to get there.

use super::{
    command::{Command, Proposal, Rejection, RequestId},
    state::{ClusterState, RangeRecord},
};
use crate::ids::{NodeId, RangeId};

/// What is to happen to one range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMove {
    /// The range.
    pub range: RangeId,
    /// Who sends the copies: the present primary.
    pub from: NodeId,
    /// Nodes that get a copy which they do not have in sync yet; in the order of the plan.
    pub fills: Vec<NodeId>,
    /// Nodes that let go of theirs.
    pub drops: Vec<NodeId>,
    /// The new primary; `None`: the present one stays.
    pub primary: Option<NodeId>,
}

impl ClusterState {
    /// The state after `commands`, if they came right now; the first that is refused ends it. This state stays as it is.
    ///
    /// The answer is a forecast: other entries may come before the real ones. It has no memory of answers.
    pub fn preview(&self, commands: &[Command]) -> Result<Self, Rejection> {
        let mut state = self.without_answers();
        for command in commands {
            let proposal = Proposal { request: RequestId::default(), command: command.clone() };
            state.apply(state.applied + 1, &proposal)?;
        }
        Ok(state)
    }

    /// What separates the actual layout from `owners` (per range, the wanted primary first), by range; ranges that are as
    /// they should be are left out. A copy that is being filled counts as missing. Ranges that were never assigned need
    /// nothing: the first plan assigns them at once.
    pub fn moves_towards(&self, owners: &[Vec<NodeId>]) -> Vec<PlannedMove> {
        let ranges = (0..=u16::MAX).map(RangeId).zip(&self.ranges).zip(owners);
        ranges.filter_map(|((range, record), wanted)| planned(range, record, wanted)).collect()
    }
}

fn planned(range: RangeId, record: &RangeRecord, wanted: &[NodeId]) -> Option<PlannedMove> {
    let from = record.primary?;
    let members = || record.in_sync.iter().map(|member| member.node);
    let fills: Vec<_> = wanted.iter().copied().filter(|id| !members().any(|member| member == *id)).collect();
    let drops: Vec<_> = members().filter(|id| !wanted.contains(id)).collect();
    let primary = wanted.first().copied().filter(|id| *id != from);
    let is_settled = fills.is_empty() && drops.is_empty() && primary.is_none();
    (!is_settled).then_some(PlannedMove { range, from, fills, drops, primary })
}

#[cfg(test)]
mod tests;
