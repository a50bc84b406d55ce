//! An operation between its request and its outcome, and whom it is sent to next. Pure.

use ringhold_model::{
    Epoch, NodeId,
    wire::{Action, PointOp},
};

use tokio::time::Instant;

use super::outcome::Reason;
use crate::view::Route;

/// Who may answer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The primary, or another in-sync copy when it does not answer.
    Fresh,
    /// The primary only.
    Strict,
}

/// Where an operation that has no outcome yet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To be sent now.
    Ready,
    /// With a node; it may be with more than one.
    Away,
    /// To be sent after a pause, or when its range has changed hands.
    Resting,
    /// To be sent when the view is at this index.
    Behind(u64),
    /// It has its outcome.
    Settled,
}

/// An operation on its way.
#[derive(Debug)]
pub(super) struct Pending<'a> {
    /// The operation; its epoch is set when it is planned.
    pub(super) op: PointOp<'a>,
    /// True when it is a write that a node may have executed: from then on it is sent as a retry.
    pub(super) may_be_done: bool,
    /// Where it is.
    pub(super) place: Place,
    /// Index of the view with which it was last sent; zero: never yet.
    pub(super) sent_view: u64,
    /// Epoch of its range in that view.
    pub(super) sent_epoch: Epoch,
    /// Calls under way that carry it.
    pub(super) calls: u8,
    /// Members of its range that did not do it since it last rested: bit 0 is the primary, the next ones the copies.
    tried: u8,
    /// Since when its range has had no other member than one that does not serve.
    pub(super) lonely_since: Option<Instant>,
    /// Why the last node that was asked did not do it.
    pub(super) why: Option<Reason>,
    /// Whether it is a read that counts as an access.
    is_counted: bool,
}

impl<'a> Pending<'a> {
    /// An operation that was never sent.
    pub(super) fn new(op: PointOp<'a>) -> Self {
        let is_counted = matches!(op.action, Action::Get);
        Self {
            op,
            may_be_done: false,
            place: Place::Ready,
            sent_view: 0,
            sent_epoch: Epoch(0),
            calls: 0,
            tried: 0,
            lonely_since: None,
            why: None,
            is_counted,
        }
    }

    /// Prepares it for its next call. A read that another node has already does not count a second time, and a write that
    /// another node has may be done already: whoever is primary now knows its result, or that it has none and never will.
    pub(super) fn prepare(&mut self, epoch: Epoch) {
        if self.calls > 0 {
            self.may_have_been_executed();
        }
        if self.is_counted {
            self.op.action = if self.calls > 0 { Action::Peek } else { Action::Get };
        }
        self.op.epoch = epoch;
    }

    /// True for operations that may be sent again whatever became of the first attempt.
    pub(super) fn is_read(&self) -> bool {
        self.op.action.is_read()
    }

    /// Notes that a node may have executed it.
    pub(super) fn may_have_been_executed(&mut self) {
        self.may_be_done |= !self.is_read();
    }

    /// Notes that `node` did not do it.
    pub(super) fn was_tried_at(&mut self, node: NodeId, route: &Route) {
        if let Some((bit, _)) = members(route, self.op.hash).find(|(_, member)| *member == node) {
            self.tried |= 1 << bit;
        }
    }

    /// Whether the primary was not asked since it last rested.
    pub(super) fn is_new_to_primary(&self) -> bool {
        self.tried & 1 == 0
    }

    /// All members may be tried again.
    pub(super) fn forget_tries(&mut self) {
        self.tried = 0;
    }

    /// Whether a copy may answer it instead of the primary.
    pub(super) fn may_go_elsewhere(&self, route: &Route, reads: Reads) -> bool {
        reads == Reads::Fresh && self.is_read() && !route.copies().is_empty()
    }

    /// Where it goes next; `None`: every member that could do it was tried or has it already.
    pub(super) fn target(
        &self,
        route: &Route,
        reads: Reads,
        has_it: impl Fn(NodeId) -> bool,
        mut avoids: impl FnMut(NodeId) -> bool,
    ) -> Option<NodeId> {
        if !self.may_go_elsewhere(route, reads) {
            return route.primary.filter(|primary| !has_it(*primary));
        }
        let mut avoided = None;
        for (bit, node) in members(route, self.op.hash) {
            if self.tried & 1 << bit != 0 || has_it(node) {
                continue;
            }
            if !avoids(node) {
                return Some(node);
            }
            avoided = avoided.or(Some(node));
        }
        avoided
    }
}

/// The members of a range in the order in which a read asks them, each with its bit. The copies take turns by key, so that
/// a key's reads meet the same one.
fn members(route: &Route, hash: u64) -> impl Iterator<Item = (usize, NodeId)> {
    let copies = route.copies();
    let first = (hash as usize).checked_rem(copies.len()).unwrap_or_default();
    let in_turn = (first..copies.len()).chain(0..first).map(|at| (at + 1, copies[at]));
    route.primary.map(|primary| (0, primary)).into_iter().chain(in_turn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::twin::view;

    fn get(hash: u64, key: &str) -> Pending<'_> {
        Pending::new(PointOp { hash, epoch: Epoch(0), key, action: Action::Get })
    }

    fn delete(hash: u64, key: &str) -> Pending<'_> {
        Pending::new(PointOp { hash, epoch: Epoch(0), key, action: Action::Delete { n: 1, when: Vec::new() } })
    }

    #[test]
    fn a_read_asks_the_primary_first_then_the_copies_and_those_that_are_avoided_last() {
        let route = view().route(1);
        let mut read = get(1, "a");
        let to = |read: &Pending<'_>, avoided: u64| {
            read.target(&route, Reads::Fresh, |_| false, |node| node == NodeId(avoided))
        };
        assert_eq!(to(&read, 0), Some(NodeId(1)));
        assert_eq!(to(&read, 1), Some(NodeId(4)), "the copies take turns by hash");
        read.was_tried_at(NodeId(1), &route);
        assert_eq!(to(&read, 4), Some(NodeId(3)));
        read.was_tried_at(NodeId(3), &route);
        assert_eq!(to(&read, 4), Some(NodeId(4)), "rather than none");
        read.was_tried_at(NodeId(4), &route);
        assert_eq!(to(&read, 0), None);
        read.forget_tries();
        assert_eq!(read.target(&route, Reads::Fresh, |node| node == NodeId(1), |_| false), Some(NodeId(4)));
    }

    #[test]
    fn writes_and_strict_reads_know_the_primary_only() {
        let view = view();
        let (route, lonely) = (view.route(0), view.route(u64::MAX));
        for (op, reads) in [(delete(0, "a"), Reads::Fresh), (get(0, "a"), Reads::Strict)] {
            assert_eq!(op.target(&route, reads, |_| false, |_| true), Some(NodeId(1)), "however it is avoided");
            assert_eq!(op.target(&route, reads, |node| node == NodeId(1), |_| false), None);
        }
        assert_eq!(get(u64::MAX, "b").target(&lonely, Reads::Fresh, |_| false, |_| true), Some(NodeId(2)));
    }
}
