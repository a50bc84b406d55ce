//! Calls on single keys of backends outside: the engine says what exists and orders, the backend keeps the bytes.
//!
//! A write holds its key's lock from before the backend is told until copies hold the stub. The row goes first, so that a stub never
//! names bytes that are not there; if the stub does not come to be, nobody names the row. A read takes the stub, then the row that
//! it names; where the row is another one, it looks again under the key's lock, and brings the two together.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use ringhold_model::{
    ClusterId, Version,
    config::Backend,
    wire::{Action, Condition, Fault, History, NewRecord, PointOp, PointRequest, Ttl, decode},
};
use ringhold_rpc::Deadline;
use serde_json::value::RawValue;
use tokio::sync::MutexGuard;

mod rows;

pub(super) use self::rows::fill;
use self::rows::{filled, stub_of, stubs_of, with_stub};
use super::{Node, point, times::Job};
use crate::{
    backend::{Envelope, Put, Row, RowKey, Stamp, Store, fault_of},
    engine::{Engine, Executed, Outcome, Prepared, Stub},
};

/// A frame that is being served.
struct Serving<'a> {
    node: &'a Node,
    engine: &'a Engine,
    store: &'a Store,
    request: &'a PointRequest<'a>,
    namespace: Arc<str>,
    cluster: ClusterId,
    deadline: Deadline,
}

/// What the operations of a part of a frame have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Read,
    Write,
    Other,
}

impl Class {
    fn of(action: &Action<'_>) -> Self {
        match action {
            Action::Get | Action::Peek => Self::Read,
            Action::Set { .. } | Action::Delete { .. } => Self::Write,
            Action::Increment { .. } | Action::Swap { .. } | Action::Touch { .. } => Self::Other,
        }
    }
}

/// Answers a frame on a backend outside.
pub(super) async fn call(node: Arc<Node>, body: Bytes, deadline: Deadline) -> Result<Vec<u8>, Fault> {
    let request: PointRequest<'_> = decode(&body).map_err(|_| Fault::Malformed)?;
    let engine = node.caught_up(request.view, deadline).await?;
    let (job, written) = (Job::of(&request), node.writing.begin());
    let outcomes = match serving(&node, engine, &request, deadline) {
        Ok(serving) => serving.run().await,
        Err(fault) => request.ops.iter().map(|_| Outcome::Failed(fault.clone())).collect(),
    };
    let reply = point::encoded(&node, job, &outcomes);
    drop(written);
    reply
}

fn serving<'a>(
    node: &'a Node,
    engine: &'a Engine,
    request: &'a PointRequest<'a>,
    deadline: Deadline,
) -> Result<Serving<'a>, Fault> {
    let state = node.control.state();
    let store = node.stores.for_use(request.backend, &state)?;
    let namespace = node.stores.name_of(request.namespace, &state).ok_or(Fault::UnknownNamespace)?;
    Ok(Serving { node, engine, store, request, namespace, cluster: state.cluster, deadline })
}

