//! Whether a node may be stopped now.

use std::collections::BTreeSet;

use ringhold_model::{NodeId, cluster::ClusterState, wire::NodeStatus};

use super::sight::Sights;

/// What stopping a node would mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Safety {
    /// Why it should not be stopped; empty: it may be.
    pub reasons: Vec<String>,
    /// Ranges that no other serving node holds.
    pub last_copies: u32,
    /// Ranges that would refuse writes, because fewer than `min_in_sync` copies would be left.
    pub below_min_in_sync: u32,
    /// Ranges that it would hand over first.
    pub primaries: u32,
    /// Writes that it acknowledged as the only copy although more are wanted, since its start; `None`: it did not answer.
    pub single_copy_writes: Option<u64>,
}

impl Safety {
    /// True when nothing speaks against it.
    pub fn is_safe(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// What stopping `node` would mean for the ranges and the cluster, as far as the leader's word on leases and the nodes'
/// answers tell.
pub fn safety(state: &ClusterState, status: &NodeStatus, sights: &Sights, node: NodeId) -> Safety {
    let mut safety = Safety::default();
    let progress = sights.nodes.get(&node).and_then(|sight| sight.progress.as_ref());
    safety.single_copy_writes = progress.map(|progress| progress.single_copy_writes);
    for record in &state.ranges {
        safety.primaries += u32::from(record.primary == Some(node));
        if record.in_sync.iter().all(|member| member.node != node) {
            continue;
        }
        let others = record.in_sync.iter().filter(|member| member.node != node && sights.stays(member.node)).count();
        safety.last_copies += u32::from(others == 0);
        safety.below_min_in_sync += u32::from(others < usize::from(state.settings.min_in_sync));
    }
    safety.reasons = reasons(&safety, state, status, sights, node);
    safety
}

fn reasons(safety: &Safety, state: &ClusterState, status: &NodeStatus, sights: &Sights, node: NodeId) -> Vec<String> {
    let mut reasons = Vec::new();
    if !sights.has_leader_answered {
        reasons.push("the leader could not be asked which nodes serve; try again shortly".to_owned());
    }
    if safety.last_copies > 0 {
        reasons.push(format!("no other serving node holds {} of its ranges; they would be lost", safety.last_copies));
    }
    if safety.below_min_in_sync > safety.last_copies {
        reasons.push(format!(
            "{} ranges would have fewer than {} copies in sync and refuse writes",
            safety.below_min_in_sync, state.settings.min_in_sync
        ));
    }
    let voters: BTreeSet<NodeId> = status.voters.iter().copied().collect();
    let others = voters.iter().filter(|voter| **voter != node && sights.stays(**voter)).count();
    if voters.contains(&node) && others <= voters.len() / 2 {
        reasons.push(format!("without it {others} of {} voters would be left, which is no majority", voters.len()));
    }
    reasons
}
