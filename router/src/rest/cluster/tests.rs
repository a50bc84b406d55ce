use ringhold_model::{
    Epoch, NodeId, RangeId,
    cluster::{Addresses, ClusterState, Command, Member, Node, NodeState, RangeRecord, SettingsPatch},
    ids::Mid,
    wire::{Fill, NodeLease, NodeStatus, ProgressReply},
};

use super::*;
use crate::rest::ApiError;

fn faults<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Vec<String> {
    let Err(ApiError::Invalid(faults)) = result else { panic!("{result:?}") };
    let step = |step: &crate::rest::Step| match step {
        crate::rest::Step::Name(name) => name.clone(),
        crate::rest::Step::Index(at) => at.to_string(),
    };
    let shown = |fault: &crate::rest::FieldFault| {
        format!("{} {}", fault.kind, fault.loc.iter().map(step).collect::<Vec<_>>().join("."))
    };
    faults.iter().map(shown).collect()
}

#[test]
fn a_change_is_read_and_becomes_commands_in_order() {
    for empty in ["", "{}", r#"{"drain": null, "weights": {}, "x": 1}"#] {
        assert!(change(empty.as_bytes()).unwrap().is_empty(), "{empty}");
    }
    let body = br#"{"remove": [5], "drain": [3, 2, 3], "weights": {"4": 200, "1": null}, "replication_factor": 3}"#;
    let commands = change(body).unwrap().commands();
    let patch = SettingsPatch { replication_factor: Some(3), ..SettingsPatch::default() };
    assert_eq!(
        commands,
        [
            Command::PatchSettings { patch },
            Command::SetWeight { node: NodeId(1), weight: None },
            Command::SetWeight { node: NodeId(4), weight: Some(200) },
            Command::Drain { node: NodeId(2), cancel: false },
            Command::Drain { node: NodeId(3), cancel: false },
            Command::RemoveNode { node: NodeId(5), force: false },
        ]
    );
}

