use std::collections::BTreeSet;

use ringhold_model::{
    Epoch, NodeId,
    cluster::{Addresses, ClusterState, Member, Node, NodeState, Plan, RangeRecord},
    ids::Mid,
    wire::{NodeLease, NodeStatus, ProgressReply},
};
use serde_json::{Value, json};

use super::*;
use crate::rest::{
    Coverage,
    cluster::{Holdings, Outlook, Safety, Sight, Sights, Transfers, outlook},
};

const COVERAGE: Coverage = Coverage { nodes: 2, nodes_total: 3, ranges: 5, ranges_total: 8 };

fn node(state: NodeState) -> Node {
    Node {
        birth: 1,
        boot: 1,
        incarnation: None,
        addresses: Addresses { rpc: "r".into(), health: "h".into() },
        zone: "z".into(),
        weight: 100,
        state,
        touched_at: 0,
        set_weight: None,
    }
}

fn record(members: &[u64], pending: Option<u64>, resets: u32) -> RangeRecord {
    let member = |id: u64| Member { node: NodeId(id), mid: Mid(3) };
    RangeRecord {
        epoch: Epoch(3),
        primary: members.first().map(|id| NodeId(*id)),
        in_sync: members.iter().copied().map(member).collect(),
        pending: pending.map(member),
        resets,
    }
}

/// Nodes 1 (leaving), 2 (active) and 3 (active, silent); node 4 is gone.
fn state() -> ClusterState {
    use NodeState::{Active, Gone, Leaving};
    let mut state = ClusterState::default();
    state.applied = 50;
    state.nodes = [(1, Leaving), (2, Active), (3, Active), (4, Gone)]
        .into_iter()
        .map(|(id, state)| (NodeId(id), node(state)))
        .collect();
    state.nodes.get_mut(&NodeId(2)).unwrap().set_weight = Some(250);
    state.ranges = vec![
        record(&[1, 2], Some(3), 0),
        record(&[2], None, 2),
        record(&[3], None, 1),
        record(&[3, 2], None, 0),
        record(&[], None, 0),
    ];
    let owners = vec![vec![NodeId(2), NodeId(3)]; 5];
    state.plan = Some(Plan { id: 40, owners, absent: BTreeSet::from([NodeId(3)]) });
    state
}

fn sights() -> Sights {
    let lease = |id, is_held| NodeLease { node: NodeId(id), is_held, since_ms: 90, is_stopping: id == 1 };
    let here = |id| Sight {
        holdings: Some(Holdings { uptime_ms: 5_999, ..Holdings::default() }),
        progress: Some(ProgressReply { taking_over: 1, single_copy_writes: 7, ..ProgressReply::default() }),
        lease: Some(lease(id, true)),
    };
    let silent = Sight { lease: Some(lease(3, false)), ..Sight::default() };
    let nodes = [(NodeId(1), here(1)), (NodeId(2), here(2)), (NodeId(3), silent)].into();
    Sights { nodes, has_leader_answered: true }
}

fn json(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    write(&mut out);
    serde_json::from_slice(&out).unwrap()
}

fn shown(state: &ClusterState, sights: &Sights) -> Value {
    let status = NodeStatus { leader: Some(NodeId(2)), voters: vec![NodeId(2)], ..NodeStatus::default() };
    let outlook = outlook(state, &state.plan.as_ref().unwrap().owners, sights);
    let transfers = Transfers::default();
    let view =
        ClusterView { state, status: &status, sights, outlook: &outlook, transfers: &transfers, coverage: COVERAGE };
    json(|out| cluster(out, &view))
}

#[test]
fn nodes_are_shown_with_what_they_say_and_what_is_said_of_them() {
    let answer = shown(&state(), &sights());
    let rows = answer["nodes"].as_array().unwrap();
    let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("id"), [1, 2, 3]);
    assert_eq!(of("state"), ["leaving", "active", "down"]);
    assert_eq!(of("membership"), ["leaving", "active", "active"]);
    assert_eq!(of("is_alive"), [true, true, false]);
    assert_eq!(of("has_lease"), [true, true, false]);
    assert_eq!(of("since_ms"), [90, 90, 90]);
    assert_eq!(of("is_stopping"), [true, false, false]);
    assert_eq!(of("uptime_seconds"), [json!(5), json!(5), Value::Null]);
    assert_eq!(of("single_copy_writes"), [json!(7), json!(7), Value::Null]);
    assert_eq!(of("weight"), [100, 250, 100]);
    assert_eq!(of("primary_ranges"), [1, 1, 2]);
    assert_eq!(of("copy_ranges"), [0, 2, 0]);
    assert_eq!(of("pending_ranges"), [0, 0, 1]);
    assert_eq!(of("ranges"), [1, 3, 2]);
    assert_eq!(of("planned_ranges"), [0, 5, 5]);
    assert_eq!(answer["gone"], json!([4]));
}

