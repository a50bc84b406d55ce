//! Keeps the node's own lease: asks the leader for it again and again.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use ringhold_model::{
    NodeId,
    wire::{Channel, LeaseRefusal, Method, RenewReply, RenewRequest},
};
use ringhold_rpc::Deadline;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::clock::now_ms;
use crate::{lease::Holder, shared::Shared};

/// Renews until cancelled: at once when there is another leader or a reason to tell it something, else when it is time.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut keeper = Keeper { shared: Arc::clone(&shared), holder: Holder::default(), was_held: false };
    loop {
        let leader = leader(&shared);
        let began = Instant::now();
        let pause = tokio::select! {
            () = shared.cancel.cancelled() => break,
            pause = keeper.attempt(leader) => pause,
            () = another_leader(&shared, leader) => Duration::ZERO,
        };
        keeper.tell();
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            () = sleep_until(began + pause) => {}
            () = another_leader(&shared, leader) => {}
            () = shared.leasing.renew_now.notified() => {}
        }
    }
}

struct Keeper {
    shared: Arc<Shared>,
    holder: Holder,
    was_held: bool,
}

impl Keeper {
    /// Asks once; says how long after it was asked to ask again.
    async fn attempt(&mut self, leader: Option<NodeId>) -> Duration {
        let every = self.shared.settings.timings.renew_every;
        let (Some(leader), Some(request)) = (leader, request(&self.shared)) else { return every / 2 };
        let sent_ms = now_ms();
        match ask(&self.shared, leader, &request).await {
            Some(RenewReply::Granted { lease_ms }) => {
                self.holder.granted(sent_ms, now_ms(), lease_ms);
                self.shared.leasing.lease.set_until(self.holder.until_ms());
                return every;
            }
            Some(RenewReply::Refused(LeaseRefusal::Behind(index))) => {
                // As soon as it acts by that; it may take a while, and by then the leader may want more.
                let until = Instant::now() + every / 2;
                if timeout_at(until, acts_by(&self.shared, index)).await.is_ok() {
                    return every / 10;
                }
            }
            Some(RenewReply::Refused(refusal)) => tracing::debug!(?refusal, "the leader gives no lease"),
            None => tracing::debug!(leader = leader.0, "the leader did not answer a renewal"),
        }
        every / 2
    }

    fn tell(&mut self) {
        let is_held = self.holder.holds(now_ms());
        match (self.was_held, is_held) {
            (false, true) => tracing::info!("this node holds a lease"),
            (true, false) => tracing::warn!("this node's lease ended: it serves nothing until it gets one again"),
            _ => {}
        }
        self.was_held = is_held;
    }
}

async fn ask(shared: &Shared, leader: NodeId, request: &RenewRequest) -> Option<RenewReply> {
    let deadline = Deadline::after(shared.settings.timings.renew_every * 3);
    if shared.me().node == Some(leader) {
        return timeout_at(deadline.instant(), shared.renewal(request.clone())).await.ok();
    }
    let address = shared.book.rpc_address(leader)?;
    let caller = shared.peers.to(&address, Channel::Control, Some(leader));
    caller.call_typed::<_, RenewReply>(Method::Renew, request, deadline).await.ok()
}

/// `None` before this process's own start is applied: it has no role to serve yet.
pub(crate) fn request(shared: &Shared) -> Option<RenewRequest> {
    Some(RenewRequest {
        node: shared.me().node?,
        incarnation: shared.incarnation()?,
        acted: acted(shared),
        unreachable: shared.leasing.unreachable.lock().iter().copied().collect(),
        is_stopping: shared.leasing.is_stopping.load(Ordering::Relaxed),
    })
}

fn acted(shared: &Shared) -> u64 {
    if shared.settings.has_data_plane { *shared.acted().borrow() } else { shared.view.state().applied }
}

pub(crate) async fn acts_by(shared: &Shared, index: u64) {
    // Neither fails: `shared` holds the senders.
    if shared.settings.has_data_plane {
        drop(shared.acted().wait_for(|acted| *acted >= index).await);
    } else {
        drop(shared.view.watch().wait_for(|state| state.applied >= index).await);
    }
}

fn leader(shared: &Shared) -> Option<NodeId> {
    shared.raft()?.server_metrics().borrow().current_leader.map(NodeId)
}

/// Ends when another leader than `known` is known, or none any more.
async fn another_leader(shared: &Shared, known: Option<NodeId>) {
    let Some(raft) = shared.raft() else { return std::future::pending().await };
    let mut changes = raft.server_metrics();
    if changes.wait_for(|metrics| metrics.current_leader.map(NodeId) != known).await.is_err() {
        // Raft ended; the lifecycle knows what to do.
        std::future::pending().await
    }
}
