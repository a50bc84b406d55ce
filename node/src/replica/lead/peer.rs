//! Another member of a range, as its primary sees it.

use ringhold_model::{cluster::Member, rules::Rule};

/// See the module.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) member: Member,
    pub(super) is_in_sync: bool,
    /// It has answered in this epoch, so `acked` is known.
    pub(super) is_known: bool,
    /// The question for its promise, or the beginning of its filling, is under way.
    pub(super) is_asked: bool,
    /// All effects up to this number are applied there.
    pub(super) acked: u64,
    /// All up to this one were sent.
    pub(super) sent: u64,
    /// It was told that all up to this one are committed.
    pub(super) told: u64,
    pub(super) feeding: Option<Feeding>,
    pub(super) retiring: Retiring,
    /// It did not do as it was told and may not do it now: nothing is sent until the next nudge, or until there is room for it.
    pub(super) is_paused: bool,
    /// It had no room for what is to be sent next.
    pub(super) is_short_of_room: bool,
}

/// A pending member that is being filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feeding {
    pub(super) start: u64,
    /// Where the next chunk begins; `None`: all were taken.
    pub(super) cursor: Option<u64>,
    /// A chunk or the comparison is under way.
    pub(super) is_waiting: bool,
    /// It was found equal: it must acknowledge every effect from now on.
    pub(super) is_complete: bool,
    /// How often it was found different in a row. A clear that only one of both acts by yet makes them so for a while.
    pub(super) doubts: u8,
}

/// A copy that is found different more often than this is filled anew.
pub(super) const DOUBTS_MAX: u8 = 2;

impl Feeding {
    pub(super) const fn new(start: u64) -> Self {
        Self { start, cursor: None, is_waiting: false, is_complete: false, doubts: 0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retiring {
    No,
    Wanted,
    Asked,
    Done,
}

impl Peer {
    pub(super) fn new(member: Member, is_in_sync: bool) -> Self {
        Self {
            member,
            is_in_sync,
            is_known: false,
            is_asked: false,
            acked: 0,
            sent: 0,
            told: 0,
            feeding: None,
            retiring: Retiring::No,
            is_paused: false,
            is_short_of_room: false,
        }
    }

    pub(super) fn must_acknowledge(&self) -> bool {
        let is_complete = self.feeding.is_some_and(|feeding| feeding.is_complete);
        self.is_in_sync || (is_complete && Rule::CompleteAcknowledges.holds())
    }

    /// The effects after this number must be kept for it; `None`: what it needs is not known yet, and committed effects it will
    /// not need.
    pub(super) fn needs_after(&self) -> Option<u64> {
        if self.is_known { Some(self.acked) } else { self.feeding.map(|feeding| feeding.start) }
    }

    /// True for a pending copy that may become an in-sync one. It must hold what was committed before it had to acknowledge,
    /// and nobody may ever ask it for effects before `start`, which it never had.
    pub(super) fn is_complete(&self, committed: u64) -> bool {
        if !Rule::CompleteBeforeInSync.holds() {
            return self.feeding.is_some() && self.is_known;
        }
        let is_whole = |feeding: Feeding| feeding.is_complete && committed >= feeding.start;
        self.feeding.is_some_and(is_whole) && self.acked >= committed
    }

    /// Sends on after number `acked`.
    pub(super) fn rewind(&mut self, acked: u64) {
        self.acked = acked;
        self.sent = acked;
    }

    /// What is under way is not, or is to be sent again.
    pub(super) fn forget_sent(&mut self) {
        self.sent = self.acked;
        self.told = 0;
        self.is_asked = self.is_known;
        if self.retiring == Retiring::Asked {
            self.retiring = Retiring::Wanted;
        }
        if let Some(feeding) = &mut self.feeding {
            feeding.is_waiting = false;
        }
    }
}
