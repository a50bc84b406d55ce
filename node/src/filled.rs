//! Whether this node holds what it is to hold: it is ready only then (rule C5), so that whoever restarts nodes one after the
//! other does not go on before.

use ringhold_model::{NodeId, RangeId, cluster::ClusterState};

/// True when every copy that the plan wants at `me` is in sync, by a plan that knows of all nodes there are now. While moves
/// are paused, nothing more is to come.
pub(crate) fn is_filled(state: &ClusterState, me: NodeId) -> bool {
    let is_counted_on =
        state.plan.as_ref().is_some_and(|plan| plan.id >= state.nodes_changed_at && !plan.absent.contains(&me));
    state.settings.moves_paused || (is_counted_on && missing(state, me) == 0)
}

/// How many copies the plan wants at `me` that are not in sync.
pub(crate) fn missing(state: &ClusterState, me: NodeId) -> usize {
    let owners = state.plan.iter().flat_map(|plan| &plan.owners);
    let is_missing = |(at, owners): &(usize, &Vec<NodeId>)| {
        let is_here =
            |record: &ringhold_model::cluster::RangeRecord| record.in_sync.iter().any(|member| member.node == me);
        owners.contains(&me) && !state.range(RangeId(*at as u16)).is_some_and(is_here)
    };
    owners.enumerate().filter(is_missing).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringhold_model::{
        Mid,
        cluster::{Member, Plan, RangeRecord},
    };

    use super::*;

    const ME: NodeId = NodeId(2);

    fn state(in_sync: &[u64]) -> ClusterState {
        let members = in_sync.iter().map(|id| Member { node: NodeId(*id), mid: Mid(1) }).collect();
        let mut state = ClusterState::default();
        state.nodes_changed_at = 5;
        state.ranges = vec![RangeRecord { in_sync: members, ..RangeRecord::default() }];
        state.plan = Some(Plan { id: 6, owners: vec![vec![NodeId(1), ME]], absent: BTreeSet::new() });
        state
    }

    #[test]
    fn a_node_is_filled_when_it_has_what_a_plan_that_counts_on_it_wants() {
        assert!(is_filled(&state(&[1, 2]), ME));
        assert!(!is_filled(&state(&[1]), ME));
        assert!(is_filled(&state(&[1]), NodeId(3)), "nothing is wanted there");
        let mut paused = state(&[1]);
        paused.settings.moves_paused = true;
        assert!(is_filled(&paused, ME));
        let mut outdated = state(&[1, 2]);
        outdated.nodes_changed_at = 7;
        assert!(!is_filled(&outdated, ME), "a node joined since");
        let mut absent = state(&[1]);
        absent.plan.as_mut().expect("there is one").absent.insert(NodeId(3));
        assert!(!is_filled(&absent, NodeId(3)), "it came back, and the next plan counts on it again");
        let mut unplanned = state(&[1, 2]);
        unplanned.plan = None;
        assert!(!is_filled(&unplanned, ME));
    }
}
