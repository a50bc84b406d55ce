//! What comes back from a node, and what follows for the operations that it did not do.

use std::time::Duration;

use bytes::Bytes;
use ringhold_model::{
    NodeId,
    wire::{Fault, PointReply, PointResult, decode},
};
use ringhold_rpc::CallError;
use tokio::time::Instant;

use super::{Run, is_away_at};
use crate::dispatch::{
    flight::Flight,
    nodes::Process,
    outcome::{Applied, Failure, Outcome, Reason},
    pending::Place,
    verdict::{Next, Verdict},
};

/// How long an operation keeps trying when no other member can take the range over: a restart in place is bridged, a dead
/// machine is reported soon enough for the client to go to its source.
const LONELY_PATIENCE: Duration = Duration::from_millis(1_000);
/// The pause where the budget does not allow a shorter one.
const PAUSE_UNPAID: Duration = Duration::from_millis(100);

impl Run<'_, '_> {
    /// Takes a node's answer, or the lack of one, for the operations of a call.
    pub(super) fn land(&mut self, at: usize, outcome: Result<Bytes, CallError>) {
        let flight = self.flights.swap_remove(at);
        flight.at.iter().for_each(|at| self.ops[*at].calls -= 1);
        let refused = outcome.and_then(|frame| self.take_results(&flight, &frame));
        match refused {
            Ok(refused) => self.refuse(&flight, refused),
            Err(error) => self.fail(&flight.process, &flight.at, &error, flight.is_retry),
        }
    }

    /// Settles what the node did; answers what it did not do.
    fn take_results(&mut self, flight: &Flight, frame: &Bytes) -> Result<Vec<(usize, Fault)>, CallError> {
        let reply: PointReply<'_> = decode(frame)?;
        if reply.results.len() != flight.at.len() {
            return Err(CallError::Lost);
        }
        flight.process.health.answered();
        if flight.is_read {
            self.on.extra.latencies(flight.at.len()).record(flight.sent_at.elapsed());
        }
        let (mut refused, mut from_copy) = (Vec::new(), 0);
        for (at, result) in flight.at.iter().zip(reply.results) {
            match result {
                PointResult::Failed(fault) => refused.push((*at, fault)),
                result => {
                    from_copy += u64::from(flight.any_copy && self.ops[*at].place != Place::Settled);
                    self.settle(*at, Outcome::from_wire(result, frame));
                }
            }
        }
        if from_copy > 0 {
            self.on.extra.counters.copy_reads.inc_by(from_copy);
        }
        Ok(refused)
    }

    fn refuse(&mut self, flight: &Flight, refused: Vec<(usize, Fault)>) {
        let verdict = |(at, fault): (usize, Fault)| (at, Verdict::of_fault(&fault, flight.is_retry));
        let mut refused: Vec<(usize, Verdict)> = refused.into_iter().map(verdict).collect();
        if refused.iter().any(|(_, verdict)| verdict.is_failure()) {
            flight.process.health.failed(Instant::now());
        }
        self.keep_order(&mut refused);
        for (at, verdict) in refused {
            self.put_off(at, &verdict, Some(flight.process.node));
        }
    }

    /// Writes of one key go again together: a node that lets the first one wait for a view refuses the others of that key too,
    /// for another reason.
    fn keep_order(&self, refused: &mut [(usize, Verdict)]) {
        let behind = refused.iter().filter_map(|(_, verdict)| match verdict.next {
            Next::WithView(index) if index > self.view.index() => Some(index),
            _ => None,
        });
        let Some(index) = behind.max() else { return };
        for (at, verdict) in refused {
            if matches!(verdict.next, Next::Soon | Next::WithView(_)) && !self.ops[*at].is_read() {
                verdict.next = Next::WithView(index);
            }
        }
    }

    /// A call that failed as a whole.
    pub(super) fn fail(&mut self, process: &Process, ops: &[usize], error: &CallError, is_retry: bool) {
        let verdict = Verdict::of_error(error, is_retry);
        if matches!(error, CallError::Fault(_)) {
            process.health.answered();
        }
        if verdict.is_failure() {
            process.health.failed(Instant::now());
        }
        for at in ops {
            self.put_off(*at, &verdict, Some(process.node));
        }
    }

