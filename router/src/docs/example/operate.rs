//! Examples of the operator's bodies: a fourth node has joined a cluster of three and is being filled.

use std::collections::BTreeSet;

use ringhold_model::{
    Epoch, NodeId, RangeId,
    cluster::{Addresses, ClusterState, Member, Node, NodeState, Plan, RangeRecord, Rejection},
    ids::{ClusterId, Mid},
    wire::{Fill, Filled, NodeLease, NodeStatus, ProgressReply},
};
use serde_json::{Value, json};

use super::{COVERAGE, body};
use crate::rest::{
    Coverage,
    cluster::{Amount, Holdings, Outlook, Sight, Sights, outlook, safety, transfers},
    render::{self, PlanView},
};

fn node(id: u64) -> Node {
    Node {
        birth: id,
        boot: 1,
        incarnation: None,
        addresses: Addresses { rpc: format!("10.0.0.{id}:7400"), health: format!("10.0.0.{id}:7480") },
        zone: format!("zone-{id}"),
        weight: 100,
        state: NodeState::Active,
        touched_at: 12,
        set_weight: None,
    }
}

/// Eight ranges; the fourth node is being filled with one, and is to have more.
fn state() -> ClusterState {
    let member = |id| Member { node: NodeId(id), mid: Mid(12) };
    let range = |at: u64| {
        let (first, second) = (at % 3 + 1, (at + 1) % 3 + 1);
        RangeRecord {
            epoch: Epoch(12),
            primary: Some(NodeId(first)),
            in_sync: vec![member(first), member(second)],
            pending: (at == 1).then(|| member(4)),
            resets: 0,
        }
    };
    let wanted = |at: u64| match at {
        1 | 4 => vec![NodeId(4), NodeId(at % 3 + 1)],
        0 | 3 => vec![NodeId(at % 3 + 1), NodeId(4)],
        _ => vec![NodeId(at % 3 + 1), NodeId((at + 1) % 3 + 1)],
    };
    let mut state = ClusterState::default();
    state.cluster = ClusterId(0x5d1f_0c3a_9b7e_4286);
    state.applied = 42;
    state.nodes = (1..=4).map(|id| (NodeId(id), node(id))).collect();
    state.ranges = (0..8).map(range).collect();
    state.plan = Some(Plan { id: 40, owners: (0..8).map(wanted).collect(), absent: BTreeSet::new() });
    state
}

fn sights() -> Sights {
    let fill =
        Fill { range: RangeId(1), to: NodeId(4), records: 120, records_total: 400, bytes: 48_000, elapsed_ms: 1_500 };
    let sight = |id: u64| {
        let progress = ProgressReply {
            has_lease: true,
            fills: if id == 2 { vec![fill] } else { Vec::new() },
            filled: if id == 2 { Filled { ranges: 2, records: 800, bytes: 320_000 } } else { Filled::default() },
            ..ProgressReply::default()
        };
        let amount = Amount { keys: 1_200, bytes: 480_000 };
        let sight = Sight {
            holdings: Some(Holdings { ranges: 3, amount, uptime_ms: 86_400_000 }),
            progress: Some(progress),
            lease: Some(NodeLease { node: NodeId(id), is_held: true, since_ms: 120, is_stopping: false }),
        };
        (NodeId(id), sight)
    };
    Sights { nodes: (1..=4).map(sight).collect(), has_leader_answered: true }
}

fn status() -> NodeStatus {
    NodeStatus {
        node: Some(NodeId(1)),
        leader: Some(NodeId(2)),
        term: 3,
        last_log: 42,
        applied: 42,
        voters: vec![NodeId(1), NodeId(2), NodeId(3)],
        learners: vec![NodeId(4)],
    }
}

fn planned(state: &ClusterState) -> Outlook {
    state.plan.as_ref().map(|plan| outlook(state, &plan.owners, &sights())).unwrap_or_default()
}

pub(in crate::docs) fn cluster() -> Value {
    let (state, status, sights) = (state(), status(), sights());
    let outlook = planned(&state);
    let transfers = transfers(&outlook, &sights);
    let coverage = Coverage { nodes: 4, nodes_total: 4, ranges: 8, ranges_total: 8 };
    let view = render::ClusterView {
        state: &state,
        status: &status,
        sights: &sights,
        outlook: &outlook,
        transfers: &transfers,
        coverage,
    };
    body(|out| render::cluster(out, &view))
}

pub(in crate::docs) fn change_request() -> Value {
    json!({"replication_factor": 3, "weights": {"4": 200}, "drain": [1], "remove": []})
}

fn with_plan(message: &str, write: impl FnOnce(&mut Vec<u8>, &PlanView<'_>)) -> Value {
    let outlook = planned(&state());
    body(|out| write(out, &PlanView { message, outlook: &outlook, is_paused: false, coverage: COVERAGE }))
}

pub(in crate::docs) fn plan() -> Value {
    with_plan("What the change would move; nothing was changed", render::plan)
}

pub(in crate::docs) fn applied() -> Value {
    with_plan("The change is made; what has to move for it is on its way", render::plan)
}

pub(in crate::docs) fn settings_patch() -> Value {
    json!({"replication_factor": 3, "fill_bytes_per_s": 67_108_864})
}

pub(in crate::docs) fn settings_changed() -> Value {
    body(|out| render::settings_changed(out, &state().settings, 43, &COVERAGE))
}

pub(in crate::docs) fn node_patch() -> Value {
    json!({"weight": 200})
}

pub(in crate::docs) fn drain_request() -> Value {
    json!({"cancel": false})
}

pub(in crate::docs) fn remove_request() -> Value {
    json!({"force": false})
}

pub(in crate::docs) fn node_changed() -> Value {
    let message = "The node hands over what it holds; it may be stopped when safe-to-stop says so";
    with_plan(message, |out, view| render::node_changed(out, NodeId(1), "leaving", view))
}

pub(in crate::docs) fn safe_to_stop() -> Value {
    let mut sights = sights();
    // Another node is about to stop, so what both hold would be lost.
    sights.nodes.entry(NodeId(2)).or_default().lease =
        Some(NodeLease { node: NodeId(2), is_held: true, since_ms: 80, is_stopping: true });
    let safety = safety(&state(), &status(), &sights, NodeId(1));
    body(|out| render::safe_to_stop(out, NodeId(1), &safety, &COVERAGE))
}

/// Why a node cannot be removed.
pub(in crate::docs) fn last_copies() -> String {
    Rejection::LastCopies { node: NodeId(3), ranges: 12 }.to_string()
}