#[test]
fn ranges_are_counted_by_state() {
    let answer = shown(&state(), &sights());
    assert_eq!(
        answer["ranges"],
        json!({
            "total": 5, "serving": 2, "unavailable": 2, "unassigned": 1, "full": 2, "under_replicated": 2,
            "single_copy": 2, "without_living_member": 1, "pending": 1, "taking_over": 2, "resets": 3
        })
    );
    let plan = &answer["plan"];
    assert_eq!((&plan["version"], &plan["is_current"], &plan["absent"]), (&json!(40), &json!(true), &json!([3])));
    let mut changed = state();
    changed.nodes_changed_at = 41;
    assert_eq!(shown(&changed, &sights())["plan"]["is_current"], false);
}

#[test]
fn copies_are_wanted_only_as_far_as_there_are_nodes_for_them() {
    let mut state = state();
    state.nodes.get_mut(&NodeId(3)).unwrap().set_weight = Some(0);
    let ranges = shown(&state, &sights())["ranges"].clone();
    assert_eq!((&ranges["full"], &ranges["under_replicated"]), (&json!(4), &json!(0)));
}

#[test]
fn without_the_leaders_word_leases_are_unknown_and_answers_count() {
    let mut sights = sights();
    sights.has_leader_answered = false;
    sights.nodes.values_mut().for_each(|sight| sight.lease = None);
    let answer = shown(&state(), &sights);
    assert_eq!((&answer["nodes"][0]["has_lease"], &answer["nodes"][0]["since_ms"]), (&Value::Null, &Value::Null));
    assert_eq!(answer["ranges"]["without_living_member"], 1, "only node 3 is silent");
}

#[test]
fn a_plan_is_shown_with_its_flows() {
    let state = state();
    let outlook = outlook(&state, &state.plan.as_ref().unwrap().owners, &sights());
    let view = PlanView { message: "m", outlook: &outlook, is_paused: true, coverage: COVERAGE };
    let answer = json(|out| plan(out, &view));
    assert_eq!(
        (&answer["success"], &answer["message"], &answer["complete"]),
        (&json!(true), &json!("m"), &json!(false))
    );
    let shown = &answer["plan"];
    assert_eq!((&shown["is_paused"], &shown["is_reached"], &shown["ranges"]), (&json!(true), &json!(false), &json!(3)));
    assert_eq!(
        shown["moves"],
        json!([
            {"from": null, "to": 2, "ranges": 1, "keys": 0, "bytes": 0},
            {"from": null, "to": 3, "ranges": 1, "keys": 0, "bytes": 0},
            {"from": 1, "to": 3, "ranges": 1, "keys": 0, "bytes": 0}
        ])
    );
    assert_eq!(shown["handovers"], json!([{"from": 1, "to": 2, "ranges": 1}, {"from": 3, "to": 2, "ranges": 2}]));
    assert_eq!(
        shown["nodes"][0],
        json!({"id": 1, "primary_ranges": 1, "ranges": 1, "planned_primary_ranges": 0, "planned_ranges": 0})
    );
    let answer = json(|out| node_changed(out, NodeId(1), "leaving", &view));
    assert_eq!(answer["node"], json!({"id": 1, "membership": "leaving"}));
    assert_eq!(&answer["plan"], shown);
}

#[test]
fn settings_and_safety_are_shown() {
    let answer = json(|out| settings_changed(out, &state().settings, 51, &COVERAGE));
    assert_eq!(answer["version"], 51);
    assert_eq!(
        answer["settings"],
        json!({"replication_factor": 2, "min_in_sync": 1, "moves_paused": false, "fill_bytes_per_s": 268_435_456,
            "rehome_after_s": 60, "reset_after_s": 30})
    );
    let safety = Safety { reasons: vec!["r".into()], last_copies: 1, below_min_in_sync: 2, ..Safety::default() };
    let answer = json(|out| safe_to_stop(out, NodeId(1), &safety, &COVERAGE));
    let counts = (&answer["ranges_that_would_lose_last_copy"], &answer["ranges_below_min_in_sync"]);
    assert_eq!((&answer["safe"], counts), (&json!(false), (&json!(1), &json!(2))));
    let answer = json(|out| safe_to_stop(out, NodeId(1), &Safety::default(), &COVERAGE));
    assert_eq!((&answer["safe"], &answer["reasons"]), (&json!(true), &json!([])));
    assert!(Outlook::default().is_reached());
}
