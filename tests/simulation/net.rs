//! The network: ordered byte streams between machines, over links that are slow, cut in one direction or in both, or break.
//!
//! A cut is what a lost cable does to TCP: nothing arrives and nothing fails, and what was under way arrives after healing. A
//! break is what a crash does: both ends find out. A machine that vanishes says nothing, and its peers hear nothing.

mod stream;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::Arc,
    task::{Poll, Waker},
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, poll_fn};
use parking_lot::Mutex;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ringhold_rpc::{BoxedStream, Connector, Listener};

use self::stream::SimulatedStream;
use crate::{chance::now_ms, hosts::HostId, trace::Trace};

/// What arrives after healing takes up to so long, because it has to be sent again.
const SENT_AGAIN_MS: u64 = 200;

/// The network. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Net(Arc<Mutex<State>>);

struct State {
    random: StdRng,
    trace: Trace,
    links: BTreeMap<(HostId, HostId), Link>,
    /// Milliseconds that a message takes where the link does not say otherwise.
    latency_ms: (u64, u64),
    listeners: BTreeMap<String, Listening>,
    dials: Vec<Dial>,
    pipes: BTreeMap<u64, Pipe>,
    /// Those in which something is under way.
    busy: BTreeSet<u64>,
    pipes_made: u64,
    /// Machines that say nothing when they end.
    vanished: BTreeSet<HostId>,
}

/// One direction between two machines.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    is_cut: bool,
    latency_ms: Option<(u64, u64)>,
}

struct Listening {
    host: HostId,
    queue: VecDeque<SimulatedStream>,
    waker: Option<Waker>,
}

/// Someone who wants a connection.
struct Dial {
    from: HostId,
    address: String,
    at_ms: u64,
    slot: Arc<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    outcome: Option<io::Result<SimulatedStream>>,
    waker: Option<Waker>,
}

/// One direction of a connection.
struct Pipe {
    from: HostId,
    to: HostId,
    /// When each arrives; `None`: the end.
    flying: VecDeque<(u64, Option<Bytes>)>,
    arrived: VecDeque<Bytes>,
    /// Bytes in both.
    bytes: usize,
    has_ended: bool,
    is_broken: bool,
    is_read: bool,
    is_written: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Net {
    pub(crate) fn new(seed: u64, latency_ms: (u64, u64), trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: StdRng::seed_from_u64(seed),
            trace,
            links: BTreeMap::new(),
            latency_ms,
            listeners: BTreeMap::new(),
            dials: Vec::new(),
            pipes: BTreeMap::new(),
            busy: BTreeSet::new(),
            pipes_made: 0,
            vanished: BTreeSet::new(),
        })))
    }

    /// Listens at `address`.
    pub(crate) fn listen(&self, host: HostId, address: &str) -> SimulatedListener {
        let listening = Listening { host, queue: VecDeque::new(), waker: None };
        self.0.lock().listeners.insert(address.to_owned(), listening);
        SimulatedListener { net: self.clone(), address: address.to_owned() }
    }

    /// Connects in the name of `from`.
    pub(crate) fn connector(&self, from: HostId) -> Arc<dyn Connector> {
        Arc::new(SimulatedConnector { net: self.clone(), from })
    }

    /// Nothing passes from one to the other; or everything does again.
    pub(crate) fn set_cut(&self, from: HostId, to: HostId, is_cut: bool) {
        let mut state = self.0.lock();
        state.links.entry((from, to)).or_default().is_cut = is_cut;
        if !is_cut {
            let mut pipes = std::mem::take(&mut state.pipes);
            for pipe in pipes.values_mut().filter(|pipe| (pipe.from, pipe.to) == (from, to)) {
                let at_ms = now_ms() + state.random.random_range(1..=SENT_AGAIN_MS);
                pipe.flying.iter_mut().for_each(|(at, _)| *at = at_ms.max(*at));
            }
            state.pipes = pipes;
        }
    }

    /// Messages from one to the other take so long; `None`: as usual.
    pub(crate) fn set_latency(&self, from: HostId, to: HostId, latency_ms: Option<(u64, u64)>) {
        self.0.lock().links.entry((from, to)).or_default().latency_ms = latency_ms;
    }

    /// Whether messages pass from one to the other, and as fast as usual.
    pub(crate) fn is_fine(&self, from: HostId, to: HostId) -> bool {
        let state = self.0.lock();
        state.links.get(&(from, to)).is_none_or(|link| !link.is_cut && link.latency_ms.is_none())
    }

    /// All connections between the two break.
    pub(crate) fn break_between(&self, one: HostId, other: HostId) {
        self.0.lock().break_where(|pipe| (pipe.from, pipe.to) == (one, other) || (pipe.from, pipe.to) == (other, one));
    }

    /// The machine is about to end; `says_so`: its system still tells its peers.
    pub(crate) fn ends(&self, host: HostId, says_so: bool) {
        let mut state = self.0.lock();
        state.listeners.retain(|_, listening| listening.host != host);
        if !says_so {
            state.vanished.insert(host);
        }
        // What a cut held back would have had to be sent again, and there is nobody to do it.
        let cut: BTreeSet<HostId> = state
            .links
            .iter()
            .filter(|((from, _), link)| *from == host && link.is_cut)
            .map(|((_, to), _)| *to)
            .collect();
        for pipe in state.pipes.values_mut().filter(|pipe| pipe.from == host && cut.contains(&pipe.to)) {
            pipe.flying.clear();
        }
    }

    /// The machine is there again: what its former run had open is found out.
    pub(crate) fn begins(&self, host: HostId) {
        let mut state = self.0.lock();
        state.vanished.remove(&host);
        state.break_where(|pipe| pipe.from == host || pipe.to == host);
    }

    /// Lets arrive what is due.
    pub(crate) fn deliver(&self) {
        self.0.lock().deliver();
    }
}

