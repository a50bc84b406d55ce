//! Calls over many keys: pages in hash order, first keys in key order, counts, removals.

use bytes::Bytes;
use ringhold_model::{
    NamespaceId, NodeId,
    config::Backend,
    wire::{
        CountReply, FirstKeysReply, FirstKeysRequest, Method, RangeRef, RemoveReply, RemoveRequest, ScanContent,
        ScanReply, ScanRequest, Selection, decode, encode,
    },
};
use ringhold_rpc::{CallError, Deadline};

use super::{
    fan_out::{Coverage, Part},
    outcome::{Failure, Item},
    point::Dispatcher,
};
use crate::view::View;

/// Most bytes of records that one node returns for one page.
const PAGE_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// Which records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    /// The namespace.
    pub(crate) namespace: NamespaceId,
    /// The backend.
    pub(crate) backend: Backend,
    /// A glob over the whole key; `None`: all.
    pub(crate) pattern: Option<&'a str>,
}

impl<'a> Filter<'a> {
    pub(super) fn selection(&self, view: &View, ranges: &[RangeRef]) -> Selection<'a> {
        Selection {
            view: view.index(),
            namespace: self.namespace,
            backend: self.backend,
            ranges: ranges.to_vec(),
            pattern: self.pattern,
        }
    }
}

/// A page of the walk in hash order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageRequest<'a> {
    /// Which records.
    pub(crate) filter: Filter<'a>,
    /// Where to go on; zero: at the start.
    pub(crate) from_hash: u64,
    /// Most records.
    pub(crate) records_max: usize,
    /// What to return of each.
    pub(crate) content: ScanContent,
}

/// A record of a page.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    hash: u64,
    key: Bytes,
    /// The record.
    pub(crate) item: Item,
}

impl Entry {
    /// The key.
    pub(crate) fn key(&self) -> &str {
        std::str::from_utf8(&self.key).unwrap_or_default()
    }
}

/// Records in hash order.
#[derive(Debug)]
pub(crate) struct Page {
    /// The records.
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins; `None`: this was the last.
    pub(crate) next_hash: Option<u64>,
    /// Who contributed.
    pub(crate) coverage: Coverage,
}

/// Keys in key order.
#[derive(Debug)]
pub(crate) struct FirstKeys {
    /// Ascending.
    pub(crate) keys: Vec<String>,
    /// How many match in all.
    pub(crate) total: u64,
    /// Who contributed.
    pub(crate) coverage: Coverage,
}

/// A count over all ranges.
#[derive(Debug)]
pub(crate) struct Total {
    /// Records counted or removed.
    pub(crate) count: u64,
    /// Who contributed.
    pub(crate) coverage: Coverage,
}

impl Dispatcher {
    /// One page of the walk in hash order. A key that stays is met exactly once however the layout moves, because the
    /// position is a place in the hash space and not on a node.
    pub(crate) async fn page(&self, request: PageRequest<'_>, deadline: Deadline) -> Result<Page, Failure> {
        let share = self.page_share(request.records_max);
        let body = |view: &View, ranges: &[RangeRef]| {
            encode(&ScanRequest {
                selection: request.filter.selection(view, ranges),
                from_hash: request.from_hash,
                records_max: share,
                bytes_max: PAGE_BYTES_MAX,
                content: request.content,
            })
        };
        let gathered = self.gather(Method::Scan, Some(request.from_hash), body, read_page, deadline).await?;
        let next = gathered.parts.iter().filter_map(|(_, next)| *next).min();
        let mut entries: Vec<Entry> = gathered.parts.into_iter().flat_map(|(entries, _)| entries).collect();
        entries.sort_unstable_by(|a, b| (a.hash, &a.key).cmp(&(b.hash, &b.key)));
        let next_hash = cut(&mut entries, request.records_max, next);
        Ok(Page { entries, next_hash, coverage: gathered.coverage })
    }

    /// A page that is as long as was asked, unless the walk is over: pages are put together until it is.
    ///
    /// Near one place of the hash space one node may hold most ranges, so that even shares give short pages.
    pub(crate) async fn whole_page(&self, request: PageRequest<'_>, deadline: Deadline) -> Result<Page, Failure> {
        let mut whole = self.page(request, deadline).await?;
        while let Some(from_hash) = whole.next_hash
            && whole.entries.len() < request.records_max
            && !deadline.has_passed()
        {
            let records_max = request.records_max - whole.entries.len();
            let more = self.page(PageRequest { from_hash, records_max, ..request }, deadline).await?;
            whole.entries.extend(more.entries);
            whole.next_hash = more.next_hash;
            whole.coverage.join(&more.coverage);
        }
        Ok(whole)
    }

