//! `POST /api/cache/set-batch`, `POST /api/cache/get-batch`, `POST /api/cache/warm`.
//!
//! Items are independent: one that does not validate or cannot be stored fails alone. Results keep the request's order;
//! nodes see at most one frame each.

use std::{borrow::Cow, collections::BTreeSet};

use axum::{body::Body, response::Response};
use http::{Extensions, HeaderMap, Request, request::Parts};
use ringhold_model::{
    Epoch, NamespaceId, NodeId,
    config::Backend,
    wire::{Action, ItemRef, NewRecord, PointOp},
};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, shown},
    in_namespace::{RENEWALS_MAX, is_gone},
    points::reads,
    respond,
};
use crate::{
    auth::{check_key, grant},
    dispatch::{Coverage, Item, Outcome, Reads},
    rest::{
        self, ApiError, CallKind,
        batch::{KeyItem, SetItem},
        render,
        set::ItemFault,
    },
};

/// Room for one result without its value and metadata.
const RESULT_BYTES: usize = 512;

/// Stores a list of items.
pub(super) async fn set_batch(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let body = core.json_body(&head.headers, body).await?;
    let items = rest::batch::parse_set(&body, &core.options().limits)?;
    store(core, &head, items).await
}

/// Stores the members of an object.
pub(super) async fn warm(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let body = core.json_body(&head.headers, body).await?;
    let items = rest::batch::parse_warm(&body, &core.options().limits)?;
    store(core, &head, items).await
}

async fn store(core: &Core, head: &Parts, items: Vec<SetItem<'_>>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let headers = &head.headers;
    let items = &opened(&head.extensions, items, |set| set.key)[..];
    // Without a valid item there is nothing that could make a namespace.
    let (namespace, outcomes) = if items.iter().any(Result::is_ok) {
        store_valid(core, headers, items, deadline).await?
    } else {
        super::core::namespace_name(headers)?;
        (NamespaceId(0), items.iter().map(|_| None).collect())
    };
    let mut tally = Tally::new(core);
    let outcomes: Vec<Result<render::Stored, ApiError>> = items
        .iter()
        .zip(outcomes)
        .map(|(item, outcome)| match (item, outcome) {
            (Err(fault), _) => Err(fault.error.clone()),
            (Ok(set), Some(Outcome::Stored { version, ttl_ms, strategy, copies })) => {
                let (size, backend) = (set.value.len() as u64, core.backend(set.backend));
                Ok(render::Stored { size, ttl_ms, backend, strategy, version, copies })
            }
            (Ok(set), outcome) => {
                tally.missed(core, namespace, &set.key, outcome.as_ref());
                Err(core.unexpected(outcome, CallKind::Write))
            }
        })
        .collect();
    let results: Vec<render::SetResult<'_>> = items
        .iter()
        .zip(&outcomes)
        .map(|(item, outcome)| {
            let key = item.as_ref().map_or_else(|fault| fault.key.as_deref(), |set| Some(&*set.key));
            render::SetResult { key, outcome: outcome.as_ref().copied() }
        })
        .collect();
    let coverage = tally.coverage();
    Ok(respond::json_covered(RESULT_BYTES * results.len(), &coverage, |out| {
        render::set_batch(out, &results, &coverage)
    }))
}

/// Refuses the items whose keys are not the caller's; their neighbours are none the worse.
fn opened<'a, T: AsRef<str>>(
    extensions: &Extensions,
    items: Vec<Result<T, ItemFault<'a>>>,
    key: impl Fn(T) -> Cow<'a, str>,
) -> Vec<Result<T, ItemFault<'a>>> {
    if grant(extensions).is_none() {
        return items;
    }
    let open = |item: T| match check_key(extensions, item.as_ref()) {
        Ok(()) => Ok(item),
        Err(error) => Err(ItemFault { key: Some(key(item)), error }),
    };
    items.into_iter().map(|item| item.and_then(open)).collect()
}

/// Stores the valid items. Those that were refused because another router had just removed the namespace are stored anew.
async fn store_valid(
    core: &Core,
    headers: &HeaderMap,
    items: &[SetItem<'_>],
    deadline: Deadline,
) -> Result<(NamespaceId, Vec<Option<Outcome>>), ApiError> {
    let mut outcomes: Vec<Option<Outcome>> = items.iter().map(|_| None).collect();
    let mut renewals = 0;
    loop {
        let namespace = core.namespace_for_write(headers, deadline).await?;
        let writes = items.iter().zip(&outcomes).map(|(item, outcome)| {
            let set = item.as_ref().ok().filter(|_| outcome.as_ref().is_none_or(is_gone))?;
            Some(Write { backend: core.backend(set.backend), key: &set.key, record: set.record() })
        });
        let stored = execute_writes(core, namespace, writes.collect(), deadline).await;
        for (outcome, stored) in outcomes.iter_mut().zip(stored).filter(|(_, stored)| stored.is_some()) {
            *outcome = stored;
        }
        // What could be stored is told even when the router cannot catch up.
        let is_done = renewals == RENEWALS_MAX || !outcomes.iter().flatten().any(is_gone);
        if is_done || core.catch_up(CallKind::Write, deadline).await.is_err() {
            return Ok((namespace, outcomes));
        }
        renewals += 1;
    }
}

/// One item to be stored.
pub(super) struct Write<'a> {
    pub(super) backend: Backend,
    pub(super) key: &'a str,
    pub(super) record: NewRecord<'a>,
}

