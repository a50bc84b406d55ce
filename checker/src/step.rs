//! The steps that lead from state to state, named for traces.

use std::fmt;

use crate::{
    ids::{Key, NodeId, OpId},
    message::{Letter, Message, Request},
    record::{Rank, Sight},
};

/// One atomic step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the printed sentences below say it")]
pub enum Step {
    Deliver(Message),
    DeliverTwice(Message),
    Apply { node: NodeId },
    Tell { primary: NodeId, member: NodeId },
    AckUnapplied(Letter),
    Operate { primary: NodeId, request: Request },
    SendLate { primary: NodeId, request: Request },
    Retry { primary: NodeId, request: Request },
    Invalidate { primary: NodeId },
    SweepKey { primary: NodeId, key: Key },
    SendChunk { primary: NodeId, key: Key },
    BeginAnew { primary: NodeId },
    AddToAckSet { primary: NodeId },
    AskToRetire { primary: NodeId, copy: NodeId },
    StopCopy { copy: NodeId },
    DropCopy { copy: NodeId },
    EndLease { node: NodeId },
    RenewLease { node: NodeId },
    CheckLease { node: NodeId },
    ReadAfterCheck { node: NodeId },
    Crash { node: NodeId },
    StartNode { node: NodeId },
    ProposeRemoval { node: NodeId },
    CommitRemoval { node: NodeId },
    ProposeReset { to: NodeId },
    CommitReset { to: NodeId },
    LeaderEntryIsVoid,
    DropAlone { copy: NodeId, key: Key },
    ChangeLeader { proposal_survives: bool },
    RestartLeader,
    AddPending { node: NodeId },
    CancelPending { node: NodeId },
    HandOver { to: NodeId },
    SilenceCopies,
    RaiseGeneration,
    AnswerClear,
    Read { node: NodeId, key: Key, saw: Sight },
}

impl Step {
    /// The step's name without its details.
    pub fn kind(&self) -> String {
        format!("{self:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver(message) => write!(out, "delivered: {message}"),
            Self::DeliverTwice(message) => write!(out, "delivered, and once more later: {message}"),
            Self::Apply { node } => write!(out, "node{node} applies the next entry"),
            Self::Tell { primary, member } => write!(out, "node{primary} tells node{member} what is committed"),
            Self::AckUnapplied(letter) => {
                write!(out, "acknowledged, and applied later: {}", Message::Between(*letter))
            }
            Self::Operate { primary, request } => write!(out, "a client at node{primary}: {request}"),
            Self::SendLate { primary, request } => {
                write!(out, "a client: {request}; it will come to node{primary} late")
            }
            Self::Retry { primary, request } => write!(out, "a router sends again, to node{primary}: {request}"),
            Self::Invalidate { primary } => write!(out, "a client invalidates all keys at node{primary}"),
            Self::SweepKey { primary, key } => write!(out, "node{primary} expands the invalidation to key{key}"),
            Self::SendChunk { primary, key } => {
                write!(out, "node{primary} sends the chunk of key{key} to the pending copy")
            }
            Self::AddToAckSet { primary } => {
                write!(out, "node{primary} takes the pending copy into its ack set")
            }
            Self::BeginAnew { primary } => write!(out, "node{primary} begins to fill the pending copy anew"),
            Self::AskToRetire { primary, copy } => write!(out, "node{primary} asks node{copy} to retire"),
            Self::StopCopy { copy } => {
                write!(out, "node{copy} is to stop: it serves no longer and asks to be taken off the list")
            }
            Self::DropCopy { copy } => write!(out, "raft: node{copy} is taken off the in-sync list"),
            Self::EndLease { node } => write!(out, "the lease of node{node} ends"),
            Self::RenewLease { node } => write!(out, "node{node} is granted a lease"),
            Self::CheckLease { node } => write!(out, "node{node} checks role and lease for a read of key0"),
            Self::ReadAfterCheck { node } => write!(out, "node{node} reads key0 for the read that it checked"),
            Self::Crash { node } => write!(out, "node{node} crashes and loses its memory"),
            Self::StartNode { node } => write!(out, "raft: NodeStart(node{node}), its old self is off every list"),
            Self::ProposeRemoval { node } => write!(out, "the leader proposes NodeDown(node{node})"),
            Self::CommitRemoval { node } => write!(out, "raft: NodeDown(node{node})"),
            Self::ProposeReset { to } => write!(out, "the leader proposes Reset(node{to})"),
            Self::CommitReset { to } => write!(out, "raft: Reset, the range begins empty on node{to}"),
            Self::LeaderEntryIsVoid => out.write_str("raft: what the leader proposed is void"),
            Self::DropAlone { copy, key } => write!(out, "node{copy} drops key{key} by itself"),
            Self::ChangeLeader { proposal_survives: true } => {
                out.write_str("another leader; the proposal is in its log")
            }
            Self::ChangeLeader { proposal_survives: false } => out.write_str("another leader"),
            Self::RestartLeader => out.write_str("the leader restarts and leads again in the same term"),
            Self::AddPending { node } => write!(out, "raft: AddPending(node{node})"),
            Self::CancelPending { node } => write!(out, "raft: CancelPending(node{node})"),
            Self::HandOver { to } => write!(out, "raft: Handover(node{to})"),
            Self::SilenceCopies => out.write_str("raft: a clear begins, copies fall silent"),
            Self::RaiseGeneration => out.write_str("raft: Clear, the generation goes up"),
            Self::AnswerClear => out.write_str("the clear is answered"),
            Self::Read { node, key, saw } => write!(out, "node{node} answers a read of key{key}: {saw}"),
        }
    }
}