    /// How many records to ask of each node that holds ranges for a page: its even share and some slack.
    fn page_share(&self, records_max: usize) -> u32 {
        let nodes = self.view.load().holders().max(1);
        (records_max.div_ceil(nodes) * 5 / 4 + 8).min(records_max.max(1)) as u32
    }

    /// The first keys in key order.
    pub(crate) async fn first_keys(
        &self,
        filter: Filter<'_>,
        keys_max: usize,
        deadline: Deadline,
    ) -> Result<FirstKeys, Failure> {
        let body = |view: &View, ranges: &[RangeRef]| {
            encode(&FirstKeysRequest { selection: filter.selection(view, ranges), keys_max: keys_max as u32 })
        };
        let read = |_, frame: &Bytes| {
            let reply: FirstKeysReply<'_> = decode(frame)?;
            let keys: Vec<String> = reply.keys.into_iter().map(str::to_owned).collect();
            Ok(Part { value: (keys, reply.total), done: reply.done, view: reply.view })
        };
        let gathered = self.gather(Method::FirstKeys, None, body, read, deadline).await?;
        let total = gathered.parts.iter().map(|(_, total)| total).sum();
        let mut keys: Vec<String> = gathered.parts.into_iter().flat_map(|(keys, _)| keys).collect();
        keys.sort_unstable();
        keys.truncate(keys_max);
        Ok(FirstKeys { keys, total, coverage: gathered.coverage })
    }

    /// How many records match.
    pub(crate) async fn count(&self, filter: Filter<'_>, deadline: Deadline) -> Result<Total, Failure> {
        let body = |view: &View, ranges: &[RangeRef]| encode(&filter.selection(view, ranges));
        let read = |_, frame: &Bytes| {
            let reply: CountReply = decode(frame)?;
            Ok(Part { value: reply.total, done: reply.done, view: reply.view })
        };
        let gathered = self.gather(Method::Count, None, body, read, deadline).await?;
        Ok(Total { count: gathered.parts.iter().sum(), coverage: gathered.coverage })
    }

    /// Removes what matches the filter's pattern or carries one of `tags`. Safe to repeat.
    pub(crate) async fn remove(&self, filter: Filter<'_>, tags: &[&str], deadline: Deadline) -> Result<Total, Failure> {
        let body = |view: &View, ranges: &[RangeRef]| {
            encode(&RemoveRequest { selection: filter.selection(view, ranges), tags: tags.to_vec() })
        };
        let read = |_, frame: &Bytes| {
            let reply: RemoveReply = decode(frame)?;
            Ok(Part { value: reply.removed, done: reply.done, view: reply.view })
        };
        let gathered = self.gather(Method::Remove, None, body, read, deadline).await?;
        Ok(Total { count: gathered.parts.iter().sum(), coverage: gathered.coverage })
    }
}

type PagePart = (Vec<Entry>, Option<u64>);

fn read_page(_: NodeId, frame: &Bytes) -> Result<Part<PagePart>, CallError> {
    let reply: ScanReply<'_> = decode(frame)?;
    let entries = reply.entries.iter().map(|entry| Entry {
        hash: entry.hash,
        key: frame.slice_ref(entry.key.as_bytes()),
        item: Item::from_frame(&entry.item, frame),
    });
    Ok(Part { value: (entries.collect(), reply.next_hash), done: reply.done, view: reply.view })
}

/// Drops what lies at or beyond `next` (where some node stopped) or `records_max`; answers where to go on. Records of one
/// hash stay together, even if that passes `records_max`.
fn cut(entries: &mut Vec<Entry>, records_max: usize, next: Option<u64>) -> Option<u64> {
    let mut next = next;
    if entries.len() > records_max {
        let boundary = entries[records_max].hash;
        if next.is_none_or(|next| boundary < next) && entries[0].hash < boundary {
            next = Some(boundary);
        }
    }
    if let Some(next) = next {
        entries.truncate(entries.partition_point(|entry| entry.hash < next));
    }
    next
}
