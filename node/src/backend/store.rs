//! One backend as a node uses it: every call with a deadline, a breaker and counts.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use ringhold_model::config::Backend;
use ringhold_rpc::Deadline;

use super::{
    breaker::Breaker,
    driver::{Driver, Put, Reply, ScanPage},
    error::Error,
    row::{Row, RowKey, Stamp},
};

/// Longest wait for one call.
const CALL_MAX: Duration = Duration::from_secs(2);
/// Buckets of times: doublings of 64 microseconds, the last one without bound.
const BUCKETS: usize = 18;

/// See the module.
#[derive(Debug)]
pub(crate) struct Store {
    backend: Backend,
    driver: Box<dyn Driver>,
    state: Mutex<State>,
    figures: Figures,
}

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    /// What was wrong last; `None`: the last call was answered.
    trouble: Option<String>,
}

/// Relaxed: mere counts.
#[derive(Debug, Default)]
struct Figures {
    calls: AtomicU64,
    failed: AtomicU64,
    /// Calls that were not made because the breaker was open.
    spared: AtomicU64,
    sum_us: AtomicU64,
    times: [AtomicU64; BUCKETS],
}

/// What is counted of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoreFigures {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) spared: u64,
    pub(crate) damaged: u64,
    /// State of the breaker.
    pub(crate) breaker: &'static str,
    /// What is wrong; `None`: nothing.
    pub(crate) trouble: Option<String>,
    pub(crate) sum_us: u64,
    /// Upper bounds in microseconds (`u64::MAX`: none) and how many calls took at most that, but more than the bound before.
    pub(crate) times: Vec<(u64, u64)>,
}

impl Store {
    pub(crate) fn new(backend: Backend, driver: Box<dyn Driver>) -> Self {
        Self { backend, driver, state: Mutex::default(), figures: Figures::default() }
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// True when several nodes can reach the same rows. Else they are lost with the node.
    pub(crate) fn is_shared(&self) -> bool {
        self.backend != Backend::File
    }

    pub(crate) async fn get(&self, keys: &[RowKey], deadline: Deadline) -> Result<Vec<Option<Bytes>>, Error> {
        self.call(self.driver.get(keys), deadline).await
    }

    pub(crate) async fn put(&self, rows: &[Row], deadline: Deadline) -> Result<Vec<Put>, Error> {
        self.call(self.driver.put(rows), deadline).await
    }

    pub(crate) async fn delete(&self, rows: &[(RowKey, Stamp)], deadline: Deadline) -> Result<Vec<bool>, Error> {
        self.call(self.driver.delete(rows), deadline).await
    }

    pub(crate) async fn scan(
        &self,
        namespace: &str,
        after: Option<&str>,
        rows_max: usize,
        deadline: Deadline,
    ) -> Result<ScanPage, Error> {
        self.call(self.driver.scan(namespace, after, rows_max), deadline).await
    }

    /// Asks whether it works, unless it is left alone for now.
    pub(crate) async fn check(&self, deadline: Deadline) -> Result<(), Error> {
        self.call(self.driver.check(), deadline).await
    }

    /// Whether a call would be made now.
    ///
    /// # Errors
    /// `Down`, with what was wrong last.
    pub(crate) fn is_open(&self) -> Result<(), Error> {
        let state = self.state.lock();
        match (state.breaker, &state.trouble) {
            (Breaker::Open { until, .. }, trouble) if Instant::now() < until => Err(left_alone(trouble.as_deref())),
            _ => Ok(()),
        }
    }

    async fn call<T>(&self, call: Reply<'_, T>, deadline: Deadline) -> Result<T, Error> {
        {
            let mut state = self.state.lock();
            if state.breaker.admit(Instant::now()).is_err() {
                self.figures.spared.fetch_add(1, Relaxed);
                return Err(left_alone(state.trouble.as_deref()));
            }
        }
        // A disk is slow, but it is not away.
        let max = if self.is_shared() { CALL_MAX } else { Duration::MAX };
        let (start, wait) = (Instant::now(), deadline.remaining().min(max));
        let outcome = match tokio::time::timeout(wait, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Silent(format!("no answer within {} ms", wait.as_millis()))),
        };
        self.figures.note(start.elapsed(), outcome.is_err());
        let mut state = self.state.lock();
        match outcome.as_ref().err().filter(|error| error.is_outage()) {
            None => {
                state.breaker.succeeded();
                if state.trouble.take().is_some() {
                    tracing::info!(backend = %self.backend, "the backend answers again");
                }
            }
            Some(error) => {
                state.breaker.failed(Instant::now());
                if state.trouble.replace(error.to_string()).is_none() {
                    tracing::warn!(backend = %self.backend, %error, "the backend does not answer");
                }
            }
        }
        outcome
    }

    pub(crate) fn figures(&self) -> StoreFigures {
        let state = self.state.lock();
        let Figures { calls, failed, spared, sum_us, times } = &self.figures;
        let bound = |at: usize| if at + 1 == BUCKETS { u64::MAX } else { 64 << at };
        StoreFigures {
            calls: calls.load(Relaxed),
            failed: failed.load(Relaxed),
            spared: spared.load(Relaxed),
            damaged: self.driver.damaged(),
            breaker: state.breaker.state(),
            trouble: state.trouble.clone(),
            sum_us: sum_us.load(Relaxed),
            times: times.iter().enumerate().map(|(at, count)| (bound(at), count.load(Relaxed))).collect(),
        }
    }
}

impl Figures {
    fn note(&self, time: Duration, is_failed: bool) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = (us.saturating_sub(1) >> 6).checked_ilog2().map_or(0, |log| log as usize + 1).min(BUCKETS - 1);
        self.calls.fetch_add(1, Relaxed);
        self.failed.fetch_add(is_failed.into(), Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
        self.times[bucket].fetch_add(1, Relaxed);
    }
}

fn left_alone(trouble: Option<&str>) -> Error {
    Error::Down(format!("{}; it is tried again shortly", trouble.unwrap_or("it failed")))
}
