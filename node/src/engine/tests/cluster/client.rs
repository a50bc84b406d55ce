//! Clients: they ask nodes by older and newer views, wait, give up, ask again under the same operation id, and remember what
//! they were told.

use ringhold_model::{
    NamespaceId, OpId, RangeId, RouterId,
    cluster::ClusterState,
    key::key_hash,
    wire::{Action, Fault, PointOp, PointRequest, Ttl},
};

use super::{
    asking::{number, point, poll},
    history::{Ask, Event, Told},
    log::{NODES, RANGE_BITS},
    world::{Kind, World},
};
use crate::engine::{Executed, Outcome};

/// Keys of each namespace.
const KEYS: usize = 4;
/// Events of one key; more would make the search for an order slow.
const EVENTS_MAX: usize = 90;

/// All clients, and what they saw.
#[derive(Default)]
pub(super) struct Clients {
    pub(super) keys: Vec<Key>,
    open: Vec<Open>,
    frames: Vec<Frame>,
    next_n: u64,
    next_value: i64,
    /// Writes that were answered; a run without any tests nothing.
    pub(super) written: u64,
}

/// A key and its history.
pub(super) struct Key {
    pub(super) name: String,
    /// 0 or 1.
    pub(super) namespace: usize,
    pub(super) hash: u64,
    pub(super) range: usize,
    pub(super) events: Vec<Option<Event>>,
}

/// An operation without an answer.
struct Open {
    id: OpId,
    key: usize,
    event: usize,
    ask: Ask,
    /// An attempt is in a frame that is waited for.
    is_waiting: bool,
    /// An attempt was given up.
    may_be_done: bool,
}

/// A frame on its way.
struct Frame {
    node: usize,
    ops: Vec<OpId>,
    executed: Executed,
}

/// A clear on its way (rule O1).
pub(super) struct Clearing {
    pub(super) namespace: usize,
    pub(super) asked_at: u64,
    /// What every node that holds a lease must act by for the next step.
    pub(super) barrier: u64,
    pub(super) is_cleared: bool,
    pub(super) since: u64,
}

impl Clients {
    pub(super) fn open_keys(&mut self, namespaces: [NamespaceId; 2], seed: u64) {
        for (namespace, id) in namespaces.into_iter().enumerate() {
            for at in 0..KEYS {
                let name = format!("key{at}");
                let hash = key_hash(seed, id, &name);
                let range = (hash >> (64 - RANGE_BITS)) as usize;
                self.keys.push(Key { name, namespace, hash, range, events: Vec::new() });
            }
        }
        self.next_n = 1;
    }

    /// Adds an event and says which it is.
    pub(super) fn note(&mut self, key: usize, ask: Ask, asked_at: u64, told: Option<(Told, u64)>) -> usize {
        let events = &mut self.keys[key].events;
        events.push(Some(Event { ask, asked_at, told }));
        events.len() - 1
    }

    pub(super) fn wipe_range(&mut self, range: usize, step: u64, _: &ClusterState) {
        for key in 0..self.keys.len() {
            if self.keys[key].range == range {
                self.note(key, Ask::Wipe, step, None);
            }
        }
    }

    fn lowest_open(&self, router: RouterId) -> u64 {
        let open = self.open.iter().filter(|open| open.id.router == router).map(|open| open.id.n);
        open.min().unwrap_or(self.next_n)
    }

    /// A process went: nobody will hear from it.
    pub(super) fn forget_node(&mut self, node: usize) {
        let (gone, rest) =
            std::mem::take(&mut self.frames).into_iter().partition::<Vec<_>, _>(|frame| frame.node == node);
        self.frames = rest;
        for frame in gone {
            self.abandon(&frame.ops);
        }
    }

    fn abandon(&mut self, ops: &[OpId]) {
        for open in self.open.iter_mut().filter(|open| ops.contains(&open.id)) {
            open.is_waiting = false;
            open.may_be_done = true;
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.frames.is_empty()
    }

    /// Operations that wait for a commit.
    pub(super) fn waiting(&self) -> usize {
        self.frames.len()
    }
}

impl World {
    /// A new operation, or an old one again.
    pub(super) fn ask(&mut self) {
        let idle: Vec<usize> =
            self.clients.open.iter().enumerate().filter(|(_, open)| !open.is_waiting).map(|(at, _)| at).collect();
        if !idle.is_empty() && self.rng.one_in(2) {
            let at = idle[self.rng.below(idle.len())];
            if self.rng.one_in(12) {
                self.give_up(at)
            } else {
                self.attempt(&[at])
            };
            return;
        }
        let range = self.focused.as_ref().filter(|_| !self.rng.clone().one_in(3)).map(|focus| focus.range);
        let namespace = self.rng.below(2);
        let count = 1 + usize::from(self.rng.one_in(4)) + usize::from(self.rng.one_in(8));
        let mut ops = Vec::new();
        for _ in 0..count {
            let key = namespace * KEYS + self.rng.below(KEYS);
            let is_of_interest = range.is_none_or(|range| self.clients.keys[key].range == range);
            if is_of_interest && self.clients.keys[key].events.len() < EVENTS_MAX {
                ops.push(self.open(key));
            }
        }
        self.attempt(&ops);
    }

