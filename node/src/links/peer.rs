//! One peer: what there is to say to it, said in order, with a few requests in flight.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use ringhold_model::{
    Incarnation, NodeId,
    wire::{Channel, Method, decode, encode},
};
use ringhold_rpc::{Backoff, CallError, Caller, Deadline};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{reach::Failing, run::Shared};
use crate::{
    engine::{Batch, Engine, GatherLimits},
    replica::message::{Reply, Request},
};

/// Requests in flight to one peer: one that is being applied, one that arrives, one on its way, one that is being made.
const WINDOW: usize = 4;
/// Bytes of one request; a single record may be larger.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// A request without an answer for so long has failed, whatever became of it: it is said again.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// Pauses after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// A peer that nothing was heard from for so long is asked whether it is there, while that is of interest.
const PROBE_AFTER: Duration = Duration::from_millis(500);

/// One run of a peer, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) incarnation: Incarnation,
    pub(super) address: String,
}

/// See the module.
pub(super) struct Peer {
    id: NodeId,
    shared: Arc<Shared>,
    wake: Arc<Notify>,
    /// Ends the task when its sender is gone.
    target: watch::Receiver<Target>,
    caller: Caller,
    flights: FuturesOrdered<Flight>,
    backoff: Backoff,
    failing: Failing,
    heard_at: Instant,
}

/// A request on its way; its outcome.
type Flight = Pin<Box<dyn Future<Output = Landed> + Send>>;

struct Landed {
    what: Flying,
    sent_at: Instant,
    reply: Result<Bytes, CallError>,
}

/// What is said.
enum Flying {
    Batch(Batch),
    /// Whether the peer is there; encoded.
    Question(Vec<u8>),
}

impl Flying {
    fn body(&self) -> &[u8] {
        match self {
            Self::Batch(batch) => &batch.body,
            Self::Question(body) => body,
        }
    }
}

impl Peer {
    pub(super) fn new(id: NodeId, shared: Arc<Shared>, wake: Arc<Notify>, mut target: watch::Receiver<Target>) -> Self {
        let caller = shared.callers.to(&target.borrow_and_update().address, Channel::Data, Some(id));
        Self {
            id,
            shared,
            wake,
            target,
            caller,
            flights: FuturesOrdered::new(),
            backoff: Backoff::new(PAUSE_MIN, PAUSE_MAX),
            failing: Failing::default(),
            heard_at: Instant::now(),
        }
    }

    /// Serves the peer until it is none any more.
    pub(super) async fn run(mut self) {
        loop {
            self.send();
            tokio::select! {
                biased;
                changed = self.target.changed() => match changed {
                    Ok(()) => self.meet(),
                    Err(_) => break,
                },
                Some(landed) = self.flights.next(), if !self.flights.is_empty() => self.land(landed).await,
                () = self.wake.notified() => {}
            }
        }
        self.shared.node.reach.find(self.id);
    }

    /// Sends what there is as far as the window allows.
    fn send(&mut self) {
        let node = self.shared.node.clone();
        let Some(engine) = node.engine() else { return };
        while self.flights.len() < WINDOW {
            let limits = GatherLimits {
                bytes_max: REQUEST_BYTES_MAX,
                fill_bytes_max: self.shared.may_fill(),
                tells_alone: self.flights.is_empty(),
            };
            let Some(batch) = engine.gather(self.id, node.clock.now(), limits) else { break };
            self.shared.note_filled(batch.fill_bytes);
            self.fly(Flying::Batch(batch));
        }
        if self.flights.is_empty() {
            self.probe(engine);
        }
    }

    /// There is nothing to say. A peer that was lost is called all the same, to learn when it is there again.
    fn probe(&mut self, engine: &Engine) {
        if !self.shared.node.reach.is_lost(self.id) {
            if !self.shared.asks_all() {
                return self.failing.over();
            }
            if self.heard_at.elapsed() < PROBE_AFTER {
                return;
            }
        }
        if let Ok(question) = encode(&Request { view: engine.acted(), messages: Vec::new() }) {
            self.fly(Flying::Question(question));
        }
    }

    fn fly(&mut self, what: Flying) {
        let (caller, sent_at) = (self.caller.clone(), Instant::now());
        self.flights.push_back(Box::pin(async move {
            let reply = caller.call(Method::Replicate, what.body(), Deadline::after(SILENCE_MAX)).await;
            Landed { what, sent_at, reply }
        }));
    }

    async fn land(&mut self, landed: Landed) {
        let Landed { what, sent_at, reply } = landed;
        let taken = reply.and_then(|frame| {
            let reply: Reply<'_> = decode(&frame)?;
            if let (Flying::Batch(batch), Some(engine)) = (&what, self.shared.node.engine()) {
                engine.take_answers(self.id, batch, &reply, self.shared.node.clock.now());
                self.shared.node.replication.observe(sent_at.elapsed().as_secs_f64());
            }
            Ok(())
        });
        match taken {
            Ok(()) => self.heard(),
            Err(error) => self.failed(sent_at, &error).await,
        }
    }

    fn heard(&mut self) {
        self.heard_at = Instant::now();
        self.backoff.reset();
        self.failing.over();
        self.shared.node.reach.find(self.id);
    }

    /// What is in flight counts as not said; after a pause it is said again.
    async fn failed(&mut self, sent_at: Instant, error: &CallError) {
        tracing::debug!(node.id = self.id.0, %error, "a message to a peer failed");
        if self.failing.failed(sent_at, Instant::now()) {
            self.shared.node.reach.lose(self.id);
        }
        if matches!(error, CallError::TimedOut) {
            // The connection may be one that nobody reads from any more.
            self.reconnect();
        }
        self.forget_flights();
        let pause = self.backoff.pause();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = self.target.changed() => if changed.is_ok() { self.meet() },
        }
    }

    fn forget_flights(&mut self) {
        self.flights = FuturesOrdered::new();
        if let Some(engine) = self.shared.node.engine() {
            engine.lost(self.id);
        }
    }

    /// The peer started anew, or moved: what failed with its former run, the pause before the next attempt above all, says
    /// nothing about it.
    fn meet(&mut self) {
        self.reconnect();
        self.forget_flights();
        self.backoff.reset();
        self.failing.over();
        self.shared.node.reach.find(self.id);
    }

    fn reconnect(&mut self) {
        self.shared.callers.forget(self.caller.address());
        let address = &self.target.borrow_and_update().address;
        self.caller = self.shared.callers.to(address, Channel::Data, Some(self.id));
    }
}
