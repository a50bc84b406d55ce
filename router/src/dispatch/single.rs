//! One operation on one key: the first attempt without any of the lists that a batch needs.
//!
//! Nearly every call ends here. What does not, a key that moved or a node that does not answer in time, goes on as a batch of
//! one.

use std::{future::poll_fn, sync::Arc};

use ringhold_model::{
    NamespaceId, RouterId,
    config::Backend,
    wire::{Method, PointOp, PointReply, PointResult, decode},
};
use ringhold_rpc::{PendingCall, Progress};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    flight::{Event, Flight},
    nodes::Process,
    outcome::Outcome,
    pending::{Pending, Place},
    plan::Group,
    point::{Dispatcher, numbered},
    run::{Run, Scope},
};

/// The [`PointRequest`](ringhold_model::wire::PointRequest) of one operation, first attempt.
#[derive(Serialize)]
struct SingleRequest<'o, 'a> {
    view: u64,
    namespace: NamespaceId,
    backend: Backend,
    router: RouterId,
    lowest_open: u64,
    retry: bool,
    any_copy: bool,
    ops: &'o [PointOp<'a>],
}

/// The first attempt.
struct Attempt {
    process: Arc<Process>,
    call: PendingCall,
    sent_at: Instant,
}

impl Dispatcher {
    /// Executes one operation, whose hash is set. A write gets its id here.
    pub(super) async fn execute_in_one(&self, scope: Scope, op: PointOp<'_>) -> Outcome {
        let ids = self.window.open(1);
        let mut pending = Pending::new(numbered(op, ids.first));
        let is_read = pending.is_read();
        let run = match self.attempt(scope, &mut pending) {
            None => Run::new(self, scope, vec![pending]),
            Some(mut attempt) => {
                let event = match poll_fn(|cx| attempt.call.poll_progress(cx)).await {
                    Progress::Over(Ok(frame)) => match self.first_result(&frame, &pending, &attempt) {
                        Some(outcome) => return outcome,
                        None => Event::Over(0, Ok(frame)),
                    },
                    Progress::Over(Err(error)) => Event::Over(0, Err(error)),
                    Progress::Slow => Event::Slow(0),
                };
                Run::of_one(self, scope, pending, attempt.into_flight(is_read), event)
            }
        };
        let mut outcomes = run.finish().await;
        drop(ids);
        outcomes.pop().expect("one operation has one outcome")
    }

    /// Sends the operation to the primary; `None`: it could not be sent, or should rather go to a copy.
    fn attempt(&self, scope: Scope, pending: &mut Pending<'_>) -> Option<Attempt> {
        let view = self.view.load_full();
        let route = view.route(pending.op.hash);
        let process = self.nodes.process(&view, route.primary?).ok()?;
        let sent_at = Instant::now();
        let is_hedged = pending.may_go_elsewhere(&route, scope.reads);
        if is_hedged && process.health.is_avoided(sent_at) {
            return None;
        }
        pending.op.epoch = route.epoch;
        let request = SingleRequest {
            view: view.index(),
            namespace: scope.namespace,
            backend: scope.backend,
            router: self.router,
            lowest_open: self.window.lowest_open(),
            retry: false,
            any_copy: false,
            ops: std::slice::from_ref(&pending.op),
        };
        let slow_at = sent_at + self.extra.late_after(1, is_hedged);
        let call = process.data.start(Method::Point, &request, scope.deadline, Some(slow_at)).ok()?;
        (pending.place, pending.calls) = (Place::Away, 1);
        (pending.sent_view, pending.sent_epoch) = (view.index(), route.epoch);
        Some(Attempt { process, call, sent_at })
    }

    /// The outcome, if the node did it.
    fn first_result(&self, frame: &bytes::Bytes, pending: &Pending<'_>, attempt: &Attempt) -> Option<Outcome> {
        let result = decode::<PointReply<'_>>(frame).ok()?.results.pop()?;
        if matches!(result, PointResult::Failed(_)) {
            return None;
        }
        attempt.process.health.answered();
        if pending.is_read() {
            self.extra.latencies(1).record(attempt.sent_at.elapsed());
        }
        Some(Outcome::from_wire(result, frame))
    }
}

impl Attempt {
    fn into_flight(self, is_read: bool) -> Flight {
        let group = Group { node: self.process.node, retry: false, any_copy: false, at: vec![0] };
        Flight::new(group, is_read, (self.process, self.call), self.sent_at)
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::{
        Epoch,
        wire::{Action, PointRequest, encode},
    };

    use super::*;

    #[test]
    fn a_single_request_is_written_as_the_point_request_that_nodes_read() {
        let op = PointOp { hash: 7, epoch: Epoch(3), key: "a", action: Action::Get };
        let single = SingleRequest {
            view: 9,
            namespace: NamespaceId(7),
            backend: Backend::Memory,
            router: RouterId(5),
            lowest_open: 2,
            retry: false,
            any_copy: true,
            ops: std::slice::from_ref(&op),
        };
        let bytes = encode(&single).unwrap();
        let read: PointRequest<'_> = decode(&bytes).unwrap();
        assert_eq!((read.view, read.router, read.lowest_open, read.retry), (9, RouterId(5), 2, false));
        assert_eq!((read.any_copy, read.ops), (true, vec![op]));
    }
}
