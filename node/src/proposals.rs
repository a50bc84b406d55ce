//! Changes of memberships that this node has to propose: copies that are complete, copies that serve no longer.

use std::{sync::Arc, time::Duration};

use ringhold_model::cluster::{Change, Command};
use ringhold_raft::ProposeError;
use ringhold_rpc::Deadline;
use tokio_util::sync::CancellationToken;

use crate::{data::Node, engine::Wish};

/// Most changes in one entry of the log; far below the bound on its bytes.
const CHANGES_MAX: usize = 500;
/// Wait for one attempt; it is repeated until its outcome is known.
const PROPOSE_WAIT: Duration = Duration::from_secs(2);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the engine is asked what it wishes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Proposes what the engine wishes, one batch after the other, until `cancel`.
pub(crate) async fn fulfil(node: &Arc<Node>, cancel: &CancellationToken) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = looks.tick() => {}
        }
        let Some(engine) = node.engine() else { continue };
        let (promoted, removed) = sorted(engine.wishes(CHANGES_MAX));
        for command in [Command::Promote { changes: promoted }, Command::Removed { changes: removed }] {
            if is_empty(&command) {
                continue;
            }
            // The next wishes are those of an engine that acts by the outcome: nothing is proposed twice.
            if cancel.run_until_cancelled(propose(node, command)).await.is_none() {
                return;
            }
        }
    }
}

/// Proposes the removal of copies that serve no longer, and waits until this node acts by it. False: that cannot be.
pub(crate) async fn remove(node: &Arc<Node>, changes: &[Change]) -> bool {
    for changes in changes.chunks(CHANGES_MAX) {
        if !propose(node, Command::Removed { changes: changes.to_vec() }).await {
            return false;
        }
    }
    true
}

/// Under one name until it is known what became of it; then waits until this node acts by it. False: it was not applied.
async fn propose(node: &Arc<Node>, command: Command) -> bool {
    let proposal = node.control.name(command);
    loop {
        match node.control.propose_named(proposal.clone(), Deadline::after(PROPOSE_WAIT)).await {
            Ok((index, _)) => {
                node.wait_until_acted(index).await;
                return true;
            }
            Err(ProposeError::NoLeader | ProposeError::Overloaded) => {}
            Err(ProposeError::ShuttingDown) => return false,
            Err(error @ (ProposeError::Rejected(_) | ProposeError::TooLarge { .. })) => {
                tracing::error!(%error, "a change of copies was refused; this is a bug");
                tokio::time::sleep(PROPOSE_WAIT).await;
                return false;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn sorted(wishes: Vec<Wish>) -> (Vec<Change>, Vec<Change>) {
    let (mut promoted, mut removed) = (Vec::new(), Vec::new());
    for wish in wishes {
        match wish {
            Wish::Promote(change) => promoted.push(change),
            Wish::Removed(change) => removed.push(change),
        }
    }
    (promoted, removed)
}

fn is_empty(command: &Command) -> bool {
    matches!(command, Command::Promote { changes } | Command::Removed { changes } if changes.is_empty())
}
