//! One request's operations on their way: sent, asked of another copy when the answer is late, sent again where that is safe,
//! until each has its outcome.
//!
//! ```text
//!             ┌── another copy, or a newer view ──┐
//!             ▼                                   │
//!  Ready ──► Away ──► answered ──► Settled        │
//!             │                                   │
//!             └── not done ──► Resting / Behind ──┘
//! ```
//!
//! What a refusal means is decided in `verdict`, where an operation goes in `pending`.
//! While the owner of a range changes, operations wait for the view and send nothing; that costs nobody anything and needs
//! no budget.

mod land;

use std::{mem, sync::Arc, time::Duration};

use ringhold_model::{NamespaceId, NodeId, config::Backend, wire::Method};
use ringhold_rpc::{Backoff, Deadline, PendingCall};
use tokio::time::Instant;

use super::{
    flight::{Event, Flight, Waiter},
    nodes::Process,
    outcome::{Outcome, Reason},
    pending::{Pending, Place, Reads},
    plan::{Group, GroupRequest, plan},
    point::Dispatcher,
    verdict::{Next, Verdict},
};
use crate::view::View;

/// First and last pause before operations are sent again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));
/// How soon a late read asks again for a hedge that the budget did not allow.
const PAUSE_HEDGE: Duration = Duration::from_millis(20);

/// What is the same for all operations of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub(super) namespace: NamespaceId,
    pub(super) backend: Backend,
    pub(super) reads: Reads,
    pub(super) deadline: Deadline,
}

/// The state of one request's operations.
pub(super) struct Run<'d, 'a> {
    on: &'d Dispatcher,
    scope: Scope,
    ops: Vec<Pending<'a>>,
    outcomes: Vec<Option<Outcome>>,
    unsettled: usize,
    has_ready: bool,
    /// The view that everything is planned with.
    view: Arc<View>,
    flights: Vec<Flight>,
    waiter: Waiter,
    backoff: Backoff,
    /// Set while anything rests.
    resume_at: Option<Instant>,
    /// Whether the budget pays for what the present event makes necessary, once it was asked.
    is_paid: Option<bool>,
    /// When what rests by the present event goes on.
    pause_end: Option<Instant>,
}

impl<'d, 'a> Run<'d, 'a> {
    /// Operations of which none was sent yet.
    pub(super) fn new(on: &'d Dispatcher, scope: Scope, ops: Vec<Pending<'a>>) -> Self {
        let mut run = Self {
            on,
            scope,
            outcomes: ops.iter().map(|_| None).collect(),
            unsettled: ops.len(),
            has_ready: true,
            ops,
            view: on.view.load_full(),
            flights: Vec::new(),
            waiter: Waiter::default(),
            backoff: Backoff::new(PAUSES.0, PAUSES.1),
            resume_at: None,
            is_paid: None,
            pause_end: None,
        };
        if run.view.index() == 0 {
            run.ops.iter_mut().for_each(|op| (op.place, op.why) = (Place::Behind(1), Some(Reason::NoView)));
            run.resume_at = Some(scope.deadline.instant());
        }
        run
    }

    /// Goes on with a single operation that was sent already; `event` is what happened to its call.
    pub(super) fn of_one(on: &'d Dispatcher, scope: Scope, op: Pending<'a>, flight: Flight, event: Event) -> Self {
        let mut run = Self::new(on, scope, vec![op]);
        run.has_ready = false;
        run.flights.push(flight);
        run.take(event);
        run
    }

    /// Answers in the order of the operations.
    pub(super) async fn finish(mut self) -> Vec<Outcome> {
        loop {
            while mem::take(&mut self.has_ready) {
                self.send_ready();
            }
            if self.unsettled == 0 {
                break;
            }
            let is_cold = self.resume_at.is_some() || self.flights.iter().any(|flight| flight.is_slow);
            let known = is_cold.then(|| self.view.index());
            let event = self.waiter.next(&mut self.flights, self.resume_at, (&self.on.view, known)).await;
            self.take(event);
        }
        let now = Instant::now();
        for late in self.flights.iter().filter(|flight| flight.is_read && flight.is_slow) {
            self.on.extra.latencies(late.at.len()).record(now - late.sent_at);
        }
        self.outcomes.into_iter().map(|outcome| outcome.expect("the loop ends when all are settled")).collect()
    }