/// What a step broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A reader sees something older than what was acknowledged or read before.
    Stale {
        /// Who answered.
        node: NodeId,
        /// For which key.
        key: Key,
        /// With what.
        saw: Sight,
        /// What it may not be older than.
        floor: Sight,
    },
    /// One operation is seen under two versions: it ran twice, or its ETag changed.
    TwoVersions {
        /// Which operation.
        op: OpId,
        /// Its version so far.
        first: Rank,
        /// Its version now.
        second: Rank,
    },
    /// An operation is ordered before what was acknowledged or read before it began.
    Misordered {
        /// Which operation.
        op: OpId,
        /// Its place.
        rank: Rank,
        /// What it should be above.
        floor: Rank,
    },
    /// The answer of an operation says that it replaced what another one had replaced before.
    LostUpdate {
        /// Which operation.
        op: OpId,
        /// Whose effect stands between.
        passed: OpId,
    },
    /// An operation took place whose client was told that it did not.
    DoneThoughRefused {
        /// Which operation.
        op: OpId,
    },
    /// Two members hold different histories, or different records at the same place.
    Diverged {
        /// One.
        first: NodeId,
        /// The other.
        second: NodeId,
    },
    /// The last copy is gone though a node that never crashed had all.
    Lost {
        /// That node.
        node: NodeId,
    },
}

impl Violation {
    /// What is broken, in two words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stale { .. } => "stale read",
            Self::TwoVersions { .. } => "two versions",
            Self::Misordered { .. } => "lost order",
            Self::LostUpdate { .. } => "lost update",
            Self::DoneThoughRefused { .. } => "done though refused",
            Self::Diverged { .. } => "diverged",
            Self::Lost { .. } => "lost write",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { node, key, saw, floor } => {
                write!(out, "stale read: node{node} shows of key{key} {saw}, after {floor} was acknowledged or read")
            }
            Self::TwoVersions { op, first, second } => {
                write!(out, "op {op} has two versions: {second}, after {first} was acknowledged or read")
            }
            Self::Misordered { op, rank, floor } => {
                write!(
                    out,
                    "lost order: op {op} is acknowledged as {rank}, but {floor} was acknowledged or read before it began"
                )
            }
            Self::LostUpdate { op, passed } => {
                write!(out, "lost update: op {op} is told that it replaced what op {passed} had replaced before")
            }
            Self::DoneThoughRefused { op } => {
                write!(out, "op {op} took place, though its client was told that it was refused")
            }
            Self::Diverged { first, second } => {
                write!(out, "node{first} and node{second} have different histories")
            }
            Self::Lost { node } => {
                write!(
                    out,
                    "lost without need: no copy is left, but node{node} was put out with its memory while nobody else could serve"
                )
            }
        }
    }
}
