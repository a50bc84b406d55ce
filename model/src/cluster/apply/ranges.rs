//! Steps of single ranges: a copy is added, filled, promoted, retired; the primary changes hands.
//!
//! Every step names the epoch in which it was decided, and most the membership; when the range has moved on, it is void.

use crate::{
    cluster::{
        command::{Change, Move, Reply, Restart},
        state::{ClusterState, Member, NodeState, RangeRecord},
    },
    ids::{Epoch, Mid, NodeId, RangeId},
};

impl ClusterState {
    pub(super) fn add_pending(&mut self, index: u64, moves: &[Move]) -> Reply {
        self.each(index, moves, |state, record, wanted| {
            let may_come = record.primary.is_some() && record.pending.is_none() && !record.has_member(wanted.to);
            let pending = Some(Member { node: wanted.to, mid: Mid(index) });
            (may_come && state.is_active(wanted.to)).then(|| RangeRecord { pending, ..record.clone() })
        })
    }

    pub(super) fn cancel_pending(&mut self, index: u64, changes: &[Change]) -> Reply {
        self.each(index, changes, |_, record, change| {
            (record.pending == Some(change.member)).then(|| RangeRecord { pending: None, ..record.clone() })
        })
    }

    pub(super) fn promote(&mut self, index: u64, changes: &[Change]) -> Reply {
        self.each(index, changes, |_, record, change| {
            let in_sync = record.in_sync.iter().copied().chain([change.member]).collect();
            (record.pending == Some(change.member)).then(|| RangeRecord { in_sync, pending: None, ..record.clone() })
        })
    }

    /// The primary is a member, so whoever may go is never the last one.
    pub(super) fn removed(&mut self, index: u64, changes: &[Change]) -> Reply {
        self.each(index, changes, |_, record, change| {
            let may_go = record.in_sync.contains(&change.member) && record.primary != Some(change.member.node);
            may_go.then(|| record.without(change.member.node))
        })
    }

    pub(super) fn hand_over(&mut self, index: u64, moves: &[Move]) -> Reply {
        self.each(index, moves, |_, record, wanted| {
            let may_lead = record.has_member(wanted.to) && record.primary != Some(wanted.to);
            may_lead.then(|| record.led_by(index, wanted.to))
        })
    }

    pub(super) fn reset(&mut self, index: u64, restarts: &[Restart]) -> Reply {
        self.each(index, restarts, |state, record, wanted| {
            let is_as_judged = record.primary.is_some() && record.in_sync == wanted.members;
            let may_begin = is_as_judged && state.is_active(wanted.to);
            may_begin.then(|| record.begun_again(index, wanted.to, true))
        })
    }

    /// Makes every step that `decide` does not find void and whose epoch is the range's.
    fn each<S: Step>(
        &mut self,
        index: u64,
        steps: &[S],
        decide: impl Fn(&Self, &RangeRecord, &S) -> Option<RangeRecord>,
    ) -> Reply {
        let mut made = 0;
        for step in steps {
            let (range, epoch) = step.place();
            let current = self.range(range).filter(|record| record.epoch == epoch);
            if let Some(record) = current.and_then(|record| decide(self, record, step)) {
                made += u32::from(self.put_range(index, range, record));
            }
        }
        Reply::Moved(made)
    }

    pub(super) fn is_active(&self, id: NodeId) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.state == NodeState::Active)
    }
}

/// Something about one range, decided in one of its epochs.
trait Step {
    fn place(&self) -> (RangeId, Epoch);
}

impl Step for Move {
    fn place(&self) -> (RangeId, Epoch) {
        (self.range, self.epoch)
    }
}

impl Step for Restart {
    fn place(&self) -> (RangeId, Epoch) {
        (self.range, self.epoch)
    }
}

impl Step for Change {
    fn place(&self) -> (RangeId, Epoch) {
        (self.range, self.epoch)
    }
}

impl RangeRecord {
    /// The first term: all `owners` hold the same, nothing. There is at least one.
    pub(super) fn begun(index: u64, owners: &[NodeId]) -> Self {
        Self {
            epoch: Epoch(index),
            primary: owners.first().copied(),
            in_sync: owners.iter().map(|node| Member { node: *node, mid: Mid(index) }).collect(),
            pending: None,
            resets: 0,
        }
    }

    /// A term under `primary`, alone and empty; `is_loss`: data went with it.
    pub(super) fn begun_again(&self, index: u64, primary: NodeId, is_loss: bool) -> Self {
        let resets = self.resets.saturating_add(u32::from(is_loss));
        Self { resets, ..Self::begun(index, &[primary]) }
    }

    /// A new term of the same members under `primary`. What was being filled was filled by the former one: it starts anew.
    pub(super) fn led_by(&self, index: u64, primary: NodeId) -> Self {
        Self { epoch: Epoch(index), primary: Some(primary), pending: None, ..self.clone() }
    }

    /// As it is, but for `node`, which is not in sync any more. The primary is the caller's business.
    pub(super) fn without(&self, node: NodeId) -> Self {
        let mut record = self.clone();
        record.in_sync.retain(|member| member.node != node);
        record
    }

    /// True when `node` is in sync.
    pub(super) fn has_member(&self, node: NodeId) -> bool {
        self.in_sync.iter().any(|member| member.node == node)
    }
}
