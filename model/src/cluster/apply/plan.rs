//! The plan: set by the leader, or made of the present layout.

use std::collections::BTreeSet;

use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply},
        state::{ClusterState, Plan, RangeRecord},
    },
    ids::{Epoch, NodeId},
};

impl ClusterState {
    pub(super) fn set_plan(
        &mut self,
        index: u64,
        owners: &[Vec<NodeId>],
        computed_at: u64,
        absent: &BTreeSet<NodeId>,
    ) -> Outcome {
        let planned_at = self.plan.as_ref().map_or(0, |plan| plan.id);
        if computed_at < self.nodes_changed_at.max(planned_at) {
            return Err(Rejection::OldPlan);
        }
        let owners = self.checked_owners(index, owners, computed_at).map_err(Rejection::BadPlan)?;
        self.check_absent(&owners, absent).map_err(Rejection::BadPlan)?;
        for (range, wanted) in self.range_ids().zip(&owners) {
            if self.range(range).is_some_and(|record| record.epoch == Epoch(0)) {
                self.put_range(index, range, RangeRecord::begun(index, wanted));
            }
        }
        self.plan = Some(Plan { id: index, owners, absent: absent.clone() });
        Ok(Reply::Done)
    }

    /// Before the first plan there is nothing to cancel.
    pub(super) fn cancel_moves(&mut self, index: u64) -> Reply {
        let mut touched = 0;
        for range in self.range_ids() {
            let Some(record) = self.range(range).filter(|record| record.pending.is_some()) else { continue };
            let record = RangeRecord { pending: None, ..record.clone() };
            touched += u32::from(self.put_range(index, range, record));
        }
        if let Some(plan) = self.plan.take() {
            let owners: Vec<_> =
                self.ranges.iter().zip(&plan.owners).map(|(record, wanted)| self.settled(record, wanted)).collect();
            let owns = |id: &NodeId| owners.iter().any(|owners| owners.contains(id));
            let absent = plan.absent.into_iter().filter(|id| !owns(id)).collect();
            // A plan that nodes have outdated stays due: it may be the one that restores what they lost.
            let id = if plan.id < self.nodes_changed_at { plan.id } else { index };
            self.plan = Some(Plan { id, owners, absent });
        }
        Reply::Ranges { touched, reset: 0 }
    }

    /// Owners that call for no move: the primary, members that were wanted, other members. As many as were wanted, so that
    /// a range that has too many copies still lets one go; where copies are missing, those wanted in their place.
    fn settled(&self, record: &RangeRecord, wanted: &[NodeId]) -> Vec<NodeId> {
        let members = || record.in_sync.iter().map(|member| member.node);
        let kept = wanted.iter().copied().filter(|id| record.has_member(*id));
        let missing = wanted.iter().copied().filter(|id| self.is_active(*id));
        let mut seen = BTreeSet::new();
        let all = record.primary.into_iter().chain(kept).chain(members()).chain(missing);
        all.filter(|id| seen.insert(*id)).take(wanted.len()).collect()
    }

    /// `owners` without repetitions, if they fit the state.
    fn checked_owners(&self, index: u64, owners: &[Vec<NodeId>], computed_at: u64) -> Result<Vec<Vec<NodeId>>, String> {
        if computed_at >= index {
            return Err(format!("it was computed at {computed_at}, which is still to come"));
        }
        if owners.len() != self.ranges.len() {
            return Err(format!("it names {} ranges of {}", owners.len(), self.ranges.len()));
        }
        let mut checked = Vec::with_capacity(owners.len());
        for (range, wanted) in owners.iter().enumerate() {
            if wanted.is_empty() {
                return Err(format!("range {range} has no owner"));
            }
            if let Some(id) = wanted.iter().find(|id| !self.is_active(**id)) {
                return Err(format!("range {range} is given to node {id}, which is not active"));
            }
            let mut seen = BTreeSet::new();
            checked.push(wanted.iter().copied().filter(|id| seen.insert(*id)).collect());
        }
        Ok(checked)
    }

    fn check_absent(&self, owners: &[Vec<NodeId>], absent: &BTreeSet<NodeId>) -> Result<(), String> {
        if let Some(id) = absent.iter().find(|id| !self.is_active(**id)) {
            return Err(format!("node {id} is left out, but it is not active"));
        }
        match owners.iter().position(|owners| owners.iter().any(|id| absent.contains(id))) {
            Some(range) => Err(format!("range {range} is given to a node that is left out")),
            None => Ok(()),
        }
    }
}
