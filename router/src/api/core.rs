//! What handlers share: the worker's dispatcher, the router's settings, and the way from a request to a checked call.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::body::Body;
use bytes::Bytes;
use http::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use parking_lot::Mutex;
use ringhold_model::{
    NamespaceId, NodeId, RouterId,
    cluster::{Command, Reply},
    config::Backend,
};
use ringhold_rpc::Deadline;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    Options,
    auth::Gate,
    dispatch::{Applied, Coverage, Dispatcher, Failure, Reason},
    http::{AccessLog, BodyFault, RequestIds, RequestTag, read_body},
    metrics::Metrics,
    rest::{self, ApiError, CallKind, cluster::Paces},
    view::ViewCell,
};

/// Listings deep into the key order that run at the same time; each may hold some 100,000 keys of every node.
const DEEP_PAGES_MAX: usize = 4;
/// Keys that are looked for in a newer state at the same time.
const LOOKS_MAX: usize = 2;

/// Shared by all workers of a router.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) view: ViewCell,
    pub(crate) metrics: Metrics,
    access: Option<AccessLog>,
    /// Cancelled once the router was told to stop; it may serve on for a while.
    leaving: CancellationToken,
    /// Listings deep into the key order, for which every node returns many keys; more wait their turn.
    pub(super) deep_pages: Semaphore,
    /// Tells callers apart; `None`: nobody is asked.
    pub(super) gate: Option<Gate>,
    /// Looks for keys that the view does not know; more are not looked for.
    pub(super) looks: Semaphore,
    /// How fast copies are filled; written by whoever looks at the cluster, and never held across a wait.
    paces: Mutex<Paces>,
    started: tokio::time::Instant,
}

impl Shared {
    /// Nothing counted yet.
    pub(crate) fn new(options: Options, view: ViewCell, access: Option<AccessLog>, leaving: CancellationToken) -> Self {
        let gate = options.authentication.as_ref().map(Gate::new);
        Self {
            options,
            view,
            metrics: Metrics::new(),
            access,
            leaving,
            deep_pages: Semaphore::new(DEEP_PAGES_MAX),
            gate,
            looks: Semaphore::new(LOOKS_MAX),
            paces: Mutex::default(),
            started: tokio::time::Instant::now(),
        }
    }

    /// Whether the router was told to stop.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// Bytes a second with which copies are filled, when the nodes have `sent` so many so far; `None`: not to be told yet.
    pub(super) fn pace(&self, sent: &[(NodeId, u64)]) -> Option<u64> {
        let now_ms = self.started.elapsed().as_millis() as u64;
        self.paces.lock().note(now_ms, sent)
    }

    /// Counts and notes one answered request.
    pub(crate) fn note(&self, method: &Method, path: &str, status: StatusCode, start: Instant, tag: &RequestTag) {
        let duration = start.elapsed();
        self.metrics.record(path, status, self.options.tracking.then_some(duration));
        if let Some(access) = &self.access {
            access.note(method.as_str(), path, status.as_u16(), duration, tag.as_str());
        }
    }

    /// Access log lines that were dropped because standard output did not keep up.
    pub(crate) fn access_lines_dropped(&self) -> u64 {
        self.access.as_ref().map_or(0, AccessLog::dropped)
    }
}

