//! Members are lost: who leads instead, and what begins again, empty.

use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply},
        state::{ClusterState, Node, NodeState, RangeRecord},
    },
    ids::{Incarnation, NodeId, RangeId},
};

/// What became of ranges.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Toll {
    /// Ranges that changed.
    pub(super) touched: u32,
    /// Those that lost their data.
    pub(super) reset: u32,
}

impl From<Toll> for Reply {
    fn from(toll: Toll) -> Self {
        Self::Ranges { touched: toll.touched, reset: toll.reset }
    }
}

impl ClusterState {
    /// Whoever is down leaves where somebody who is alive has everything; the others wait for it (rule L7).
    pub(super) fn node_down(
        &mut self,
        index: u64,
        id: NodeId,
        incarnation: Incarnation,
        alive: &[(NodeId, Incarnation)],
    ) -> Outcome {
        let node = self.nodes.get(&id).ok_or(Rejection::UnknownNode(id))?;
        if node.state == NodeState::Gone {
            return Err(Rejection::NodeGone(id));
        }
        if node.incarnation != Some(incarnation) {
            return Err(Rejection::OldIncarnation(id));
        }
        let alive: Vec<_> = alive.iter().filter(|(id, run)| self.runs_as(*id, *run)).map(|(id, _)| *id).collect();
        let lives = |other: NodeId| alive.contains(&other);
        let mut toll = Toll::default();
        for range in self.range_ids() {
            let Some(record) = self.range(range).and_then(|record| self.left(index, range, record, id, &lives)) else {
                continue;
            };
            toll.touched += u32::from(self.put_range(index, range, record));
        }
        Ok(toll.into())
    }

    /// Takes `leaver` out of every range. Where it was the last member the range begins again, empty, at the next of
    /// `heirs`, of which there is always one; this counts as a reset when `had_memory`.
    pub(super) fn end_memberships(
        &mut self,
        index: u64,
        leaver: NodeId,
        heirs: impl IntoIterator<Item = NodeId>,
        had_memory: bool,
    ) -> Toll {
        let mut heirs = heirs.into_iter();
        let mut toll = Toll::default();
        for range in self.range_ids() {
            let Some(record) = self.range(range) else { continue };
            let is_last = record.has_member(leaver) && record.in_sync.len() == 1;
            let next = match is_last {
                true => heirs.next().map(|heir| record.begun_again(index, heir, had_memory)),
                false => self.left(index, range, record, leaver, &|_| true),
            };
            let Some(record) = next else { continue };
            toll.touched += u32::from(self.put_range(index, range, record));
            toll.reset += u32::from(is_last && had_memory);
        }
        toll
    }

    /// `record` when `leaver` is no member of it any more, or as close to that as can be: it stays in sync where no other
    /// member `lives`. `None` when it is nothing to the range.
    fn left(
        &self,
        index: u64,
        range: RangeId,
        record: &RangeRecord,
        leaver: NodeId,
        lives: &impl Fn(NodeId) -> bool,
    ) -> Option<RangeRecord> {
        if record.pending.is_some_and(|member| member.node == leaver) {
            return Some(RangeRecord { pending: None, ..record.clone() });
        }
        if !record.has_member(leaver) {
            return None;
        }
        let rest = record.without(leaver);
        let next = self.successor(range, &rest, lives)?;
        Some(if record.primary == Some(leaver) { rest.led_by(index, next) } else { rest })
    }

    /// Who leads best among the members that live: the first that the plan names, else the longest in sync.
    fn successor(&self, range: RangeId, record: &RangeRecord, lives: &impl Fn(NodeId) -> bool) -> Option<NodeId> {
        let fits = |id: &NodeId| record.has_member(*id) && lives(*id);
        let planned = self.plan.as_ref().and_then(|plan| plan.owners.get(usize::from(range.0)));
        let by_plan = planned.and_then(|owners| owners.iter().copied().find(fits));
        by_plan.or_else(|| record.in_sync.iter().map(|member| member.node).find(fits))
    }

    /// Whether this is the node's current process, as far as the log knows.
    fn runs_as(&self, id: NodeId, incarnation: Incarnation) -> bool {
        let is_it = |node: &Node| node.state != NodeState::Gone && node.incarnation == Some(incarnation);
        self.nodes.get(&id).is_some_and(is_it)
    }

    /// The ids of all ranges, ascending.
    pub(super) fn range_ids(&self) -> impl Iterator<Item = RangeId> + use<> {
        (0..=u16::MAX).map(RangeId).take(self.ranges.len())
    }
}
