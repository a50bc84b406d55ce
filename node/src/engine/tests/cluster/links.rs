//! The network: from each node to each other one connection at a time, with a few requests in flight. Requests may be taken
//! out of order; replies come back in order or, when the connection is lost, never. What was under way then may still arrive.

use ringhold_model::wire::{decode, encode};

use super::{log::NODES, world::World};
use crate::{
    engine::{Batch, GatherLimits},
    replica::message::{Answer, Body, ChangeRef, Message, Reply, Request},
};

/// Requests in flight on one connection.
const WINDOW: usize = 4;
/// Requests of lost connections that may still arrive.
const STRAYS_MAX: usize = 12;

/// From one node to another.
#[derive(Default)]
pub(super) struct Link {
    flights: Vec<Flight>,
    strays: Vec<(u64, Vec<u8>)>,
}

struct Flight {
    /// What the sender acted by when it was sent.
    acted: u64,
    batch: Batch,
    reply: Option<Vec<u8>>,
}

impl World {
    /// All pairs of nodes.
    pub(super) fn pairs() -> impl Iterator<Item = (usize, usize)> {
        (0..NODES).flat_map(|from| (0..NODES).map(move |to| (from, to))).filter(|(from, to)| from != to)
    }

    pub(super) fn link(&mut self, (from, to): (usize, usize)) -> &mut Link {
        &mut self.links[from * NODES + to]
    }

    /// Sends a batch, if there is one and room for it. True: it did.
    pub(super) fn send(&mut self, pair: (usize, usize), limits: GatherLimits) -> bool {
        let (from, to) = pair;
        if self.link(pair).flights.len() >= WINDOW {
            return false;
        }
        let now = self.now();
        let Some(batch) = self.nodes[from].engine.gather(super::log::id(to), now, limits) else { return false };
        self.say(|| format!("{from}>{to} sends {}", shown(&batch.body)));
        let acted = self.nodes[from].acted();
        self.link(pair).flights.push(Flight { acted, batch, reply: None });
        true
    }

    /// One of the requests in flight arrives, mostly the first. True: it was taken.
    pub(super) fn deliver(&mut self, pair: (usize, usize), in_order: bool) -> bool {
        let any = self.rng.below(WINDOW);
        let is_repeated = !in_order && self.rng.one_in(12);
        let flights = &self.link(pair).flights;
        let waiting: Vec<usize> = (0..flights.len()).filter(|at| flights[*at].reply.is_none()).collect();
        let Some(&at) = waiting.get(if in_order || any > 0 { 0 } else { waiting.len().saturating_sub(1) }) else {
            return false;
        };
        let (acted, body) = (flights[at].acted, flights[at].batch.body.clone());
        if is_repeated {
            self.stray(pair, body.clone());
        }
        let Some(reply) = self.take(pair.1, &body, in_order) else { return false };
        self.check_compared(acted, pair.1, &reply);
        self.link(pair).flights[at].reply = Some(reply);
        true
    }

    /// The first reply comes back. True: there was one.
    pub(super) fn answer(&mut self, pair: (usize, usize)) -> bool {
        let now = self.now();
        let flights = &mut self.link(pair).flights;
        if flights.first().is_none_or(|flight| flight.reply.is_none()) {
            return false;
        }
        let Flight { batch, reply, .. } = flights.remove(0);
        let reply = reply.expect("looked at above");
        let reply: Reply<'_> = decode(&reply).expect("it was encoded here");
        self.say(|| format!("{}>{} hears {:?}", pair.0, pair.1, reply.answers));
        self.nodes[pair.0].engine.take_answers(super::log::id(pair.1), &batch, &reply, now);
        true
    }

    /// The last request in flight arrives before the others.
    pub(super) fn deliver_last(&mut self, pair: (usize, usize)) {
        let Some(at) = self.link(pair).flights.len().checked_sub(1) else { return };
        let body = self.link(pair).flights[at].batch.body.clone();
        let reply = self.take(pair.1, &body, true);
        self.link(pair).flights[at].reply = reply;
    }

    /// Requests in flight.
    pub(super) fn bodies(&mut self, pair: (usize, usize)) -> Vec<Vec<u8>> {
        self.link(pair).flights.iter().map(|flight| flight.batch.body.clone()).collect()
    }

    /// A request arrives from nowhere.
    pub(super) fn deliver_body(&mut self, to: usize, body: &[u8]) {
        self.take(to, body, true);
    }

    /// The reply that is next, or nothing.
    pub(super) fn first_reply(&mut self, pair: (usize, usize)) -> Vec<u8> {
        self.link(pair).flights.first().and_then(|flight| flight.reply.clone()).unwrap_or_default()
    }

