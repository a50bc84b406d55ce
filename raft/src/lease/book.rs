//! The leader's side of leases: who holds one, who may get one, and whose has surely ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, Node, NodeState},
    wire::{LeaseRefusal, RenewReply, RenewRequest},
};

use super::{
    Rules,
    account::{Account, Accounts},
    margin::at_most,
    quarrel::Quarrel,
    standing::{Leases, Standing},
    succession::Succession,
};

/// A loop that did not run for so long has missed renewals: what seems to be a node's silence may be the leader's own.
const GAP_MAX_MS: u64 = 500;
/// How finely it is remembered what was applied when, in parts of a lease.
const HISTORY_PARTS: u64 = 32;

/// How a leadership begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The leader.
    pub me: NodeId,
    /// The voters; two sets while both hold.
    pub voters: Vec<BTreeSet<NodeId>>,
    /// Index of the last entry of its log when this process first saw itself lead (rule L3). The term is no measure: after
    /// a restart openraft goes on leading in the same one.
    pub log_end: u64,
    /// When.
    pub now_ms: u64,
}

/// A request for a lease that may be granted once a majority has confirmed the leader. From its arrival on the node counts as
/// one that may hold a lease.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    arrived_ms: u64,
    /// The node acts by what it has to, as of the arrival. Otherwise the leader did not know enough yet.
    is_checked: bool,
}

/// An entry under way that takes a role from nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taking(u64);

/// What one leader knows of leases, from the moment at which it begins to lead until it is deposed; then it is dropped. Knows
/// no clock: every call says what time it is, on a clock that runs through suspends, and time does not go back.
///
/// [`look`](Self::look) is to be called several times a second, and before anything is asked.
#[derive(Clone, Debug)]
pub struct LeaseBook {
    rules: Rules,
    lease_ms: u64,
    beginning: Beginning,
    succession: Succession,
    /// Last entry of any kind that was applied.
    log_applied: u64,
    looked_ms: u64,
    /// When all waits last started anew.
    restarted_ms: u64,
    accounts: Accounts,
    quarrel: Quarrel,
    takings: BTreeMap<Taking, (BTreeSet<NodeId>, Option<u64>)>,
    takings_begun: u64,
    /// `applied` of the state and when it was seen, over a little more than one lease.
    history: VecDeque<(u64, u64)>,
}

impl LeaseBook {
    /// A leadership begins.
    pub fn open(rules: Rules, lease_ms: u64, beginning: Beginning) -> Self {
        let Beginning { me, voters, now_ms, .. } = beginning.clone();
        Self {
            rules,
            lease_ms,
            succession: Succession::new(me, voters, now_ms, lease_ms),
            log_applied: 0,
            looked_ms: now_ms,
            restarted_ms: now_ms,
            beginning,
            accounts: Accounts::new(),
            quarrel: Quarrel::default(),
            takings: BTreeMap::new(),
            takings_begun: 0,
            history: VecDeque::new(),
        }
    }

    /// What a voter said, this node included, of how long it did not follow an earlier leader (rule L6). It must have been
    /// in this leader's term when it said so.
    pub fn heard(&mut self, voter: NodeId, now_ms: u64, silent_ms: u64) {
        self.succession.heard(voter, now_ms, silent_ms);
    }

    /// Voters that should still be asked.
    pub fn unheard(&self, now_ms: u64) -> BTreeSet<NodeId> {
        if now_ms < self.waits_until_ms() { self.succession.unheard() } else { BTreeSet::new() }
    }

    /// Takes in what time it is and what is applied: of all entries of the log, and the state that came of it.
    pub fn look(&mut self, now_ms: u64, log_applied: u64, state: &ClusterState) {
        let gap_ms = now_ms.saturating_sub(self.looked_ms);
        if self.rules.l7 && gap_ms > GAP_MAX_MS.min(self.lease_ms / 2) {
            tracing::warn!(gap_ms, "the leader stood still; nobody's lease is taken for ended because of that");
            self.start_waits_anew(now_ms);
        }
        self.looked_ms = now_ms;
        self.log_applied = self.log_applied.max(log_applied);
        self.takings.retain(|_, (_, index)| index.is_none_or(|index| index > log_applied));
        self.note_applied(now_ms, state.applied);
        self.follow(now_ms, state);
        self.quarrel.judge(&self.accounts, state, now_ms, self.lease_ms / 4);
    }

    /// A request arrived. It is refused at once, or waits for a round of Raft that begins after this and confirms the leader.
    pub fn admit(
        &mut self,
        request: &RenewRequest,
        now_ms: u64,
        state: &ClusterState,
    ) -> Result<Admission, LeaseRefusal> {
        if self.current(request, state).is_err() {
            // It may have started since the last look.
            self.follow(now_ms, state);
        }
        let node = self.current(request, state)?;
        if let Some(account) = self.accounts.get_mut(&request.node) {
            account.is_stopping = request.is_stopping;
            account.unreachable = request.unreachable.iter().copied().collect();
        }
        self.check_stays(request.node, now_ms)?;
        let is_checked = self.is_caught_up();
        if is_checked {
            self.check_acts(request, node, now_ms, state)?;
            let presumed_until_ms = now_ms + self.answer_within_ms();
            if let Some(account) = self.accounts.get_mut(&request.node) {
                account.presumed_until_ms = account.presumed_until_ms.max(presumed_until_ms);
            }
        }
        Ok(Admission { arrived_ms: now_ms, is_checked })
    }

