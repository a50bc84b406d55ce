//! One state of the whole: nodes, Raft's log and leader, the network, what may still happen, and the ghosts of the
//! checks.

use crate::{
    ids::{Epoch, Generation, Index, KEYS_MAX, Key, Mid, NODES_MAX, NodeId, NodeSet, OPS_MAX, OpId, OpSet},
    leader::Leader,
    list::List,
    message::{Body, Letter, Message, Network, Request},
    model::{Budget, Scenario},
    node::Node,
    primary::{Phase, Primary},
    range::{Log, Range},
    record::{Rank, Sight},
    step::Violation,
};

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The nodes; those that the scenario does not have stay empty.
    pub nodes: [Node; NODES_MAX],
    /// What Raft committed.
    pub log: Log,
    /// What the Raft leader knows beyond the log.
    pub leader: Leader,
    /// The client's clear, if one is under way.
    pub clear: Clear,
    /// What is under way.
    pub network: Network,
    /// What clients asked for so far, in order; only where they send again.
    pub requests: List<Request, OPS_MAX>,
    /// What may still happen.
    pub left: Budget,
    /// What was promised so far.
    pub ghost: Ghost,
}

/// How far a clear is (rule O1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Clear {
    /// None is under way.
    #[default]
    Idle,
    /// Copies fall silent; waits until every lease holder applied that entry.
    SilencingCopies(Index),
    /// The generation is up; waits until every lease holder applied that entry.
    AtTheBarrier(Index),
}

/// What no node knows, but the promise is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// Per key the newest that was acknowledged or read: from here on, nobody may see anything older.
    pub floors: [Sight; KEYS_MAX],
    /// Per operation what answers and reads told of it.
    pub told: [Told; OPS_MAX],
    /// Operations whose client was told that they were not done.
    pub refused: OpSet,
    /// Nodes put out for the end of their lease while nobody else could serve: their memory is not lost (rule L7).
    pub put_out: NodeSet,
}

/// What clients were told of an operation that took place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Told {
    /// The key that it was about.
    pub key: Key,
    /// Where its effect stands in the order of the key's states; zero: nobody was told that it took place.
    pub rank: Rank,
    /// What its own client was told that was there before.
    pub replaced: Option<Rank>,
}

impl Told {
    /// Whether the other stands between this one and what its client was told that it replaced.
    fn passes_over(self, other: Self) -> bool {
        let replaced = self.replaced.filter(|_| self.key == other.key);
        replaced.is_some_and(|replaced| replaced < other.rank && other.rank < self.rank)
    }
}

impl Ghost {
    /// The client got an answer, or a reader saw it: the floor rises.
    pub fn promise(&mut self, key: Key, sight: Sight) -> Result<(), Violation> {
        self.know(key, sight.op, sight.rank)?;
        if sight.rank > self.floors[key.at()].rank {
            self.floors[key.at()] = sight;
        }
        Ok(())
    }

    /// Somebody was told the version of an operation's effect. One operation has one (rules S3 and S4).
    pub fn know(&mut self, key: Key, op: OpId, rank: Rank) -> Result<(), Violation> {
        if op.is_none() || self.told[op.at()].rank == rank {
            return Ok(());
        }
        let told = &mut self.told[op.at()];
        if told.rank != Rank::default() {
            return Err(Violation::TwoVersions { op, first: told.rank, second: rank });
        }
        (told.key, told.rank) = (key, rank);
        if self.refused.has(op) {
            return Err(Violation::DoneThoughRefused { op });
        }
        self.check_order()
    }

    /// The client was told that its operation is done, and what was there before.
    pub fn know_replaced(&mut self, key: Key, op: OpId, replaced: Sight) -> Result<(), Violation> {
        self.know(key, replaced.op, replaced.rank)?;
        self.told[op.at()].replaced = Some(replaced.rank);
        self.check_order()
    }

    /// The client was told that its operation was not done, for what was there.
    pub fn refuse(&mut self, op: OpId) -> Result<(), Violation> {
        self.refused.insert(op);
        let was_seen = self.told[op.at()].rank != Rank::default();
        if was_seen { Err(Violation::DoneThoughRefused { op }) } else { Ok(()) }
    }

    /// No operation took place between another and what that one was told to have replaced.
    fn check_order(&self) -> Result<(), Violation> {
        let took_place = || (1..).map(OpId).zip(&self.told[1..]).filter(|(_, told)| told.rank != Rank::default());
        for (op, told) in took_place() {
            if let Some((passed, _)) = took_place().find(|(_, other)| told.passes_over(**other)) {
                return Err(Violation::LostUpdate { op, passed });
            }
        }
        Ok(())
    }

    /// From here on the key is empty, or has something above that rank.
    pub fn promise_empty(&mut self, key: Key, rank: Rank) {
        if rank > self.floors[key.at()].rank {
            self.floors[key.at()] = Sight { rank, op: OpId(0) };
        }
    }
}

impl State {
    /// Where a scenario begins: everyone has applied everything, nothing was written, members hold leases.
    pub fn initial(scenario: &Scenario) -> Self {
        let first = NodeId(0);
        let in_sync = NodeSet::first(scenario.copies);
        let mut mids = [Mid::default(); NODES_MAX];
        in_sync.iter().for_each(|node| mids[node.at()] = Mid(1));
        let range = Range {
            epoch: Epoch(1),
            primary: Some(first),
            in_sync,
            pending: None,
            mids,
            generation: Generation(0),
            copies_silent: false,
        };
        let mut nodes = [(); NODES_MAX].map(|()| Node::empty(Index(1)));
        for node in in_sync.iter() {
            nodes[node.at()].lease = true;
            nodes[node.at()].mid = Mid(1);
        }
        nodes[first.at()].primary =
            Primary { phase: Phase::Open, epoch: range.epoch, ack_set: in_sync.without(first), ..Primary::default() };
        Self {
            nodes,
            log: Log::starting_with(range),
            leader: Leader::default(),
            clear: Clear::Idle,
            network: Network::default(),
            requests: List::default(),
            left: scenario.budget,
            ghost: Ghost::default(),
        }
    }

    /// The node.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.at()]
    }

    /// The node, to change it.
    pub fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.at()]
    }

    /// The node's view: the range as of the last entry that it applied.
    pub fn view(&self, node: NodeId) -> &Range {
        self.log.at(self.node(node).applied)
    }

    /// Whether the node agreed to serve no longer in the epoch that it follows (rule C3).
    pub fn is_retired(&self, node: NodeId) -> bool {
        let retired_in = self.node(node).retired_in;
        retired_in != Epoch(0) && retired_in >= self.view(node).epoch
    }

    /// Whether the member follows that primary, as the same membership: it acts by the primary's word.
    pub fn follows(&self, member: NodeId, primary: NodeId) -> bool {
        let (theirs, view) = (self.view(member), self.view(primary));
        let node = self.node(member);
        node.up && theirs.epoch == view.epoch && theirs.has_member(member) && node.mid == view.mid(member)
    }

    /// Sends from a primary to a member.
    pub fn tell(&mut self, from: NodeId, to: NodeId, body: Body) {
        let (epoch, mid) = (self.node(from).primary.epoch, self.view(from).mid(to));
        self.network.send(Message::Between(Letter { from, to, epoch, mid, body }));
    }

    /// Answers what a primary said.
    pub fn answer(&mut self, letter: Letter, body: Body) {
        let Letter { from, to, .. } = letter;
        self.network.send(Message::Between(Letter { from: to, to: from, body, ..letter }));
    }
}
