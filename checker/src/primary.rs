//! What a node remembers as the range's primary. It is forgotten with the role.

use crate::{
    ids::{Epoch, Generation, KEYS_MAX, KeySet, Mid, NODES_MAX, NodeId, NodeSet, OpSet, Place, Version},
    record::Record,
};

/// How far a primary is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Not the primary.
    #[default]
    Closed,
    /// Waits for promises (rule C2).
    Asking,
    /// Brings everyone to the longest history.
    Streaming,
    /// Takes operations.
    Open,
}

/// The filling of the pending copy (rule C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Feed {
    /// Who is filled.
    pub node: NodeId,
    /// As which membership.
    pub mid: Mid,
    /// Where the copy's history begins.
    pub start: Place,
    /// How many keys the copy has.
    pub filled: u8,
    /// It must acknowledge every effect.
    pub in_ack_set: bool,
    /// Its promotion was proposed.
    pub is_proposed: bool,
}

/// An invalidation under way (rule O2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sweep {
    /// The generation in which it began.
    pub generation: Generation,
    /// Keys whose removal was not streamed yet.
    pub to_remove: KeySet,
    /// The newest versions that it may not leave visible; zero: the key had no value.
    pub named: [Version; KEYS_MAX],
    /// All up to here must be committed before it is answered.
    pub until: Place,
}

/// A node's role as primary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Primary {
    /// How far it is.
    pub phase: Phase,
    /// Its term.
    pub epoch: Epoch,
    /// Who must acknowledge; itself left out.
    pub ack_set: NodeSet,
    /// Per member how far its history goes, as it said in this epoch.
    pub acked: [Place; NODES_MAX],
    /// Who promised not to follow an older epoch; while asking.
    pub promised_by: NodeSet,
    /// Per key what readers see: the record without what is not committed. The node keeps this as the record before each
    /// effect of the tail.
    pub shown: [Record; KEYS_MAX],
    /// The operations that it refused in this epoch.
    pub refused: OpSet,
    /// Whom it fills.
    pub feed: Option<Feed>,
    /// Whom it asked to retire (rule C3).
    pub retiring: Option<NodeId>,
}

impl Primary {
    /// Whether it is primary in that epoch.
    pub fn leads(&self, epoch: Epoch) -> bool {
        self.phase != Phase::Closed && self.epoch == epoch
    }

    /// Whether it takes operations.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Who is sent effects: all that must acknowledge, and who is being filled.
    pub fn audience(&self) -> NodeSet {
        match self.feed {
            Some(feed) => self.ack_set.with(feed.node),
            None => self.ack_set,
        }
    }

    /// What that member acknowledged.
    pub fn acked_by(&self, node: NodeId) -> Place {
        self.acked[node.at()]
    }

    /// The last place that all of the ack set hold; itself holds `last`.
    pub fn acknowledged(&self, last: Place) -> Place {
        self.ack_set.iter().map(|member| self.acked_by(member)).fold(last, Place::min)
    }
}

impl Feed {
    /// A filling that begins at that place.
    pub fn starting_at(node: NodeId, mid: Mid, start: Place) -> Self {
        Self { node, mid, start, filled: 0, in_ack_set: false, is_proposed: false }
    }
}