    /// Another reply comes back in place of the first, if it can be read; else the connection is given up.
    pub(super) fn answer_with(&mut self, pair: (usize, usize), reply: &[u8]) {
        let now = self.now();
        let Flight { batch, .. } = self.link(pair).flights.remove(0);
        match decode::<Reply<'_>>(reply) {
            Ok(reply) => self.nodes[pair.0].engine.take_answers(super::log::id(pair.1), &batch, &reply, now),
            Err(_) => self.lose(pair),
        }
    }

    /// True when a reply is on its way that says that digests are equal.
    pub(super) fn has_compared(&mut self, pair: (usize, usize)) -> bool {
        let says_so = |reply: &Vec<u8>| {
            let reply: Reply<'_> = decode(reply).expect("it was encoded here");
            reply.answers.contains(&Answer::Compared { is_equal: true })
        };
        self.link(pair).flights.iter().filter_map(|flight| flight.reply.as_ref()).any(says_so)
    }

    /// True when a request that compares digests is on its way.
    pub(super) fn is_compare_under_way(&mut self, pair: (usize, usize)) -> bool {
        let compares = |flight: &Flight| {
            let request: Request<'_> = decode(&flight.batch.body).expect("it was encoded here");
            request.messages.iter().any(|message| matches!(message.body, Body::Compare { .. }))
        };
        self.link(pair).flights.iter().any(compares)
    }

    /// Takes and answers what is under way, then sends one message more.
    pub(super) fn exchange_slowly(&mut self, pair: (usize, usize)) {
        while self.deliver(pair, true) {}
        while self.answer(pair) {}
        self.send(pair, GatherLimits { bytes_max: 1, fill_bytes_max: 1 << 20, tells_alone: true });
    }

    /// The connection is lost; the sender notices at once, the receiver may still see what was under way.
    pub(super) fn lose(&mut self, pair: (usize, usize)) {
        let flights = std::mem::take(&mut self.link(pair).flights);
        for flight in flights {
            if self.rng.one_in(2) {
                self.stray(pair, flight.batch.body);
            }
        }
        self.nodes[pair.0].engine.lost(super::log::id(pair.1));
    }

    /// A process ended: what was on its way to it or from it is gone, and the others notice.
    pub(super) fn cut_off(&mut self, node: usize) {
        for pair in Self::pairs().filter(|(from, to)| *from == node || *to == node) {
            *self.link(pair) = Link::default();
            self.nodes[pair.0].engine.lost(super::log::id(pair.1));
        }
    }

    fn stray(&mut self, pair: (usize, usize), body: Vec<u8>) {
        let run = self.nodes[pair.1].boot;
        let strays = &mut self.link(pair).strays;
        strays.push((run, body));
        if strays.len() > STRAYS_MAX {
            strays.remove(0);
        }
    }

    /// A copy that was filled is equal to its primary at the same place, unless only one of both acts by a clear.
    fn check_compared(&self, acted: u64, to: usize, reply: &[u8]) {
        let reply: Reply<'_> = decode(reply).expect("it was encoded here");
        if reply.answers.contains(&Answer::Compared { is_equal: false }) {
            let generations = |index: u64| {
                self.log
                    .at(index)
                    .namespaces
                    .values()
                    .map(|namespace| namespace.generations.clone())
                    .collect::<Vec<_>>()
            };
            assert_ne!(
                generations(acted),
                generations(self.nodes[to].acted()),
                "a copy was filled with something else"
            );
        }
    }

    /// A request of a lost connection arrives; its reply goes nowhere.
    pub(super) fn deliver_stray(&mut self, pair: (usize, usize)) {
        let count = self.link(pair).strays.len();
        if count == 0 {
            return;
        }
        let at = self.rng.below(count);
        let (run, body) = match self.rng.one_in(3) {
            true => self.link(pair).strays[at].clone(),
            false => self.link(pair).strays.remove(at),
        };
        if run == self.nodes[pair.1].boot {
            self.take(pair.1, &body, false);
        }
    }

    /// A node takes a request, after it has acted by the sender's view. `None`: it does not act by it for now.
    fn take(&mut self, to: usize, body: &[u8], at_once: bool) -> Option<Vec<u8>> {
        let request: Request<'_> = decode(body).expect("it was encoded here");
        if self.nodes[to].acted() < request.view {
            if !at_once && self.rng.one_in(3) {
                return None;
            }
            self.act(to, request.view);
        }
        let now = self.now();
        let mut reply = Vec::new();
        let write = |message: &Reply<'_>| {
            reply = encode(message)?;
            Ok::<(), ringhold_model::wire::WireError>(())
        };
        self.nodes[to].engine.follow(&request, now, write).expect("replies can be written");
        self.say(|| format!("{to} takes {} and says {:?}", shown(body), decode::<Reply<'_>>(&reply)));
        Some(reply)
    }
}

/// A request in short.
fn shown(body: &[u8]) -> String {
    let request: Request<'_> = decode(body).expect("it was encoded here");
    let message = |message: &Message<'_>| {
        let said = match &message.body {
            Body::Append { effect, .. } => {
                let change = match &effect.change {
                    ChangeRef::Store(record) => String::from_utf8_lossy(record.bytes).into_owned(),
                    ChangeRef::Remove { key, version, reason } => format!("-{key}@{version} {reason:?}"),
                };
                format!("{}={change}", effect.version)
            }
            Body::Chunk(chunk) => {
                format!("chunk {:x}..{:x?} at {} with {}", chunk.from, chunk.next, chunk.at, chunk.records.len())
            }
            other => format!("{other:?}"),
        };
        format!("[{} {} {said}]", message.range, message.epoch)
    };
    request.messages.iter().map(message).collect()
}
