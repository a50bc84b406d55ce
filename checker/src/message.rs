//! Messages between nodes, late requests of routers, and proposals to Raft. The network may delay, reorder and lose: a
//! lost message is one that is never delivered, so losing needs no step of its own.

use std::fmt;

use crate::{
    ids::{Epoch, KEYS_MAX, Key, Mid, NodeId, OpId, OpSet, Place, Version},
    record::{Effect, Effects, Record},
};

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// Between a primary and a member.
    Between(Letter),
    /// An operation that its router will send again, or has.
    Request {
        /// To whom.
        to: NodeId,
        /// The epoch that the router sends it to.
        epoch: Epoch,
        /// What for.
        request: Request,
    },
    /// To the Raft leader; the entry is checked when it is applied, and void if the range moved on.
    Proposal(Proposal),
}

/// A message between a primary and a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letter {
    /// Who sent it.
    pub from: NodeId,
    /// Who gets it.
    pub to: NodeId,
    /// The sender's epoch (rule C2).
    pub epoch: Epoch,
    /// The membership that it is for or from (rule S1).
    pub mid: Mid,
    /// What it says.
    pub body: Body,
}

/// What primaries and members say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// The next effect (rule S1).
    Append {
        /// With its place in its version.
        effect: Effect,
    },
    /// All up to the place is applied.
    Ack {
        /// How far.
        last: Place,
    },
    /// A pending copy's history begins after that place (rule C1).
    Begin {
        /// The last place of the primary.
        start: Place,
    },
    /// A key of the range for a copy that is being filled (rule C1).
    Chunk(Chunk),
    /// The chunk is in.
    ChunkAck {
        /// Where that filling began.
        start: Place,
        /// How many keys are filled.
        filled: u8,
    },
    /// A new primary asks for a promise and the tail (rule C2).
    Take {
        /// The last place of the primary.
        last: Place,
    },
    /// No older epoch is followed from here on.
    Promise {
        /// How far the member's history goes.
        last: Place,
        /// What it knows to be committed.
        committed: Place,
        /// What the primary lacked when it asked.
        effects: Effects,
    },
    /// The primary asks the copy to serve no longer (rule C3).
    Retire,
    /// The copy serves no longer.
    RetireAck,
}

/// A key of the range, as it is at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chunk {
    /// Where that filling began.
    pub start: Place,
    /// The place of the last effect that it shows.
    pub at: Place,
    /// Which key.
    pub key: Key,
    /// What the primary holds of it.
    pub record: Record,
    /// The operations that the primary knows of; in the first chunk only (rule S4).
    pub operations: OpSet,
    /// What both hold after the last chunk; in that one only.
    pub digest: Digest,
}

/// The versions of a range's records.
pub type Digest = [Version; KEYS_MAX];

/// What a client wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Which operation.
    pub op: OpId,
    /// On which key.
    pub key: Key,
    /// To do what.
    pub wish: Wish,
}

/// What a client wants of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// To set it, and to be told what was there.
    #[default]
    Set,
    /// To delete it, and to be told what was there.
    Delete,
    /// To set it if it has no value.
    Add,
}

/// What a primary proposes about a member, or a member about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposal {
    /// In or out.
    pub verdict: Verdict,
    /// The proposer's epoch.
    pub epoch: Epoch,
    /// Whom.
    pub node: NodeId,
    /// Which membership.
    pub mid: Mid,
}

/// Which way a member goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The pending copy is in sync (rule C1).
    Promote,
    /// The copy retired (rule C3).
    Removed,
}

/// Everything under way: a set, sorted, so that equal sets are equal states.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Network(Vec<Message>);

impl Network {
    /// Sends a message; one that is under way already is not doubled.
    pub fn send(&mut self, message: Message) {
        if let Err(place) = self.0.binary_search(&message) {
            self.0.insert(place, message);
        }
    }

    /// The messages under way.
    pub fn iter(&self) -> impl Iterator<Item = Message> {
        self.0.iter().copied()
    }

    /// Takes a message out.
    pub fn take(&mut self, message: Message) {
        self.0.retain(|other| *other != message);
    }

    /// Drops what is for that process: its connections are gone.
    pub fn drop_all_to(&mut self, node: NodeId) {
        self.0.retain(|message| match message {
            Message::Between(letter) => letter.to != node,
            Message::Request { to, .. } => *to != node,
            Message::Proposal(_) => true,
        });
    }

    /// Keeps only what the judge says can still have an effect.
    pub fn keep(&mut self, judge: impl Fn(&Message) -> bool) {
        self.0.retain(judge);
    }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(Letter { from, to, epoch, mid, body }) => {
                write!(out, "node{from} -> node{to}, epoch {epoch}, mid {mid}: {body}")
            }
            Self::Request { to, epoch, request } => {
                write!(out, "router -> node{to}, epoch {epoch}: {request}")
            }
            Self::Proposal(Proposal { verdict, epoch, node, mid }) => {
                write!(out, "proposal of epoch {epoch}: {verdict:?} node{node} (mid {mid})")
            }
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append { effect } => write!(out, "Append: {effect}"),
            Self::Ack { last } => write!(out, "Ack up to {last}"),
            Self::Begin { start } => write!(out, "Begin after {start}"),
            Self::Chunk(Chunk { at, key, record, .. }) => write!(out, "Chunk at {at}: key{key} has {record}"),
            Self::ChunkAck { filled, .. } => write!(out, "ChunkAck, {filled} filled"),
            Self::Take { last } => write!(out, "Take, has up to {last}"),
            Self::Promise { last, effects, .. } => {
                write!(out, "Promise, has up to {last}, sends {} effects", effects.len())
            }
            Self::Retire => out.write_str("Retire"),
            Self::RetireAck => out.write_str("RetireAck"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, key, wish } = self;
        match wish {
            Wish::Set => write!(out, "set key{key} (op {op})"),
            Wish::Delete => write!(out, "delete key{key} (op {op})"),
            Wish::Add => write!(out, "set key{key} if it has no value (op {op})"),
        }
    }
}