    /// Grants or refuses what was admitted: a majority confirmed the leader in a round that began at `round_ms`. A grant counts
    /// from when it was asked for, so it may be given late.
    pub fn renew(
        &mut self,
        request: &RenewRequest,
        admission: Admission,
        (round_ms, now_ms): (u64, u64),
        state: &ClusterState,
    ) -> RenewReply {
        match self.grant(request, admission, (round_ms, now_ms), state) {
            Ok(()) => RenewReply::Granted { lease_ms: u32::try_from(self.lease_ms).unwrap_or(u32::MAX) },
            Err(refusal) => RenewReply::Refused(refusal),
        }
    }

    /// An entry that takes a role from `nodes` is about to be given to Raft: from now on they get no lease (rule L4). Refused
    /// with the first of them whose lease may still run (rule L1).
    pub fn take_from(&mut self, nodes: BTreeSet<NodeId>, now_ms: u64) -> Result<Taking, NodeId> {
        if let Some(holder) = nodes.iter().find(|id| self.may_hold(**id, now_ms)) {
            return Err(*holder);
        }
        self.takings_begun += 1;
        let taking = Taking(self.takings_begun);
        if self.rules.l4 {
            self.takings.insert(taking, (nodes, None));
        }
        Ok(taking)
    }

    /// The entry is in the log, at `index` or before.
    pub fn placed(&mut self, taking: Taking, index: u64) {
        if let Some((_, place)) = self.takings.get_mut(&taking) {
            *place = Some(index);
        }
    }

    /// The entry will surely never be in the log.
    pub fn given_up(&mut self, taking: Taking) {
        self.takings.remove(&taking);
    }

    /// A node is to lose its lease, because it is to be removed: for a little more than a lease from now it gets none.
    pub fn turn_away(&mut self, node: NodeId, now_ms: u64) {
        if let Some(account) = self.accounts.get_mut(&node) {
            account.refused_until_ms = now_ms + self.lease_ms * 5 / 4;
        }
    }

    /// Whether everything is applied that the log held when this leader began (rule L3). Before, it may do nothing.
    pub fn is_caught_up(&self) -> bool {
        !self.rules.l3 || self.log_applied >= self.beginning.log_end
    }

    /// Whether `node` may hold a lease, of this leader or of an earlier one.
    pub fn may_hold(&self, node: NodeId, now_ms: u64) -> bool {
        let presumed = self.accounts.get(&node).map_or(0, |account| account.presumed_until_ms);
        now_ms < presumed.max(self.waits_until_ms())
    }

    /// How everyone stands.
    pub fn leases(&self, now_ms: u64) -> Leases {
        let stand = |(id, account): (&NodeId, &Account)| {
            let may_hold = self.may_hold(*id, now_ms);
            let ended_ms = account.presumed_until_ms.max(self.waits_until_ms()).max(self.restarted_ms);
            let standing = Standing {
                incarnation: account.incarnation,
                holds: account.holds(now_ms),
                may_hold,
                is_stopping: account.is_stopping,
                down_ms: if may_hold { None } else { Some(now_ms.saturating_sub(ended_ms)) },
                since_ms: now_ms.saturating_sub(account.renewed_ms.unwrap_or(self.beginning.now_ms)),
                unreachable: account.unreachable.clone(),
            };
            (*id, standing)
        };
        Leases {
            nodes: self.accounts.iter().map(stand).collect(),
            may_remove: now_ms >= self.waits_until_ms(),
            led_ms: now_ms.saturating_sub(self.restarted_ms),
        }
    }

    fn grant(
        &mut self,
        request: &RenewRequest,
        admission: Admission,
        (round_ms, now_ms): (u64, u64),
        state: &ClusterState,
    ) -> Result<(), LeaseRefusal> {
        let node = self.current(request, state)?;
        let arrived_ms = admission.arrived_ms;
        let is_too_late = now_ms > arrived_ms + self.answer_within_ms();
        if !self.is_caught_up() || is_too_late || (self.rules.l2 && round_ms < arrived_ms) {
            return Err(LeaseRefusal::NoMajority);
        }
        self.check_stays(request.node, now_ms)?;
        if !admission.is_checked {
            self.check_acts(request, node, now_ms, state)?;
        }
        let lease_ms = if self.rules.l1 { at_most(self.lease_ms) } else { self.lease_ms };
        if let Some(account) = self.accounts.get_mut(&request.node) {
            account.granted_until_ms = account.granted_until_ms.max(arrived_ms + lease_ms);
            account.presumed_until_ms = account.presumed_until_ms.max(account.granted_until_ms);
            account.renewed_ms = Some(arrived_ms);
        }
        Ok(())
    }

