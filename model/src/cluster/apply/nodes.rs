//! Nodes come, start again, and lose their memory or their disk.

use std::iter;

use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply},
        state::{Addresses, ClusterState, Node, NodeState},
    },
    ids::{Incarnation, NodeId},
};

/// Weight of a plain node.
pub const WEIGHT_PLAIN: u32 = 100;
/// Largest weight: a node a hundred times as big as a plain one. The ring gets a point for every part of a weight, so it
/// is bounded. Weight 0 is legal: such a node takes no ranges.
pub const WEIGHT_MAX: u32 = 10_000;
/// Longest name of a zone, in bytes.
pub const ZONE_BYTES_MAX: usize = 64;

/// The fields of `Command::Register`.
pub(super) struct Newcomer<'a> {
    pub(super) birth: u64,
    pub(super) addresses: &'a Addresses,
    pub(super) zone: &'a str,
    pub(super) weight: u32,
}

/// The fields of `Command::NodeStart`, without the node.
pub(super) struct Start<'a> {
    pub(super) birth: u64,
    pub(super) boot: u64,
    pub(super) addresses: &'a Addresses,
    pub(super) zone: &'a str,
    pub(super) weight: u32,
}

impl ClusterState {
    pub(super) fn register(&mut self, index: u64, newcomer: Newcomer<'_>) -> Outcome {
        check_shape(newcomer.zone, newcomer.weight)?;
        if let Some((&id, node)) = self.nodes.iter().find(|(_, node)| node.birth == newcomer.birth) {
            if node.state == NodeState::Gone {
                return Err(Rejection::NodeGone(id));
            }
            return Ok(Reply::Registered(id, self.replaced_by(id)));
        }
        let id = NodeId(self.next_node);
        self.next_node += 1;
        let wiped = self.living_at(&newcomer.addresses.rpc);
        self.nodes.insert(
            id,
            Node {
                birth: newcomer.birth,
                boot: 0,
                incarnation: None,
                addresses: newcomer.addresses.clone(),
                zone: newcomer.zone.to_owned(),
                weight: newcomer.weight,
                state: NodeState::Joining,
                touched_at: 0,
                set_weight: None,
            },
        );
        if let Some(wiped) = wiped {
            self.replace_wiped(index, wiped, id);
        }
        Ok(Reply::Registered(id, wiped))
    }

    pub(super) fn start_node(&mut self, index: u64, id: NodeId, start: Start<'_>) -> Outcome {
        check_shape(start.zone, start.weight)?;
        let node = match self.nodes.get_mut(&id) {
            Some(node) if node.birth == start.birth => node,
            _ => return Err(Rejection::UnknownNode(id)),
        };
        if node.state == NodeState::Gone {
            return Err(Rejection::NodeGone(id));
        }
        let known = (node.boot, node.incarnation);
        match known {
            (boot, _) if start.boot < boot => return Err(Rejection::OldStart(id)),
            (boot, Some(incarnation)) if start.boot == boot => return Ok(Reply::Started(incarnation)),
            _ => {}
        }
        // A node that is leaving goes on with that.
        let state = if node.state == NodeState::Leaving { NodeState::Leaving } else { NodeState::Active };
        let planned_as = basis(node);
        node.boot = start.boot;
        node.incarnation = Some(Incarnation(index));
        node.addresses = start.addresses.clone();
        node.zone = start.zone.to_owned();
        node.weight = start.weight;
        node.state = state;
        if planned_as != basis(node) {
            self.nodes_changed_at = index;
        }
        // Without an earlier incarnation nothing was lost now: what the node took over from a wiped one was counted then.
        self.end_memberships(index, id, iter::repeat(id), known.1.is_some());
        Ok(Reply::Started(Incarnation(index)))
    }

    /// A living node whose data folder was replaced: it answers at this address no more. An empty address names nobody.
    fn living_at(&self, rpc: &str) -> Option<NodeId> {
        let lives_here = |node: &Node| node.state != NodeState::Gone && node.addresses.rpc == rpc;
        self.nodes.iter().find(|(_, node)| !rpc.is_empty() && lives_here(node)).map(|(id, _)| *id)
    }

    /// The node whose place `id` took when it was registered, read back for a registration that is repeated.
    fn replaced_by(&self, id: NodeId) -> Option<NodeId> {
        let rpc = self.nodes.get(&id).map(|node| node.addresses.rpc.as_str()).filter(|rpc| !rpc.is_empty())?;
        let is_its_trace = |node: &Node| node.state == NodeState::Gone && node.addresses.rpc == rpc;
        self.nodes.range(..id).rev().find(|(_, node)| is_its_trace(node)).map(|(id, _)| *id)
    }

    fn replace_wiped(&mut self, index: u64, wiped: NodeId, heir: NodeId) {
        let Some(node) = self.nodes.get_mut(&wiped) else { return };
        let had_memory = node.incarnation.is_some();
        // A leaving one may be in the plan still, when moves were cancelled.
        if node.state != NodeState::Joining {
            self.nodes_changed_at = index;
        }
        node.state = NodeState::Gone;
        self.end_memberships(index, wiped, iter::repeat(heir), had_memory);
    }
}

/// What plans are computed from; `None`: the node is not planned with.
fn basis(node: &Node) -> Option<(String, u32)> {
    (node.state == NodeState::Active).then(|| (node.zone.clone(), node.weight()))
}

fn check_shape(zone: &str, weight: u32) -> Result<(), Rejection> {
    if zone.len() > ZONE_BYTES_MAX {
        return Err(Rejection::BadNode(format!("the zone's name is longer than {ZONE_BYTES_MAX} bytes")));
    }
    if weight > WEIGHT_MAX {
        return Err(Rejection::BadNode(format!("the weight {weight} is above {WEIGHT_MAX}")));
    }
    Ok(())
}
