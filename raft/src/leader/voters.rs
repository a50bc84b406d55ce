//! The next step towards the Raft membership that the state asks for. Plain functions.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, NodeState},
};

/// The Raft membership as the leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// Voters; of the newer set while two hold.
    pub(super) voters: BTreeSet<NodeId>,
    /// Everyone else who gets the log.
    pub(super) learners: BTreeSet<NodeId>,
    /// Two sets of voters hold: a change is under way or was interrupted.
    pub(super) is_joint: bool,
    /// Learners (and voters) that have nearly all of the log.
    pub(super) caught_up: BTreeSet<NodeId>,
}

/// What the leader does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The state is not formed: propose `Form` from the founding membership.
    Form,
    /// Let this node have the log.
    AddLearner(NodeId),
    /// Make these the voters, in one change.
    Voters(BTreeSet<NodeId>),
    /// Stop sending the log to these.
    Forget(BTreeSet<NodeId>),
}

/// The next step; `None`: all is as it should be.
///
/// A node that stopped or crashed looks here like any other: only `Gone` nodes leave the membership.
pub(super) fn next_step(state: &ClusterState, members: &Members) -> Option<Step> {
    if !state.is_formed() {
        return Some(Step::Form);
    }
    if members.is_joint {
        return Some(Step::Voters(members.voters.clone()));
    }
    let is_known = |id: &NodeId| members.voters.contains(id) || members.learners.contains(id);
    let living = |id: &NodeId| state.nodes.get(id).is_some_and(|node| node.state != NodeState::Gone);
    if let Some(id) = state.nodes.keys().find(|id| living(id) && !is_known(id)) {
        return Some(Step::AddLearner(*id));
    }
    if let Some(voters) = better_voters(state, members) {
        return Some(Step::Voters(voters));
    }
    let gone: BTreeSet<NodeId> = members.learners.iter().filter(|id| !living(id)).copied().collect();
    (!gone.is_empty()).then_some(Step::Forget(gone))
}

/// A set of 1, 3 or 5 voters that is better than the present one.
///
/// It grows when there are enough active nodes with the log. A voter that is gone is swapped for a learner that has the
/// log, in one change; with none to swap it stays listed, except that five shrink to three. One that is leaving is swapped
/// as well while there are learners, and serves on otherwise. Two voters never happen: they tolerate less than one.
fn better_voters(state: &ClusterState, members: &Members) -> Option<BTreeSet<NodeId>> {
    let is = |id: &NodeId, wanted: NodeState| state.nodes.get(id).is_some_and(|node| node.state == wanted);
    let active = state.nodes.values().filter(|node| node.state == NodeState::Active).count();
    let kept = members.voters.iter().filter(|id| state.nodes.contains_key(id) && !is(id, NodeState::Gone));
    let (leaving, staying): (Vec<NodeId>, Vec<NodeId>) = kept.copied().partition(|id| is(id, NodeState::Leaving));
    let learners = members.learners.iter().filter(|id| members.caught_up.contains(id) && is(id, NodeState::Active));
    let candidates: Vec<NodeId> = learners.copied().collect();
    let now = members.voters.len();
    let wanted = match active {
        0..=2 => 1,
        3..=4 => 3,
        _ => 5,
    };
    let available = staying.len() + leaving.len() + candidates.len();
    let has_gone = staying.len() + leaving.len() < now;
    let size = if wanted > now && available >= wanted {
        wanted
    } else if (has_gone || !leaving.is_empty()) && available >= now {
        now
    } else if has_gone && now == 5 && available >= 3 {
        3
    } else {
        return None;
    };
    Some(choose(state, staying, candidates, leaving, size)).filter(|voters| *voters != members.voters)
}

/// Keeps those who stay, then takes candidates from zones that have no voter yet, lowest ids first, then those who leave.
fn choose(
    state: &ClusterState,
    staying: Vec<NodeId>,
    mut candidates: Vec<NodeId>,
    leaving: Vec<NodeId>,
    size: usize,
) -> BTreeSet<NodeId> {
    let zone = |id: &NodeId| state.nodes.get(id).map_or("", |node| node.zone.as_str());
    let mut voters: BTreeSet<NodeId> = staying.into_iter().take(size).collect();
    while voters.len() < size && !candidates.is_empty() {
        let used: BTreeSet<&str> = voters.iter().map(zone).collect();
        let at = candidates.iter().position(|id| !used.contains(zone(id))).unwrap_or(0);
        voters.insert(candidates.remove(at));
    }
    let missing = size - voters.len();
    voters.extend(leaving.into_iter().take(missing));
    voters
}

/// Nodes that hold the log up to a little behind its end.
pub(super) fn caught_up(matched: &BTreeMap<u64, Option<u64>>, last: u64, lag_max: u64) -> BTreeSet<NodeId> {
    matched
        .iter()
        .filter(|(_, index)| index.is_some_and(|index| index + lag_max >= last))
        .map(|(id, _)| NodeId(*id))
        .collect()
}

