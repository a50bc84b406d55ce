//! All duties together, against the rule book, with primaries that fill and retire: whatever happened, the cluster comes to
//! rest as planned, and nobody who lives loses the last copy.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use ringhold_model::{
    ClusterId, NodeId, RangeId,
    cluster::{Addresses, Change, ClusterState, Command, NodeState, Proposal, Reply, RequestId, Seed},
    config::{Backend, CacheConfig},
};

use crate::{
    leader::{Duties, Facts},
    lease::{Beginning, LeaseBook, Rules},
};

const NODES: u64 = 5;
/// Rounds within which everything has to come to rest.
const ROUNDS_MAX: usize = 400;
const LEASE: u64 = 2_200;

/// What may happen to node `id`.
#[derive(Clone, Debug)]
enum Event {
    Dies(u64),
    Comes(u64),
    Restarts(u64),
    Stops(u64),
    Drains(u64, bool),
    Weighs(u64, u32),
    Copies(u8),
    Pauses(bool),
    CancelsMoves,
    /// Milliseconds.
    Passes(u64),
    LeaderChanges,
}

fn event() -> impl Strategy<Value = Event> {
    let id = || 1..=NODES;
    prop_oneof![
        id().prop_map(Event::Dies),
        id().prop_map(Event::Comes),
        id().prop_map(Event::Restarts),
        id().prop_map(Event::Stops),
        (id(), any::<bool>()).prop_map(|(id, cancel)| Event::Drains(id, cancel)),
        (id(), 0..300_u32).prop_map(|(id, weight)| Event::Weighs(id, weight)),
        (1..4_u8).prop_map(Event::Copies),
        any::<bool>().prop_map(Event::Pauses),
        Just(Event::CancelsMoves),
        (1..100_000_u64).prop_map(Event::Passes),
        Just(Event::LeaderChanges),
    ]
}

struct Cluster {
    state: ClusterState,
    book: LeaseBook,
    duties: Duties,
    now_ms: u64,
    up: BTreeSet<NodeId>,
    stopping: BTreeSet<NodeId>,
}

impl Cluster {
    fn formed() -> Self {
        let state = ClusterState::default();
        let mut cluster = Self {
            book: open(&state, 0),
            state,
            duties: Duties::default(),
            now_ms: 0,
            up: (1..=NODES).map(NodeId).collect(),
            stopping: BTreeSet::new(),
        };
        cluster.apply(Command::Form {
            cluster: ClusterId(1),
            hash_seed: 3,
            range_bits: 4,
            seeds: (1..=NODES).map(|id| Seed { id: NodeId(id), birth: id, addresses: addresses(id) }).collect(),
            config: CacheConfig::default(),
            default_backend: Backend::Memory,
        });
        (1..=NODES).for_each(|id| cluster.start(NodeId(id)));
        cluster
    }

    fn apply(&mut self, command: Command) -> Option<Reply> {
        let proposal = Proposal { request: RequestId::default(), command };
        let outcome = self.state.apply(self.state.applied + 1, &proposal);
        assert_eq!(self.state.broken_invariants(), Vec::<String>::new(), "{:?}", proposal.command);
        outcome.ok()
    }

