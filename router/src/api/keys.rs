//! `GET /api/cache/keys`: pages in key order by `offset`, or a walk in hash order by `cursor`.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{
    Epoch, NamespaceId,
    wire::{Action, ItemRef, PointOp, ScanContent},
};
use ringhold_rpc::Deadline;

use super::{
    core::{Core, shown},
    respond,
};
use crate::{
    dispatch::{Filter, Outcome, PageRequest, Reads},
    rest::{
        self, ApiError, CallKind,
        cursor::{Cursor, Walk},
        query::{KeysQuery, Paging},
        render,
    },
};

/// Listings beyond this many keys take turns.
const DEEP_OFFSET: u32 = 5_000;
/// Room for one entry of a listing.
const ENTRY_BYTES: usize = 256;

/// Lists keys.
pub(super) async fn keys(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let query = rest::query::keys(request.uri().query())?;
    let backend = core.backend(query.backend);
    let namespace = core.namespace(request.headers(), deadline, CallKind::Read).await?;
    let Some(namespace) = namespace else { return Ok(empty(core, &query)) };
    let filter = Filter { namespace, backend, pattern: query.pattern.as_deref() };
    match &query.paging {
        Paging::Start => walk(core, &query, filter, None, deadline).await,
        Paging::Cursor(text) => walk(core, &query, filter, Some(text), deadline).await,
        Paging::Offset(offset) => page(core, &query, filter, *offset, deadline).await,
    }
}

/// The answer for a namespace that nobody has written to.
fn empty(core: &Core, query: &KeysQuery<'_>) -> Response {
    let offset = match query.paging {
        Paging::Offset(offset) => offset,
        Paging::Start | Paging::Cursor(_) => 0,
    };
    let coverage = shown(&core.whole());
    listing(&render::KeysPage { total_keys: Some(0), limit: query.limit, offset, next_cursor: None, coverage }, &[])
}

/// A page in key order. Every node sorts its first `offset + limit` keys; the merged page is then read key by key.
async fn page(
    core: &Core,
    query: &KeysQuery<'_>,
    filter: Filter<'_>,
    offset: u32,
    deadline: Deadline,
) -> Result<Response, ApiError> {
    let (offset_keys, limit) = (offset as usize, query.limit as usize);
    let turn = match offset {
        ..=DEEP_OFFSET => None,
        _ => Some(tokio::time::timeout(deadline.remaining(), core.shared.deep_pages.acquire()).await),
    };
    if matches!(turn, Some(Err(_))) {
        return Err(ApiError::unavailable(
            "Too many listings by a large offset run; use a cursor, or try again",
            CallKind::Read,
        ));
    }
    let first = core.dispatcher.first_keys(filter, offset_keys + limit, deadline).await;
    let first = first.map_err(|failure| core.error(&failure, CallKind::Read))?;
    let keys = first.keys.get(offset_keys..).unwrap_or_default();
    let items = peek(core, filter.namespace, filter.backend, keys, deadline).await;
    let mut coverage = first.coverage;
    let mut shown_items = Vec::with_capacity(items.len());
    for (key, outcome) in keys.iter().zip(items) {
        match outcome {
            Outcome::Hit(item) => shown_items.push((key.as_str(), item)),
            // Its node was lost since: the page is not complete, and says so.
            Outcome::Failed(_) => {
                let view = core.shared.view.load();
                coverage.missing.extend(view.route(view.hash(filter.namespace, key)).primary);
            }
            // Expired or removed since.
            _ => {}
        }
    }
    let coverage = shown(&coverage);
    let page =
        render::KeysPage { total_keys: Some(first.total), limit: query.limit, offset, next_cursor: None, coverage };
    let entries: Vec<_> = shown_items.iter().map(|(key, item)| (*key, item.borrow())).collect();
    Ok(listing(&page, &entries))
}

async fn peek(
    core: &Core,
    namespace: NamespaceId,
    backend: ringhold_model::config::Backend,
    keys: &[String],
    deadline: Deadline,
) -> Vec<Outcome> {
    if keys.is_empty() {
        return Vec::new();
    }
    let view = core.shared.view.load_full();
    let ops =
        keys.iter().map(|key| PointOp { hash: view.hash(namespace, key), epoch: Epoch(0), key, action: Action::Peek });
    core.dispatcher.execute((namespace, backend), ops.collect(), Reads::Fresh, deadline).await
}

/// A page of the walk in hash order; only its first page tells the total.
async fn walk(
    core: &Core,
    query: &KeysQuery<'_>,
    filter: Filter<'_>,
    text: Option<&str>,
    deadline: Deadline,
) -> Result<Response, ApiError> {
    let view = core.shared.view.load_full();
    let generation = view.state.generation(filter.namespace, filter.backend);
    let walk = Walk {
        cluster_seed: view.state.hash_seed,
        namespace: filter.namespace,
        backend: filter.backend,
        pattern: filter.pattern,
    };
    let start = match text {
        None => Cursor { generation, from_hash: 0 },
        Some(text) => Cursor::decode(text, &walk).ok_or_else(|| rest::query::bad_cursor(text))?,
    };
    let request = PageRequest {
        filter,
        from_hash: start.from_hash,
        records_max: query.limit as usize,
        content: ScanContent::Info,
    };
    let page =
        core.dispatcher.whole_page(request, deadline).await.map_err(|failure| core.error(&failure, CallKind::Read))?;
    let mut coverage = page.coverage;
    let total = if text.is_none() {
        let counted =
            core.dispatcher.count(filter, deadline).await.map_err(|failure| core.error(&failure, CallKind::Read))?;
        coverage.join(&counted.coverage);
        Some(counted.count)
    } else {
        None
    };
    let next_cursor = page.next_hash.map(|from_hash| Cursor { generation: start.generation, from_hash }.encode(&walk));
    let coverage = shown(&coverage);
    let shape = render::KeysPage {
        total_keys: total,
        limit: query.limit,
        offset: 0,
        next_cursor: next_cursor.as_deref(),
        coverage,
    };
    let entries: Vec<_> = page.entries.iter().map(|entry| (entry.key(), entry.item.borrow())).collect();
    Ok(listing(&shape, &entries))
}

fn listing(page: &render::KeysPage<'_>, entries: &[(&str, ItemRef<'_>)]) -> Response {
    let entries_bytes = ENTRY_BYTES * entries.len();
    let entries = entries.iter().map(|(key, item)| (*key, item));
    respond::json_covered(entries_bytes + ENTRY_BYTES, &page.coverage, |out| render::keys(out, page, entries))
}