/// What the handlers of one worker work with.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) ids: RequestIds,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(shared: Arc<Shared>, dispatcher: Dispatcher, router: RouterId) -> Self {
        Self { shared, dispatcher, ids: RequestIds::new(router.0) }
    }

    pub(super) fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The coverage of an answer for which no node had to be asked.
    pub(super) fn whole(&self) -> Coverage {
        let view = self.shared.view.load();
        Coverage {
            nodes_total: view.holders(),
            ranges_total: view.ranges(),
            ranges_done: view.ranges(),
            ..Coverage::default()
        }
    }

    /// The deadline of a request that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.options().request_timeout)
    }

    /// Reads a JSON body; one that is declared as something else is refused.
    pub(super) async fn json_body(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
        rest::check_content_type(headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes))?;
        if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(ApiError::NotJson(
                "Encoded bodies are not taken; send the JSON without Content-Encoding".into(),
            ));
        }
        let options = self.options();
        read_body(headers, body, options.limits.body_bytes, &options.patience).await.map_err(body_error)
    }

    /// The backend of a request that may name none.
    pub(super) fn backend(&self, given: Option<Backend>) -> Backend {
        given.unwrap_or_else(|| self.shared.view.load().default_backend())
    }

    /// The namespace of a call that makes none; `None`: nobody has written to it yet, so it is empty.
    pub(super) async fn namespace(
        &self,
        headers: &HeaderMap,
        deadline: Deadline,
        kind: CallKind,
    ) -> Result<Option<NamespaceId>, ApiError> {
        let name = namespace_name(headers)?;
        self.await_view(deadline, kind).await?;
        if let Some(id) = self.shared.view.load().namespace(name) {
            return Ok(Some(id));
        }
        // Another router may have had it made a moment ago, and a write to it acknowledged.
        self.catch_up(kind, deadline).await?;
        Ok(self.shared.view.load().namespace(name))
    }

    /// The namespace of a write, made if it is not there yet.
    pub(super) async fn namespace_for_write(
        &self,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<NamespaceId, ApiError> {
        let name = namespace_name(headers)?;
        self.await_view(deadline, CallKind::Write).await?;
        if let Some(id) = self.shared.view.load().namespace(name) {
            return Ok(id);
        }
        let command = Command::CreateNamespace { name: name.to_owned() };
        // Nothing of the caller's was written when this fails, so its outcome is certain.
        let made = self
            .dispatcher
            .propose(command, deadline)
            .await
            .map_err(|failure| Failure { applied: Applied::No, ..failure });
        match made.map_err(|failure| self.error(&failure, CallKind::Write))? {
            (_, Reply::Namespace(id)) => Ok(id),
            _ => Err(ApiError::Internal("the rule book answered another question".into())),
        }
    }

    /// Waits until the view is as new as that of any node that serves, so that what it does not hold is not there.
    pub(super) async fn catch_up(&self, kind: CallKind, deadline: Deadline) -> Result<(), ApiError> {
        self.dispatcher.catch_up(deadline).await.map_err(|failure| self.error(&failure, kind))
    }

    /// Waits until every node that serves acts by a change that is decided.
    pub(super) async fn acted_by(&self, index: u64, deadline: Deadline) -> Result<Coverage, ApiError> {
        let coverage = self.dispatcher.barrier(index, deadline).await;
        if coverage.missing.is_empty() {
            return Ok(coverage);
        }
        let detail =
            "The change is decided, but not every node that serves acts by it yet; repeat the call: that is safe";
        Err(ApiError::unknown(detail, CallKind::Write))
    }

    /// Waits for the first view of the cluster, so that requests right after the start are served late rather than refused.
    pub(super) async fn await_view(&self, deadline: Deadline, kind: CallKind) -> Result<(), ApiError> {
        if self.shared.view.load().index() > 0 || self.shared.view.at_least(1, deadline).await {
            return Ok(());
        }
        Err(self.error(&Failure::not_applied(Reason::NoView), kind))
    }

    /// What it means to the client that a change of all ranges failed before any range answered for it: 503 with an account,
    /// if repeating it helps.
    pub(super) fn undone(&self, failure: &Failure) -> ApiError {
        match self.error(failure, CallKind::Write) {
            ApiError::Unavailable { detail, .. } => {
                let view = self.shared.view.load();
                let (nodes_total, ranges_total) = (view.holders() as u32, view.ranges() as u32);
                let coverage = rest::Coverage { nodes: 0, nodes_total, ranges: 0, ranges_total };
                ApiError::Incomplete { detail, deleted_count: 0, coverage }
            }
            other => other,
        }
    }

    /// What a failed operation means to the client.
    pub(super) fn error(&self, failure: &Failure, kind: CallKind) -> ApiError {
        let detail = match &failure.reason {
            Reason::Refused(fault) => return ApiError::from_fault(fault, kind),
            Reason::DeadlinePassed => {
                let outcome = match failure.applied {
                    Applied::Unknown => rest::Outcome::Unknown,
                    Applied::No => rest::Outcome::NotApplied,
                };
                return ApiError::DeadlinePassed { outcome: (kind == CallKind::Write).then_some(outcome) };
            }
            Reason::NoLease => {
                "The node that owns the key has lost contact with the cluster's majority and does not serve; try again shortly"
            }
            Reason::Unavailable => "The node that owns the key cannot be reached; try again shortly",
            Reason::Overloaded => "The node that owns the key works at its limit; try again shortly",
            Reason::NoLeader => "The cluster has no leader with a majority at the moment; try again shortly",
            Reason::NoView => "The router has not reached the cluster yet; are its nodes running?",
        };
        match failure.applied {
            Applied::No => ApiError::unavailable(detail, kind),
            Applied::Unknown => ApiError::unknown(detail, kind),
        }
    }
}

/// The name of the request's namespace.
pub(super) fn namespace_name(headers: &HeaderMap) -> Result<&str, ApiError> {
    rest::namespace::from_header(headers.get_all("x-cache-namespace").iter().map(http::HeaderValue::as_bytes))
}

/// Wall clock, milliseconds since 1970.
pub(super) fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// The coverage as clients see it.
pub(super) fn shown(coverage: &Coverage) -> rest::Coverage {
    rest::Coverage {
        nodes: coverage.nodes_done() as u32,
        nodes_total: coverage.nodes_total as u32,
        ranges: coverage.ranges_done as u32,
        ranges_total: coverage.ranges_total as u32,
    }
}

pub(super) fn body_error(fault: BodyFault) -> ApiError {
    match fault {
        BodyFault::TooLarge(max) => {
            ApiError::TooLarge(format!("The body is larger than {max} bytes (CACHE_MAX_BODY_SIZE)"))
        }
        BodyFault::TooSlow => ApiError::RequestTimeout,
        BodyFault::Broken => ApiError::Malformed("The body ended early or is not framed correctly".into()),
    }
}