impl State {
    fn is_cut(&self, from: HostId, to: HostId) -> bool {
        self.links.get(&(from, to)).is_some_and(|link| link.is_cut)
    }

    fn latency_ms(&mut self, from: HostId, to: HostId) -> u64 {
        let link = self.links.get(&(from, to)).and_then(|link| link.latency_ms);
        let (least, most) = link.unwrap_or(self.latency_ms);
        self.random.random_range(least..=most)
    }

    fn break_where(&mut self, is_it: impl Fn(&Pipe) -> bool) {
        for pipe in self.pipes.values_mut().filter(|pipe| is_it(pipe)) {
            pipe.is_broken = true;
            pipe.wake_all();
        }
    }

    fn deliver(&mut self) {
        let now = now_ms();
        self.connect(now);
        for id in self.busy.clone() {
            let Some(pipe) = self.pipes.get(&id) else {
                self.busy.remove(&id);
                continue;
            };
            if self.is_cut(pipe.from, pipe.to) {
                continue;
            }
            let Some(pipe) = self.pipes.get_mut(&id) else { continue };
            while pipe.flying.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, what)) = pipe.flying.pop_front() else { break };
                self.trace.note(now, "arrives", &(id, what.as_ref().map_or(0, Bytes::len)));
                match what {
                    Some(bytes) if pipe.is_read => pipe.arrived.push_back(bytes),
                    Some(bytes) => pipe.bytes -= bytes.len(),
                    None => pipe.has_ended = true,
                }
                pipe.reader.take().into_iter().for_each(Waker::wake);
            }
            if pipe.flying.is_empty() {
                self.busy.remove(&id);
                let is_over = !pipe.is_read && !pipe.is_written;
                if is_over {
                    self.pipes.remove(&id);
                }
            }
        }
    }

    fn connect(&mut self, now: u64) {
        for dial in std::mem::take(&mut self.dials) {
            if Arc::strong_count(&dial.slot) == 1 {
                continue;
            }
            let to = self.listeners.get(&dial.address).map(|listening| listening.host);
            let target = to.or_else(|| host_of(&dial.address));
            let hears = |host: HostId| {
                !self.vanished.contains(&host) && !self.is_cut(dial.from, host) && !self.is_cut(host, dial.from)
            };
            if now < dial.at_ms || target.is_some_and(|host| !hears(host)) {
                self.dials.push(dial);
                continue;
            }
            let outcome = match to {
                Some(to) => Ok(self.open(dial.from, to)),
                None => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            };
            let (net, slot) = (self.trace.clone(), &dial.slot);
            net.note(now, "dialled", &(dial.from.0, &dial.address, outcome.is_ok()));
            let mut slot = slot.lock();
            match outcome {
                Ok((near, far)) => {
                    slot.outcome = Some(Ok(near));
                    if let Some(listening) = self.listeners.get_mut(&dial.address) {
                        listening.queue.push_back(far);
                        listening.waker.take().into_iter().for_each(Waker::wake);
                    }
                }
                Err(error) => slot.outcome = Some(Err(error)),
            }
            slot.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Both ends, without the network that they belong to: see [`SimulatedStream::attach`].
    fn open(&mut self, from: HostId, to: HostId) -> (SimulatedStream, SimulatedStream) {
        let (there, back) = (self.pipe(from, to), self.pipe(to, from));
        (SimulatedStream::new(back, there), SimulatedStream::new(there, back))
    }

    fn pipe(&mut self, from: HostId, to: HostId) -> u64 {
        self.pipes_made += 1;
        self.pipes.insert(self.pipes_made, Pipe::new(from, to));
        self.pipes_made
    }
}

/// Where an address is, when nobody listens there: machines are named by number, `node-3:1`.
fn host_of(address: &str) -> Option<HostId> {
    address.split(':').nth(1)?.parse().ok().map(HostId)
}

impl Pipe {
    fn new(from: HostId, to: HostId) -> Self {
        Self {
            from,
            to,
            flying: VecDeque::new(),
            arrived: VecDeque::new(),
            bytes: 0,
            has_ended: false,
            is_broken: false,
            is_read: true,
            is_written: true,
            reader: None,
            writer: None,
        }
    }

    fn wake_all(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
        self.writer.take().into_iter().for_each(Waker::wake);
    }
}

struct SimulatedConnector {
    net: Net,
    from: HostId,
}

impl Connector for SimulatedConnector {
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxedStream>> {
        Box::pin(async move {
            let slot: Arc<Mutex<Slot>> = Arc::default();
            {
                let mut state = self.net.0.lock();
                let to = host_of(address).unwrap_or(self.from);
                let at_ms = now_ms() + state.latency_ms(self.from, to) + state.latency_ms(to, self.from);
                state.dials.push(Dial { from: self.from, address: address.to_owned(), at_ms, slot: Arc::clone(&slot) });
            }
            let stream = poll_fn(|cx| {
                let mut slot = slot.lock();
                match slot.outcome.take() {
                    Some(outcome) => Poll::Ready(outcome),
                    None => {
                        slot.waker = Some(cx.waker().clone());
                        Poll::Pending
                    }
                }
            });
            Ok(Box::new(stream.await?.attach(&self.net)) as BoxedStream)
        })
    }
}

/// Where a machine is reached.
pub(crate) struct SimulatedListener {
    net: Net,
    address: String,
}

impl Listener for SimulatedListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<BoxedStream>> {
        Box::pin(poll_fn(|cx| {
            let mut state = self.net.0.lock();
            let Some(listening) = state.listeners.get_mut(&self.address) else { return Poll::Pending };
            match listening.queue.pop_front() {
                Some(stream) => Poll::Ready(Ok(Box::new(stream.attach(&self.net)) as BoxedStream)),
                None => {
                    listening.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }
}
