//! Answers of planning and moving.

use serde::Serialize;

use super::super::{
    super::{
        cluster::{Flow, Outlook, Share},
        coverage::Coverage,
    },
    splice::{raw, serde, string},
};

/// A plan and what it takes to get there.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    /// For people.
    pub message: &'a str,
    /// What would move.
    pub outlook: &'a Outlook,
    /// Whether moves for balance are paused.
    pub is_paused: bool,
    /// Who contributed to the estimates.
    pub coverage: Coverage,
}

#[derive(Serialize)]
struct MoveRow {
    from: Option<u64>,
    to: u64,
    ranges: u32,
    keys: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct HandoverRow {
    from: Option<u64>,
    to: u64,
    ranges: u32,
}

#[derive(Serialize)]
struct DroppedRow {
    node: u64,
    ranges: u32,
}

#[derive(Serialize)]
struct NodeRow {
    id: u64,
    primary_ranges: u32,
    ranges: u32,
    planned_primary_ranges: u32,
    planned_ranges: u32,
}

#[derive(Serialize)]
struct Plan {
    is_reached: bool,
    is_paused: bool,
    zone_rule_relaxed: bool,
    ranges: u32,
    keys: u64,
    bytes: u64,
    seconds_at_least: Option<u64>,
    moves: Vec<MoveRow>,
    handovers: Vec<HandoverRow>,
    dropped: Vec<DroppedRow>,
    nodes: Vec<NodeRow>,
}

/// Answer of plan, apply, pause, resume and cancel.
pub fn plan(out: &mut Vec<u8>, view: &PlanView<'_>) {
    string(out, "{\"success\":true,\"message\":", view.message);
    raw(out, ",\"plan\":");
    write_plan(out, view);
    view.coverage.write_members(out);
    out.push(b'}');
}

/// Appends the plan as an object.
pub(super) fn write_plan(out: &mut Vec<u8>, view: &PlanView<'_>) {
    let outlook = view.outlook;
    serde(
        out,
        &Plan {
            is_reached: outlook.is_reached(),
            is_paused: view.is_paused,
            zone_rule_relaxed: outlook.is_zone_rule_relaxed,
            ranges: outlook.ranges,
            keys: outlook.amount.keys,
            bytes: outlook.amount.bytes,
            seconds_at_least: outlook.seconds_at_least,
            moves: outlook.moves.iter().map(move_row).collect(),
            handovers: outlook.handovers.iter().map(handover_row).collect(),
            dropped: outlook
                .dropped
                .iter()
                .map(|(node, ranges)| DroppedRow { node: node.0, ranges: *ranges })
                .collect(),
            nodes: outlook.nodes.iter().map(|(node, share)| node_row(node.0, share)).collect(),
        },
    );
}

fn move_row(flow: &Flow) -> MoveRow {
    MoveRow {
        from: flow.from.map(|node| node.0),
        to: flow.to.0,
        ranges: flow.ranges,
        keys: flow.amount.keys,
        bytes: flow.amount.bytes,
    }
}

fn handover_row(flow: &Flow) -> HandoverRow {
    HandoverRow { from: flow.from.map(|node| node.0), to: flow.to.0, ranges: flow.ranges }
}

fn node_row(id: u64, share: &Share) -> NodeRow {
    NodeRow {
        id,
        primary_ranges: share.primaries,
        ranges: share.ranges,
        planned_primary_ranges: share.primaries_then,
        planned_ranges: share.ranges_then,
    }
}