    /// How long an admission is worth something.
    const fn answer_within_ms(&self) -> u64 {
        self.lease_ms / 2
    }

    /// It is the current process of a node that is not gone.
    fn current<'a>(&self, request: &RenewRequest, state: &'a ClusterState) -> Result<&'a Node, LeaseRefusal> {
        let is_current = |node: &&Node| {
            let account = self.accounts.get(&request.node).map(|account| account.incarnation);
            let runs = Some(request.incarnation);
            node.state != NodeState::Gone && node.incarnation == runs && account == runs
        };
        state.nodes.get(&request.node).filter(is_current).ok_or(LeaseRefusal::NotCurrent)
    }

    /// Nothing is being taken from it, and nobody wants it to go.
    fn check_stays(&self, node: NodeId, now_ms: u64) -> Result<(), LeaseRefusal> {
        let is_refused = self.accounts.get(&node).is_some_and(|account| now_ms < account.refused_until_ms);
        let is_taken_from = self.takings.values().any(|(nodes, _)| nodes.contains(&node));
        let goes = is_refused || is_taken_from || self.quarrel.victim() == Some(node);
        if goes { Err(LeaseRefusal::Leaving) } else { Ok(()) }
    }

    /// It acts by what it has to (rule L5).
    ///
    /// Without a lease: by the last entry that touched it, clears and configs included, because nobody asked it: an entry that
    /// takes a role from it is given to Raft only while it surely has no lease, and a barrier waits only for nodes that may have
    /// one. This counts as of its arrival: from then on it may have one, so that both know of it. While its lease runs without
    /// a gap neither can be; whatever is taken from it then has its own word (a promise, a retirement). So then it only
    /// has to keep up, within a lease. If it had to act by the very last entry all the time, a cluster in which ranges move
    /// fast, or one that is cleared all the time, would lose its leases to its own progress.
    fn check_acts(
        &self,
        request: &RenewRequest,
        node: &Node,
        now_ms: u64,
        state: &ClusterState,
    ) -> Result<(), LeaseRefusal> {
        let a_lease_ago = now_ms.saturating_sub(self.lease_ms);
        let kept_up = self.history.iter().rev().find(|(at, _)| *at <= a_lease_ago).map_or(0, |(_, applied)| *applied);
        let needed = match self.holds(request.node, now_ms) {
            true => kept_up,
            false => kept_up.max(node.touched_at).max(state.barrier_at),
        };
        if self.rules.l5 && request.acted < needed { Err(LeaseRefusal::Behind(needed)) } else { Ok(()) }
    }

    fn waits_until_ms(&self) -> u64 {
        if self.rules.l6 { self.succession.ends_ms() } else { self.beginning.now_ms }
    }

    /// Rule L7: what ended, or seemed to, while this leader stood still did not end because of its holder.
    fn start_waits_anew(&mut self, now_ms: u64) {
        let ran_out_ms = self.waits_until_ms();
        for account in self.accounts.values_mut() {
            if self.looked_ms < account.presumed_until_ms.max(ran_out_ms) {
                account.presumed_until_ms = account.presumed_until_ms.max(now_ms + at_most(self.lease_ms));
            }
        }
        self.restarted_ms = now_ms;
    }

    fn note_applied(&mut self, now_ms: u64, applied: u64) {
        let is_due = self.history.back().is_none_or(|(at, _)| now_ms >= at + self.lease_ms / HISTORY_PARTS);
        if is_due {
            self.history.push_back((now_ms, applied));
        }
        let a_lease_ago = now_ms.saturating_sub(self.lease_ms);
        while self.history.get(1).is_some_and(|(at, _)| *at <= a_lease_ago) {
            self.history.pop_front();
        }
    }

    /// Keeps an account of every process. One that has just started gets a lease's time to ask for its first.
    fn follow(&mut self, now_ms: u64, state: &ClusterState) {
        let living = |id: &NodeId| state.nodes.get(id).is_some_and(|node| node.state != NodeState::Gone);
        self.accounts.retain(|id, _| living(id));
        for (id, node) in &state.nodes {
            let Some(incarnation) = node.incarnation.filter(|_| node.state != NodeState::Gone) else { continue };
            let known = self.accounts.get(id).map(|account| account.incarnation);
            if known == Some(incarnation) {
                continue;
            }
            // Those that were there when this leader began are covered by its own wait.
            let is_new = known.is_some() || incarnation.0 > self.beginning.log_end;
            let presumed_until_ms = if is_new { now_ms + at_most(self.lease_ms) } else { 0 };
            self.accounts.insert(*id, Account::new(incarnation, presumed_until_ms));
        }
    }

    fn holds(&self, node: NodeId, now_ms: u64) -> bool {
        self.accounts.get(&node).is_some_and(|account| account.holds(now_ms))
    }
}