    fn start(&mut self, node: NodeId) {
        let record = &self.state.nodes[&node];
        let (birth, boot) = (record.birth, record.boot + 1);
        let (zone, weight) = (String::new(), 100);
        self.apply(Command::NodeStart { node, birth, boot, addresses: addresses(node.0), zone, weight });
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Dies(id) => drop(self.up.remove(&NodeId(id))),
            Event::Comes(id) => drop(self.up.insert(NodeId(id))),
            Event::Restarts(id) => {
                self.up.insert(NodeId(id));
                self.stopping.remove(&NodeId(id));
                self.start(NodeId(id));
            }
            Event::Stops(id) => drop(self.stopping.insert(NodeId(id))),
            Event::Drains(id, cancel) => drop(self.apply(Command::Drain { node: NodeId(id), cancel })),
            Event::Weighs(id, weight) => {
                self.apply(Command::SetWeight { node: NodeId(id), weight: Some(weight) });
            }
            Event::Copies(copies) => self.patch(|patch| patch.replication_factor = Some(copies)),
            Event::Pauses(paused) => self.patch(|patch| patch.moves_paused = Some(paused)),
            Event::CancelsMoves => drop(self.apply(Command::CancelMoves)),
            Event::Passes(ms) => self.pass(ms),
            Event::LeaderChanges => {
                self.book = open(&self.state, self.now_ms);
                self.duties = Duties::default();
            }
        }
        self.round();
    }

    fn patch(&mut self, change: impl FnOnce(&mut ringhold_model::cluster::SettingsPatch)) {
        let mut patch = ringhold_model::cluster::SettingsPatch::default();
        change(&mut patch);
        self.apply(Command::PatchSettings { patch });
    }

    /// Time passes in steps of renewals.
    fn pass(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while self.now_ms < until {
            self.now_ms = until.min(self.now_ms + 400);
            self.renew();
        }
    }

    fn renew(&mut self) {
        self.book.look(self.now_ms, self.state.applied, &self.state);
        for id in &self.up {
            let request = ringhold_model::wire::RenewRequest {
                node: *id,
                incarnation: self.state.nodes[id].incarnation.unwrap(),
                acted: self.state.applied,
                unreachable: Vec::new(),
                is_stopping: self.stopping.contains(id),
            };
            if let Ok(admission) = self.book.admit(&request, self.now_ms, &self.state) {
                self.book.renew(&request, admission, (self.now_ms, self.now_ms), &self.state);
            }
        }
    }

    /// The leader and then the primaries do what is due. False: nothing was.
    fn round(&mut self) -> bool {
        self.pass(100);
        let leases = self.book.leases(self.now_ms);
        let facts = Facts { state: &self.state, leases: &leases, now_ms: self.now_ms, may_plan: true };
        let commands = self.duties.due(&facts);
        let mut did = false;
        for command in commands {
            let taken = crate::lease::taken_from(&command, &self.state);
            assert!(taken.iter().all(|id| !self.book.may_hold(*id, self.now_ms)), "{command:?}");
            let what = format!("{command:?}");
            let reply = self.apply(command);
            assert!(reply.is_some(), "refused: {what}");
            did = true;
        }
        self.primaries_work() || did
    }

    /// Pending copies get filled, and members that the plan does not want retire.
    fn primaries_work(&mut self) -> bool {
        let (mut filled, mut retired) = (Vec::new(), Vec::new());
        let owners = self.state.plan.as_ref().map(|plan| plan.owners.clone()).unwrap_or_default();
        for ((at, record), wanted) in self.state.ranges.iter().enumerate().zip(&owners) {
            let Some(primary) = record.primary.filter(|id| self.up.contains(id)) else { continue };
            let range = RangeId(u16::try_from(at).unwrap());
            let change = |member| Change { range, epoch: record.epoch, member };
            if let Some(member) = record.pending.filter(|member| self.up.contains(&member.node)) {
                filled.push(change(member));
            }
            let has = |id: &NodeId| record.in_sync.iter().any(|member| member.node == *id);
            if primary == wanted[0] && wanted.iter().all(has) {
                retired
                    .extend(record.in_sync.iter().filter(|member| !wanted.contains(&member.node)).map(|m| change(*m)));
            }
        }
        let works = !filled.is_empty() || !retired.is_empty();
        self.apply(Command::Promote { changes: filled });
        self.apply(Command::Removed { changes: retired });
        works
    }

    /// Everyone is up and stays, and moves go on; then rounds until nothing is due.
    fn heal(&mut self) -> usize {
        self.up = (1..=NODES).map(NodeId).collect();
        self.stopping.clear();
        self.patch(|patch| patch.moves_paused = Some(false));
        self.pass(2 * LEASE);
        (0..ROUNDS_MAX).find(|_| !self.round()).expect("it comes to rest")
    }
}

fn open(state: &ClusterState, now_ms: u64) -> LeaseBook {
    let voters = vec![(1..=3).map(NodeId).collect()];
    let beginning = Beginning { me: NodeId(1), voters, log_end: state.applied, now_ms };
    let mut book = LeaseBook::open(Rules::default(), LEASE, beginning);
    (1..=3).for_each(|id| book.heard(NodeId(id), now_ms, 300));
    book
}

fn addresses(id: u64) -> Addresses {
    Addresses { rpc: format!("n{id}:1"), health: String::new() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happened_the_cluster_comes_to_rest_as_planned(events in vec(event(), 0..25)) {
        let mut cluster = Cluster::formed();
        cluster.heal();
        for event in &events {
            cluster.happen(event);
        }
        cluster.heal();
        if events.iter().any(|event| matches!(event, Event::CancelsMoves)) {
            // An operator's layout may be one that the leader would not make, nor can.
            return Ok(());
        }
        let state = &cluster.state;
        let plan = state.plan.as_ref().unwrap();
        prop_assert!(plan.absent.is_empty(), "all are back: {:?}", plan.absent);
        let able = state.candidates().iter().filter(|node| node.weight > 0).count();
        let copies = usize::from(state.settings.replication_factor).min(able);
        for (record, wanted) in state.ranges.iter().zip(&plan.owners) {
            let members: BTreeSet<NodeId> = record.in_sync.iter().map(|member| member.node).collect();
            prop_assert_eq!(record.primary, wanted.first().copied());
            prop_assert_eq!(members, wanted.iter().copied().collect());
            prop_assert_eq!(record.pending, None);
            prop_assert_eq!(wanted.len(), copies);
        }
        let leaves = |id: &NodeId| state.nodes[id].state == NodeState::Leaving;
        prop_assert!(plan.owners.iter().flatten().all(|id| !leaves(id)), "who is drained holds nothing");
    }

    #[test]
    fn a_range_is_reset_only_when_all_its_members_restarted_or_were_away_for_long(
        events in vec(prop_oneof![(1..=NODES).prop_map(Event::Dies), (1..=NODES).prop_map(Event::Comes),
            (1..12_000_u64).prop_map(Event::Passes), Just(Event::LeaderChanges)], 0..25)
    ) {
        let mut cluster = Cluster::formed();
        cluster.heal();
        let mut away_ms = 0;
        for event in &events {
            let before = cluster.now_ms;
            cluster.happen(event);
            // Nobody is away for as long as a reset takes.
            away_ms = if cluster.up.len() == NODES as usize { 0 } else { away_ms + cluster.now_ms - before };
            if away_ms > 15_000 {
                cluster.heal();
                away_ms = 0;
            }
        }
        prop_assert!(cluster.state.ranges.iter().all(|record| record.resets == 0), "nobody lost memory");
    }
}
