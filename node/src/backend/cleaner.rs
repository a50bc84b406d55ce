//! Removes rows that no record names: soon, where the engine tells which; in the end, by looking through the backends.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ringhold_model::{
    NamespaceId,
    config::Backend,
    key::key_hash,
    wire::{Action, PointOp, PointRequest},
};
use ringhold_rpc::Deadline;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{
    row::{RowKey, Stamp},
    store::Store,
};
use crate::{
    data::Node,
    engine::{DroppedRow, Outcome, Stub},
};

/// How often dropped rows are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a backend is asked whether it works.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// Longest wait for a backend here.
const WAIT: Duration = Duration::from_secs(2);
/// Rows in one call.
const ROWS_MAX: usize = 256;

/// Runs until `cancel`; at once over where there is no backend.
pub(crate) async fn clean(node: &Node, cancel: &CancellationToken) {
    if node.stores.all().next().is_none() {
        return;
    }
    tokio::join!(drop_rows(node, cancel), check(node, cancel), sweep(node, cancel));
}

async fn drop_rows(node: &Node, cancel: &CancellationToken) {
    let mut waiting = BTreeMap::<Backend, Vec<(RowKey, Stamp)>>::new();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(engine) = node.engine() else { continue };
        loop {
            let rows = if waiting.is_empty() { engine.take_dropped(ROWS_MAX) } else { Vec::new() };
            for row in rows {
                if let Some((key, stamp)) = named(node, &row) {
                    waiting.entry(row.backend).or_default().push((key, stamp));
                }
            }
            if waiting.is_empty() || cancel.is_cancelled() {
                break;
            }
            // A backend that does not work holds up the others' rows, which only stay for a while; all of that is bounded.
            let mut kept = BTreeMap::new();
            for (backend, rows) in std::mem::take(&mut waiting) {
                let Some(store) = node.stores.get(backend) else { continue };
                let deleted = store.delete(&rows, Deadline::after(WAIT)).await;
                if deleted.is_err_and(|error| error.is_outage()) {
                    kept.insert(backend, rows);
                }
            }
            waiting = kept;
            if !waiting.is_empty() {
                break;
            }
        }
    }
}

fn named(node: &Node, row: &DroppedRow) -> Option<(RowKey, Stamp)> {
    let namespace = node.stores.name_of(row.namespace, &node.control.state())?;
    let key = RowKey { namespace, key: row.block.key().into() };
    Some((key, Stamp { cluster: node.control.cluster_id(), number: row.stamp }))
}

/// Finds out by itself that a backend is away or back, so that health is true without traffic.
async fn check(node: &Node, cancel: &CancellationToken) {
    let mut ticks = tokio::time::interval(CHECK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        for store in node.stores.all() {
            // What is wrong is noted by the store.
            let _ = cancel.run_until_cancelled(store.check(Deadline::after(WAIT))).await;
        }
    }
}

/// Looks through the backends for rows that nobody names: of items that a restart of all nodes forgot, or of writes that were lost
/// with their node.
async fn sweep(node: &Node, cancel: &CancellationToken) {
    loop {
        let state = node.control.state();
        let configs = state.configs.values().map(|record| record.config.cleanup_interval);
        let interval = Duration::from_secs(configs.min().unwrap_or(300).max(1));
        if cancel.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
            return;
        }
        let began = Instant::now();
        let mut removed = 0;
        for store in node.stores.all() {
            for (&namespace, record) in &node.control.state().namespaces {
                let looked = cancel.run_until_cancelled(sweep_namespace(node, store, (namespace, &record.name))).await;
                let Some(count) = looked else { return };
                removed += count;
            }
        }
        if removed > 0 {
            tracing::info!(removed, elapsed_ms = began.elapsed().as_millis() as u64, "removed rows that no item names");
        }
    }
}

/// Stops at the first error: the next sweep begins anew.
async fn sweep_namespace(node: &Node, store: &Store, (namespace, name): (NamespaceId, &str)) -> u64 {
    let (mut removed, mut after) = (0, None::<String>);
    loop {
        let Ok(page) = store.scan(name, after.as_deref(), ROWS_MAX, Deadline::after(WAIT)).await else {
            return removed;
        };
        for rows in page.rows.chunks(ROWS_MAX) {
            removed += sweep_rows(node, store, (namespace, name), rows).await.unwrap_or(0);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return removed,
        }
    }
}

/// Removes those of the rows whose range this node leads and that no stub names. `None`: it could not.
async fn sweep_rows(
    node: &Node,
    store: &Store,
    (namespace, name): (NamespaceId, &str),
    rows: &[(Box<str>, Stamp)],
) -> Option<u64> {
    let (engine, state) = (node.engine()?, node.control.state());
    let (me, cluster) = (node.control.node_id()?, node.control.cluster_id());
    let op = |key: &'_ str| {
        let hash = key_hash(state.hash_seed, namespace, key);
        let record = state.range(state.range_of(hash)).filter(|record| record.primary == Some(me))?;
        Some((hash, record.epoch))
    };
    let mine: Vec<_> = rows.iter().filter(|(_, stamp)| stamp.cluster == cluster).collect();
    let mine: Vec<_> = mine.into_iter().filter_map(|(key, stamp)| Some((key, stamp, op(key)?))).collect();
    // No write to them is between its row and its stub.
    let _order = node.stores.lock(mine.iter().map(|(_, _, (hash, _))| *hash)).await;
    let ops = mine.iter().map(|&(key, _, (hash, epoch))| PointOp { hash, epoch, key, action: Action::Peek });
    let request = PointRequest {
        view: state.applied,
        namespace,
        backend: store.backend(),
        router: node.stores.operations.run(),
        lowest_open: 0,
        retry: false,
        any_copy: false,
        ops: ops.collect(),
    };
    let outcomes = engine.execute(&request, node.clock.now()).outcomes;
    let is_nobodys = |outcome: &Outcome, stamp: &Stamp| match outcome {
        Outcome::Miss => true,
        Outcome::Hit(item) => Stub::read(item.block.value()).is_some_and(|stub| stamp.number < stub.stamp),
        _ => false,
    };
    let doomed: Vec<(RowKey, Stamp)> = mine
        .iter()
        .zip(&outcomes)
        .filter(|((_, stamp, _), outcome)| is_nobodys(outcome, stamp))
        .map(|((key, stamp, _), _)| (RowKey { namespace: name.into(), key: (*key).clone() }, **stamp))
        .collect();
    if doomed.is_empty() {
        return Some(0);
    }
    let removed = store.delete(&doomed, Deadline::after(WAIT)).await.ok()?;
    Some(removed.iter().filter(|is_gone| **is_gone).count() as u64)
}
