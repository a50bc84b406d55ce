//! A leader and primaries that do what the state asks for, without data and at once.

use std::collections::BTreeSet;

use crate::{
    cluster::{
        Change, ClusterState, Command, Member, Move, NodeState, Proposal, RangeRecord, Rejection, Reply, RequestId,
        Restart, Seed, world::addresses,
    },
    config::{Backend, CacheConfig},
    ids::{ClusterId, Incarnation, NodeId, RangeId},
};

/// Steps of one kind that one round takes at most, so that most states on the way are seen.
const STEPS_MAX: usize = 12;
/// A cluster of 64 ranges that is not at rest by then never will be.
const ROUNDS_MAX: u32 = 200;

/// A cluster whose ranges hold nothing.
pub(super) struct Cluster {
    pub(super) state: ClusterState,
    /// Nodes without a lease.
    pub(super) down: BTreeSet<NodeId>,
    births: u64,
}

impl Cluster {
    /// One node, started.
    pub(super) fn formed() -> Self {
        let mut cluster = Self { state: ClusterState::default(), down: BTreeSet::new(), births: 1 };
        let seed = Seed { id: NodeId(1), birth: 1, addresses: addresses("n0") };
        let form = Command::Form {
            cluster: ClusterId(1),
            hash_seed: 3,
            range_bits: 6,
            seeds: vec![seed],
            config: CacheConfig::default(),
            default_backend: Backend::Memory,
        };
        cluster.apply(form).unwrap();
        cluster.start(NodeId(1), 100, 0);
        cluster
    }

    pub(super) fn apply(&mut self, command: Command) -> Result<Reply, Rejection> {
        let proposal = Proposal { request: RequestId::default(), command };
        let outcome = self.state.apply(self.state.applied + 1, &proposal);
        assert_eq!(self.state.broken_invariants(), Vec::<String>::new());
        outcome
    }

    pub(super) fn start(&mut self, node: NodeId, weight: u32, zone: u8) {
        let record = self.state.nodes[&node].clone();
        let (boot, zone) = (record.boot + 1, format!("z{zone}"));
        let start = Command::NodeStart { node, birth: record.birth, boot, addresses: record.addresses, zone, weight };
        self.apply(start).unwrap();
        self.down.remove(&node);
    }

    /// A new node, or a wiped one when the host is taken.
    pub(super) fn join(&mut self, host: u8, weight: u32, zone: u8) {
        self.births += 1;
        let (birth, addresses) = (self.births, addresses(&format!("n{host}")));
        let joined = self.apply(Command::Register { birth, addresses, zone: String::new(), weight });
        if let Ok(Reply::Registered(id, wiped)) = joined {
            self.start(id, weight, zone);
            wiped.into_iter().for_each(|wiped| _ = self.down.remove(&wiped));
        }
    }

    /// Does what the state asks for; how many changes that were.
    pub(super) fn round(&mut self) -> usize {
        let taken_out = self.take_out();
        let mut made = self.plan() + taken_out;
        made +=
            self.changes(|record, member, _| record.pending == Some(*member), |changes| Command::Promote { changes });
        let is_unwanted = |record: &RangeRecord, member: &Member, wanted: &[NodeId]| {
            record.pending == Some(*member) && !wanted.contains(&member.node)
        };
        made += self.changes(is_unwanted, |changes| Command::CancelPending { changes });
        made += self.changes(is_to_retire, |changes| Command::Removed { changes });
        made += self.moves(|_, record, wanted| led_elsewhere(record, wanted), |moves| Command::Handover { moves });
        made += self.moves(Self::missing, |moves| Command::AddPending { moves });
        let restarts = |state: &ClusterState, moves: Vec<Move>| {
            let members = |step: &Move| state.range(step.range).map_or_else(Vec::new, |record| record.in_sync.clone());
            let restart =
                |step: Move| Restart { range: step.range, epoch: step.epoch, to: step.to, members: members(&step) };
            moves.into_iter().map(restart).collect()
        };
        let state = self.state.clone();
        made + self.moves(Self::lost, |moves| Command::Reset { restarts: restarts(&state, moves) })
    }