    /// Decides what is done next for an operation that `node` did not do.
    pub(super) fn put_off(&mut self, at: usize, verdict: &Verdict, node: Option<NodeId>) {
        let is_late = self.scope.deadline.has_passed();
        let op = &mut self.ops[at];
        if op.place == Place::Settled {
            return;
        }
        let is_last = op.calls == 0;
        if verdict.next == Next::Settle {
            // Another node may know more.
            if is_last || !verdict.may_be_done {
                self.settle_failed(at, verdict.reason.clone(), verdict.may_be_done);
            }
            return;
        }
        if verdict.may_be_done {
            op.may_have_been_executed();
        }
        if is_late {
            if is_last {
                self.give_up(at);
            }
            return;
        }
        op.why = Some(verdict.reason.clone());
        match verdict.next {
            Next::WithView(index) if index > self.view.index() => {
                op.place = Place::Behind(index);
                self.wake_at(self.scope.deadline.instant());
            }
            Next::WithView(_) if op.sent_view < self.view.index() => self.make_ready(at),
            next => {
                if !self.goes_elsewhere(at, next, node) {
                    self.rest(at, next);
                }
            }
        }
    }

    /// Whether a read goes to another member at once.
    fn goes_elsewhere(&mut self, at: usize, next: Next, node: Option<NodeId>) -> bool {
        let op = &mut self.ops[at];
        let route = self.view.route(op.op.hash);
        if next == Next::Spared || !op.may_go_elsewhere(&route, self.scope.reads) {
            return false;
        }
        if let Some(node) = node {
            op.was_tried_at(node, &route);
        }
        let has_it = |node| is_away_at(&self.flights, at, node);
        let is_left = op.target(&route, self.scope.reads, has_it, |_| false).is_some();
        // In place of a node that does not serve it is a route, and so it is to the primary, which would have been the first; all
        // else is a further call.
        let is_route = matches!(next, Next::Unreachable | Next::Elsewhere) || op.is_new_to_primary();
        let goes = is_left && (is_route || self.pays());
        if goes {
            self.make_ready(at);
        }
        goes
    }

    pub(super) fn rest(&mut self, at: usize, next: Next) {
        if next == Next::Spared && !self.pays() {
            self.on.extra.counters.exhausted.inc();
            if self.ops[at].calls == 0 {
                self.give_up(at);
            }
            return;
        }
        let route = self.view.route(self.ops[at].op.hash);
        let is_lonely = match next {
            Next::Unreachable | Next::Elsewhere => route.copies().is_empty(),
            Next::WithCopies => route.copies().is_empty() && !route.is_filling,
            Next::Spared => true,
            Next::Settle | Next::WithView(_) | Next::Soon => false,
        };
        let op = &mut self.ops[at];
        if !is_lonely {
            op.lonely_since = None;
        } else if op.calls == 0 {
            let now = Instant::now();
            let end = *op.lonely_since.get_or_insert(now) + LONELY_PATIENCE;
            if now >= end {
                return self.give_up(at);
            }
            self.wake_at(end);
        }
        let op = &mut self.ops[at];
        op.place = Place::Resting;
        op.forget_tries();
        self.pause(next);
    }

    /// One pause for all that rests by the present event. Nothing is sent to a node that cannot be reached, so trying it again
    /// soon costs nothing.
    fn pause(&mut self, next: Next) {
        if self.pause_end.is_none() {
            let is_short = next == Next::Unreachable || self.pays();
            let pause = if is_short { self.backoff.pause() } else { PAUSE_UNPAID };
            self.pause_end = Some(Instant::now() + pause);
        }
        if let Some(end) = self.pause_end {
            self.wake_at(end);
        }
    }

    /// Gives up on an operation: time is up, or waiting longer does not help.
    pub(super) fn give_up(&mut self, at: usize) {
        let op = &self.ops[at];
        let (reason, may_be_done) = (op.why.clone().unwrap_or(Reason::DeadlinePassed), op.may_be_done);
        self.settle_failed(at, reason, may_be_done);
    }

    fn settle_failed(&mut self, at: usize, reason: Reason, may_be_done: bool) {
        let applied = if may_be_done { Applied::Unknown } else { Applied::No };
        self.settle(at, Outcome::Failed(Failure { reason, applied }));
    }

    fn settle(&mut self, at: usize, outcome: Outcome) {
        let op = &mut self.ops[at];
        if op.place != Place::Settled {
            op.place = Place::Settled;
            self.outcomes[at] = Some(outcome);
            self.unsettled -= 1;
        }
    }
}
