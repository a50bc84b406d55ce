//! What this node holds while it leads: the book of leases, of one leadership and no other.

use std::collections::BTreeSet;

use openraft::{RaftMetrics, ServerState};
use ringhold_model::{
    NodeId,
    wire::{LeaseRefusal, RenewRequest},
};

use super::clock::now_ms;
use crate::{
    lease::{Admission, Beginning, LeaseBook, Leases, Rules, Taking},
    shared::{Me, Shared},
    types::Peer,
};

/// One leadership of this process: a later one has a higher term, or is of a Raft that was started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lead {
    run: u64,
    pub(crate) term: u64,
}

/// The book and whose it is.
pub(crate) struct Office {
    pub(crate) lead: Lead,
    pub(crate) book: LeaseBook,
    /// Who was alive and who might have been, when that was last compared.
    seen: (Vec<NodeId>, Vec<NodeId>),
}

/// A role that is being taken from somebody, by an entry of this leadership.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    lead: Lead,
    taking: Taking,
}

/// Why nothing may be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// This node does not lead, or does not know enough yet.
    NotLeading,
    /// This one may hold a lease.
    Holds(NodeId),
}

impl Lead {
    /// The present leadership, as far as Raft told.
    pub(crate) fn now(shared: &Shared) -> Option<Self> {
        let me = shared.me();
        let raft = me.raft.as_ref()?;
        Self::of(&me, &raft.metrics().borrow())
    }

    fn of(me: &Me, metrics: &RaftMetrics<u64, Peer>) -> Option<Self> {
        (metrics.state == ServerState::Leader).then_some(Self { run: me.raft_run, term: metrics.current_term })
    }
}

/// Opens the office when this node begins to lead and closes it when it was deposed; brings the book up to date. To be called
/// often, and right before the book is asked.
pub(crate) fn attend(shared: &Shared) -> Option<Lead> {
    let me = shared.me();
    let metrics = me.raft.as_ref().map(|raft| raft.metrics().borrow().clone());
    let lead = metrics.as_ref().and_then(|metrics| Lead::of(&me, metrics));
    let mut office = shared.leasing.office.lock();
    let (Some(lead), Some(metrics)) = (lead, metrics) else {
        if office.take().is_some() {
            tracing::info!("this node does not lead any more");
        }
        return None;
    };
    if office.as_ref().is_none_or(|office| office.lead != lead) {
        *office = Some(open(shared, lead, &metrics));
    }
    if let Some(office) = office.as_mut() {
        // Loaded after the metrics: at least as new.
        let state = shared.view.state();
        office.book.look(now_ms(), metrics.last_applied.map_or(0, |id| id.index), &state);
    }
    Some(lead)
}

/// Has the duties looked at when a lease began or ended since this was last called.
pub(crate) fn tell_news(shared: &Shared) {
    if shared.leasing.office.lock().as_mut().is_some_and(|office| office.has_news(now_ms())) {
        shared.leasing.duties_due.notify_one();
    }
}

/// A request for a lease arrived at this node. The admission is this leadership's alone.
pub(crate) fn admit(shared: &Shared, request: &RenewRequest) -> Result<(Lead, Admission), LeaseRefusal> {
    let lead = Lead::now(shared).ok_or_else(|| unconfirmed(shared))?;
    let is_open = shared.leasing.office.lock().as_ref().is_some_and(|office| office.lead == lead);
    if !is_open {
        attend(shared);
    }
    let mut office = shared.leasing.office.lock();
    let office = office.as_mut().filter(|office| office.lead == lead).ok_or(LeaseRefusal::NoMajority)?;
    let admission = office.book.admit(request, now_ms(), &shared.view.state())?;
    Ok((lead, admission))
}

/// Why there is no lease when it cannot be said that this node leads.
pub(crate) fn unconfirmed(shared: &Shared) -> LeaseRefusal {
    if Lead::now(shared).is_some() {
        return LeaseRefusal::NoMajority;
    }
    LeaseRefusal::NotLeader(shared.seen().status.leader.filter(|leader| Some(*leader) != shared.me().node))
}

fn open(shared: &Shared, lead: Lead, metrics: &RaftMetrics<u64, Peer>) -> Office {
    let me = NodeId(metrics.id);
    let now = now_ms();
    let configs = metrics.membership_config.membership().get_joint_config();
    let beginning = Beginning {
        me,
        voters: configs.iter().map(|voters| voters.iter().copied().map(NodeId).collect()).collect(),
        log_end: metrics.last_log_index.unwrap_or(0),
        now_ms: now,
    };
    tracing::info!(term = lead.term, log.end = beginning.log_end, "this node leads");
    let lease_ms = shared.settings.timings.lease.as_millis() as u64;
    let mut book = LeaseBook::open(Rules::default(), lease_ms, beginning);
    book.heard(me, now, shared.leasing.leader_silence_ms(lead.term));
    Office { lead, book, seen: (Vec::new(), Vec::new()) }
}

impl Office {
    /// Whether a lease began or ended since this was last asked, so that there may be something to do.
    fn has_news(&mut self, now: u64) -> bool {
        let leases = self.book.leases(now);
        let holders = leases.nodes.keys().copied().filter(|id| leases.holds(*id)).collect();
        let possible = leases.nodes.keys().copied().filter(|id| leases.may_hold(*id)).collect();
        let news = (holders, possible);
        let changed = self.seen != news;
        self.seen = news;
        changed
    }
}

impl Shared {
    /// How the nodes stand, while this node leads and knows enough to act (rule L3).
    pub(crate) fn leases(&self) -> Option<(Lead, Leases)> {
        let lead = attend(self)?;
        let office = self.leasing.office.lock();
        let office = office.as_ref().filter(|office| office.lead == lead && office.book.is_caught_up())?;
        Some((lead, office.book.leases(now_ms())))
    }

    /// An entry that takes a role from `nodes` is about to be given to Raft, decided in the leadership `by` (`None`: in
    /// whichever it is). Raft appends it in the present leadership or not at all: to lead in a later term takes answers of
    /// others, and the entry is in Raft's queue before any of those could be.
    pub(crate) fn take_from(&self, by: Option<Lead>, nodes: BTreeSet<NodeId>) -> Result<Held, Obstacle> {
        let lead = attend(self).filter(|lead| by.is_none_or(|by| by == *lead)).ok_or(Obstacle::NotLeading)?;
        let mut office = self.leasing.office.lock();
        let office = office.as_mut().filter(|office| office.lead == lead && office.book.is_caught_up());
        let office = office.ok_or(Obstacle::NotLeading)?;
        let taking = office.book.take_from(nodes, now_ms()).map_err(Obstacle::Holds)?;
        Ok(Held { lead, taking })
    }

    /// `node` is to lose its lease, because it is to be removed.
    pub(crate) fn turn_away(&self, node: NodeId) {
        if let Some(office) = self.leasing.office.lock().as_mut() {
            office.book.turn_away(node, now_ms());
        }
    }

    /// What `held` stands for is in the log, at `index` or before; `None`: it never will be.
    pub(crate) fn settle(&self, held: Held, index: Option<u64>) {
        let mut office = self.leasing.office.lock();
        let Some(office) = office.as_mut().filter(|office| office.lead == held.lead) else { return };
        match index {
            Some(index) => office.book.placed(held.taking, index),
            None => office.book.given_up(held.taking),
        }
    }
}
