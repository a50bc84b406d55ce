//! A leader's book and the state that it decides by; the test says what time it is.

use std::collections::BTreeSet;

use ringhold_model::{
    Epoch, Incarnation, Mid, NodeId,
    cluster::{Addresses, ClusterState, Member, Node, NodeState, RangeRecord},
    wire::{LeaseRefusal, RenewReply, RenewRequest},
};

use crate::lease::{Admission, Beginning, LeaseBook, Leases, Rules, Taking};

/// A lease, in milliseconds.
pub(super) const LEASE: u64 = 1_000;
/// When the leader began.
pub(super) const BEGAN: u64 = 10_000;
/// Last entry of its log then, a command.
pub(super) const LOG_END: u64 = 100;

pub(super) struct World {
    pub(super) state: ClusterState,
    pub(super) book: LeaseBook,
    pub(super) now: u64,
    pub(super) log_applied: u64,
}

impl World {
    /// Nodes 1 to 3, of which 1 has just begun to lead. Nobody was led before for a long time.
    pub(super) fn new() -> Self {
        Self::with_rules(Rules::default())
    }

    pub(super) fn with_rules(rules: Rules) -> Self {
        let mut state = ClusterState::default();
        state.applied = LOG_END;
        state.nodes.extend((1..=3).map(|id| (NodeId(id), node(id))));
        let voters = vec![state.nodes.keys().copied().collect()];
        let beginning = Beginning { me: NodeId(1), voters, log_end: LOG_END, now_ms: BEGAN };
        let book = LeaseBook::open(rules, LEASE, beginning);
        let mut world = Self { state, book, now: BEGAN, log_applied: LOG_END };
        world.look();
        world
    }

    /// As `new`, and rule L6 has been waited for: all voters were silent for ever.
    pub(super) fn settled(rules: Rules) -> Self {
        let mut world = Self::with_rules(rules);
        for id in 1..=3 {
            world.book.heard(NodeId(id), BEGAN, BEGAN);
        }
        world.pass(LEASE / 2);
        assert!(world.leases().may_remove);
        world
    }

    pub(super) fn look(&mut self) {
        self.book.look(self.now, self.log_applied, &self.state);
    }

    /// Time passes, and the leader looks often.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        while self.now < until {
            self.now = until.min(self.now + 50);
            self.look();
        }
    }

    /// The same while the nodes `ids` renew.
    pub(super) fn pass_with(&mut self, ms: u64, ids: &[u64]) {
        let until = self.now + ms;
        while self.now < until {
            for id in ids {
                self.renew(*id).unwrap();
            }
            self.pass(100.min(until - self.now));
        }
    }

    /// A command was applied that changed nothing of interest.
    pub(super) fn entry(&mut self) -> u64 {
        self.state.applied = self.log_applied + 1;
        self.log_applied += 1;
        self.log_applied
    }

    pub(super) fn request(&self, id: u64) -> RenewRequest {
        let incarnation = self.state.nodes[&NodeId(id)].incarnation.unwrap();
        let acted = self.state.applied;
        RenewRequest { node: NodeId(id), incarnation, acted, unreachable: Vec::new(), is_stopping: false }
    }

    /// A renewal of a node that acts by everything.
    pub(super) fn renew(&mut self, id: u64) -> Result<(), LeaseRefusal> {
        self.ask(&self.request(id))
    }

    pub(super) fn renew_acting_by(&mut self, id: u64, acted: u64) -> Result<(), LeaseRefusal> {
        self.ask(&RenewRequest { acted, ..self.request(id) })
    }

    pub(super) fn renew_reporting(&mut self, id: u64, unreachable: &[u64]) -> Result<(), LeaseRefusal> {
        let unreachable = unreachable.iter().map(|id| NodeId(*id)).collect();
        self.ask(&RenewRequest { unreachable, ..self.request(id) })
    }

    pub(super) fn ask(&mut self, request: &RenewRequest) -> Result<(), LeaseRefusal> {
        let admission = self.admit(request)?;
        self.answer(request, admission, self.now)
    }

    /// A request arrives.
    pub(super) fn admit(&mut self, request: &RenewRequest) -> Result<Admission, LeaseRefusal> {
        self.look();
        self.book.admit(request, self.now, &self.state)
    }

    /// A round that began at `round_ms` is over.
    pub(super) fn answer(
        &mut self,
        request: &RenewRequest,
        admission: Admission,
        round_ms: u64,
    ) -> Result<(), LeaseRefusal> {
        self.look();
        match self.book.renew(request, admission, (round_ms, self.now), &self.state) {
            RenewReply::Granted { lease_ms } => {
                assert_eq!(u64::from(lease_ms), LEASE);
                Ok(())
            }
            RenewReply::Refused(refusal) => Err(refusal),
        }
    }

    pub(super) fn take_from(&mut self, id: u64) -> Result<Taking, NodeId> {
        self.book.take_from(BTreeSet::from([NodeId(id)]), self.now)
    }

    pub(super) fn leases(&self) -> Leases {
        self.book.leases(self.now)
    }

    pub(super) fn holders(&self) -> Vec<u64> {
        self.leases().alive().into_iter().map(|(id, _)| id.0).collect()
    }

    /// Nodes that may serve, as far as the leader can tell.
    pub(super) fn possible(&self) -> Vec<u64> {
        self.state.nodes.keys().filter(|id| self.book.may_hold(**id, self.now)).map(|id| id.0).collect()
    }

    pub(super) fn node(&mut self, id: u64) -> &mut Node {
        self.state.nodes.get_mut(&NodeId(id)).unwrap()
    }

    /// A range with these in-sync members.
    pub(super) fn range(&mut self, members: &[u64]) {
        let in_sync = members.iter().map(|id| Member { node: NodeId(*id), mid: Mid(1) }).collect();
        let primary = members.first().map(|id| NodeId(*id));
        self.state.ranges.push(RangeRecord { epoch: Epoch(1), primary, in_sync, pending: None, resets: 0 });
    }
}

fn node(id: u64) -> Node {
    Node {
        birth: id,
        boot: 1,
        incarnation: Some(Incarnation(id)),
        addresses: Addresses { rpc: format!("n{id}:1"), health: String::new() },
        zone: String::new(),
        weight: 100,
        state: NodeState::Active,
        touched_at: 0,
        set_weight: None,
    }
}