/// Stores what there is to store, a frame for each node and backend; answers in the same places. Items of different backends
/// are different items, so the order between backends does not matter.
pub(super) async fn execute_writes(
    core: &Core,
    namespace: NamespaceId,
    mut writes: Vec<Option<Write<'_>>>,
    deadline: Deadline,
) -> Vec<Option<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = (0..writes.len()).map(|_| None).collect();
    while let Some(backend) = writes.iter().flatten().map(|write| write.backend).next() {
        let view = core.shared.view.load_full();
        let mut places = Vec::new();
        let mut ops = Vec::new();
        for (at, slot) in writes.iter_mut().enumerate() {
            if let Some(Write { key, record, .. }) = slot.take_if(|write| write.backend == backend) {
                places.push(at);
                let action = Action::Set { n: 0, record };
                ops.push(PointOp { hash: view.hash(namespace, key), epoch: Epoch(0), key, action });
            }
        }
        let stored = core.dispatcher.execute((namespace, backend), ops, Reads::Fresh, deadline).await;
        for (at, outcome) in places.into_iter().zip(stored) {
            outcomes[at] = Some(outcome);
        }
    }
    outcomes
}

/// Reads a list of keys.
pub(super) async fn get_batch(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let query = rest::query::read(head.uri.query())?;
    let backend = core.backend(query.backend);
    let body = core.json_body(&head.headers, body).await?;
    let keys = opened(&head.extensions, rest::batch::parse_get(&body, &core.options().limits)?, |key| key);
    let namespace = core.namespace(&head.headers, deadline, CallKind::Read).await?;
    let outcomes = read_all(core, (namespace, backend), &keys, (reads(query.consistency), deadline)).await;
    let mut tally = Tally::new(core);
    let mut outcomes = outcomes.into_iter();
    let outcomes: Vec<Result<Option<Item>, ApiError>> = keys
        .iter()
        .map(|key| match key {
            Err(fault) => Err(fault.error.clone()),
            Ok(key) => match outcomes.next() {
                Some(Outcome::Hit(item)) => Ok(Some(item)),
                Some(Outcome::Miss) => Ok(None),
                outcome => {
                    tally.missed(core, namespace.unwrap_or_default(), key, outcome.as_ref());
                    Err(core.unexpected(outcome, CallKind::Read))
                }
            },
        })
        .collect();
    let items: Vec<Option<ItemRef<'_>>> =
        outcomes.iter().map(|outcome| Some(outcome.as_ref().ok()?.as_ref()?.borrow())).collect();
    let results: Vec<render::GetResult<'_>> = keys
        .iter()
        .zip(&outcomes)
        .zip(&items)
        .map(|((key, outcome), item)| {
            let key = key.as_ref().map_or_else(|fault| fault.key.as_deref(), |key| Some(&**key));
            render::GetResult { key, outcome: outcome.as_ref().map(|_| item.as_ref()) }
        })
        .collect();
    let coverage = tally.coverage();
    let bytes =
        items.iter().flatten().map(|item| item.value.len() + item.metadata.map_or(0, <[u8]>::len)).sum::<usize>();
    let bytes = bytes + RESULT_BYTES * results.len();
    Ok(respond::json_covered(bytes, &coverage, |out| render::get_batch(out, &results, backend, &coverage)))
}

/// Outcomes of the valid keys, in order. A namespace that nobody has written to holds nothing.
async fn read_all(
    core: &Core,
    (namespace, backend): (Option<NamespaceId>, Backend),
    keys: &[KeyItem<'_>],
    (reads, deadline): (Reads, Deadline),
) -> Vec<Outcome> {
    let valid = keys.iter().filter_map(|key| key.as_ref().ok());
    let Some(namespace) = namespace else { return valid.map(|_| Outcome::Miss).collect() };
    let view = core.shared.view.load_full();
    let ops = valid.map(|key| PointOp { hash: view.hash(namespace, key), epoch: Epoch(0), key, action: Action::Get });
    core.dispatcher.execute((namespace, backend), ops.collect(), reads, deadline).await
}

/// Which nodes did not answer for the keys they own.
pub(super) struct Tally {
    nodes: usize,
    ranges: usize,
    missing: BTreeSet<NodeId>,
    ranges_missing: BTreeSet<u64>,
}

impl Tally {
    pub(super) fn new(core: &Core) -> Self {
        let view = core.shared.view.load();
        Self { nodes: view.holders(), ranges: view.ranges(), missing: BTreeSet::new(), ranges_missing: BTreeSet::new() }
    }

    /// A key without a result; only a node that is out of reach counts, not one that refused.
    pub(super) fn missed(&mut self, core: &Core, namespace: NamespaceId, key: &str, outcome: Option<&Outcome>) {
        let Some(Outcome::Failed(failure)) = outcome else { return };
        if matches!(failure.reason, crate::dispatch::Reason::Refused(_)) {
            return;
        }
        let view = core.shared.view.load();
        let hash = view.hash(namespace, key);
        self.missing.extend(view.route(hash).primary);
        self.ranges_missing.insert(u64::from(view.state.range_of(hash).0));
    }

    pub(super) fn coverage(self) -> rest::Coverage {
        shown(&Coverage {
            nodes_total: self.nodes,
            ranges_total: self.ranges,
            ranges_done: self.ranges - self.ranges_missing.len().min(self.ranges),
            missing: self.missing,
        })
    }
}
