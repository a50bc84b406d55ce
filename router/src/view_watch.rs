//! Keeps the view new: a long poll at one node after the other.

use std::{sync::Arc, time::Duration};

use ringhold_model::wire::{Channel, Method, WatchReply, WatchRequest};
use ringhold_rpc::{Backoff, CallError, Callers, CallersOptions, Deadline};
use tokio_util::sync::CancellationToken;

use crate::view::ViewCell;

/// How long a node holds a poll when nothing changes.
const POLL_WAIT: Duration = Duration::from_millis(1_000);
/// What is added to that before the node counts as silent.
const POLL_SLACK: Duration = Duration::from_millis(1_500);

/// Polls until `cancel`. `seeds` are internal addresses of any nodes; once the cluster is known, all its nodes are asked.
pub(crate) async fn watch(view: ViewCell, callers: Callers, seeds: Arc<[String]>, cancel: CancellationToken) {
    let mut turn = 0_usize;
    let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
    let mut reported = false;
    while !cancel.is_cancelled() {
        let addresses = addresses(&view, &seeds);
        let address = &addresses[turn % addresses.len()];
        let polled = tokio::select! {
            () = cancel.cancelled() => return,
            polled = poll(&view, &callers, address) => polled,
        };
        match polled {
            Ok(true) => {
                backoff.reset();
                if std::mem::take(&mut reported) {
                    tracing::info!(%address, "the cluster is in sight again");
                }
                continue;
            }
            Ok(false) => tracing::debug!(%address, "the node knows no leader; asking another"),
            Err(error) => {
                tracing::debug!(%address, %error, "could not watch the cluster at this node");
                if turn + 1 >= addresses.len() && !std::mem::replace(&mut reported, true) {
                    tracing::warn!(%address, %error, "no node lets itself be watched; trying on");
                }
            }
        }
        turn += 1;
        if turn.is_multiple_of(addresses.len()) {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(backoff.pause()) => {}
            }
        }
    }
}

/// One poll; false when the node knows no leader, so that its state may be old.
async fn poll(view: &ViewCell, callers: &Callers, address: &str) -> Result<bool, CallError> {
    let known = view.load_full();
    // Without a leader in sight no long poll: another node may know more.
    let has_leader = view.status().leader.is_some();
    let wait = if has_leader { POLL_WAIT } else { Duration::ZERO };
    let request = WatchRequest { since: known.index(), timeout_ms: wait.as_millis() as u32 };
    callers.identify(CallersOptions { cluster: known.state.cluster, from: None });
    let caller = callers.to(address, Channel::Control, None);
    let reply: WatchReply = match caller.call_typed(Method::Watch, &request, Deadline::after(wait + POLL_SLACK)).await {
        Ok(reply) => reply,
        Err(error) => {
            view.set_status(ringhold_model::wire::NodeStatus::default());
            return Err(error);
        }
    };
    let leads = reply.status.leader.is_some();
    view.set_status(reply.status);
    if let Some(state) = reply.state {
        view.offer(*state);
    }
    Ok(leads)
}

/// The nodes of the view, then the seeds that are none of them.
fn addresses(view: &ViewCell, seeds: &[String]) -> Vec<String> {
    let view = view.load();
    let mut addresses: Vec<String> =
        view.active_nodes().filter_map(|node| view.address(node)).map(str::to_owned).collect();
    for seed in seeds {
        if !addresses.contains(seed) {
            addresses.push(seed.clone());
        }
    }
    addresses
}
