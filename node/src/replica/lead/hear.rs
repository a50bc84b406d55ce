//! What a primary makes of what its members answer. Answers about another epoch or membership are ignored.

use ringhold_model::key::range_start;

use super::{
    Addressee,
    peer::{DOUBTS_MAX, Peer, Retiring},
};
use crate::replica::{
    follow::Refusal,
    range::{Keyed, Output, Range},
};

impl<E: Keyed> Range<E> {
    /// A member has applied all effects up to `applied`.
    pub fn on_ack(&mut self, from: Addressee, applied: u64, outputs: &mut Vec<Output>) {
        let Some(peer) = self.known_peer(from) else { return };
        let acked = applied.min(peer.sent);
        if acked > peer.acked {
            peer.acked = acked;
            peer.is_short_of_room = false;
        }
        self.advance(outputs);
    }

    /// A pending member has wiped and begins at number `start`; `range_bits` tells where its hashes begin.
    pub fn on_begun(&mut self, from: Addressee, start: u64, range_bits: u8, outputs: &mut Vec<Output>) {
        let first = range_start(self.id(), range_bits);
        let Some(peer) = self.peer_of(from).filter(|peer| !peer.is_known) else { return };
        let Some(feeding) = peer.feeding.as_mut().filter(|feeding| feeding.start == start) else { return };
        feeding.cursor = Some(first);
        peer.is_known = true;
        peer.rewind(start);
        peer.told = 0;
        outputs.push(Output::Send(from.member.node));
    }

    /// A chunk was taken; the next begins at `cursor`.
    pub fn on_chunk(&mut self, from: Addressee, cursor: Option<u64>, outputs: &mut Vec<Output>) {
        let Some(feeding) = self.known_peer(from).and_then(|peer| peer.feeding.as_mut()) else { return };
        feeding.cursor = cursor;
        feeding.is_waiting = false;
        outputs.push(Output::Send(from.member.node));
    }

    /// Digests were compared. Equal: the copy must acknowledge every effect from now on, and is in sync once Raft says so. Else
    /// they are compared again after a while, and at last it is filled anew. True: it is complete.
    pub fn on_compared(&mut self, from: Addressee, is_equal: bool, outputs: &mut Vec<Output>) -> bool {
        let Some(peer) = self.known_peer(from) else { return false };
        let Some(feeding) = &mut peer.feeding else { return false };
        feeding.is_waiting = false;
        feeding.is_complete = is_equal;
        feeding.doubts += u8::from(!is_equal);
        if feeding.doubts > DOUBTS_MAX {
            *peer = Peer::new(peer.member, false);
            outputs.push(Output::Send(from.member.node));
        } else {
            peer.is_paused |= !is_equal;
        }
        self.advance(outputs);
        is_equal
    }

    /// A member promised to follow no older epoch and has applied all effects up to `applied`, of which `committed` are known to be
    /// committed. The effects that this primary lacked are [pushed](Range::push) already.
    pub fn on_promise(&mut self, from: Addressee, applied: u64, committed: u64, outputs: &mut Vec<Output>) {
        if applied.saturating_add(1) < self.first_kept() {
            // What is not kept is committed, so every member has it: this is no answer of one.
            return self.on_refusal(from, Refusal::Damaged, outputs);
        }
        let all = self.applied;
        let Some(peer) = self.peer_of(from).filter(|peer| !peer.is_known && peer.is_in_sync) else { return };
        peer.is_known = true;
        peer.rewind(applied.min(all));
        peer.told = committed;
        self.commit(committed, outputs);
        self.advance(outputs);
    }

    /// A member promised, but not all that this primary lacks was in its answer: it is asked again; after a while if nothing was.
    pub fn ask_again(&mut self, from: Addressee, has_brought: bool, outputs: &mut Vec<Output>) {
        if let Some(peer) = self.peer_of(from).filter(|peer| !peer.is_known) {
            peer.is_asked = false;
            peer.is_paused = !has_brought;
            outputs.push(Output::Send(from.member.node));
        }
    }

    /// True while the promise of this member is waited for: only then are the effects it sends to be taken.
    pub fn awaits_promise(&self, from: Addressee) -> bool {
        let is_it = |peer: &&Peer| peer.member == from.member && peer.is_in_sync && !peer.is_known;
        self.epoch == from.epoch && self.lead.as_ref().is_some_and(|lead| lead.peers.iter().any(|peer| is_it(&peer)))
    }

    /// A copy serves no longer.
    pub fn on_retired(&mut self, from: Addressee) {
        if let Some(peer) = self.peer_of(from) {
            peer.retiring = Retiring::Done;
        }
    }

    /// A member did not do as it was told.
    pub fn on_refusal(&mut self, from: Addressee, refusal: Refusal, outputs: &mut Vec<Output>) {
        let Some(peer) = self.peer_of(from) else { return };
        match refusal {
            // The record that explains it is on its way, or what was there before is being freed.
            Refusal::NotMine | Refusal::Busy | Refusal::Damaged => {
                peer.forget_sent();
                peer.is_paused = true;
                return;
            }
            Refusal::Gap { applied } | Refusal::NoRoom { applied, .. } => {
                let acked = applied.clamp(peer.acked, peer.sent);
                peer.rewind(acked);
                // What came after it in the same batch is refused as a gap: that does not make room.
                let has_no_room = matches!(refusal, Refusal::NoRoom { .. });
                peer.is_paused |= has_no_room;
                peer.is_short_of_room |= has_no_room;
            }
            Refusal::Misplaced => {}
        }
        if let Some(feeding) = &mut peer.feeding {
            feeding.is_waiting = false;
        }
        outputs.push(Output::Send(from.member.node));
        self.advance(outputs);
    }

    fn peer_of(&mut self, from: Addressee) -> Option<&mut Peer> {
        if from.epoch != self.epoch {
            return None;
        }
        self.lead.as_mut()?.peers.iter_mut().find(|peer| peer.member == from.member)
    }

    fn known_peer(&mut self, from: Addressee) -> Option<&mut Peer> {
        self.peer_of(from).filter(|peer| peer.is_known)
    }
}