    /// Rounds until there is nothing left to do.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if self.round() == 0 {
                return;
            }
        }
        panic!("no rest after {ROUNDS_MAX} rounds: {:?}", self.state);
    }

    /// How often ranges lost their data.
    pub(super) fn resets(&self) -> u32 {
        self.state.ranges.iter().map(|record| record.resets).sum()
    }

    fn take_out(&mut self) -> usize {
        let run = |(id, node): (&NodeId, &crate::cluster::Node)| Some((*id, node.incarnation?));
        let runs: Vec<(NodeId, Incarnation)> = self.state.nodes.iter().filter_map(run).collect();
        let (dead, alive): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(id, _)| self.down.contains(id));
        let mut made = 0;
        for (node, incarnation) in dead {
            match self.apply(Command::NodeDown { node, incarnation, alive: alive.clone() }) {
                Ok(Reply::Ranges { touched, reset: 0 }) => made += touched as usize,
                other => panic!("{other:?}"),
            }
        }
        made
    }

    fn plan(&mut self) -> usize {
        let active = |id: &NodeId| self.state.nodes[id].state == NodeState::Active;
        let absent: BTreeSet<_> = self.down.iter().copied().filter(active).collect();
        let is_deserted = |id: &NodeId| self.down.contains(id) && !active(id);
        let is_due = |plan: &crate::cluster::Plan| {
            let is_outdated = plan.id < self.state.nodes_changed_at || plan.absent != absent;
            is_outdated || plan.owners.iter().flatten().any(is_deserted)
        };
        if !self.state.plan.as_ref().is_none_or(is_due) {
            return 0;
        }
        let owners = self.state.target_without(&absent).owners;
        let set = Command::SetPlan { owners, computed_at: self.state.applied, absent };
        assert_eq!(self.apply(set), Ok(Reply::Done));
        1
    }

    /// Proposes `which` of all memberships, as `command`.
    fn changes(
        &mut self,
        which: impl Fn(&RangeRecord, &Member, &[NodeId]) -> bool,
        command: impl Fn(Vec<Change>) -> Command,
    ) -> usize {
        let of_range = |(range, record, wanted): (RangeId, &RangeRecord, &Vec<NodeId>)| {
            let member = record.in_sync.iter().chain(&record.pending).find(|member| which(record, member, wanted))?;
            Some(Change { range, epoch: record.epoch, member: *member })
        };
        let changes: Vec<_> = self.layout().filter_map(of_range).take(STEPS_MAX).collect();
        let count = changes.len();
        self.made(command(changes), count)
    }

    /// Proposes the node that `which` gives for ranges, as `command`.
    fn moves(
        &mut self,
        which: impl Fn(&Self, &RangeRecord, &[NodeId]) -> Option<NodeId>,
        command: impl Fn(Vec<Move>) -> Command,
    ) -> usize {
        let of_range = |(range, record, wanted): (RangeId, &RangeRecord, &Vec<NodeId>)| {
            which(self, record, wanted).map(|to| Move { range, epoch: record.epoch, to })
        };
        let moves: Vec<_> = self.layout().filter_map(of_range).take(STEPS_MAX).collect();
        let count = moves.len();
        self.made(command(moves), count)
    }

    /// Nothing comes between, so no step is void.
    fn made(&mut self, command: Command, count: usize) -> usize {
        if count > 0 {
            assert_eq!(self.apply(command.clone()), Ok(Reply::Moved(count as u32)), "{command:?}");
        }
        count
    }

    fn layout(&self) -> impl Iterator<Item = (RangeId, &RangeRecord, &Vec<NodeId>)> {
        let owners = &self.state.plan.as_ref().unwrap().owners;
        (0..).map(RangeId).zip(&self.state.ranges).zip(owners).map(|((range, record), owners)| (range, record, owners))
    }

    fn missing(&self, record: &RangeRecord, wanted: &[NodeId]) -> Option<NodeId> {
        let is_led = record.primary.is_some_and(|primary| !self.down.contains(&primary));
        let missing = wanted.iter().find(|id| !has(record, **id));
        missing.copied().filter(|_| is_led && record.pending.is_none())
    }

    fn lost(&self, record: &RangeRecord, wanted: &[NodeId]) -> Option<NodeId> {
        let is_lost = record.in_sync.iter().all(|member| self.down.contains(&member.node));
        wanted.first().copied().filter(|_| is_lost)
    }
}

fn has(record: &RangeRecord, node: NodeId) -> bool {
    record.in_sync.iter().any(|member| member.node == node)
}

fn is_complete(record: &RangeRecord, wanted: &[NodeId]) -> bool {
    wanted.iter().all(|id| has(record, *id))
}

fn led_elsewhere(record: &RangeRecord, wanted: &[NodeId]) -> Option<NodeId> {
    wanted.first().copied().filter(|first| is_complete(record, wanted) && record.primary != Some(*first))
}

fn is_to_retire(record: &RangeRecord, member: &Member, wanted: &[NodeId]) -> bool {
    let is_led_well = record.primary == wanted.first().copied() && is_complete(record, wanted);
    is_led_well && record.in_sync.contains(member) && !wanted.contains(&member.node)
}
