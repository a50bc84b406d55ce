//! The orderly end of a node (rule C5): its primaries are handed over, its copies taken out, and a last copy is waited for.
//!
//! The leader does the handing over, once the renewals of the lease say that this node is about to stop. Here it is watched,
//! for as long as it gets on.

use std::{fmt, sync::Arc, time::Duration};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, NodeState},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{data::Node, proposals};

/// Longest time for all of it.
const LEAVE_MAX: Duration = Duration::from_secs(60);
/// Without any progress for so long, waiting is of no use: the others are stopping as well, or there is no leader. Longer than
/// it takes to elect a new one and to find out who cannot be reached.
const STALL_MAX: Duration = Duration::from_secs(5);
/// How often it is looked at, besides at every change of the state.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What others would lose if this node stopped now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Burden {
    /// Ranges whose primary it is although another copy could be.
    primaries: usize,
    /// Ranges that only it holds although another living node is to have them.
    last_copies: usize,
}

impl Burden {
    const NONE: Self = Self { primaries: 0, last_copies: 0 };

    /// `is_lost` tells which nodes are surely of no help.
    fn of(state: &ClusterState, me: NodeId, is_lost: impl Fn(NodeId) -> bool) -> Self {
        let is_able = |node: NodeId| {
            let is_active = state.nodes.get(&node).is_some_and(|node| node.state == NodeState::Active);
            node != me && is_active && !is_lost(node)
        };
        let mut burden = Self::NONE;
        for (range, record) in state.primaries_of(me) {
            let owners = state.plan.as_ref().and_then(|plan| plan.owners.get(usize::from(range.0)));
            let mut wanted = owners.into_iter().flatten().copied().chain(record.pending.map(|member| member.node));
            if record.in_sync.iter().any(|member| member.node != me && !is_lost(member.node)) {
                burden.primaries += 1;
            } else if wanted.any(is_able) {
                burden.last_copies += 1;
            }
        }
        burden
    }
}

impl fmt::Display for Burden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ranges to hand over, {} to be copied first", self.primaries, self.last_copies)
    }
}

/// Leaves as far as that helps anybody; returns early on `end`.
pub(crate) async fn leave(node: &Arc<Node>, end: &CancellationToken) {
    node.set_leaving();
    if end.run_until_cancelled(relieve(node)).await.is_none() {
        return;
    }
    let retired = tokio::time::timeout(STALL_MAX, retire(node));
    match end.run_until_cancelled(retired).await {
        Some(Ok(0)) | None => {}
        Some(Ok(copies)) => tracing::info!(copies, "took this node's copies out"),
        Some(Err(_)) => tracing::warn!("could not take this node's copies out in time; the others will notice"),
    }
}

/// Waits until nobody loses anything by the end of this node.
async fn relieve(node: &Arc<Node>) {
    let Some(me) = node.control.node_id() else { return };
    let began = Instant::now();
    let mut states = node.control.watch();
    let (mut before, mut moved_at) = (None, began);
    loop {
        let burden = Burden::of(&states.borrow_and_update(), me, |node_id| node.reach.is_lost(node_id));
        if burden == Burden::NONE {
            break;
        }
        let progress = Some((burden, filled_bytes(node)));
        if progress != before {
            (before, moved_at) = (progress, Instant::now());
            tracing::info!("before this node stops: {burden}");
        }
        if began.elapsed() >= LEAVE_MAX || moved_at.elapsed() >= STALL_MAX {
            tracing::warn!("this node stops although it goes on no longer: {burden}");
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            changed = states.changed() => if changed.is_err() { return },
        }
    }
    if before.is_some() {
        tracing::info!(elapsed_ms = began.elapsed().as_millis() as u64, "all ranges are in other hands");
    }
}

/// How much was sent to copies that are or were being filled.
fn filled_bytes(node: &Node) -> u64 {
    let progress = node.progress().unwrap_or_default();
    progress.filled.bytes + progress.fills.iter().map(|fill| fill.bytes).sum::<u64>()
}

/// Takes this node's copies out. Says how many there were.
async fn retire(node: &Arc<Node>) -> usize {
    // Until it acts by what was handed over, it takes writes in as a primary.
    node.wait_until_acted(node.control.state().applied).await;
    // What was handed over with writes under way: the new primary tells when they are committed, and tells members only.
    node.writing.none().await;
    let Some(engine) = node.engine() else { return 0 };
    let mut copies = 0;
    // Until it is a member of nothing: what was proposed is void where a primary changed meanwhile.
    loop {
        let changes = engine.retire_copies();
        if changes.is_empty() || !proposals::remove(node, &changes).await {
            return copies;
        }
        copies += changes.len();
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::{
        Epoch, Mid,
        cluster::{Addresses, Member, Node, Plan, RangeRecord},
    };

    use super::*;

    const ME: NodeId = NodeId(1);

    fn node(state: NodeState) -> Node {
        Node {
            birth: 1,
            boot: 1,
            incarnation: None,
            addresses: Addresses::default(),
            zone: String::new(),
            weight: 100,
            state,
            touched_at: 0,
            set_weight: None,
        }
    }

    /// Nodes 1 to 3 are active, 4 is leaving. `ranges`: in-sync members, the primary first, pending, and the plan.
    fn state(ranges: &[(&[u64], Option<u64>, &[u64])]) -> ClusterState {
        let mut state = ClusterState::default();
        for id in 1..=4 {
            let stands = if id == 4 { NodeState::Leaving } else { NodeState::Active };
            state.nodes.insert(NodeId(id), node(stands));
        }
        let member = |id: &u64| Member { node: NodeId(*id), mid: Mid(1) };
        for (in_sync, pending, _) in ranges {
            state.ranges.push(RangeRecord {
                epoch: Epoch(1),
                primary: in_sync.first().map(|id| NodeId(*id)),
                in_sync: in_sync.iter().map(member).collect(),
                pending: pending.as_ref().map(member),
                resets: 0,
            });
        }
        let owners = ranges.iter().map(|(_, _, wanted)| wanted.iter().map(|id| NodeId(*id)).collect()).collect();
        state.plan = Some(Plan { id: 1, owners, absent: Default::default() });
        state
    }

    #[test]
    fn what_others_can_take_is_waited_for_and_what_nobody_can_take_is_not() {
        for (in_sync, pending, wanted, burden) in [
            (&[1, 2][..], None, &[1, 2][..], (1, 0)),
            (&[2, 1], None, &[1, 2], (0, 0)),
            (&[1], None, &[1, 2], (0, 1)),
            (&[1], None, &[2], (0, 1)),
            (&[1], Some(2), &[1], (0, 1)),
            (&[1], None, &[1], (0, 0)),
            (&[1], None, &[4, 1], (0, 0)),
            (&[1], None, &[9, 1], (0, 0)),
            // Node 3 cannot be reached.
            (&[1], None, &[1, 3], (0, 0)),
            (&[1], Some(3), &[1, 3], (0, 0)),
            (&[1, 3], None, &[1, 3], (0, 0)),
            (&[1, 3], None, &[1, 2], (0, 1)),
            (&[1, 3, 2], None, &[1, 3, 2], (1, 0)),
        ] {
            let state = state(&[(in_sync, pending, wanted)]);
            let (primaries, last_copies) = burden;
            let is_lost = |node| node == NodeId(3);
            assert_eq!(
                Burden::of(&state, ME, is_lost),
                Burden { primaries, last_copies },
                "{in_sync:?} {pending:?} {wanted:?}"
            );
        }
    }
}