#[test]
fn every_fault_of_a_change_is_listed_with_its_place() {
    let body = br#"{"replication_factor": 6, "weights": {"a": 1, "2": 10001, "3": 1, "3": 2}, "drain": [1, "2", 0],
        "remove": {"1": 2}}"#;
    assert_eq!(
        faults(change(body)),
        [
            "less_than_equal body.replication_factor",
            "int_parsing body.weights.a",
            "less_than_equal body.weights.2",
            "duplicate_field body.weights.3",
            "int_type body.drain.1",
            "greater_than_equal body.drain.2",
            "list_type body.remove",
        ]
    );
    assert_eq!(faults(change(br#"{"drain": [1], "remove": [1]}"#)), ["value_error body.remove"]);
    assert_eq!(faults(change(br#"{"drain": [1], "drain": [2]}"#)), ["duplicate_field body.drain"]);
    assert_eq!(faults(change(b"[]")), ["model_attributes_type body"]);
    let many = format!(r#"{{"drain": [{}]}}"#, vec!["1"; CHANGES_MAX + 1].join(","));
    assert_eq!(faults(change(many.as_bytes())), ["too_long body.drain"]);
    assert!(matches!(change(b"{"), Err(ApiError::Malformed(_))));
}

#[test]
fn settings_are_checked_and_at_least_one_is_given() {
    let body = br#"{"replication_factor": 3, "min_in_sync": 2, "moves_paused": true, "fill_bytes_per_s": 0,
        "rehome_after_s": 0, "reset_after_s": 86400}"#;
    let patch = SettingsPatch {
        replication_factor: Some(3),
        min_in_sync: Some(2),
        moves_paused: Some(true),
        fill_bytes_per_s: Some(0),
        rehome_after_s: Some(0),
        reset_after_s: Some(86_400),
    };
    assert_eq!(settings(body), Ok(patch));
    for empty in ["{}", r#"{"replication_factor": null}"#, r#"{"other": 1}"#] {
        assert_eq!(faults(settings(empty.as_bytes())), ["value_error body"], "{empty}");
    }
    let body = br#"{"replication_factor": 0, "min_in_sync": 6, "moves_paused": 1, "fill_bytes_per_s": -1,
        "rehome_after_s": 1.5, "reset_after_s": 86401}"#;
    assert_eq!(
        faults(settings(body)),
        [
            "greater_than_equal body.replication_factor",
            "less_than_equal body.min_in_sync",
            "bool_type body.moves_paused",
            "greater_than_equal body.fill_bytes_per_s",
            "int_from_float body.rehome_after_s",
            "less_than_equal body.reset_after_s",
        ]
    );
}

#[test]
fn what_is_asked_of_one_node_is_read() {
    assert_eq!(weight(br#"{"weight": 0}"#), Ok(Some(0)));
    assert_eq!(weight(br#"{"weight": null}"#), Ok(None));
    assert_eq!(faults(weight(b"{}")), ["missing body.weight"]);
    assert_eq!(faults(weight(br#"{"weight": "1"}"#)), ["int_type body.weight"]);
    for (query, body, cancels) in [
        (None, "", false),
        (Some("cancel=true"), "", true),
        (Some("cancel=false"), r#"{"cancel": true}"#, true),
        (None, r#"{"cancel": false}"#, false),
    ] {
        assert_eq!(drain(query, body.as_bytes()), Ok(cancels), "{query:?} {body}");
    }
    assert_eq!(faults(drain(Some("cancel=perhaps"), b"")), ["enum query.cancel"]);
    assert_eq!(faults(drain(None, br#"{"cancel": "yes"}"#)), ["bool_type body.cancel"]);
    assert_eq!(removal(br#"{"force": true}"#), Ok(true));
    assert_eq!(removal(b""), Ok(false));
}

#[test]
fn the_id_in_a_path_is_a_whole_number() {
    assert_eq!((node_id("12"), node_id("%312")), (Ok(NodeId(12)), Ok(NodeId(12))));
    for bad in ["", "a", "-1", "+1", "1.0", "%2d1"] {
        assert_eq!(faults(node_id(bad)), ["int_parsing path.id"], "{bad}");
    }
    assert!(matches!(node_id("99999999999999999999"), Err(ApiError::UnknownNode(_))));
}

fn node(weight: u32) -> Node {
    Node {
        birth: 1,
        boot: 1,
        incarnation: None,
        addresses: Addresses::default(),
        zone: String::new(),
        weight,
        state: NodeState::Active,
        touched_at: 0,
        set_weight: None,
    }
}

/// Ranges of which the first of each list is the primary, at nodes 1 to 4.
fn state(ranges: &[&[u64]]) -> ClusterState {
    let record = |members: &&[u64]| RangeRecord {
        epoch: Epoch(5),
        primary: members.first().map(|id| NodeId(*id)),
        in_sync: members.iter().map(|id| Member { node: NodeId(*id), mid: Mid(5) }).collect(),
        ..RangeRecord::default()
    };
    let mut state = ClusterState::default();
    state.nodes = (1..=4).map(|id| (NodeId(id), node(100))).collect();
    state.ranges = ranges.iter().map(record).collect();
    state
}

fn owners(lists: &[&[u64]]) -> Vec<Vec<NodeId>> {
    lists.iter().map(|owners| owners.iter().map(|id| NodeId(*id)).collect()).collect()
}

/// Nodes 1 to 4 answer, hold two ranges of 10 records and 1,000 bytes each, and have a lease.
fn sights() -> Sights {
    let sight = |id| {
        let amount = Amount { keys: 20, bytes: 2_000 };
        let lease = NodeLease { node: NodeId(id), is_held: true, since_ms: 100, is_stopping: false };
        let sight = Sight {
            holdings: Some(Holdings { ranges: 2, amount, uptime_ms: 1 }),
            progress: Some(ProgressReply::default()),
            lease: Some(lease),
        };
        (NodeId(id), sight)
    };
    Sights { nodes: (1..=4).map(sight).collect(), has_leader_answered: true }
}

fn sight(sights: &mut Sights, node: u64) -> &mut Sight {
    sights.nodes.get_mut(&NodeId(node)).unwrap()
}

const RANGE: Amount = Amount { keys: 10, bytes: 1_000 };

#[test]
fn an_outlook_tells_moves_handovers_and_what_is_given_up() {
    let state = state(&[&[1, 2], &[1, 2], &[2, 3], &[3, 1], &[4, 3, 2], &[]]);
    let goal = owners(&[&[1, 2], &[4, 2], &[3, 2], &[3, 1, 2], &[4], &[1, 2]]);
    let outlook = outlook(&state, &goal, &sights());
    let flow = |from: Option<u64>, to, ranges, amount| Flow { from: from.map(NodeId), to: NodeId(to), ranges, amount };
    assert_eq!(outlook.moves, [flow(None, 2, 1, RANGE), flow(Some(1), 4, 1, RANGE)]);
    let none = Amount::default();
    assert_eq!(outlook.handovers, [flow(Some(1), 4, 1, none), flow(Some(2), 3, 1, none)]);
    assert_eq!(outlook.dropped.iter().map(|(node, ranges)| (node.0, *ranges)).collect::<Vec<_>>(), [(2, 1), (3, 1)]);
    assert_eq!((outlook.ranges, outlook.amount), (2, RANGE.plus(RANGE)));
    assert_eq!(outlook.nodes[&NodeId(1)], Share { primaries: 2, ranges: 3, primaries_then: 2, ranges_then: 3 });
    assert!(!outlook.is_reached());
    assert_eq!(outlook.seconds_at_least, Some(1), "1,000 bytes at the default bound");
}

#[test]
fn a_layout_as_planned_needs_nothing() {
    let state = state(&[&[1, 2], &[2, 3]]);
    let outlook = outlook(&state, &owners(&[&[1, 2], &[2, 3]]), &sights());
    assert!(outlook.is_reached() && outlook.amount == Amount::default());
    assert_eq!(outlook.seconds_at_least, Some(0));
}

#[test]
fn copies_in_one_zone_are_told_where_there_are_more() {
    let mut state = state(&[&[1, 2], &[3, 4]]);
    let relaxed =
        |state: &ClusterState, lists: &[&[u64]]| outlook(state, &owners(lists), &sights()).is_zone_rule_relaxed;
    assert!(!relaxed(&state, &[&[1, 2], &[3, 4]]), "no zones are told");
    for (node, zone) in [(1, "a"), (2, "a"), (3, "b"), (4, "b")] {
        state.nodes.get_mut(&NodeId(node)).unwrap().zone = zone.into();
    }
    assert!(!relaxed(&state, &[&[1, 3], &[4, 2]]));
    assert!(!relaxed(&state, &[&[1, 2, 3], &[4, 2, 3]]), "two zones for three copies");
    assert!(relaxed(&state, &[&[1, 3], &[3, 4]]));
}

fn fill(range: u16, to: u64, records: u64, elapsed_ms: u64) -> Fill {
    let (records_total, bytes) = (10, records * 200);
    Fill { range: RangeId(range), to: NodeId(to), records, records_total, bytes, elapsed_ms }
}

#[test]
fn what_is_under_way_counts_with_what_is_left_of_it() {
    let state = state(&[&[1], &[1], &[2]]);
    let mut sights = sights();
    sight(&mut sights, 1).progress.as_mut().unwrap().fills = vec![fill(0, 2, 4, 2_000)];
    sight(&mut sights, 1).progress.as_mut().unwrap().filled.records = 7;
    let outlook = outlook(&state, &owners(&[&[1, 2], &[1, 2], &[2, 1]]), &sights);
    let transfers = transfers(&outlook, &sights);
    assert_eq!(transfers.running, [Transfer { from: NodeId(1), fill: fill(0, 2, 4, 2_000) }]);
    assert_eq!(transfers.ranges_left, 3);
    assert_eq!(transfers.left, Amount { keys: 6 + 10 + 10, bytes: 1_200 + 1_000 + 1_000 });
    assert_eq!((transfers.bytes_per_s, transfers.eta_seconds()), (400, Some(8)));
    assert_eq!(transfers.done.records, 7);
}

#[test]
fn the_time_that_a_fill_takes_is_told_from_its_rate() {
    let eta = |records, elapsed_ms| Transfer { from: NodeId(1), fill: fill(0, 2, records, elapsed_ms) }.eta_seconds();
    assert_eq!((eta(0, 500), eta(4, 2_000), eta(10, 2_000), eta(11, 2_000)), (None, Some(3), Some(0), Some(0)));
    let just_begun = Transfer { from: NodeId(1), fill: fill(0, 2, 0, 0) };
    assert_eq!((just_begun.bytes_per_s(), just_begun.left(RANGE)), (0, RANGE));
    assert_eq!(just_begun.left(Amount::default()), Amount { keys: 10, bytes: 0 });
    let idle = Transfers { ranges_left: 1, ..Transfers::default() };
    assert_eq!((idle.eta_seconds(), Transfers::default().eta_seconds()), (None, Some(0)));
}

fn voters(ids: &[u64]) -> NodeStatus {
    NodeStatus { voters: ids.iter().map(|id| NodeId(*id)).collect(), ..NodeStatus::default() }
}

#[test]
fn a_node_whose_ranges_others_hold_may_be_stopped() {
    let state = state(&[&[1, 2], &[2, 3], &[3, 1]]);
    let mut sights = sights();
    sight(&mut sights, 1).progress.as_mut().unwrap().single_copy_writes = 4;
    let safety = safety(&state, &voters(&[1, 2, 3]), &sights, NodeId(1));
    assert!(safety.is_safe(), "{safety:?}");
    assert_eq!((safety.last_copies, safety.below_min_in_sync, safety.primaries), (0, 0, 1));
    assert_eq!(safety.single_copy_writes, Some(4));
}

#[test]
fn a_node_with_a_last_copy_may_not_be_stopped() {
    let status = voters(&[1, 2, 3]);
    let state = state(&[&[1, 2], &[1], &[3, 1]]);
    let mut sights = sights();
    assert_eq!(safety(&state, &status, &sights, NodeId(1)).last_copies, 1);
    // Another member counts only as long as it serves and stays.
    sight(&mut sights, 2).lease.as_mut().unwrap().is_held = false;
    assert_eq!(safety(&state, &status, &sights, NodeId(1)).last_copies, 2);
    sight(&mut sights, 3).lease.as_mut().unwrap().is_stopping = true;
    let safety = safety(&state, &status, &sights, NodeId(1));
    assert_eq!(safety.last_copies, 3);
    assert!(safety.reasons[0].contains("3 of its ranges"), "{safety:?}");
}

#[test]
fn too_few_copies_for_writes_speak_against_stopping() {
    let mut state = state(&[&[1, 2], &[1, 2, 3]]);
    state.settings.min_in_sync = 2;
    let safety = safety(&state, &voters(&[3]), &sights(), NodeId(1));
    assert_eq!((safety.last_copies, safety.below_min_in_sync), (0, 1));
    assert!(safety.reasons.len() == 1 && safety.reasons[0].contains("fewer than 2 copies"), "{safety:?}");
}

#[test]
fn a_majority_must_be_left_and_the_leader_be_heard() {
    let state = state(&[&[2, 3]]);
    let mut sights = sights();
    let reasons = |sights: &Sights, ids: &[u64]| safety(&state, &voters(ids), sights, NodeId(1)).reasons;
    assert_eq!(reasons(&sights, &[1, 2, 3]), Vec::<String>::new());
    assert!(reasons(&sights, &[1])[0].contains("no majority"));
    sight(&mut sights, 2).lease.as_mut().unwrap().is_held = false;
    assert!(reasons(&sights, &[1, 2, 3])[0].contains("no majority"));
    assert_eq!(reasons(&sights, &[2, 3, 4]), Vec::<String>::new(), "it does not vote");
    sights.has_leader_answered = false;
    assert!(reasons(&sights, &[2, 3, 4])[0].contains("leader"));
}
