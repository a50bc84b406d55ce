//! What a router tells Prometheus: requests by route and status, and how long they took.
//!
//! Labels are bounded: routes come from a fixed list, statuses are shown by class.

use std::{fmt, sync::atomic::Ordering::Relaxed, time::Duration};

use http::StatusCode;
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// Content type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The calls of the API by the beginning of their path; the rest is counted as `other`.
const ROUTES: &[&str] = &[
    "/api/cache/get/",
    "/api/cache/set",
    "/api/cache/set-batch",
    "/api/cache/get-batch",
    "/api/cache/delete/",
    "/api/cache/incr/",
    "/api/cache/getset/",
    "/api/cache/touch/",
    "/api/cache/clear",
    "/api/cache/keys",
    "/api/cache/stats",
    "/api/cache/analytics/",
    "/api/cache/config",
    "/api/cache/warm",
    "/api/cache/invalidate",
    "/api/cache/export",
    "/api/cache/import",
    "/api/namespaces",
    "/api/cluster",
    "/api/cluster/plan",
    "/api/cluster/apply",
    "/api/cluster/pause",
    "/api/cluster/resume",
    "/api/cluster/cancel",
    "/api/cluster/settings",
    "/api/cluster/nodes/",
    "/health",
    "/livez",
    "/readyz",
    "/metrics",
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// From 100 microseconds to about 13 seconds.
const BUCKETS: (f64, f64, u16) = (0.0001, 2.0, 18);

/// What the dispatchers of all workers count.
#[derive(Clone, Debug, Default)]
pub(crate) struct DispatchCounters {
    /// Calls with reads that were sent to a second node because the first did not answer in time.
    pub(crate) hedged_reads: Counter,
    /// Reads that a copy answered in place of the primary.
    pub(crate) copy_reads: Counter,
    /// Calls with operations that were sent before.
    pub(crate) retries: Counter,
    /// Times when a hedge or a retry was put off or left out because the budget did not allow it.
    pub(crate) exhausted: Counter,
}

impl DispatchCounters {
    fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            (
                "ringhold_router_hedged_reads",
                "Calls with reads sent to a second copy because the first did not answer in time",
                &self.hedged_reads,
            ),
            ("ringhold_router_copy_reads", "Reads answered by a copy in place of the primary", &self.copy_reads),
            ("ringhold_router_retries", "Calls with operations that had been sent before", &self.retries),
            (
                "ringhold_router_retry_budget_exhausted",
                "Hedges and retries put off or left out because they would have been more than a tenth of the requests",
                &self.exhausted,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

type Labels = [(&'static str, &'static str); 2];
type Timed = [(&'static str, &'static str); 1];
type Version = Timed;

/// Counters of one router, written by all its workers.
pub(crate) struct Metrics {
    /// By route and class of status: looked up once, so that counting a request takes no lock.
    counters: Vec<[Counter; CLASSES.len()]>,
    durations: Vec<Histogram>,
    /// Counted by the dispatchers.
    pub(crate) dispatch: DispatchCounters,
    registry: Registry,
    view_index: Gauge,
    dropped_lines: Counter,
    ready: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Self {
        let requests = Family::<Labels, Counter>::default();
        let times = Family::<Timed, Histogram, fn() -> Histogram>::new_with_constructor(duration_histogram);
        let labels = || ROUTES.iter().copied().chain(["other"]);
        let counters = labels()
            .map(|route| CLASSES.map(|class| requests.get_or_create(&[("route", route), ("status", class)]).clone()));
        let counters = counters.collect();
        let durations = labels().map(|route| times.get_or_create(&[("route", route)]).clone()).collect();
        let (view_index, dropped_lines, ready) = (Gauge::default(), Counter::default(), Gauge::default());
        let mut registry = Registry::default();
        registry.register("ringhold_router_requests", "Requests answered, by route and class of status", requests);
        registry.register_with_unit(
            "ringhold_router_request_duration",
            "Time from the request's head to its answer",
            Unit::Seconds,
            times,
        );
        registry.register(
            "ringhold_router_view_index",
            "Log index of the replicated state that the router works with",
            view_index.clone(),
        );
        registry.register(
            "ringhold_router_access_lines_dropped",
            "Access log lines dropped because standard output did not keep up",
            dropped_lines.clone(),
        );
        registry.register("ringhold_router_ready", "1 when the router answers 200 to /readyz", ready.clone());
        let build = Family::<Version, Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("ringhold_router_build_info", "1; the version is in the label", build);
        let dispatch = DispatchCounters::default();
        dispatch.register(&mut registry);
        Self { counters, durations, dispatch, registry, view_index, dropped_lines, ready }
    }

    /// Counts one answered request.
    pub(crate) fn record(&self, path: &str, status: StatusCode, duration: Option<Duration>) {
        let route = route(path);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.counters[route][class].inc();
        if let Some(duration) = duration {
            self.durations[route].observe(duration.as_secs_f64());
        }
    }

    /// The text of one scrape.
    pub(crate) fn render(&self, view_index: u64, dropped_lines: u64, is_ready: bool) -> Result<String, fmt::Error> {
        self.view_index.set(view_index as i64);
        // Counted elsewhere, and only ever more.
        self.dropped_lines.inner().fetch_max(dropped_lines, Relaxed);
        self.ready.set(is_ready.into());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn duration_histogram() -> Histogram {
    let (start, factor, count) = BUCKETS;
    Histogram::new(exponential_buckets(start, factor, count))
}

/// Position of the route of a path; the one after the last stands for all others.
fn route(path: &str) -> usize {
    let matches = |route: &&str| if route.ends_with('/') { path.starts_with(*route) } else { path == *route };
    ROUTES.iter().position(matches).unwrap_or(ROUTES.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_under_their_route_and_class() {
        let metrics = Metrics::new();
        metrics.record("/api/cache/get/a/b", StatusCode::OK, Some(Duration::from_millis(1)));
        metrics.record("/api/cache/set", StatusCode::UNPROCESSABLE_ENTITY, None);
        metrics.record("/nowhere/else", StatusCode::NOT_FOUND, None);
        metrics.dispatch.hedged_reads.inc();
        metrics.dispatch.copy_reads.inc_by(3);
        let text = metrics.render(7, 3, true).unwrap();
        for line in [
            "ringhold_router_requests_total{route=\"/api/cache/get/\",status=\"2xx\"} 1",
            "ringhold_router_requests_total{route=\"/api/cache/set\",status=\"4xx\"} 1",
            "ringhold_router_requests_total{route=\"other\",status=\"4xx\"} 1",
            "ringhold_router_request_duration_seconds_count{route=\"/api/cache/get/\"} 1",
            "ringhold_router_view_index 7",
            "ringhold_router_ready 1",
            "ringhold_router_access_lines_dropped_total 3",
            "ringhold_router_hedged_reads_total 1",
            "ringhold_router_copy_reads_total 3",
            "ringhold_router_retries_total 0",
            "ringhold_router_retry_budget_exhausted_total 0",
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
    }
}