    fn take(&mut self, event: Event) {
        (self.is_paid, self.pause_end) = (None, None);
        self.look_at_view();
        match event {
            Event::Over(at, outcome) => self.land(at, outcome),
            Event::Slow(at) => {
                self.flights[at].is_slow = true;
                self.hedge(at);
                self.follow();
            }
            Event::NewView => {}
            Event::Resume => self.resume(),
        }
    }

    /// Plans all that is ready and sends one frame a node.
    fn send_ready(&mut self) {
        let is_ready = |at: &usize| self.ops[*at].place == Place::Ready;
        let ready: Vec<usize> = (0..self.ops.len()).filter(is_ready).collect();
        let now = Instant::now();
        let mut avoidance = self.on.nodes.avoidance(now);
        let (flights, reads) = (&self.flights, self.scope.reads);
        let groups = plan(&mut self.ops, &ready, &self.view, |op, at, route| {
            let has_it = |node| op.calls > 0 && is_away_at(flights, at, node);
            op.target(route, reads, has_it, |node| avoidance.avoids(node))
        });
        for group in groups {
            self.start(group, now);
        }
        if self.has_ready {
            return;
        }
        for at in ready {
            match &mut self.ops[at] {
                op if op.place != Place::Ready => {}
                op if op.calls > 0 => op.place = Place::Away,
                _ => self.put_off(at, &Verdict::of_nobody(), None),
            }
        }
    }

    fn start(&mut self, group: Group, now: Instant) {
        let process = match self.on.nodes.process(&self.view, group.node) {
            Ok(process) => process,
            Err(error) => {
                let verdict = Verdict::of_error(&error, group.retry);
                return group.at.iter().for_each(|at| self.put_off(*at, &verdict, Some(group.node)));
            }
        };
        let request = GroupRequest {
            view: self.view.index(),
            namespace: self.scope.namespace,
            backend: self.scope.backend,
            router: self.on.router,
            lowest_open: self.on.window.lowest_open(),
            group: &group,
            ops: &self.ops,
        };
        let first = &self.ops[group.at[0]];
        let is_hedged = first.may_go_elsewhere(&self.view.route(first.op.hash), self.scope.reads);
        let slow_at = now + self.on.extra.late_after(group.at.len(), is_hedged);
        match process.data.start(Method::Point, &request, self.scope.deadline, Some(slow_at)) {
            Ok(call) => self.launched(group, process, call, now),
            Err(error) => self.fail(&process, &group.at, &error, group.retry),
        }
    }

    fn launched(&mut self, group: Group, process: Arc<Process>, call: PendingCall, now: Instant) {
        let (mut is_read, mut is_again, mut is_hedge) = (true, false, false);
        for at in &group.at {
            let op = &mut self.ops[*at];
            is_read &= op.is_read();
            is_again |= op.sent_view > 0;
            is_hedge |= op.calls > 0;
            (op.sent_view, op.sent_epoch) = (self.view.index(), self.view.route(op.op.hash).epoch);
            (op.place, op.calls) = (Place::Away, op.calls + 1);
        }
        let counters = &self.on.extra.counters;
        if is_read && is_hedge {
            counters.hedged_reads.inc();
        } else if is_again {
            counters.retries.inc();
        }
        self.flights.push(Flight::new(group, is_read, (process, call), now));
    }

    /// What is to be done again, and the late reads that still want another copy.
    fn resume(&mut self) {
        self.resume_at = None;
        let is_late = self.scope.deadline.has_passed();
        for at in 0..self.ops.len() {
            let op = &mut self.ops[at];
            match op.place {
                // What is under way ends with its call, whose deadline is the same.
                Place::Resting | Place::Behind(_) if is_late && op.calls > 0 => op.place = Place::Away,
                Place::Resting | Place::Behind(_) if is_late => self.give_up(at),
                Place::Resting => self.make_ready(at),
                Place::Behind(_) => self.wake_at(self.scope.deadline.instant()),
                Place::Ready | Place::Away | Place::Settled => {}
            }
        }
        for at in 0..self.flights.len() {
            if self.flights[at].wants_hedge && !is_late {
                self.hedge(at);
            }
        }
    }

