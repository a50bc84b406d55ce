//! What the primary of a range does: takes over, orders effects, brings its members to what it has, fills a copy.
//!
//! What it sends is in `send`, what it makes of answers in `hear`.

mod hear;
mod peer;
mod send;

use ringhold_model::{
    Epoch, NodeId, RangeId, Version,
    cluster::{Change, Member, RangeRecord},
    rules::Rule,
};

use self::peer::{Peer, Retiring};
pub use self::send::Next;
use super::range::{Entry, Keyed, Output, Range, Submitted, TAIL_BYTES_MAX, TAIL_MAX};

/// How far a primary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for the promises of all in-sync members.
    Asking,
    /// Has the longest history; waits until all in-sync members hold it.
    Resending,
    /// Serves.
    Open,
}

/// A primary's state.
#[derive(Debug)]
pub(super) struct Lead {
    pub(super) phase: Phase,
    peers: Vec<Peer>,
}

/// What the primary wants proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The pending copy is complete.
    Promote(Change),
    /// The copy serves no longer.
    Removed(Change),
}

/// The memberships that one message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The receiver.
    pub member: Member,
    /// The sender's epoch.
    pub epoch: Epoch,
}

impl Lead {
    /// The last number that no member needs to be sent any more.
    pub(super) fn lowest_needed(&self, committed: u64) -> u64 {
        self.peers.iter().filter_map(Peer::needs_after).fold(committed, u64::min)
    }

    fn peer(&mut self, node: NodeId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.member.node == node)
    }

    fn is_all_known(&self) -> bool {
        self.peers.iter().filter(|peer| peer.is_in_sync).all(|peer| peer.is_known)
    }

    /// The last number that every member that must acknowledge has.
    fn acknowledged(&self, applied: u64) -> u64 {
        let held = |peer: &Peer| if Rule::AckBeforeCommit.holds() { peer.acked } else { peer.sent };
        self.peers.iter().filter(|peer| peer.must_acknowledge()).fold(applied, |lowest, peer| lowest.min(held(peer)))
    }

    fn sends(&self) -> impl Iterator<Item = Output> {
        self.peers.iter().map(|peer| Output::Send(peer.member.node))
    }
}

impl<E: Keyed> Range<E> {
    /// Acts as primary by a record of the range.
    pub(super) fn lead_by(&mut self, record: &RangeRecord, wanted: &[NodeId], me: NodeId, outputs: &mut Vec<Output>) {
        let mut lead = self.lead.take().unwrap_or(Lead { phase: Phase::Asking, peers: Vec::new() });
        let mut old = std::mem::take(&mut lead.peers);
        let in_sync = record.in_sync.iter().filter(|member| member.node != me).map(|member| (*member, true));
        let all = in_sync.chain(record.pending.map(|member| (member, false)));
        lead.peers = all
            .map(|(member, is_in_sync)| {
                let known = old.iter().position(|peer| peer.member == member).map(|at| old.swap_remove(at));
                let mut peer = known.unwrap_or_else(|| Peer::new(member, is_in_sync));
                if is_in_sync && !peer.is_in_sync {
                    peer.is_in_sync = true;
                    peer.feeding = None;
                }
                if is_in_sync && !peer.is_known && !Rule::Promises.holds() {
                    peer.is_known = true;
                    peer.rewind(self.applied);
                }
                peer
            })
            .collect();
        let is_there = |node: &NodeId| record.in_sync.iter().any(|member| member.node == *node);
        let may_retire = wanted.contains(&me) && wanted.iter().all(is_there);
        for peer in lead.peers.iter_mut().filter(|peer| peer.is_in_sync) {
            let is_too_much = may_retire && !wanted.contains(&peer.member.node);
            peer.retiring = match peer.retiring {
                Retiring::No | Retiring::Wanted if is_too_much => Retiring::Wanted,
                Retiring::No | Retiring::Wanted => Retiring::No,
                asked => asked,
            };
        }
        let has_news = |peer: &&Peer| !peer.is_known || peer.retiring == Retiring::Wanted;
        outputs.extend(lead.peers.iter().filter(has_news).map(|peer| Output::Send(peer.member.node)));
        self.lead = Some(lead);
        self.advance(outputs);
    }