    fn open(&mut self, key: usize) -> usize {
        let router = RouterId(1 + self.rng.below(2) as u64);
        let (n, value) = (self.clients.next_n, 1_000 * (1 + self.clients.next_value));
        self.clients.next_n += 1;
        self.clients.next_value += 1;
        let ask = match self.rng.below(20) {
            0..=6 => Ask::Get,
            7..=10 => Ask::Set(value),
            11 => Ask::SetAbsent(value),
            12..=13 => Ask::Delete,
            14..=16 => Ask::Increment(1 + self.rng.below(9) as i64),
            17..=18 => Ask::Swap(value),
            _ => Ask::Touch,
        };
        let event = self.clients.note(key, ask.clone(), self.step, None);
        let id = OpId { router, n };
        self.clients.open.push(Open { id, key, event, ask, is_waiting: false, may_be_done: false });
        self.clients.open.len() - 1
    }

    /// Sends operations of one router and namespace in one frame to the node that a view names for the first.
    fn attempt(&mut self, ops: &[usize]) {
        let Some(&first) = ops.first() else { return };
        let (router, first_key) = (self.clients.open[first].id.router, self.clients.open[first].key);
        let ops: Vec<usize> = ops.iter().copied().filter(|op| self.clients.open[*op].id.router == router).collect();
        let newest = self.log.now().applied;
        let view = newest.saturating_sub(if self.rng.one_in(3) { self.rng.below(6) as u64 } else { 0 }).max(1);
        let state = self.log.at(view).clone();
        let (range, namespace) = (self.clients.keys[first_key].range, self.clients.keys[first_key].namespace);
        let Some(primary) = state.ranges.get(range).and_then(|record| record.primary) else { return };
        let any_copy = self.rng.one_in(3);
        let node = if any_copy || self.rng.one_in(16) { self.rng.below(NODES) } else { primary.0 as usize - 1 };
        if self.nodes[node].acted() < view {
            self.act(node, view);
        }
        if self.nodes[node].acted() < view {
            return;
        }
        let values: Vec<String> = ops.iter().map(|op| self.value(&self.clients.open[*op].ask)).collect();
        let ttl = self.ttl();
        let mut asked = Vec::new();
        let mut request = PointRequest {
            view,
            namespace: self.log.namespaces()[namespace],
            backend: Self::backend(),
            router,
            lowest_open: self.clients.lowest_open(router),
            retry: ops.iter().any(|op| self.clients.open[*op].may_be_done),
            any_copy,
            ops: Vec::new(),
        };
        for (op, value) in ops.iter().zip(&values) {
            let open = &self.clients.open[*op];
            let key = &self.clients.keys[open.key];
            let epoch = state.ranges[key.range].epoch;
            request.ops.push(point((&open.ask, open.id.n), (&key.name, key.hash, epoch), value, ttl));
            asked.push(open.id);
        }
        let executed = self.nodes[node].engine.execute(&request, self.now());
        self.say(|| {
            let ops = request.ops.iter().map(|op| format!("{} {:?}", op.key, op.action));
            let ops: Vec<_> = ops.map(|op| op.chars().take(60).collect::<String>()).collect();
            let outcomes: Vec<_> = executed
                .outcomes
                .iter()
                .map(|outcome| format!("{outcome:?}").chars().take(90).collect::<String>())
                .collect();
            format!(
                "node {} is asked {:?} of {namespace} {ops:?}: {outcomes:?} waits {}",
                node + 1,
                asked.iter().map(|id| id.n).collect::<Vec<_>>(),
                executed.commit.is_some()
            )
        });
        for id in &asked {
            if let Some(open) = self.clients.open.iter_mut().find(|open| open.id == *id) {
                open.is_waiting = true;
            }
        }
        self.clients.frames.push(Frame { node, ops: asked, executed });
        if self.rng.one_in(2) {
            self.hear();
        }
    }

    fn value(&self, ask: &Ask) -> String {
        match ask {
            Ask::Set(value) | Ask::SetAbsent(value) | Ask::Swap(value) => value.to_string(),
            _ => "0".into(),
        }
    }

