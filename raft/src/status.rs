//! How this node sees the cluster: taken from openraft's metrics and from when a leader was last heard from.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openraft::{RaftMetrics, ServerState};
use ringhold_model::{NodeId, wire::NodeStatus};

use crate::{
    shared::{Seen, Shared},
    types::Peer,
};

/// Between looks: silence of a leader brings no event.
const TICK: Duration = Duration::from_millis(50);

/// Keeps the status fresh, until cancelled. Also carries what the state says of addresses into the book.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut applied = 0;
    loop {
        let next = shared.raft().map(|raft| raft.metrics().borrow().clone());
        let patience = shared.settings.timings.election_max * 2;
        shared.set_seen(see(next.as_ref(), shared.leader_silence(), patience));
        let state = shared.view.state();
        if state.applied != applied {
            applied = state.applied;
            shared.learn_from(&state);
        }
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// openraft keeps naming a leader that fell silent (a learner never campaigns) and a leader that lost its majority never
/// steps down: both count as none.
fn see(metrics: Option<&RaftMetrics<u64, Peer>>, silence: Option<Duration>, patience: Duration) -> Seen {
    let Some(metrics) = metrics else { return Seen::default() };
    let is_heard = match metrics.current_leader {
        Some(leader) if leader == metrics.id => {
            let quorum = metrics.millis_since_quorum_ack.map(Duration::from_millis);
            metrics.state == ServerState::Leader && quorum.is_some_and(|age| age < patience)
        }
        Some(_) => silence.is_some_and(|silence| silence < patience),
        None => false,
    };
    let membership = metrics.membership_config.membership();
    let status = NodeStatus {
        node: Some(NodeId(metrics.id)),
        leader: metrics.current_leader.filter(|_| is_heard).map(NodeId),
        term: metrics.current_term,
        last_log: metrics.last_log_index.unwrap_or(0),
        applied: metrics.last_applied.map_or(0, |id| id.index),
        voters: membership.voter_ids().map(NodeId).collect(),
        learners: membership.learner_ids().map(NodeId).collect(),
    };
    Seen { status, has_leader: is_heard, at: Instant::now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(900);

    #[test]
    fn a_leader_that_lost_its_majority_and_a_leader_that_fell_silent_are_no_leaders() {
        let mut metrics = RaftMetrics::<u64, Peer>::new_initial(1);
        metrics.current_leader = Some(2);
        assert!(!see(Some(&metrics), None, PATIENCE).has_leader);
        assert!(!see(Some(&metrics), Some(PATIENCE), PATIENCE).has_leader);
        assert!(see(Some(&metrics), Some(Duration::ZERO), PATIENCE).has_leader);
        metrics.current_leader = Some(1);
        metrics.state = ServerState::Leader;
        assert!(!see(Some(&metrics), Some(Duration::ZERO), PATIENCE).has_leader);
        metrics.millis_since_quorum_ack = Some(901);
        assert!(!see(Some(&metrics), None, PATIENCE).has_leader);
        metrics.millis_since_quorum_ack = Some(10);
        assert_eq!(see(Some(&metrics), None, PATIENCE).status.leader, Some(NodeId(1)));
    }
}
