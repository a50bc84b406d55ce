//! A replicated state and who lives in it.

use std::collections::BTreeSet;

use ringhold_model::{
    ClusterId, Epoch, Incarnation, Mid, NodeId, RangeId,
    cluster::{Addresses, Change, ClusterState, Member, Move, Node, NodeState, Plan, RangeRecord},
};

use crate::{
    leader::facts::Facts,
    lease::{Leases, Standing},
};

/// Entry of the plan and of the ranges' first terms.
pub(super) const PLANNED: u64 = 10;

pub(super) struct World {
    pub(super) state: ClusterState,
    pub(super) leases: Leases,
    pub(super) now_ms: u64,
    pub(super) may_plan: bool,
}

impl World {
    /// Active nodes 1 to `nodes`, all alive, and ranges `owners > members`, the wanted and the actual primary first:
    /// `12>1` is wanted by 1 and 2, and only 1 has it; `12>1+2` is being filled at 2.
    pub(super) fn of(nodes: u64, ranges: &str) -> Self {
        let mut state = ClusterState::default();
        state.cluster = ClusterId(1);
        state.applied = PLANNED;
        state.settings.replication_factor = 2;
        state.nodes.extend((1..=nodes).map(|id| (NodeId(id), node(id))));
        let words: Vec<_> = ranges.split_whitespace().map(|word| word.split_once('>').unwrap()).collect();
        state.ranges = words.iter().map(|(_, members)| record(members)).collect();
        state.range_bits = u8::try_from(words.len().next_power_of_two().trailing_zeros()).unwrap();
        let owners = words.iter().map(|(owners, _)| ids(owners)).collect();
        state.plan = Some(Plan { id: PLANNED, owners, absent: BTreeSet::new() });
        let standings = (1..=nodes).map(|id| (NodeId(id), standing(id))).collect();
        let leases = Leases { nodes: standings, may_remove: true, led_ms: 1_000_000 };
        Self { state, leases, now_ms: 1_000_000, may_plan: true }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts { state: &self.state, leases: &self.leases, now_ms: self.now_ms, may_plan: self.may_plan }
    }

    /// The node's lease ended so long ago.
    pub(super) fn dies(&mut self, id: u64, ago_ms: u64) {
        let standing = self.standing(id);
        (standing.holds, standing.may_hold, standing.down_ms) = (false, false, Some(ago_ms));
    }

    /// The node does not renew, but its lease may run.
    pub(super) fn is_silent(&mut self, id: u64) {
        self.standing(id).holds = false;
    }

    pub(super) fn standing(&mut self, id: u64) -> &mut Standing {
        self.leases.nodes.get_mut(&NodeId(id)).unwrap()
    }

    pub(super) fn node(&mut self, id: u64) -> &mut Node {
        self.state.nodes.get_mut(&NodeId(id)).unwrap()
    }

    pub(super) fn leaves(&mut self, id: u64) {
        self.node(id).state = NodeState::Leaving;
    }

    /// `by` cannot reach `id`.
    pub(super) fn is_unreachable(&mut self, id: u64, by: u64) {
        self.standing(by).unreachable.insert(NodeId(id));
    }
}

/// `0:2` is range 0 and node 2.
pub(super) fn steps(moves: &[Move]) -> Vec<String> {
    moves.iter().map(|step| text(step.range, step.to)).collect()
}

pub(super) fn changes(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| text(change.range, change.member.node)).collect()
}

fn text(range: RangeId, node: NodeId) -> String {
    format!("{range}:{node}")
}

fn record(members: &str) -> RangeRecord {
    let (in_sync, pending) = members.split_once('+').unwrap_or((members, ""));
    let member = |node: NodeId| Member { node, mid: Mid(PLANNED) };
    RangeRecord {
        epoch: Epoch(PLANNED),
        primary: ids(in_sync).first().copied(),
        in_sync: ids(in_sync).into_iter().map(member).collect(),
        pending: ids(pending).first().copied().map(member),
        resets: 0,
    }
}

fn ids(digits: &str) -> Vec<NodeId> {
    digits.chars().map(|c| NodeId(c.to_digit(10).unwrap().into())).collect()
}

fn node(id: u64) -> Node {
    Node {
        birth: id,
        boot: 1,
        incarnation: Some(Incarnation(id)),
        addresses: Addresses { rpc: format!("n{id}:1"), health: String::new() },
        zone: String::new(),
        weight: 100,
        state: NodeState::Active,
        touched_at: 0,
        set_weight: None,
    }
}

fn standing(id: u64) -> Standing {
    Standing {
        incarnation: Incarnation(id),
        holds: true,
        may_hold: true,
        is_stopping: false,
        down_ms: None,
        since_ms: 0,
        unreachable: BTreeSet::new(),
    }
}
