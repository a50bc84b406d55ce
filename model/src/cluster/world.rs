//! A state, and short words to change it: for tests.

use super::{
    Addresses, Change, ClusterState, Command, Member, Move, Outcome, Proposal, RangeRecord, Rejection, Reply,
    RequestId, Restart, Seed,
};
use crate::{
    config::{Backend, CacheConfig},
    ids::{ClusterId, Incarnation, Mid, NamespaceId, NodeId, RangeId},
};

/// A rule book under test. Every entry is anonymous unless said otherwise, and every state is checked.
#[derive(Clone)]
pub(super) struct World {
    pub(super) state: ClusterState,
}

pub(super) fn addresses(host: &str) -> Addresses {
    Addresses { rpc: format!("{host}:7400"), health: format!("{host}:7500") }
}

pub(super) fn form(seeds: u64) -> Command {
    let seeds = (1..=seeds)
        .map(|id| Seed { id: NodeId(id), birth: 100 + id, addresses: addresses(&format!("n{id}")) })
        .collect();
    Command::Form {
        cluster: ClusterId(9),
        hash_seed: 7,
        range_bits: 2,
        seeds,
        config: CacheConfig::default(),
        default_backend: Backend::Memory,
    }
}

impl World {
    pub(super) fn unformed() -> Self {
        Self { state: ClusterState::default() }
    }

    /// `seeds` founders, ids from 1, births from 101, none started.
    pub(super) fn formed(seeds: u64) -> Self {
        let mut world = Self::unformed();
        assert_eq!(world.apply(form(seeds)), Ok(Reply::Done));
        world
    }

    /// The founders have started; there is no plan yet.
    pub(super) fn started(seeds: u64) -> Self {
        let mut world = Self::formed(seeds);
        for id in 1..=seeds {
            world.start(id, 1).unwrap();
        }
        world
    }

    /// The founders have started and hold the ranges in turn, one copy each.
    pub(super) fn serving(seeds: u64) -> Self {
        Self::copied(seeds, 1)
    }

    /// The founders have started and hold the ranges in turn: of three founders and two copies, range 0 is held by 1 and 2,
    /// range 1 by 2 and 3, range 2 by 3 and 1, range 3 by 1 and 2; the first is the primary.
    pub(super) fn copied(seeds: u64, copies: u64) -> Self {
        let mut world = Self::started(seeds);
        let owners = |at| (at..at + copies).map(|at| NodeId(at % seeds + 1)).collect();
        assert_eq!(world.plan((0..world.state.ranges.len() as u64).map(owners).collect()), Ok(Reply::Done));
        world
    }

    pub(super) fn apply(&mut self, command: Command) -> Outcome {
        self.apply_named(RequestId::default(), command)
    }

    pub(super) fn apply_named(&mut self, request: RequestId, command: Command) -> Outcome {
        let index = self.state.applied + 1;
        let outcome = self.state.apply(index, &Proposal { request, command });
        assert_eq!(self.state.applied, index);
        assert_eq!(self.state.broken_invariants(), Vec::<String>::new());
        outcome
    }

    /// Applies a command that is to be refused, and checks that it changed nothing.
    pub(super) fn refused(&mut self, command: Command) -> Rejection {
        let mut before = self.state.clone();
        let rejection = self.apply(command).unwrap_err();
        before.applied += 1;
        assert_eq!(self.state, before, "a rejection leaves no trace");
        rejection
    }

    pub(super) fn start(&mut self, id: u64, boot: u64) -> Outcome {
        self.apply(start(id, boot))
    }

    pub(super) fn register(&mut self, birth: u64, host: &str) -> Outcome {
        self.apply(register(birth, host))
    }

    pub(super) fn plan(&mut self, owners: Vec<Vec<NodeId>>) -> Outcome {
        let computed_at = self.state.applied;
        self.apply(set_plan(owners, computed_at))
    }

    /// Something about a range in its present epoch.
    pub(super) fn step(&self, range: u16, to: u64) -> Move {
        Move { range: RangeId(range), epoch: self.range(range).epoch, to: NodeId(to) }
    }

    /// A range that begins again, as it is now.
    pub(super) fn restart(&self, range: u16, to: u64) -> Restart {
        let record = self.range(range);
        Restart { range: RangeId(range), epoch: record.epoch, to: NodeId(to), members: record.in_sync.clone() }
    }

    /// Something about a member of a range in its present epoch, in sync or pending.
    pub(super) fn change(&self, range: u16, node: u64) -> Change {
        let record = self.range(range);
        let mut members = record.in_sync.iter().chain(&record.pending);
        let member = *members.find(|member| member.node == NodeId(node)).unwrap();
        Change { range: RangeId(range), epoch: record.epoch, member }
    }

    /// A range gets one more copy, filled at once.
    pub(super) fn fill(&mut self, range: u16, node: u64) {
        assert_eq!(self.apply(Command::AddPending { moves: vec![self.step(range, node)] }), Ok(Reply::Moved(1)));
        assert_eq!(self.apply(Command::Promote { changes: vec![self.change(range, node)] }), Ok(Reply::Moved(1)));
    }

    /// A node's present process.
    pub(super) fn run_of(&self, node: u64) -> Incarnation {
        self.state.nodes[&NodeId(node)].incarnation.unwrap()
    }

    /// The lease of `node` ended while those of `alive` ran.
    pub(super) fn down(&mut self, node: u64, alive: &[u64]) -> Outcome {
        let alive = alive.iter().map(|id| (NodeId(*id), self.run_of(*id))).collect();
        self.apply(Command::NodeDown { node: NodeId(node), incarnation: self.run_of(node), alive })
    }

    /// Nodes in sync, in the order in which they came.
    pub(super) fn in_sync(&self, range: u16) -> Vec<u64> {
        self.range(range).in_sync.iter().map(|member| member.node.0).collect()
    }

    pub(super) fn range(&self, range: u16) -> &RangeRecord {
        self.state.range(RangeId(range)).unwrap()
    }

    pub(super) fn default_namespace(&self) -> NamespaceId {
        self.state.namespace_id("default").unwrap()
    }
}

pub(super) fn nodes(ids: &[u64]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

pub(super) fn member(node: u64, mid: u64) -> Member {
    Member { node: NodeId(node), mid: Mid(mid) }
}

pub(super) fn set_plan(owners: Vec<Vec<NodeId>>, computed_at: u64) -> Command {
    Command::SetPlan { owners, computed_at, absent: Default::default() }
}

pub(super) fn start(id: u64, boot: u64) -> Command {
    Command::NodeStart {
        node: NodeId(id),
        birth: 100 + id,
        boot,
        addresses: addresses(&format!("n{id}")),
        zone: String::new(),
        weight: 100,
    }
}

pub(super) fn register(birth: u64, host: &str) -> Command {
    Command::Register { birth, addresses: addresses(host), zone: String::new(), weight: 100 }
}