    /// Orders an effect and keeps it; it is in the table already, or will be before the lock is let go.
    ///
    /// The caller has made sure that the range [may order](Range::may_order) and has [room](Range::has_room).
    pub fn submit(&mut self, effect: impl FnOnce(Version) -> E, outputs: &mut Vec<Output>) -> Submitted {
        self.applied += 1;
        let version = Version { epoch: self.epoch, seq: self.applied };
        let Some(lead) = self.lead.as_ref().filter(|lead| !lead.peers.is_empty()) else {
            self.committed = self.applied;
            return Submitted { version, is_committed: true };
        };
        debug_assert!(lead.phase != Phase::Asking, "a longer history may be on its way");
        outputs.extend(lead.sends());
        // While it takes over, what was there before is not committed either.
        let is_committed = lead.phase == Phase::Open && !lead.peers.iter().any(Peer::must_acknowledge);
        self.keep(Entry { version, effect: effect(version) });
        if is_committed {
            // Nobody waits for it: only a copy that is being filled hears of it.
            self.committed = self.applied;
        }
        self.restart_laggards();
        Submitted { version, is_committed }
    }

    /// True when this node, as primary, may order effects of its own accord; clients are served when the range is
    /// [open](Range::is_open).
    pub fn may_order(&self) -> bool {
        self.lead.as_ref().is_some_and(|lead| lead.phase != Phase::Asking) && !self.is_wiping()
    }

    /// False when too many effects wait for copies already.
    pub fn has_room(&self) -> bool {
        self.tail.len() < TAIL_MAX && self.tail_bytes < TAIL_BYTES_MAX
    }

    /// The same for what the primary does of its own accord: expiries and evictions.
    pub fn has_spare_room(&self) -> bool {
        self.tail.len() < 2 * TAIL_MAX && self.tail_bytes < 2 * TAIL_BYTES_MAX
    }

    /// The same for evictions that a copy without room waits for: as many small records as the largest tail takes room.
    pub fn has_last_room(&self) -> bool {
        self.tail.len() < 64 * TAIL_MAX && self.tail_bytes < 4 * TAIL_BYTES_MAX
    }

    /// True when the range has members besides this node, so that effects are kept and sent.
    pub fn has_peers(&self) -> bool {
        self.lead.as_ref().is_some_and(|lead| !lead.peers.is_empty())
    }

    /// The version that the next effect gets.
    pub fn next_version(&self) -> Version {
        Version { epoch: self.epoch, seq: self.applied + 1 }
    }

    /// A copy that is being filled and does not keep up begins anew, instead of holding writes up.
    fn restart_laggards(&mut self) {
        if self.tail.len() < TAIL_MAX / 2 && self.tail_bytes < TAIL_BYTES_MAX / 2 {
            return;
        }
        let Some(lead) = &mut self.lead else { return };
        for peer in lead.peers.iter_mut().filter(|peer| peer.feeding.is_some() && !peer.must_acknowledge()) {
            *peer = Peer::new(peer.member, false);
        }
        let mut nothing = Vec::new();
        self.commit(self.committed, &mut nothing);
    }

    /// What the primary wants proposed now.
    pub fn wishes(&self) -> impl Iterator<Item = Wish> + '_ {
        let (range, epoch, committed) = (self.id(), self.epoch, self.committed);
        self.lead.iter().filter(|lead| lead.phase == Phase::Open).flat_map(|lead| &lead.peers).filter_map(move |peer| {
            let change = Change { range, epoch, member: peer.member };
            if peer.is_complete(committed) {
                return Some(Wish::Promote(change));
            }
            (peer.retiring == Retiring::Done).then_some(Wish::Removed(change))
        })
    }

    /// Goes on as far as what the members said allows.
    fn advance(&mut self, outputs: &mut Vec<Output>) {
        let Some(lead) = &mut self.lead else { return };
        if lead.phase == Phase::Asking {
            if !lead.is_all_known() {
                return;
            }
            lead.phase = Phase::Resending;
            outputs.extend(lead.sends());
        }
        let acknowledged = lead.acknowledged(self.applied);
        if lead.phase == Phase::Resending && acknowledged >= self.applied {
            lead.phase = Phase::Open;
            outputs.extend(lead.sends());
        }
        // Until members hear of it they do not answer reads of these keys.
        self.commit(acknowledged, outputs);
        self.tell(outputs);
    }

    /// Announces what is committed to the members that no effect will tell it to.
    fn tell(&self, outputs: &mut Vec<Output>) {
        let (applied, committed) = (self.applied, self.committed);
        let peers = self.lead.iter().flat_map(|lead| &lead.peers);
        let untold = peers.filter(|peer| peer.is_known && peer.sent == applied && peer.told < committed);
        outputs.extend(untold.map(|peer| Output::Tell(peer.member.node)));
    }
}

impl Wish {
    /// What it is about.
    pub const fn change(&self) -> Change {
        match self {
            Self::Promote(change) | Self::Removed(change) => *change,
        }
    }

    /// The range.
    pub const fn range(&self) -> RangeId {
        self.change().range
    }
}
