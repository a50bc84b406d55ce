//! Removals that others propose wait for the end of the lease of whom they take something from.

use std::{collections::BTreeSet, time::Duration};

use openraft::raft::ClientWriteResult;

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, Command, Proposal, Rejection},
};
use ringhold_rpc::Deadline;
use tokio::sync::oneshot;

use super::{Held, Leasing, Obstacle};
use crate::{
    lease::taken_from,
    shared::Shared,
    types::{TypeConfig, Written},
};

/// Removals under way at the same time; the leader proposes one after the other, operators few.
pub(crate) const REMOVALS_MAX: usize = 64;

/// Between looks whether the lease has ended.
const LOOK: Duration = Duration::from_millis(25);

/// A removal that was given to Raft. Whoever proposed it may stop waiting; the nodes get no lease until it is applied.
pub(crate) struct UnderWay {
    held: Held,
    written: Written,
    told: oneshot::Sender<ClientWriteResult<TypeConfig>>,
}

/// Why a removal cannot be proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// Not now, or not here; try again.
    NotNow,
    /// The rule book would refuse it anyway, so nobody loses a lease over it.
    Refused(Rejection),
}

/// Whether only a leader that keeps the book of leases may propose it, and nobody through it.
pub(crate) const fn is_leaders_alone(command: &Command) -> bool {
    matches!(command, Command::NodeDown { .. } | Command::Reset { .. })
}

/// Waits until nobody from whom `proposal` takes something holds a lease, and lets none of them have one from then on. `None`:
/// it takes nothing from anyone without its own word.
pub(crate) async fn begin_removal(
    shared: &Shared,
    proposal: &Proposal,
    deadline: Deadline,
) -> Result<Option<Held>, Hindrance> {
    let state = shared.view.state();
    let nodes = taken_from(&proposal.command, &state);
    if nodes.is_empty() {
        return Ok(None);
    }
    try_out(proposal, &state)?;
    loop {
        match shared.take_from(None, nodes.clone()) {
            Ok(held) => return Ok(Some(held)),
            Err(Obstacle::NotLeading) => return Err(Hindrance::NotNow),
            Err(Obstacle::Holds(_)) => all_turned_away(shared, &nodes),
        }
        if deadline.has_passed() {
            return Err(Hindrance::NotNow);
        }
        tokio::time::sleep(LOOK.min(deadline.remaining())).await;
    }
}

/// On a copy that remembers answers: one that is proposed again is answered as before.
fn try_out(proposal: &Proposal, state: &ClusterState) -> Result<(), Hindrance> {
    let mut copy = state.clone();
    copy.apply(state.applied + 1, proposal).map(|_| ()).map_err(Hindrance::Refused)
}

fn all_turned_away(shared: &Shared, nodes: &BTreeSet<NodeId>) {
    nodes.iter().for_each(|node| shared.turn_away(*node));
}

impl Leasing {
    /// Sees to it that `held` ends with the entry, whoever still waits for it. What comes back is to be waited for instead.
    pub(crate) fn outlive(&self, held: Held, written: Written) -> Written {
        let (told, waiting) = oneshot::channel();
        if let Err(error) = self.removals.try_send(UnderWay { held, written, told }) {
            // The nodes get no lease as long as this node leads, which is safe.
            tracing::error!(%error, "too many removals are under way");
        }
        waiting
    }
}

impl UnderWay {
    /// Waits for the entry, tells who waits; the log index at which it was applied.
    pub(crate) async fn end(self) -> (Held, Option<u64>) {
        let Ok(result) = self.written.await else { return (self.held, None) };
        let index = result.as_ref().ok().map(|written| written.log_id.index);
        // Whoever proposed it may have stopped waiting.
        drop(self.told.send(result));
        (self.held, index)
    }
}
