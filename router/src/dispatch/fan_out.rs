//! Calls to all owners at once, and the account of who contributed.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use ringhold_model::{
    NamespaceId, NodeId, RangeId,
    config::Backend,
    key::range_of,
    wire::{Fault, Method, PointRequest, RangeRef, WireError},
};
use ringhold_rpc::{Backoff, CallError, Deadline};

use super::{
    outcome::{Failure, Reason},
    point::Dispatcher,
};
use crate::view::View;

/// How long a fan-out asks again for ranges that are changing hands before it reports them as missing: a failover takes up
/// to 3 seconds.
const MOVING_PATIENCE: Duration = Duration::from_millis(3_500);
/// How long a node that lost a range has to show that it is still there.
const SIGN_WAIT: Duration = Duration::from_millis(250);

/// Who contributed to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Nodes that should have contributed.
    pub(crate) nodes_total: usize,
    /// Ranges that should have.
    pub(crate) ranges_total: usize,
    /// Ranges that did.
    pub(crate) ranges_done: usize,
    /// Nodes with ranges that did not.
    pub(crate) missing: BTreeSet<NodeId>,
}

impl Coverage {
    /// True when nothing is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.ranges_done == self.ranges_total
    }

    /// Nodes that contributed all they hold.
    pub(crate) fn nodes_done(&self) -> usize {
        self.nodes_total.saturating_sub(self.missing.len())
    }

    /// The account of several fan-outs that make up one answer: what was missing in any of them is missing.
    pub(crate) fn join(&mut self, other: &Self) {
        self.nodes_total = self.nodes_total.max(other.nodes_total);
        self.ranges_done = match self.ranges_total {
            0 => other.ranges_done,
            _ => self.ranges_done.min(other.ranges_done),
        };
        self.ranges_total = self.ranges_total.max(other.ranges_total);
        self.missing.extend(&other.missing);
    }
}

/// A node's answer for some ranges.
pub(crate) struct Part<T> {
    /// What it said.
    pub(crate) value: T,
    /// The ranges that this covers.
    pub(crate) done: Vec<RangeId>,
    /// The node's view index.
    pub(crate) view: u64,
}

/// Answers for all ranges, or as many as could be had.
pub(crate) struct Gathered<T> {
    /// What the nodes said.
    pub(crate) parts: Vec<T>,
    /// Who contributed.
    pub(crate) coverage: Coverage,
}

impl Dispatcher {
    /// Asks the primary of every range (of those that end above `from_hash`). Ranges that a node no longer holds are asked
    /// again where they went, and so are those of a node that cannot be reached, if another member can take them over; else
    /// it is reported as missing.
    pub(crate) async fn gather<T>(
        &self,
        method: Method,
        from_hash: Option<u64>,
        body: impl Fn(&View, &[RangeRef]) -> Result<Vec<u8>, WireError>,
        read: impl Fn(NodeId, &Bytes) -> Result<Part<T>, CallError>,
        deadline: Deadline,
    ) -> Result<Gathered<T>, Failure> {
        let view = self.view.load_full();
        if view.index() == 0 {
            return Err(Failure::not_applied(Reason::NoView));
        }
        let first = from_hash.map_or(0, |hash| usize::from(range_of(hash, view.state.range_bits).0));
        let mut run = Gather {
            open: (first..view.ranges()).map(|at| RangeId(at as u16)).collect(),
            lost: HashMap::new(),
            needed_view: 0,
            refused: None,
        };
        let mut parts = Vec::new();
        let patience = Deadline::after(MOVING_PATIENCE).earlier(deadline);
        let mut backoff = Backoff::new(Duration::from_millis(2), Duration::from_millis(100));
        loop {
            let view = self.view.load_full();
            parts.extend(self.gather_once(&view, &mut run, method, &body, &read, deadline).await);
            if let Some(fault) = run.refused {
                return Err(Failure::from_fault(fault));
            }
            if run.open.is_empty() || patience.has_passed() {
                return Ok(Gathered { parts, coverage: run.coverage(&self.view.load_full(), first) });
            }
            if self.view.load().index() < run.needed_view {
                self.view.at_least(run.needed_view, patience).await;
            } else {
                let pause = backoff.pause().min(patience.remaining());
                let _ = tokio::time::timeout(pause, self.view.newer_than(view.index())).await;
            }
        }
    }

