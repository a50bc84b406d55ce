//! Leaderships: the present one, and one that is over without knowing it.

use std::{collections::BTreeSet, sync::Arc};

use ringhold_model::{NodeId, cluster::ClusterState};
use ringhold_raft::{
    Duties,
    lease::{Beginning, LeaseBook},
    simulated::voters,
};

use super::{AUTHORITY, Manners};
use crate::chance::lease_clock_ms;

/// A leadership.
pub(super) struct Office {
    pub(super) term: u64,
    pub(super) book: LeaseBook,
    pub(super) duties: Duties,
    /// When the last round began that a majority confirmed, on the clock of leases.
    pub(super) confirmed_ms: u64,
    /// When the round before that of its predecessor began.
    predecessor_ms: u64,
    /// Until when it has applied no more than this.
    behind: Option<(u64, Arc<ClusterState>)>,
}

impl Office {
    pub(super) fn first(manners: &Manners) -> Self {
        let now = lease_clock_ms();
        let book = open(manners, 0, now);
        Self { term: 1, book, duties: Duties::default(), confirmed_ms: now, predecessor_ms: now, behind: None }
    }

    /// The next leadership, by another node or another process.
    pub(super) fn successor(
        &self,
        manners: &Manners,
        log_end: u64,
        now: u64,
        behind: Option<(u64, Arc<ClusterState>)>,
    ) -> Self {
        Self {
            term: self.term + 1,
            book: open(manners, log_end, now),
            duties: Duties::default(),
            confirmed_ms: now,
            predecessor_ms: self.confirmed_ms,
            behind,
        }
    }

    /// It says itself how long it did not follow an earlier leader (rule L6).
    pub(super) fn hear_itself(&mut self, now: u64) {
        self.book.heard(AUTHORITY, now, now.saturating_sub(self.predecessor_ms));
    }

    pub(super) fn look(&mut self, now_ms: u64, clock: u64, newest: &Arc<ClusterState>) {
        if self.behind.as_ref().is_some_and(|(until_ms, _)| now_ms >= *until_ms) {
            self.behind = None;
        }
        let (applied, state) = self.seen(newest);
        self.book.look(clock, applied, &state);
    }

    /// What this leader has applied, and what came of it.
    pub(super) fn seen(&self, newest: &Arc<ClusterState>) -> (u64, Arc<ClusterState>) {
        let state = self.behind.as_ref().map_or(newest, |(_, state)| state);
        (state.applied, Arc::clone(state))
    }
}

/// A leader that another has replaced: no majority confirms it any more.
pub(super) struct Deposed {
    pub(super) office: Office,
    state: Arc<ClusterState>,
    pub(super) until_ms: u64,
    /// Who still takes it for the leader.
    pub(super) nodes: BTreeSet<NodeId>,
}

impl Deposed {
    pub(super) fn new(office: Office, state: Arc<ClusterState>, until_ms: u64, nodes: BTreeSet<NodeId>) -> Self {
        Self { office, state, until_ms, nodes }
    }

    pub(super) fn look(&mut self, clock: u64) {
        self.office.book.look(clock, self.state.applied, &self.state);
    }

    pub(super) fn state(&self) -> Arc<ClusterState> {
        Arc::clone(&self.state)
    }
}

fn open(manners: &Manners, log_end: u64, now_ms: u64) -> LeaseBook {
    let beginning = Beginning { me: AUTHORITY, voters: voters(AUTHORITY), log_end, now_ms };
    LeaseBook::open(manners.rules, manners.lease_ms, beginning)
}
