//! A world in which only that happens which a test says.

use std::collections::BTreeSet;

use ringhold_model::{
    RangeId, RouterId,
    cluster::{Change, Command, Move, Restart},
    config::CacheConfig,
    wire::{Action, Fault, PointOp, PointRequest, RemoveRequest},
};

use super::{
    asking::poll,
    log::{NODES, id},
    world::World,
};
use crate::engine::{
    CommitOutcome, Executed, GatherLimits, Outcome, Removal, Wish,
    tests::rig::{New, unlimited},
};

/// Limits that bind nobody.
pub(super) const WIDE: GatherLimits = GatherLimits { bytes_max: 1 << 20, fill_bytes_max: 1 << 20, tells_alone: true };

impl World {
    /// Every range has two members, but for the third node: range 0 nodes 1 and 2, range 1 nodes 2 and 3.
    pub(super) fn calm() -> Self {
        Self::calm_with(unlimited())
    }

    /// The same with another config.
    pub(super) fn calm_with(config: CacheConfig) -> Self {
        let mut world = Self::with(config, 2, false, 300);
        world.flow();
        world
    }

    /// Everything that there is to be said is said and answered, at once and in order, until all is quiet.
    pub(super) fn flow(&mut self) {
        for _ in 0..100 {
            let pairs: Vec<_> = Self::pairs().collect();
            let moved = pairs.into_iter().filter(|pair| self.exchange(*pair)).count();
            if moved == 0 {
                return;
            }
        }
        panic!("it never ends");
    }

    /// One round from one node to another. True: something was said.
    pub(super) fn exchange(&mut self, pair: (usize, usize)) -> bool {
        let mut moved = self.send(pair, WIDE);
        while self.deliver(pair, true) {}
        while self.answer(pair) {
            moved = true;
        }
        moved
    }

    pub(super) fn nudge_all(&mut self) {
        self.nodes.iter().for_each(|node| node.engine.nudge());
        self.flow();
    }

    /// All nodes act by the newest state.
    pub(super) fn act_all(&mut self) {
        let newest = self.log.now().applied;
        (0..NODES).for_each(|at| self.act(at, newest));
    }

    /// The name of a key of the default namespace that lies in a range; each `n` another.
    pub(super) fn key_in(&self, range: usize, n: usize) -> String {
        let mut names = (0..).map(|at| format!("key{at}")).filter(|name| self.key_range(name) == range);
        names.nth(n).expect("half of all names are")
    }

    pub(super) fn key_range(&self, name: &str) -> usize {
        usize::from(self.log.now().range_of(self.hash(name)).0)
    }

    pub(super) fn hash(&self, name: &str) -> u64 {
        ringhold_model::key::key_hash(self.log.now().hash_seed, self.log.namespaces()[0], name)
    }

    /// One operation of the default namespace at a node.
    pub(super) fn execute(&mut self, node: usize, key: &str, action: Action<'_>, any_copy: bool) -> Executed {
        self.execute_as(node, key, action, any_copy, false)
    }

    pub(super) fn execute_as(
        &mut self,
        node: usize,
        key: &str,
        action: Action<'_>,
        any_copy: bool,
        retry: bool,
    ) -> Executed {
        let state = self.log.now().clone();
        let hash = self.hash(key);
        let epoch = state.range(state.range_of(hash)).map_or_else(Default::default, |record| record.epoch);
        let request = PointRequest {
            view: 0,
            namespace: self.log.namespaces()[0],
            backend: Self::backend(),
            router: RouterId(1),
            lowest_open: 1,
            retry,
            any_copy,
            ops: vec![PointOp { hash, epoch, key, action }],
        };
        self.nodes[node].engine.execute(&request, self.now())
    }

    /// A new operation's number.
    pub(super) fn n(&mut self) -> u64 {
        self.step += 1;
        self.step
    }

    pub(super) fn set(&mut self, node: usize, key: &str, value: &str) -> Executed {
        let n = self.n();
        self.execute(node, key, Action::Set { n, record: New::value(value.as_bytes()).record() }, false)
    }

    /// Sets, and waits until that is committed.
    pub(super) fn put(&mut self, node: usize, key: &str, value: &str) {
        let executed = self.set(node, key, value);
        self.flow();
        let outcome = settled(executed);
        assert!(matches!(outcome, Outcome::Stored { .. }), "{key}: {outcome:?}");
    }

    /// What a read at the primary shows.
    pub(super) fn get(&mut self, node: usize, key: &str) -> Result<Option<String>, Fault> {
        shown(self.execute(node, key, Action::Get, false))
    }

