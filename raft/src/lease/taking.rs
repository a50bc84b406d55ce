//! Commands that take a role from a node without its own word, so that its lease has to end first and stay ended until they
//! are applied (rules L1, L4).
//!
//! Deliberately absent: `Handover`, for which the new primary needs the old one's promise (rule C2); `Removed`, which follows
//! the copy's own word (rule C3); `CancelPending` and `CancelMoves`, because a pending copy serves nothing; `NodeStart`,
//! because the data folder is locked: the former process is dead.

use std::collections::BTreeSet;

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, Command, NodeState},
};

/// Whom `command` takes something from, by what `state` says.
pub fn taken_from(command: &Command, state: &ClusterState) -> BTreeSet<NodeId> {
    match command {
        Command::NodeDown { node, .. } | Command::RemoveNode { node, .. } => BTreeSet::from([*node]),
        Command::Reset { restarts } => {
            let records = restarts.iter().filter_map(|step| state.range(step.range));
            records.flat_map(|record| &record.in_sync).map(|member| member.node).collect()
        }
        Command::Register { birth, addresses, .. } => replaced(state, *birth, &addresses.rpc),
        _ => BTreeSet::new(),
    }
}

/// The node whose place a new one takes: it had this address, and its data folder is another one.
fn replaced(state: &ClusterState, birth: u64, rpc: &str) -> BTreeSet<NodeId> {
    if state.nodes.values().any(|node| node.birth == birth) {
        return BTreeSet::new();
    }
    let lives_there = state.nodes.iter().filter(|(_, node)| node.state != NodeState::Gone && node.addresses.rpc == rpc);
    lives_there.map(|(id, _)| *id).collect()
}
