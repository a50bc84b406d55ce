//! The node's housekeeping, on a thread of its own: act by each new state, free what is due, propose what copies need.
//!
//! Every piece of work is a bounded step under one shard's lock, so that reads and writes never wait long for it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use ringhold_model::cluster::ClusterState;
use tokio::{runtime, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{backend::clean, data::Node, filled, proposals};

/// How often due items are looked for. What has expired is invisible at once; this only frees its memory.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// How often the remembered results of routers that are gone are let go.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Runs until `cancel`.
pub(crate) fn run(node: &Arc<Node>, cancel: &CancellationToken) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(keep(node, cancel));
    Ok(())
}

/// The same, on the runtime that polls it.
pub(crate) async fn keep(node: &Arc<Node>, cancel: &CancellationToken) {
    tokio::join!(follow(node, cancel), sweep(node, cancel), proposals::fulfil(node, cancel), clean(node, cancel));
}

/// Makes the engine act by each new state and says so.
async fn follow(node: &Arc<Node>, cancel: &CancellationToken) {
    let mut states = node.control.watch();
    loop {
        let state = states.borrow_and_update().clone();
        act(node, &state);
        tokio::select! {
            () = cancel.cancelled() => return,
            changed = states.changed() => if changed.is_err() { return },
        }
    }
}

/// A node takes no role before its own start of this run is part of the state: what the state gives to its id until then
/// belongs to a former process, whose memory is lost.
fn act(node: &Node, state: &Arc<ClusterState>) {
    let Some(id) = node.control.node_id() else { return };
    let mine = node.control.incarnation();
    let is_mine = state.nodes.get(&id).is_some_and(|record| mine.is_some() && record.incarnation == mine);
    if !is_mine {
        return;
    }
    node.engine_for(state.range_bits).apply_view(state, id, node.clock.now());
    node.set_acted(state.applied);
    if !node.is_filled() && filled::is_filled(state, id) {
        node.set_filled();
    }
}

async fn sweep(node: &Arc<Node>, cancel: &CancellationToken) {
    let mut forget_at = Instant::now();
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let Some(engine) = node.engine() else { continue };
        while engine.step(node.clock.now()) && !cancel.is_cancelled() {
            tokio::task::yield_now().await;
        }
        if forget_at.elapsed() >= FORGET_EVERY {
            forget_at = Instant::now();
            engine.forget_silent_routers(node.clock.now());
        }
    }
}