    /// Has the operations of a late call asked of another copy, where there is one and it is allowed.
    fn hedge(&mut self, at: usize) {
        let flight = &self.flights[at];
        let (process, was_wanted) = (Arc::clone(&flight.process), flight.wants_hedge);
        process.health.slow(Instant::now());
        let (mut open, mut again) = (Vec::new(), Vec::new());
        for op in &flight.at {
            let pending = &mut self.ops[*op];
            let route = self.view.route(pending.op.hash);
            if pending.place != Place::Away || !pending.may_go_elsewhere(&route, self.scope.reads) {
                continue;
            }
            pending.was_tried_at(process.node, &route);
            let has_it = |node| is_away_at(&self.flights, *op, node);
            if pending.target(&route, self.scope.reads, has_it, |_| false).is_some() {
                open.push(*op);
                continue;
            }
            // All others were asked. Those that could not tell may do so soon.
            pending.forget_tries();
            if pending.target(&route, self.scope.reads, has_it, |_| false).is_some() {
                again.push(*op);
            }
        }
        again.into_iter().for_each(|at| self.rest(at, Next::Soon));
        // A node that is known to answer nothing is a route to be left, which costs no more than the call it replaces.
        let is_allowed = open.is_empty() || process.health.has_failed() || self.pays();
        self.flights[at].wants_hedge = !is_allowed;
        if is_allowed {
            open.into_iter().for_each(|at| self.make_ready(at));
            return;
        }
        if !was_wanted {
            self.on.extra.counters.exhausted.inc();
        }
        self.wake_at(Instant::now() + PAUSE_HEDGE);
    }

    /// Takes a newer view, if there is one: what waits for it, or for a change of its range, goes on.
    fn look_at_view(&mut self) {
        if self.on.view.load().index() <= self.view.index() {
            return;
        }
        let old = mem::replace(&mut self.view, self.on.view.load_full());
        for at in 0..self.ops.len() {
            let op = &mut self.ops[at];
            let has_changed = old.route(op.op.hash) != self.view.route(op.op.hash);
            if has_changed {
                op.lonely_since = None;
            }
            match op.place {
                Place::Behind(index) if index <= self.view.index() => self.make_ready(at),
                Place::Resting if has_changed => self.make_ready(at),
                _ => {}
            }
        }
        self.follow();
    }

    /// Sends after ranges that changed hands the operations that their former primary does not answer.
    fn follow(&mut self) {
        let late = self.flights.iter().filter(|flight| flight.is_slow).flat_map(|flight| &flight.at);
        let has_moved = |op: &Pending<'_>| self.view.route(op.op.hash).epoch != op.sent_epoch;
        let moved: Vec<usize> =
            late.copied().filter(|at| self.ops[*at].place == Place::Away && has_moved(&self.ops[*at])).collect();
        moved.into_iter().for_each(|at| self.make_ready(at));
    }

    fn make_ready(&mut self, at: usize) {
        self.ops[at].place = Place::Ready;
        self.has_ready = true;
    }

    /// Sees to it that the run goes on at `at`, or before.
    fn wake_at(&mut self, at: Instant) {
        let at = at.min(self.scope.deadline.instant());
        self.resume_at = Some(self.resume_at.map_or(at, |known| known.min(at)));
    }

    /// Whether the budget pays for what the present event makes necessary: all of it is one more call, or a few.
    fn pays(&mut self) -> bool {
        *self.is_paid.get_or_insert_with(|| self.on.extra.budget.spend())
    }
}

/// Whether a call to `node` with the operation at this position is under way.
fn is_away_at(flights: &[Flight], at: usize, node: NodeId) -> bool {
    flights.iter().any(|flight| flight.process.node == node && flight.at.binary_search(&at).is_ok())
}
