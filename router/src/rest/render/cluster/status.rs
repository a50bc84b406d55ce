//! Answer of the cluster's state.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, Node, NodeState, RangeRecord},
    wire::NodeStatus,
};
use serde::Serialize;

use super::{
    super::{
        super::{
            cluster::{Outlook, Sights, Transfer, Transfers},
            coverage::Coverage,
        },
        splice::{raw, serde},
    },
    change::Settings,
};

/// What the router knows.
#[derive(Clone, Debug)]
pub struct ClusterView<'a> {
    /// The replicated state.
    pub state: &'a ClusterState,
    /// How the node that was asked sees the cluster.
    pub status: &'a NodeStatus,
    /// What the nodes and the leader answered.
    pub sights: &'a Sights,
    /// What it takes to reach the plan.
    pub outlook: &'a Outlook,
    /// What moves.
    pub transfers: &'a Transfers,
    /// Who contributed.
    pub coverage: Coverage,
}

impl ClusterView<'_> {
    /// Copies that a range is to have: as the settings say, as far as there are nodes to hold them.
    fn copies_wanted(&self) -> usize {
        let able = self.state.candidates().iter().filter(|node| node.weight > 0).count();
        usize::from(self.state.settings.replication_factor).min(able).max(1)
    }

    /// Whether a node can serve: it holds a lease, or, without the leader's word, it answered.
    fn is_living(&self, node: NodeId) -> bool {
        self.sights.holds_lease(node).unwrap_or_else(|| self.sights.has_answered(node))
    }
}

#[derive(Serialize)]
struct Raft {
    leader: Option<u64>,
    term: u64,
    version: u64,
    last_log: u64,
    voters: Vec<u64>,
    learners: Vec<u64>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: u64,
    state: &'static str,
    membership: &'static str,
    is_alive: bool,
    has_lease: Option<bool>,
    since_ms: Option<u64>,
    is_stopping: bool,
    uptime_seconds: Option<u64>,
    zone: &'a str,
    weight: u32,
    is_leader: bool,
    is_voter: bool,
    primary_ranges: usize,
    copy_ranges: usize,
    pending_ranges: usize,
    ranges: usize,
    planned_ranges: usize,
    share: f64,
    single_copy_writes: Option<u64>,
    addresses: Addresses<'a>,
}

#[derive(Serialize)]
struct Addresses<'a> {
    rpc: &'a str,
    health: &'a str,
}

#[derive(Default, Serialize)]
struct Ranges {
    total: usize,
    serving: usize,
    unavailable: usize,
    unassigned: usize,
    full: usize,
    under_replicated: usize,
    single_copy: usize,
    without_living_member: usize,
    pending: usize,
    taking_over: u64,
    resets: u64,
}

#[derive(Serialize)]
struct PlanRow {
    version: Option<u64>,
    is_current: bool,
    is_reached: bool,
    zone_rule_relaxed: bool,
    absent: Vec<u64>,
}

#[derive(Serialize)]
struct TransferRow {
    range: u16,
    from: u64,
    to: u64,
    keys: u64,
    keys_total: u64,
    bytes: u64,
    bytes_per_s: u64,
    elapsed_ms: u64,
    eta_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Done {
    ranges: u64,
    keys: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct TransferSums {
    ranges_left: u32,
    keys_left: u64,
    bytes_left: u64,
    bytes_per_s: u64,
    eta_seconds: Option<u64>,
    done: Done,
    running: Vec<TransferRow>,
}

/// Answer of `GET /api/cluster`. Of nodes that are gone for good only the ids are told.
pub fn cluster(out: &mut Vec<u8>, view: &ClusterView<'_>) {
    raw(out, "{\"success\":true,\"cluster\":");
    serde(out, &format!("{:016x}", view.state.cluster.0));
    raw(out, ",");
    // The members of `Raft` stand at the top level.
    let mut raft = Vec::new();
    serde(&mut raft, &raft_row(view));
    out.extend_from_slice(&raft[1..raft.len() - 1]);
    raw(out, ",\"nodes\":");
    serde(out, &rows(view));
    raw(out, ",\"gone\":");
    let gone = view.state.nodes.iter().filter(|(_, node)| node.state == NodeState::Gone);
    serde(out, &gone.map(|(id, _)| id.0).collect::<Vec<_>>());
    raw(out, ",\"ranges\":");
    serde(out, &ranges(view));
    raw(out, ",\"plan\":");
    serde(out, &plan_row(view));
    raw(out, ",\"transfers\":");
    serde(out, &transfer_sums(view.transfers));
    raw(out, ",\"settings\":");
    serde(out, &Settings::from(&view.state.settings));
    view.coverage.write_members(out);
    out.push(b'}');
}

fn raft_row(view: &ClusterView<'_>) -> Raft {
    let ids = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect();
    Raft {
        leader: view.status.leader.map(|node| node.0),
        term: view.status.term,
        version: view.state.applied,
        last_log: view.status.last_log,
        voters: ids(&view.status.voters),
        learners: ids(&view.status.learners),
    }
}

/// What a node is to the ranges.
#[derive(Clone, Copy, Default)]
struct Held {
    primaries: usize,
    in_sync: usize,
    pending: usize,
    planned: usize,
}

fn held(state: &ClusterState) -> BTreeMap<NodeId, Held> {
    let mut held: BTreeMap<NodeId, Held> = BTreeMap::new();
    for record in &state.ranges {
        if let Some(primary) = record.primary {
            held.entry(primary).or_default().primaries += 1;
        }
        for member in &record.in_sync {
            held.entry(member.node).or_default().in_sync += 1;
        }
        if let Some(pending) = &record.pending {
            held.entry(pending.node).or_default().pending += 1;
        }
    }
    for owner in state.plan.iter().flat_map(|plan| &plan.owners).flatten() {
        held.entry(*owner).or_default().planned += 1;
    }
    held
}

fn rows<'a>(view: &ClusterView<'a>) -> Vec<Row<'a>> {
    let held = held(view.state);
    let total = view.state.ranges.len().max(1);
    let row = |(id, node): (&NodeId, &'a Node)| {
        let held = held.get(id).copied().unwrap_or_default();
        let sight = view.sights.nodes.get(id);
        let is_alive = view.sights.has_answered(*id);
        let uptime_ms = sight.and_then(|sight| sight.holdings).map(|holdings| holdings.uptime_ms);
        Row {
            id: id.0,
            state: state_word(node.state, !is_alive),
            membership: state_word(node.state, false),
            is_alive,
            has_lease: view.sights.holds_lease(*id),
            since_ms: sight.and_then(|sight| sight.lease).map(|lease| lease.since_ms),
            is_stopping: view.sights.is_stopping(*id),
            uptime_seconds: uptime_ms.map(|ms| ms / 1_000),
            zone: &node.zone,
            weight: node.weight(),
            is_leader: view.status.leader == Some(*id),
            is_voter: view.status.voters.contains(id),
            primary_ranges: held.primaries,
            copy_ranges: held.in_sync.saturating_sub(held.primaries),
            pending_ranges: held.pending,
            ranges: held.in_sync,
            planned_ranges: held.planned,
            share: held.primaries as f64 / total as f64,
            single_copy_writes: sight
                .and_then(|sight| sight.progress.as_ref())
                .map(|progress| progress.single_copy_writes),
            addresses: Addresses { rpc: &node.addresses.rpc, health: &node.addresses.health },
        }
    };
    view.state.nodes.iter().filter(|(_, node)| node.state != NodeState::Gone).map(row).collect()
}

