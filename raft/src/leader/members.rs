//! Takes the leader's steps of the Raft membership, one at a time, each under a timeout.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    future::Future,
    sync::Arc,
    time::Duration,
};

use openraft::{ChangeMembers, RaftMetrics, ServerState};
use ringhold_model::{
    ClusterId, NodeId,
    cluster::{Addresses, ClusterState, Command, Rejection, Seed},
};

use super::voters::{Members, Step, caught_up, next_step};
use crate::{
    handle::ProposeError,
    propose::propose_own,
    shared::Shared,
    types::{Peer, Raft},
};

/// Between looks.
const TICK: Duration = Duration::from_millis(100);
/// One step; after it, its outcome is read from the membership.
const STEP_MAX: Duration = Duration::from_secs(5);
/// A learner this close to the end of the log may become a voter.
const LAG_MAX: u64 = 100;

/// Acts whenever this node leads, until cancelled.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
        }
        let Some(raft) = shared.raft() else { continue };
        let metrics = raft.metrics().borrow().clone();
        if !leads(&shared, &metrics) {
            continue;
        }
        let state = shared.view.state();
        if let Some(step) = next_step(&state, &members(&metrics)) {
            tracing::debug!(?step, "the leader takes a step");
            tokio::select! {
                () = shared.cancel.cancelled() => break,
                () = take(&shared, &raft, &state, &metrics, step) => {}
            }
        }
    }
}

/// Leads, reaches a majority, and has applied what its log held.
fn leads(shared: &Shared, metrics: &RaftMetrics<u64, Peer>) -> bool {
    metrics.state == ServerState::Leader && shared.seen().has_leader && shared.leases().is_some()
}

fn members(metrics: &RaftMetrics<u64, Peer>) -> Members {
    let membership = metrics.membership_config.membership();
    let configs = membership.get_joint_config();
    let voters: BTreeSet<NodeId> = configs.last().into_iter().flatten().copied().map(NodeId).collect();
    let all = membership.nodes().map(|(id, _)| NodeId(*id));
    let matched: BTreeMap<u64, Option<u64>> =
        metrics.replication.iter().flatten().map(|(id, matched)| (*id, matched.as_ref().map(|id| id.index))).collect();
    Members {
        learners: all.filter(|id| !voters.contains(id)).collect(),
        voters,
        is_joint: configs.len() > 1,
        caught_up: caught_up(&matched, metrics.last_log_index.unwrap_or(0), LAG_MAX),
    }
}

async fn take(shared: &Shared, raft: &Raft, state: &ClusterState, metrics: &RaftMetrics<u64, Peer>, step: Step) {
    match step {
        Step::Form => form(shared, metrics).await,
        Step::AddLearner(id) => {
            let Some(node) = state.nodes.get(&id) else { return };
            let Addresses { rpc, health } = node.addresses.clone();
            let peer = Peer { rpc, health, birth: node.birth };
            tracing::info!(node.id = id.0, "a node gets the log");
            bounded("add a learner", raft.add_learner(id.0, peer, false)).await;
        }
        Step::Voters(voters) => {
            tracing::info!(?voters, "the voters change");
            let voters: BTreeSet<u64> = voters.iter().map(|id| id.0).collect();
            bounded("change the voters", raft.change_membership(voters, true)).await;
        }
        Step::Forget(gone) => {
            tracing::info!(?gone, "nodes that are gone leave the membership");
            let gone = ChangeMembers::RemoveNodes(gone.iter().map(|id| id.0).collect());
            bounded("remove nodes", raft.change_membership(gone, false)).await;
        }
    }
}

/// Whoever leads the founding membership can form the state: the membership says who the founders are.
async fn form(shared: &Shared, metrics: &RaftMetrics<u64, Peer>) {
    let seeds = metrics
        .membership_config
        .membership()
        .nodes()
        .map(|(id, peer)| Seed {
            id: NodeId(*id),
            birth: peer.birth,
            addresses: Addresses { rpc: peer.rpc.clone(), health: peer.health.clone() },
        })
        .collect();
    let cluster: ClusterId = shared.me().cluster;
    let founding = &shared.settings.founding;
    let command = Command::Form {
        cluster,
        hash_seed: rand::random(),
        range_bits: founding.range_bits,
        seeds,
        config: founding.config.clone(),
        default_backend: founding.default_backend,
    };
    match propose_own(shared, command, STEP_MAX).await {
        Ok(_) | Err(ProposeError::Rejected(Rejection::AlreadyFormed)) => {
            tracing::info!(cluster = cluster.0, "the cluster is formed");
        }
        Err(error) => tracing::error!(%error, "the cluster cannot be formed"),
    }
}

async fn bounded<T, E: Display>(what: &str, step: impl Future<Output = Result<T, E>>) {
    match tokio::time::timeout(STEP_MAX, step).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "could not {what}; looking again"),
        Err(_) => tracing::warn!("no majority in time to {what}; looking again"),
    }
}
