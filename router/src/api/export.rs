//! `GET /api/cache/export`: everything that matches, streamed page by page in hash order.
//!
//! Memory is flat: one page at a time, and the next is fetched when the client has taken the last. The coverage comes at the
//! end. When a page cannot be had the connection is broken off, so that a partial export never looks like a whole one.

use std::{io, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{
    HeaderValue, Request,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use ringhold_model::{NamespaceId, config::Backend, wire::ScanContent};

use super::core::{Core, namespace_name, shown, wall_ms};
use crate::{
    dispatch::{Coverage, Failure, Filter, PageRequest},
    rest::{
        self, ApiError, CallKind,
        query::ExportFormat,
        render::{self, Tail},
    },
};

/// Most items of one page.
const PAGE_ITEMS: usize = 1_000;

/// An export on its way.
struct Export {
    core: Arc<Core>,
    format: ExportFormat,
    namespace_name: String,
    /// `None`: nobody has written to the namespace yet.
    namespace: Option<NamespaceId>,
    backend: Backend,
    pattern: Option<String>,
    started_ms: u64,
    items: u64,
    coverage: Coverage,
    stage: Stage,
}

enum Stage {
    Head,
    From(u64),
    Tail,
    Done,
}

/// Streams the items.
pub(super) async fn export(core: &Arc<Core>, request: Request<Body>) -> Result<Response, ApiError> {
    let query = rest::query::export(request.uri().query())?;
    let namespace = core.namespace(request.headers(), core.deadline(), CallKind::Read).await?;
    let export = Export {
        core: core.clone(),
        format: query.format,
        namespace_name: namespace_name(request.headers())?.to_owned(),
        namespace,
        backend: core.backend(query.backend),
        pattern: query.pattern.map(std::borrow::Cow::into_owned),
        started_ms: wall_ms(),
        items: 0,
        coverage: Coverage::default(),
        stage: Stage::Head,
    };
    let (content_type, file) = match export.format {
        ExportFormat::Json => ("application/json", "attachment; filename=\"cache-export.json\""),
        ExportFormat::Ndjson => ("application/x-ndjson", "attachment; filename=\"cache-export.ndjson\""),
    };
    // The first page is fetched before the head leaves, so that a cluster out of reach is a clear error.
    let mut export = export;
    let first = export.next().await.map_err(|failure| core.error(&failure, CallKind::Read))?;
    let rest = stream::unfold(export, async |mut export| match export.next().await {
        Ok(chunk) => Some((Ok(chunk?), export)),
        Err(failure) => {
            export.stage = Stage::Done;
            Some((Err(broken(&failure)), export))
        }
    });
    let whole = stream::iter(first.map(Ok::<Bytes, io::Error>)).chain(rest);
    let mut response = Response::new(Body::from_stream(whole));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(file));
    Ok(response)
}

/// Breaks the connection off.
fn broken(failure: &Failure) -> io::Error {
    tracing::warn!(reason = ?failure.reason, "an export was broken off");
    io::Error::other("the export could not be completed")
}

impl Export {
    /// The next piece of the answer; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut out = Vec::new();
        if matches!(self.stage, Stage::Head) {
            if matches!(self.format, ExportFormat::Json) {
                render::json_head(&mut out, &self.namespace_name, self.started_ms);
            }
            self.stage = Stage::From(0);
        }
        let head = out.len();
        while out.len() == head || matches!(self.stage, Stage::Tail) {
            match self.stage {
                Stage::Head | Stage::From(_) => self.page(&mut out).await?,
                Stage::Tail => self.tail(&mut out),
                Stage::Done => break,
            }
        }
        Ok((!out.is_empty()).then_some(out.into()))
    }

    async fn page(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let Stage::From(from_hash) = self.stage else { return Ok(()) };
        let Some(namespace) = self.namespace else {
            self.coverage = self.core.whole();
            self.stage = Stage::Tail;
            return Ok(());
        };
        let filter = Filter { namespace, backend: self.backend, pattern: self.pattern.as_deref() };
        let request = PageRequest { filter, from_hash, records_max: PAGE_ITEMS, content: ScanContent::Full };
        let page = self.core.dispatcher.page(request, self.core.deadline()).await?;
        for entry in &page.entries {
            let item = entry.item.borrow();
            match self.format {
                ExportFormat::Json => render::json_entry(out, self.items == 0, entry.key(), &item, self.backend),
                ExportFormat::Ndjson => render::ndjson_entry(out, entry.key(), &item, self.backend),
            }
            self.items += 1;
        }
        self.coverage.join(&page.coverage);
        self.stage = page.next_hash.map_or(Stage::Tail, Stage::From);
        Ok(())
    }

    fn tail(&mut self, out: &mut Vec<u8>) {
        let tail = Tail { items: self.items, exported_at_ms: self.started_ms, coverage: shown(&self.coverage) };
        match self.format {
            ExportFormat::Json => render::json_tail(out, &tail),
            ExportFormat::Ndjson => render::ndjson_tail(out, &self.namespace_name, &tail),
        }
        self.stage = Stage::Done;
    }
}