fn ranges(view: &ClusterView<'_>) -> Ranges {
    let wanted = view.copies_wanted();
    let living: BTreeSet<NodeId> = view.state.nodes.keys().copied().filter(|node| view.is_living(*node)).collect();
    let progress = view.sights.nodes.values().filter_map(|sight| sight.progress.as_ref());
    let mut ranges = Ranges {
        total: view.state.ranges.len(),
        taking_over: progress.map(|progress| u64::from(progress.taking_over)).sum(),
        ..Ranges::default()
    };
    for record in &view.state.ranges {
        ranges.pending += usize::from(record.pending.is_some());
        ranges.resets += u64::from(record.resets);
        match record.primary {
            None => ranges.unassigned += 1,
            Some(primary) => {
                let is_served = view.sights.has_answered(primary);
                ranges.serving += usize::from(is_served);
                ranges.unavailable += usize::from(!is_served);
                ranges.count_copies(record, wanted, &living);
            }
        }
    }
    ranges
}

impl Ranges {
    fn count_copies(&mut self, record: &RangeRecord, wanted: usize, living: &BTreeSet<NodeId>) {
        let copies = record.in_sync.len();
        self.full += usize::from(copies >= wanted);
        self.under_replicated += usize::from(copies < wanted);
        self.single_copy += usize::from(copies == 1);
        self.without_living_member += usize::from(record.in_sync.iter().all(|member| !living.contains(&member.node)));
    }
}

fn plan_row(view: &ClusterView<'_>) -> PlanRow {
    let plan = view.state.plan.as_ref();
    PlanRow {
        version: plan.map(|plan| plan.id),
        is_current: plan.is_some_and(|plan| plan.id >= view.state.nodes_changed_at),
        is_reached: plan.is_some() && view.outlook.is_reached(),
        zone_rule_relaxed: view.outlook.is_zone_rule_relaxed,
        absent: plan.iter().flat_map(|plan| &plan.absent).map(|node| node.0).collect(),
    }
}

fn transfer_sums(transfers: &Transfers) -> TransferSums {
    let row = |transfer: &Transfer| TransferRow {
        range: transfer.fill.range.0,
        from: transfer.from.0,
        to: transfer.fill.to.0,
        keys: transfer.fill.records,
        keys_total: transfer.fill.records_total,
        bytes: transfer.fill.bytes,
        bytes_per_s: transfer.bytes_per_s(),
        elapsed_ms: transfer.fill.elapsed_ms,
        eta_seconds: transfer.eta_seconds(),
    };
    let Transfers { ranges_left, left, bytes_per_s, done, .. } = transfers;
    TransferSums {
        ranges_left: *ranges_left,
        keys_left: left.keys,
        bytes_left: left.bytes,
        bytes_per_s: *bytes_per_s,
        eta_seconds: transfers.eta_seconds(),
        done: Done { ranges: done.ranges, keys: done.records, bytes: done.bytes },
        running: transfers.running.iter().map(row).collect(),
    }
}

/// The word for a node's state; a member that does not answer is `down`.
pub const fn state_word(state: NodeState, is_down: bool) -> &'static str {
    match state {
        NodeState::Gone => "gone",
        _ if is_down => "down",
        NodeState::Joining => "joining",
        NodeState::Active => "active",
        NodeState::Leaving => "leaving",
    }
}