impl Serving<'_> {
    /// In order, but all at once what neighbours of one class do to different keys.
    async fn run(&self) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(self.request.ops.len());
        // Keys with an operation that will be sent again: later ones on them wait for it.
        let mut held = HashSet::new();
        let mut rest = &self.request.ops[..];
        while let Some(first) = rest.first() {
            let count = if held.contains(&first.hash) { 1 } else { together(rest, &held) };
            let (part, after) = rest.split_at(count);
            let done = match Class::of(&first.action) {
                _ if held.contains(&first.hash) => vec![Outcome::Failed(Fault::Busy)],
                Class::Read => self.read(part).await,
                Class::Write => self.write(part).await,
                Class::Other => part.iter().map(|_| Outcome::Failed(not_built(self.request.backend))).collect(),
            };
            let again = |outcome: &Outcome| matches!(outcome, Outcome::Failed(fault) if fault.is_retryable());
            held.extend(part.iter().zip(&done).filter(|(_, outcome)| again(outcome)).map(|(op, _)| op.hash));
            outcomes.extend(done);
            rest = after;
        }
        outcomes
    }

    async fn read(&self, ops: &[PointOp<'_>]) -> Vec<Outcome> {
        let mut outcomes = self.engine.execute(&self.part(ops.to_vec()), self.node.clock.now()).outcomes;
        let stubs: Vec<(usize, Stub)> = stubs_of(&outcomes);
        let keys: Vec<RowKey> = stubs.iter().map(|(at, _)| self.key(ops[*at].key)).collect();
        if keys.is_empty() {
            return outcomes;
        }
        let bodies = match self.store.get(&keys, self.deadline).await {
            Ok(bodies) => bodies,
            Err(error) => {
                for (at, _) in stubs {
                    outcomes[at] = Outcome::Failed(fault_of(self.request.backend, error.clone(), false));
                }
                return outcomes;
            }
        };
        for ((at, stub), body) in stubs.into_iter().zip(bodies) {
            let Outcome::Hit(item) = &outcomes[at] else { continue };
            outcomes[at] = match body.and_then(|body| filled(item, &body, self.stamp(stub.stamp))) {
                Some(item) => Outcome::Hit(item),
                None => self.reconcile(&ops[at]).await.unwrap_or_else(Outcome::Failed),
            };
        }
        outcomes
    }

    /// The backend has another row than the stub names. Under the key's lock nobody writes: so either it is the row of a write
    /// that lost its node before the stub was made, and counts from now on, or the backend has lost the row.
    async fn reconcile(&self, op: &PointOp<'_>) -> Result<Outcome, Fault> {
        let _order = self.lock(std::slice::from_ref(op)).await?;
        let peek = PointOp { action: Action::Peek, ..op.clone() };
        let found = self.one(peek.clone()).await;
        let Outcome::Hit(item) = &found else { return Ok(found) };
        let stub = Stub::read(item.block.value()).ok_or(Fault::Malformed)?;
        let bodies = self.store.get(&[self.key(op.key)], self.deadline).await;
        let mut bodies = bodies.map_err(|error| fault_of(self.request.backend, error, false))?;
        let body = bodies.pop().flatten();
        if let Some(item) = body.as_ref().and_then(|body| filled(item, body, self.stamp(stub.stamp))) {
            return Ok(Outcome::Hit(item));
        }
        let version = item.block.version();
        let newer = body.as_ref().filter(|body| {
            Stamp::of(body)
                .is_some_and(|there| there.cluster == self.cluster && self.stamp(stub.stamp).is_older_than(there))
        });
        match newer {
            Some(body) => self.adopt(op, body, version).await?,
            None => {
                let operation = self.node.stores.operations.begin();
                let action = Action::Delete { n: operation.n, when: vec![Condition::OneOf(vec![version])] };
                self.own(PointOp { action, ..op.clone() }, operation.lowest_open).await?;
            }
        }
        match (self.one(peek).await, body) {
            (Outcome::Hit(item), Some(body)) => {
                let stub = Stub::read(item.block.value()).ok_or(Fault::Malformed)?;
                let item = filled(&item, &body, self.stamp(stub.stamp));
                Ok(item.map_or(Outcome::Miss, Outcome::Hit))
            }
            (Outcome::Hit(_), None) => Ok(Outcome::Miss),
            (outcome, _) => Ok(outcome),
        }
    }

    /// Keeps others from writing to the keys. Who waits behind a backend that hangs gives up in time.
    async fn lock(&self, ops: &[PointOp<'_>]) -> Result<Vec<MutexGuard<'_, ()>>, Fault> {
        let lock = self.node.stores.lock(ops.iter().map(|op| op.hash));
        tokio::time::timeout(self.deadline.remaining(), lock).await.map_err(|_| Fault::Overloaded)
    }

    /// Makes the stub of a row whose write was lost between the two.
    async fn adopt(&self, op: &PointOp<'_>, body: &Bytes, version: Version) -> Result<(), Fault> {
        let damaged =
            || Fault::BackendDown { backend: self.request.backend, reason: "the item is damaged there".into() };
        let row: Envelope<'_> = serde_json::from_slice(body).map_err(|_| damaged())?;
        let stamp = Stamp::of(body).ok_or_else(damaged)?;
        let now = self.node.clock.now();
        let ttl = match row.expires_at_ms {
            None => Ttl::Never,
            Some(at) => Ttl::Millis(at.saturating_sub(now.wall_ms).max(1)),
        };
        let stub = Stub { stamp: stamp.number, size: row.value.get().len() as u64 }.to_bytes();
        let operation = self.node.stores.operations.begin();
        let record = NewRecord {
            value: &stub,
            metadata: row.metadata.map(|text| text.get().as_bytes()),
            tags: row.tags.iter().map(AsRef::as_ref).collect(),
            data_type: row.data_type,
            strategy: row.strategy,
            ttl,
            history: Some(History { created_at_ms: row.created_at_ms, accessed_at_ms: now.wall_ms, access_count: 0 }),
            when: vec![Condition::OneOf(vec![version])],
        };
        let op =
            PointOp { action: Action::Set { n: operation.n, record }, hash: op.hash, epoch: op.epoch, key: op.key };
        self.own(op, operation.lowest_open).await
    }

    /// Writes to different keys.
    async fn write(&self, ops: &[PointOp<'_>]) -> Vec<Outcome> {
        let _order = match self.lock(ops).await {
            Ok(order) => order,
            Err(fault) => return ops.iter().map(|_| Outcome::Failed(fault.clone())).collect(),
        };
        let stamps: Vec<Version> = ops.iter().map(|op| self.node.stores.next_row(op.epoch)).collect();
        let stubs: Vec<_> = ops.iter().zip(&stamps).map(|(op, stamp)| stub_of(op, *stamp)).collect();
        let staged: Vec<PointOp<'_>> = ops.iter().zip(&stubs).map(|(op, stub)| with_stub(op, stub)).collect();
        let prepared = self.engine.prepare(&self.part(staged.clone()), self.node.clock.now());
        let mut outcomes: Vec<Option<Outcome>> = ops.iter().map(|_| None).collect();
        let mut rows = Vec::new();
        for (at, prepared) in prepared.into_iter().enumerate() {
            match (prepared, &ops[at].action) {
                (Prepared::Told(outcome), _) => outcomes[at] = Some(outcome),
                (Prepared::Go(ttl_ms), Action::Set { record, .. }) => {
                    match self.row(ops[at].key, record, stamps[at], ttl_ms) {
                        Some(row) => rows.push((at, row)),
                        None => outcomes[at] = Some(Outcome::Failed(Fault::Malformed)),
                    }
                }
                (Prepared::Go(_), _) => {
                    let left_alone = self.store.is_open().err();
                    outcomes[at] = left_alone.map(|error| Outcome::Failed(fault_of(self.request.backend, error, true)));
                }
                (Prepared::Known, _) => {}
            }
        }
        let kept = self.put_rows(rows, &mut outcomes).await;
        let going: Vec<usize> = (0..ops.len()).filter(|at| outcomes[*at].is_none()).collect();
        let request = self.part(going.iter().map(|at| staged[*at].clone()).collect());
        for (at, outcome) in going.into_iter().zip(self.execute(&request).await) {
            outcomes[at] = Some(outcome);
        }
        let mut gone = Vec::new();
        for (at, outcome) in outcomes.iter_mut().enumerate() {
            let is_kept = kept.contains(&at);
            match outcome {
                Some(Outcome::Stored { .. }) | None => {}
                // The range changed hands between the row and the stub: who has it now may find the row.
                Some(Outcome::Failed(fault)) if is_kept && *fault != Fault::Overloaded => *fault = Fault::Unknown,
                Some(Outcome::Deleted { .. }) => gone.push((self.key(ops[at].key), self.stamp(stamps[at]))),
                Some(_) if is_kept => gone.push((self.key(ops[at].key), self.stamp(stamps[at]))),
                Some(_) => {}
            }
        }
        if !gone.is_empty() {
            // Nobody names these rows any more; if they cannot be removed now, the cleaner does it later.
            let _ = self.store.delete(&gone, self.deadline).await;
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Failed(Fault::Unknown))).collect()
    }

    /// Gives rows to the backend. Says which are kept there; of the others the outcome.
    async fn put_rows(&self, rows: Vec<(usize, Row)>, outcomes: &mut [Option<Outcome>]) -> HashSet<usize> {
        let (places, rows): (Vec<usize>, Vec<Row>) = rows.into_iter().unzip();
        if rows.is_empty() {
            return HashSet::new();
        }
        let failed = |error| Outcome::Failed(fault_of(self.request.backend, error, true));
        let puts = match self.store.put(&rows, self.deadline).await {
            Ok(puts) => puts,
            Err(error) => rows.iter().map(|_| Put::Refused(error.clone())).collect(),
        };
        let mut kept = HashSet::new();
        for (at, put) in places.into_iter().zip(puts) {
            match put {
                Put::Stored => {
                    kept.insert(at);
                }
                // Another node leads the range by now, and has written.
                Put::Outdated => outcomes[at] = Some(Outcome::Failed(Fault::Busy)),
                Put::Refused(error) => outcomes[at] = Some(failed(error)),
            }
        }
        kept
    }

    fn row(&self, key: &str, record: &NewRecord<'_>, number: Version, ttl_ms: Option<u64>) -> Option<Row> {
        let (stamp, wall_ms) = (self.stamp(number), self.node.clock.now().wall_ms);
        let raw = |bytes| serde_json::from_slice::<&RawValue>(bytes).ok();
        let metadata = match record.metadata {
            None => None,
            Some(bytes) => Some(raw(bytes)?),
        };
        let envelope = Envelope {
            ver: stamp.to_text().into(),
            key: key.into(),
            data_type: record.data_type,
            strategy: record.strategy,
            created_at_ms: record.history.map_or(wall_ms, |history| history.created_at_ms),
            expires_at_ms: ttl_ms.map(|ttl| wall_ms.saturating_add(ttl)),
            tags: record.tags.iter().map(|tag| (*tag).into()).collect(),
            metadata,
            value: raw(record.value)?,
        };
        Some(Row { key: self.key(key), stamp, ttl_ms, body: envelope.to_body().ok()? })
    }

    /// A write of the node's own, which is to be as its conditions expect.
    async fn own(&self, op: PointOp<'_>, lowest_open: u64) -> Result<(), Fault> {
        let router = self.node.stores.operations.run();
        let request = PointRequest { router, lowest_open, retry: false, ..self.part(vec![op]) };
        match self.execute(&request).await.pop() {
            Some(Outcome::Failed(fault)) => Err(fault),
            _ => Ok(()),
        }
    }

    async fn one(&self, op: PointOp<'_>) -> Outcome {
        self.execute(&self.part(vec![op])).await.pop().unwrap_or(Outcome::Failed(Fault::Malformed))
    }

    /// Executes, and waits until copies hold it.
    async fn execute(&self, request: &PointRequest<'_>) -> Vec<Outcome> {
        let Executed { mut outcomes, commit } = self.engine.execute(request, self.node.clock.now());
        if let Some(commit) = commit {
            commit.await.settle(&mut outcomes);
        }
        outcomes
    }

    /// The frame with other operations. The primary alone answers: only it orders what the backend is told.
    fn part<'b>(&self, ops: Vec<PointOp<'b>>) -> PointRequest<'b> {
        let PointRequest { view, namespace, backend, router, lowest_open, retry, .. } = *self.request;
        PointRequest { view, namespace, backend, router, lowest_open, retry, any_copy: false, ops }
    }

    fn key(&self, key: &str) -> RowKey {
        RowKey { namespace: self.namespace.clone(), key: key.into() }
    }

    fn stamp(&self, number: Version) -> Stamp {
        Stamp { cluster: self.cluster, number }
    }
}

/// How many operations from the first on are of one class, on different keys, and held up by nothing.
fn together(ops: &[PointOp<'_>], held: &HashSet<u64>) -> usize {
    let (class, mut seen) = (Class::of(&ops[0].action), HashSet::new());
    let is_one = |op: &&PointOp<'_>| {
        Class::of(&op.action) == class && !held.contains(&op.hash) && (seen.insert(op.hash) || class == Class::Read)
    };
    ops.iter().take_while(is_one).count()
}

fn not_built(backend: Backend) -> Fault {
    let text = format!("incr, getset and touch are not built on the backend `{backend}` in this version; use set");
    Fault::Unsupported(text)
}