    async fn gather_once<T>(
        &self,
        view: &View,
        run: &mut Gather,
        method: Method,
        body: &impl Fn(&View, &[RangeRef]) -> Result<Vec<u8>, WireError>,
        read: &impl Fn(NodeId, &Bytes) -> Result<Part<T>, CallError>,
        deadline: Deadline,
    ) -> Vec<T> {
        let mut calls = Vec::new();
        for (node, mut ranges) in view.ranges_by_primary() {
            ranges.retain(|range| run.open.contains(&range.range));
            let Some(node) = node.filter(|_| !ranges.is_empty()) else { continue };
            calls.push(async move {
                let reply = match body(view, &ranges) {
                    Ok(body) => tokio::select! {
                        biased;
                        reply = self.nodes.call_bytes(view, node, method, &body, deadline) => reply,
                        () = self.until_replaced(view, node, &ranges) => Err(CallError::Lost),
                    },
                    Err(error) => Err(CallError::Malformed(error)),
                };
                (node, ranges, reply.and_then(|frame| read(node, &frame)))
            });
        }
        let mut parts = Vec::new();
        for (node, ranges, reply) in join_all(calls).await {
            match reply {
                Ok(part) => {
                    run.needed_view = run.needed_view.max(part.view);
                    part.done.iter().for_each(|range| {
                        run.open.remove(range);
                    });
                    parts.push(part.value);
                }
                Err(error) => run.take_error(&self.view.load(), node, &ranges, &error),
            }
        }
        parts
    }

    /// Waits until others serve some of the ranges that a node was asked for, and the node does not answer any more: its word
    /// is not waited for then.
    async fn until_replaced(&self, view: &View, node: NodeId, ranges: &[RangeRef]) {
        let mut known = view.index();
        loop {
            self.view.newer_than(known).await;
            let newer = self.view.load_full();
            known = newer.index();
            let has_moved = ranges.iter().any(|range| newer.route_of(range.range).epoch != range.epoch);
            if has_moved && !self.gives_a_sign(&newer, node).await {
                return;
            }
        }
    }

    /// Whether a node answers the cheapest of all calls: single operations, none of them.
    async fn gives_a_sign(&self, view: &View, node: NodeId) -> bool {
        let request = PointRequest {
            view: 0,
            namespace: NamespaceId(0),
            backend: Backend::Memory,
            router: self.router,
            lowest_open: 0,
            retry: false,
            any_copy: false,
            ops: Vec::new(),
        };
        let answer = self.nodes.call(view, node, Method::Point, &request, Deadline::after(SIGN_WAIT)).await;
        matches!(answer, Ok(_) | Err(CallError::Fault(_)))
    }
}

/// What a fan-out still has to do.
struct Gather {
    open: BTreeSet<RangeId>,
    /// Ranges given up, by the node that did not answer for them.
    lost: HashMap<RangeId, NodeId>,
    needed_view: u64,
    /// What makes the call as a whole impossible.
    refused: Option<Fault>,
}

impl Gather {
    /// A node did not contribute. Its ranges stay open where another attempt may help.
    fn take_error(&mut self, view: &View, node: NodeId, ranges: &[RangeRef], error: &CallError) {
        if matches!(error, CallError::Fault(fault) if fault.is_retryable()) {
            return;
        }
        if let CallError::Fault(fault @ (Fault::ReplyFull { .. } | Fault::Unsupported(_))) = error {
            self.refused = Some(fault.clone());
        }
        tracing::debug!(node.id = node.0, %error, "a node did not contribute to a fan-out");
        let is_gone = matches!(error, CallError::Lost | CallError::Unreachable(_));
        for range in ranges {
            let route = view.route_of(range.range);
            let is_moving = route.epoch != range.epoch || !route.copies().is_empty();
            if !(is_gone && is_moving) {
                self.open.remove(&range.range);
                self.lost.insert(range.range, node);
            }
        }
    }

    fn coverage(&self, view: &View, first: usize) -> Coverage {
        let mut missing: BTreeSet<NodeId> = self.lost.values().copied().collect();
        missing.extend(self.open.iter().filter_map(|range| view.state.range(*range).and_then(|record| record.primary)));
        let holders: BTreeSet<NodeId> =
            view.state.ranges.iter().filter_map(|record| record.primary).chain(missing.iter().copied()).collect();
        Coverage {
            nodes_total: holders.len(),
            ranges_total: view.ranges(),
            ranges_done: view.ranges() - (self.open.len() + self.lost.len()).min(view.ranges() - first),
            missing,
        }
    }
}
