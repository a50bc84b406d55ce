//! Operators drain nodes, remove them for good, and say how much they take.

use super::nodes::WEIGHT_MAX;
use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply},
        state::{ClusterState, Node, NodeState},
    },
    ids::NodeId,
};

impl ClusterState {
    pub(super) fn drain(&mut self, index: u64, id: NodeId, cancel: bool) -> Outcome {
        let wanted = if cancel { NodeState::Active } else { NodeState::Leaving };
        let state = self.living(id)?.state;
        if state == wanted {
            return Ok(Reply::Done);
        }
        if state == NodeState::Joining {
            return Err(Rejection::BadNode(format!("node {id} has not started yet, so it holds nothing")));
        }
        if !cancel && self.heirs_besides(id).is_empty() {
            return Err(Rejection::BadNode(format!(
                "node {id} is the last active one with a weight; nobody could take what it holds"
            )));
        }
        self.change_state(index, id, wanted);
        Ok(Reply::Done)
    }

    pub(super) fn remove_node(&mut self, index: u64, id: NodeId, force: bool) -> Outcome {
        let node = self.living(id)?;
        let (had_memory, is_joining) = (node.incarnation.is_some(), node.state == NodeState::Joining);
        let last_copies =
            self.ranges.iter().filter(|record| record.has_member(id) && record.in_sync.len() == 1).count();
        let heirs = self.heirs_besides(id);
        if heirs.is_empty() && (last_copies > 0 || !is_joining) {
            return Err(Rejection::BadNode(format!(
                "node {id} is the last active one with a weight; start another first"
            )));
        }
        if last_copies > 0 && !force {
            return Err(Rejection::LastCopies { node: id, ranges: u32::try_from(last_copies).unwrap_or(u32::MAX) });
        }
        self.change_state(index, id, NodeState::Gone);
        Ok(self.end_memberships(index, id, heirs.into_iter().cycle(), had_memory).into())
    }

    pub(super) fn set_weight(&mut self, index: u64, id: NodeId, weight: Option<u32>) -> Outcome {
        let node = self.living(id)?;
        let after = weight.unwrap_or(node.weight);
        if after > WEIGHT_MAX {
            return Err(Rejection::BadNode(format!("the weight {after} is above {WEIGHT_MAX}")));
        }
        if after == 0 && self.heirs_besides(id).is_empty() {
            return Err(Rejection::BadNode(format!("no active node besides {id} has a weight above 0")));
        }
        let is_planned_with = node.state == NodeState::Active && node.weight() != after;
        if let Some(node) = self.nodes.get_mut(&id) {
            node.set_weight = weight;
        }
        if is_planned_with {
            self.nodes_changed_at = index;
        }
        Ok(Reply::Done)
    }

    fn living(&self, id: NodeId) -> Result<&Node, Rejection> {
        match self.nodes.get(&id) {
            None => Err(Rejection::UnknownNode(id)),
            Some(node) if node.state == NodeState::Gone => Err(Rejection::NodeGone(id)),
            Some(node) => Ok(node),
        }
    }

    fn change_state(&mut self, index: u64, id: NodeId, state: NodeState) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.state = state;
            self.nodes_changed_at = index;
        }
    }

    /// Who may take over what `id` holds, by id.
    fn heirs_besides(&self, id: NodeId) -> Vec<NodeId> {
        let others = self.candidates().into_iter().filter(|other| other.id != id && other.weight > 0);
        others.map(|other| other.id).collect()
    }
}