    fn ttl(&mut self) -> Ttl {
        if self.has_ttl && self.rng.one_in(2) {
            return Ttl::Millis(1 + self.rng.below(400) as u64);
        }
        Ttl::Never
    }

    /// Hears what is committed by now.
    pub(super) fn hear(&mut self) {
        let mut at = 0;
        while at < self.clients.frames.len() {
            let frame = &mut self.clients.frames[at];
            if !poll(&mut frame.executed.commit, &mut |outcome| outcome.settle(&mut frame.executed.outcomes)) {
                at += 1;
                continue;
            }
            let Frame { ops, executed, .. } = self.clients.frames.remove(at);
            for (id, outcome) in ops.into_iter().zip(executed.outcomes) {
                self.told(id, outcome);
            }
        }
    }

    /// A client waits no longer for one of the frames.
    pub(super) fn lose_patience(&mut self) {
        if !self.clients.frames.is_empty() {
            let at = self.rng.below(self.clients.frames.len());
            let frame = self.clients.frames.remove(at);
            self.clients.abandon(&frame.ops);
        }
    }

    fn told(&mut self, id: OpId, outcome: Outcome) {
        let Some(at) = self.clients.open.iter().position(|open| open.id == id) else { return };
        self.clients.open[at].is_waiting = false;
        let told = match &outcome {
            Outcome::Hit(item) => Told::Value(Some(number(item.full().value))),
            Outcome::Miss if self.clients.open[at].ask == Ask::Touch => Told::Found(false),
            Outcome::Miss => Told::Value(None),
            Outcome::Stored { .. } => Told::Done,
            Outcome::Conflict(_) => Told::Refused,
            Outcome::Deleted { found } => Told::Found(*found),
            Outcome::Counted { value, .. } => Told::Sum(*value),
            Outcome::Swapped { previous, .. } => Told::Value(previous.as_ref().map(|item| number(item.full().value))),
            Outcome::Touched { .. } => Told::Found(true),
            Outcome::Failed(fault) => return self.failed(at, fault),
        };
        let Open { key, event, ask, .. } = self.clients.open.remove(at);
        self.clients.written += u64::from(ask != Ask::Get);
        if let Some(event) = &mut self.clients.keys[key].events[event] {
            event.told = Some((told, self.step));
        }
    }

    fn failed(&mut self, at: usize, fault: &Fault) {
        match fault {
            Fault::Unknown => {
                self.clients.open[at].may_be_done = true;
                self.give_up(at);
            }
            fault if fault.is_retryable() => {
                if self.clients.open[at].ask == Ask::Get {
                    self.give_up(at);
                }
            }
            Fault::TooLarge { .. } if self.kind == Kind::Limited => self.give_up(at),
            other => panic!("{other:?}"),
        }
    }

    /// Whether it was done is not known; unless it surely was not.
    fn give_up(&mut self, at: usize) {
        let Open { key, event, may_be_done, ask, .. } = self.clients.open.remove(at);
        if !may_be_done || ask == Ask::Get {
            self.clients.keys[key].events[event] = None;
        }
    }

    /// Sends everything again that has no answer; at the end, when all is well.
    pub(super) fn ask_again(&mut self) {
        let mut ids: Vec<OpId> = self.clients.open.iter().filter(|open| !open.is_waiting).map(|open| open.id).collect();
        while let Some(id) = ids.pop() {
            if let Some(at) = self.clients.open.iter().position(|open| open.id == id) {
                self.attempt(&[at]);
            }
        }
    }

    /// A read of a key at a node, by the newest view, outside of any frame.
    pub(super) fn read(&mut self, key: usize, node: usize, any_copy: bool) -> Outcome {
        let state = self.log.now().clone();
        let asked = &self.clients.keys[key];
        let request = PointRequest {
            view: state.applied,
            namespace: self.log.namespaces()[asked.namespace],
            backend: Self::backend(),
            router: RouterId(9),
            lowest_open: 1,
            retry: false,
            any_copy,
            ops: vec![PointOp {
                hash: asked.hash,
                epoch: state.ranges[asked.range].epoch,
                key: &asked.name,
                action: Action::Peek,
            }],
        };
        let mut executed = self.nodes[node].engine.execute(&request, self.now());
        assert!(executed.commit.is_none(), "reads wait for nothing");
        executed.outcomes.remove(0)
    }

    /// The ranges of a state as calls over many keys name them.
    pub(super) fn ranges(state: &ClusterState) -> Vec<ringhold_model::wire::RangeRef> {
        let refs = state.ranges.iter().enumerate();
        refs.map(|(at, record)| ringhold_model::wire::RangeRef { range: RangeId(at as u16), epoch: record.epoch })
            .collect()
    }
}