#[cfg(test)]
mod tests {
    use ringhold_model::{
        ClusterId,
        cluster::{Addresses, Node},
    };

    use super::*;

    fn ids(text: &str) -> BTreeSet<NodeId> {
        text.split_whitespace().map(|id| NodeId(id.parse().unwrap())).collect()
    }

    fn state(active: &str, gone: &str) -> ClusterState {
        let node = |state| Node {
            birth: 1,
            boot: 1,
            incarnation: None,
            addresses: Addresses::default(),
            zone: String::new(),
            weight: 100,
            state,
            touched_at: 0,
            set_weight: None,
        };
        let mut state = ClusterState::default();
        state.cluster = ClusterId(1);
        state.range_bits = 4;
        state.nodes.extend(ids(active).into_iter().map(|id| (id, node(NodeState::Active))));
        state.nodes.extend(ids(gone).into_iter().map(|id| (id, node(NodeState::Gone))));
        state
    }

    fn leaving(mut state: ClusterState, ids_: &str) -> ClusterState {
        for id in ids(ids_) {
            state.nodes.get_mut(&id).unwrap().state = NodeState::Leaving;
        }
        state
    }

    fn members(voters: &str, learners: &str) -> Members {
        let (voters, learners) = (ids(voters), ids(learners));
        let caught_up = voters.union(&learners).copied().collect();
        Members { voters, learners, is_joint: false, caught_up }
    }

    #[test]
    fn the_membership_follows_the_nodes() {
        let voters = |text: &str| Some(Step::Voters(ids(text)));
        let table = [
            ("nothing to do", state("1 2 3", ""), members("1 2 3", ""), None),
            ("a second node only learns", state("1 2", ""), members("1", "2"), None),
            ("a third makes three voters", state("1 2 3", ""), members("1", "2 3"), voters("1 2 3")),
            ("a fourth only learns", state("1 2 3 4", ""), members("1 2 3", "4"), None),
            ("a fifth makes five", state("1 2 3 4 5", ""), members("1 2 3", "4 5"), voters("1 2 3 4 5")),
            (
                "an unknown node gets the log",
                state("1 2 3 4", ""),
                members("1 2 3", ""),
                Some(Step::AddLearner(NodeId(4))),
            ),
            ("a gone voter is swapped", state("1 2 4", "3"), members("1 2 3", "4"), voters("1 2 4")),
            ("none to swap, so it stays", state("1 2", "3"), members("1 2 3", ""), None),
            ("five shrink to three", state("1 2 3 4", "5"), members("1 2 3 4 5", ""), voters("1 2 3")),
            ("a gone learner is forgotten", state("1 2 3", "4"), members("1 2 3", "4"), Some(Step::Forget(ids("4")))),
            ("one that leaves is swapped", leaving(state("1 2 3 4", ""), "2"), members("1 2 3", "4"), voters("1 3 4")),
            ("none to swap, so it serves on", leaving(state("1 2 3", ""), "2"), members("1 2 3", ""), None),
            ("the only voter leaves", leaving(state("1 2", ""), "1"), members("1", "2"), voters("2")),
            (
                "two leave, one can be swapped",
                leaving(state("1 2 3 4", ""), "1 2"),
                members("1 2 3", "4"),
                voters("1 3 4"),
            ),
            ("the gone go first", leaving(state("1 2 4", "3"), "2"), members("1 2 3", "4"), voters("1 2 4")),
            ("growing without it", leaving(state("1 2 3 4", ""), "1"), members("1", "2 3 4"), voters("2 3 4")),
        ];
        for (name, state, members, expected) in table {
            assert_eq!(next_step(&state, &members), expected, "{name}");
        }
    }

    #[test]
    fn a_learner_that_lags_is_not_promoted() {
        let mut members = members("1", "2 3");
        members.caught_up = ids("1 2");
        assert_eq!(better_voters(&state("1 2 3", ""), &members), None);
        let matched = BTreeMap::from([(1, Some(100)), (2, Some(89)), (3, None), (4, Some(90))]);
        assert_eq!(caught_up(&matched, 100, 10), ids("1 4"));
    }

    #[test]
    fn an_interrupted_change_is_finished_before_anything_else() {
        let mut members = members("1 2 4", "3");
        members.is_joint = true;
        assert_eq!(next_step(&state("1 2 4 5", "3"), &members), Some(Step::Voters(ids("1 2 4"))));
    }

    #[test]
    fn a_missing_voter_comes_from_another_zone_if_it_can() {
        let mut state = state("1 2 3 4", "");
        for (id, zone) in [(1, "a"), (2, "a"), (3, "b"), (4, "c")] {
            state.nodes.get_mut(&NodeId(id)).unwrap().zone = zone.to_owned();
        }
        assert_eq!(better_voters(&state, &members("1", "2 3 4")), Some(ids("1 3 4")));
    }

    #[test]
    fn an_unformed_state_is_formed_first() {
        assert_eq!(next_step(&ClusterState::default(), &members("1 2 3", "")), Some(Step::Form));
    }
}