    /// What a read at a copy shows.
    pub(super) fn get_copy(&mut self, node: usize, key: &str) -> Result<Option<String>, Fault> {
        shown(self.execute(node, key, Action::Get, true))
    }

    /// Removes every key of the default namespace from ranges.
    pub(super) fn remove_all(&mut self, node: usize, ranges: &[RangeId]) -> Removal {
        let mut selection = self.selection(node, 0);
        selection.ranges.retain(|wanted| ranges.contains(&wanted.range));
        let request = RemoveRequest { selection, tags: Vec::new() };
        self.nodes[node].engine.remove(&request, self.now()).expect("the namespace is there")
    }

    pub(super) fn move_of(&self, range: usize, to: usize) -> Vec<Move> {
        vec![Move { range: RangeId(range as u16), epoch: self.log.now().ranges[range].epoch, to: id(to) }]
    }

    /// Makes another in-sync member primary.
    pub(super) fn hand_over(&mut self, range: usize, to: usize) {
        let moves = self.move_of(range, to);
        self.log.propose(Command::Handover { moves }).expect("it is a member");
    }

    pub(super) fn add_pending(&mut self, range: usize, to: usize) {
        let moves = self.move_of(range, to);
        self.log.propose(Command::AddPending { moves }).expect("it is none yet");
    }

    /// A range whose members are lost begins again, empty, at another node.
    pub(super) fn begin_again(&mut self, range: usize, to: usize) -> ringhold_model::cluster::Outcome {
        let record = &self.log.now().ranges[range];
        let (range, epoch, members) = (RangeId(range as u16), record.epoch, record.in_sync.clone());
        self.log.propose(Command::Reset { restarts: vec![Restart { range, epoch, members, to: id(to) }] })
    }

    /// Takes out a node whose lease has ended.
    pub(super) fn down(&mut self, at: usize) {
        self.nodes[at].set_lease(false);
        let alive = self.nodes.iter().enumerate().filter(|(_, node)| node.has_lease());
        let alive = alive.map(|(at, node)| (id(at), node.incarnation)).collect();
        let incarnation = self.nodes[at].incarnation;
        self.log.propose(Command::NodeDown { node: id(at), incarnation, alive }).expect("it runs");
    }

    pub(super) fn promotions(&self, node: usize) -> Vec<Change> {
        let wishes = self.nodes[node].engine.wishes(100).into_iter();
        wishes.filter_map(|wish| if let Wish::Promote(change) = wish { Some(change) } else { None }).collect()
    }

    /// All that a range's members hold is the same.
    pub(super) fn assert_equal(&self, range: usize) {
        let members = &self.log.now().ranges[range].in_sync;
        let held: Vec<_> = members
            .iter()
            .map(|member| super::account::held(&self.nodes[member.node.0 as usize - 1].engine, range))
            .collect();
        assert!(held.iter().all(|other| *other == held[0]), "{held:?}");
        self.check_accounts();
    }

    /// Another config of the default namespace.
    pub(super) fn limit(&mut self, config: CacheConfig) {
        self.config = config.clone();
        let namespace = self.log.namespaces()[0];
        self.log.propose(Command::PutConfig { namespace, config }).expect("it is a config");
        self.act_all();
    }

    /// The owners that a plan names for every range.
    pub(super) fn plan_for(&mut self, owners: &[usize]) {
        let owners: Vec<_> = owners.iter().map(|at| id(*at)).collect();
        assert_eq!(owners.iter().collect::<BTreeSet<_>>().len(), owners.len());
        self.log.plan(|_| owners.clone());
    }
}

/// The outcome of one operation that waits for nothing any more.
pub(super) fn settled(executed: Executed) -> Outcome {
    let Executed { mut outcomes, mut commit } = executed;
    let is_ready = poll(&mut commit, &mut |outcome| outcome.settle(&mut outcomes));
    assert!(is_ready, "it still waits: {outcomes:?}");
    outcomes.pop().expect("one operation has one outcome")
}

/// What came of a commit, if it is known.
pub(super) fn came_of(executed: &mut Executed) -> Option<CommitOutcome> {
    let mut came = None;
    assert!(executed.commit.is_some(), "it waits for nothing");
    poll(&mut executed.commit, &mut |outcome| came = Some(outcome));
    came
}

fn shown(executed: Executed) -> Result<Option<String>, Fault> {
    assert!(executed.commit.is_none(), "reads wait for nothing");
    match settled(executed) {
        Outcome::Hit(item) => Ok(Some(String::from_utf8_lossy(item.full().value).into_owned())),
        Outcome::Miss => Ok(None),
        Outcome::Failed(fault) => Err(fault),
        other => panic!("{other:?}"),
    }
}
