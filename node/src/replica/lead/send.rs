//! What a primary has to say to its members.

use ringhold_model::{Epoch, Mid, NodeId};

use super::{
    Addressee, Phase,
    peer::{Feeding, Retiring},
};
use crate::replica::{
    follow::Refusal,
    range::{Keyed, Output, Range},
};

/// What is to be sent to a member next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for its promise; it answers the effects after this number.
    Take {
        /// Number of the last effect here.
        applied: u64,
    },
    /// Begin to fill it.
    Begin {
        /// Its history starts after this number.
        start: u64,
    },
    /// Send the effect with this number.
    Append {
        /// See [`Range::entry`].
        seq: u64,
        /// All up to this one are committed.
        committed: u64,
    },
    /// Tell it that all effects up to this number are committed.
    Committed {
        /// That number.
        seq: u64,
    },
    /// Read the records from this hash on, as they are after effect `at`, and send them.
    Chunk {
        /// The first hash.
        from: u64,
        /// Number of the last effect that they show.
        at: u64,
    },
    /// Compare digests after effect `at`.
    Compare {
        /// That number.
        at: u64,
    },
    /// Ask it to serve no longer.
    Retire,
}

impl<E: Keyed> Range<E> {
    /// Whom messages to `node` are addressed to; `None`: it is no member, or this node is not primary.
    pub fn addressee(&self, node: NodeId) -> Option<Addressee> {
        let peer = self.lead.as_ref()?.peers.iter().find(|peer| peer.member.node == node)?;
        Some(Addressee { member: peer.member, epoch: self.epoch })
    }

    /// Checks that a message is from a member of this range, to its primary of this epoch.
    pub fn check_member(&self, epoch: Epoch, mid: Mid) -> Result<(), Refusal> {
        let is_peer = |lead: &super::Lead| lead.peers.iter().any(|peer| peer.member.mid == mid);
        let is_mine = epoch == self.epoch && self.lead.as_ref().is_some_and(is_peer);
        if is_mine { Ok(()) } else { Err(Refusal::NotMine) }
    }

    /// What to send to `node` next; `None`: nothing for now. What it names counts as sent. `may_fill`: whether a chunk may be
    /// sent now.
    pub fn next(&mut self, node: NodeId, may_fill: bool) -> Option<Next> {
        let (applied, committed) = (self.applied, self.committed);
        if self.is_wiping() {
            return None;
        }
        let lead = self.lead.as_mut()?;
        let phase = lead.phase;
        let peer = lead.peer(node)?;
        if peer.is_paused {
            return None;
        }
        if !peer.is_known {
            if peer.is_asked || (!peer.is_in_sync && phase != Phase::Open) {
                return None;
            }
            peer.is_asked = true;
            if peer.is_in_sync {
                return Some(Next::Take { applied });
            }
            peer.feeding = Some(Feeding::new(applied));
            return Some(Next::Begin { start: applied });
        }
        if phase == Phase::Asking {
            return None;
        }
        if peer.retiring == Retiring::Wanted {
            peer.retiring = Retiring::Asked;
            return Some(Next::Retire);
        }
        if peer.sent < applied {
            peer.sent += 1;
            peer.told = peer.told.max(committed.min(peer.sent));
            return Some(Next::Append { seq: peer.sent, committed });
        }
        if peer.told < committed {
            peer.told = committed;
            return Some(Next::Committed { seq: committed });
        }
        let feeding = peer.feeding.as_mut().filter(|feeding| !feeding.is_waiting && !feeding.is_complete)?;
        if feeding.cursor.is_some() && !may_fill {
            return None;
        }
        feeding.is_waiting = true;
        Some(match feeding.cursor {
            Some(from) => Next::Chunk { from, at: applied },
            None => Next::Compare { at: applied },
        })
    }

    /// True when the next thing to be sent to `node` is a chunk.
    pub fn wants_to_fill(&self, node: NodeId) -> bool {
        let Some(lead) = &self.lead else { return false };
        let peer = lead.peers.iter().find(|peer| peer.member.node == node);
        peer.is_some_and(|peer| {
            let is_next = |feeding: Feeding| !feeding.is_waiting && feeding.cursor.is_some();
            peer.is_known && !peer.is_paused && peer.feeding.is_some_and(is_next)
        })
    }

    /// True when `node` had no room for what it is to be sent next: all there is should be sent at once then.
    pub fn is_short_of_room(&self, node: NodeId) -> bool {
        let Some(lead) = &self.lead else { return false };
        lead.peers.iter().any(|peer| peer.member.node == node && peer.is_short_of_room)
    }

    /// Announces again what was refused, and what members were not told yet: for a look from time to time.
    pub fn nudge(&mut self, outputs: &mut Vec<Output>) {
        let committed = self.committed;
        let Some(lead) = &mut self.lead else { return };
        for peer in &mut lead.peers {
            let was_paused = std::mem::take(&mut peer.is_paused);
            let is_unasked = !peer.is_known && !peer.is_asked;
            let is_untold = peer.is_known && peer.told < committed;
            if was_paused || is_unasked || is_untold {
                outputs.push(Output::Send(peer.member.node));
            }
        }
    }

    /// Room was made for a member that had none: it is sent on.
    pub fn retry_full(&mut self, node: NodeId, outputs: &mut Vec<Output>) {
        if let Some(peer) = self.lead.as_mut().and_then(|lead| lead.peer(node)).filter(|peer| peer.is_paused) {
            peer.is_paused = false;
            outputs.push(Output::Send(node));
        }
    }

    /// The connection to a node was lost: what it did not acknowledge is sent again.
    pub fn on_lost(&mut self, node: NodeId, outputs: &mut Vec<Output>) {
        if let Some(peer) = self.lead.as_mut().and_then(|lead| lead.peer(node)) {
            peer.forget_sent();
            peer.is_paused = false;
            outputs.push(Output::Send(node));
        }
    }
}
