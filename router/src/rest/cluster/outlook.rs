//! What a plan would move: from where to where, and how much.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, PlannedMove},
};

use super::{
    sight::{Amount, Sights},
    transfer::{self, Transfer},
};

/// Ranges that go from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Who gives up its place; `None`: nobody, there is one copy more.
    pub from: Option<NodeId>,
    /// Who gets it.
    pub to: NodeId,
    /// How many ranges.
    pub ranges: u32,
    /// About what has to be sent.
    pub amount: Amount,
}

/// What a node holds, and what it would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Ranges that it serves.
    pub primaries: u32,
    /// Ranges that it holds in sync, the served ones included.
    pub ranges: u32,
    /// Ranges that it would serve.
    pub primaries_then: u32,
    /// Ranges that it would hold.
    pub ranges_then: u32,
}

/// What it takes to come from the present layout to a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Copies to be made, by giver and taker.
    pub moves: Vec<Flow>,
    /// Ranges that get another primary, by the former and the new one. Nothing is sent for a handover itself.
    pub handovers: Vec<Flow>,
    /// Copies that are given up without a successor, by node.
    pub dropped: BTreeMap<NodeId, u32>,
    /// Every node that holds ranges or would.
    pub nodes: BTreeMap<NodeId, Share>,
    /// Copies to be made in all.
    pub ranges: u32,
    /// About what has to be sent for them.
    pub amount: Amount,
    /// Seconds that it takes at the least, because of the bound on filling; `None`: there is no bound.
    pub seconds_at_least: Option<u64>,
    /// Whether the copies of some range share a zone although there are more zones: the caps left no other choice.
    pub is_zone_rule_relaxed: bool,
}

impl Outlook {
    /// Whether the layout is as the plan says.
    pub fn is_reached(&self) -> bool {
        self.ranges == 0 && self.handovers.is_empty() && self.dropped.is_empty()
    }
}

/// What it takes to bring the layout of `state` to `goal`, which has owners per range, the wanted primary first. Ranges that
/// were never assigned take nothing.
pub fn outlook(state: &ClusterState, goal: &[Vec<NodeId>], sights: &Sights) -> Outlook {
    let mut tally = Tally { running: transfer::running(sights), ..Tally::default() };
    state.moves_towards(goal).iter().for_each(|planned| tally.add(planned, sights));
    Outlook {
        nodes: shares(state, goal),
        is_zone_rule_relaxed: shares_zones(state, goal),
        ..tally.outlook(state.settings.fill_bytes_per_s)
    }
}

/// Where the ranges of `state` should live: as its plan says, or, when what plans are computed from has changed since, as the
/// leader will say. May take long in a large cluster.
pub fn goal(state: &ClusterState) -> Vec<Vec<NodeId>> {
    match &state.plan {
        Some(plan) if plan.id >= state.nodes_changed_at => plan.owners.clone(),
        Some(plan) => state.target_without(&plan.absent).owners,
        None => state.target().owners,
    }
}

fn shares(state: &ClusterState, goal: &[Vec<NodeId>]) -> BTreeMap<NodeId, Share> {
    let mut shares: BTreeMap<NodeId, Share> = BTreeMap::new();
    for (record, owners) in state.ranges.iter().zip(goal) {
        record.primary.into_iter().for_each(|node| shares.entry(node).or_default().primaries += 1);
        record.in_sync.iter().for_each(|member| shares.entry(member.node).or_default().ranges += 1);
        owners.first().into_iter().for_each(|owner| shares.entry(*owner).or_default().primaries_then += 1);
        owners.iter().for_each(|owner| shares.entry(*owner).or_default().ranges_then += 1);
    }
    shares
}

/// Whether some range has its copies in fewer zones than it could.
fn shares_zones(state: &ClusterState, goal: &[Vec<NodeId>]) -> bool {
    let zone = |node: &NodeId| state.nodes.get(node).map_or("", |node| node.zone.as_str());
    let all: BTreeSet<&str> = goal.iter().flatten().map(zone).collect();
    let is_crowded = |owners: &Vec<NodeId>| {
        let zones: BTreeSet<&str> = owners.iter().map(zone).collect();
        zones.len() < owners.len().min(all.len())
    };
    goal.iter().any(is_crowded)
}

#[derive(Default)]
struct Tally {
    running: Vec<Transfer>,
    moves: Flows,
    handovers: Flows,
    dropped: BTreeMap<NodeId, u32>,
    /// Bytes that each primary has to send.
    sent: BTreeMap<NodeId, u64>,
}

impl Tally {
    fn add(&mut self, planned: &PlannedMove, sights: &Sights) {
        let PlannedMove { range, from, fills, drops, primary } = planned;
        let per_range = sights.amount_per_range(*from);
        for (nth, to) in fills.iter().enumerate() {
            let running = transfer::of(&self.running, *range, *to);
            let amount = running.map_or(per_range, |running| running.left(per_range));
            count(&mut self.moves, drops.get(nth).copied(), *to, amount);
            *self.sent.entry(*from).or_default() += amount.bytes;
        }
        for node in drops.iter().skip(fills.len()) {
            *self.dropped.entry(*node).or_default() += 1;
        }
        if let Some(primary) = primary {
            count(&mut self.handovers, Some(*from), *primary, Amount::default());
        }
    }

    fn outlook(self, fill_bytes_per_s: u64) -> Outlook {
        let moves = flows(self.moves);
        let busiest = self.sent.values().copied().max().unwrap_or_default();
        Outlook {
            ranges: moves.iter().map(|flow| flow.ranges).sum(),
            amount: moves.iter().map(|flow| flow.amount).fold(Amount::default(), Amount::plus),
            moves,
            handovers: flows(self.handovers),
            dropped: self.dropped,
            seconds_at_least: (fill_bytes_per_s > 0).then(|| busiest.div_ceil(fill_bytes_per_s)),
            ..Outlook::default()
        }
    }
}

type Flows = BTreeMap<(Option<NodeId>, NodeId), (u32, Amount)>;

fn count(flows: &mut Flows, from: Option<NodeId>, to: NodeId, amount: Amount) {
    let (ranges, sum) = flows.entry((from, to)).or_default();
    *ranges += 1;
    *sum = sum.plus(amount);
}

fn flows(flows: Flows) -> Vec<Flow> {
    flows.into_iter().map(|((from, to), (ranges, amount))| Flow { from, to, ranges, amount }).collect()
}
