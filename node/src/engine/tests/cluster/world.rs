//! The world: nodes, their leases and what they act by.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use ringhold_model::{
    Incarnation,
    config::{Backend, CacheConfig},
};

use super::{
    client::{Clearing, Clients},
    links::Link,
    log::{Log, NODES, RANGE_BITS, id},
    rng::Rng,
};
use crate::engine::{Engine, Lease, Now, Options, tests::rig::unlimited};

/// What the world is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records stay until they are removed.
    Plain,
    /// Limits are small and many records expire.
    Limited,
}

/// See the module.
pub(super) struct World {
    pub(super) kind: Kind,
    pub(super) rng: Rng,
    pub(super) log: Log,
    pub(super) nodes: Vec<Node>,
    pub(super) links: Vec<Link>,
    pub(super) clients: Clients,
    pub(super) clearing: Option<Clearing>,
    pub(super) focused: Option<Focus>,
    /// Counts steps; time for histories.
    pub(super) step: u64,
    pub(super) mono_ms: u64,
    pub(super) config: CacheConfig,
    chunk_bytes: usize,
    /// Some writes have a time to live.
    pub(super) has_ttl: bool,
    is_traced: bool,
}

/// For some steps most of what happens concerns one range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Focus {
    pub(super) range: usize,
    /// Two of its members.
    pub(super) pair: (usize, usize),
    /// Messages that are left.
    pub(super) left: usize,
}

/// One process.
pub(super) struct Node {
    pub(super) engine: Engine,
    lease: Arc<Held>,
    pub(super) boot: u64,
    pub(super) incarnation: Incarnation,
}

#[derive(Debug, Default)]
struct Held(AtomicBool);

impl Lease for Held {
    fn holds_now(&self) -> bool {
        self.0.load(SeqCst)
    }
}

impl Node {
    fn new(at: usize, boot: u64, log: &Log, chunk_bytes: usize) -> Self {
        let lease = Arc::new(Held::default());
        let options = Options { shards: 2, lease: lease.clone(), chunk_bytes, ..Options::new(RANGE_BITS) };
        let incarnation = log.now().nodes[&id(at)].incarnation.expect("it has started");
        Self { engine: Engine::new(options), lease, boot, incarnation }
    }

    pub(super) fn acted(&self) -> u64 {
        self.engine.acted()
    }

    pub(super) fn has_lease(&self) -> bool {
        self.lease.holds_now()
    }

    pub(super) fn set_lease(&self, holds: bool) {
        self.lease.0.store(holds, SeqCst);
    }
}

impl World {
    pub(super) fn new(kind: Kind, seed: u64) -> Self {
        let mut rng = Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
        let config = match kind {
            Kind::Plain => unlimited(),
            Kind::Limited => CacheConfig {
                max_items: 3 + rng.below(6) as u64,
                max_memory: if rng.one_in(2) { 700 + rng.below(1_500) as u64 } else { 0 },
                ..unlimited()
            },
        };
        let (copies, chunk_bytes) = (1 + rng.below(NODES), 1 + rng.below(400));
        let has_own = kind == Kind::Limited && rng.one_in(2);
        let has_ttl = kind == Kind::Limited && rng.one_in(2);
        let world = Self::with(config, copies, has_own, chunk_bytes);
        Self { kind, rng, has_ttl, ..world }
    }

    /// A world in which nothing has happened: every range has `copies` members, and every node a lease. `has_own`: the second
    /// namespace has a config of its own.
    pub(super) fn with(config: CacheConfig, copies: usize, has_own: bool, chunk_bytes: usize) -> Self {
        let log = Log::new(config.clone(), copies, has_own);
        let nodes: Vec<Node> = (0..NODES).map(|at| Node::new(at, 1, &log, chunk_bytes)).collect();
        let mut world = Self {
            kind: Kind::Plain,
            rng: Rng(1),
            log,
            nodes,
            links: (0..NODES * NODES).map(|_| Link::default()).collect(),
            clients: Clients::default(),
            clearing: None,
            focused: None,
            step: 0,
            mono_ms: 1_000,
            config,
            chunk_bytes,
            has_ttl: false,
            is_traced: std::env::var_os("RINGHOLD_TRACE").is_some(),
        };
        let namespaces = world.log.namespaces();
        world.clients.open_keys(namespaces, world.log.now().hash_seed);
        for at in 0..NODES {
            world.act(at, world.log.now().applied);
            world.grant(at);
        }
        world
    }

    /// Tells what happens, where `RINGHOLD_TRACE` is set: for the one who looks for a mistake.
    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{:4} {}", self.step, what());
        }
    }

    pub(super) fn now(&self) -> Now {
        Now { mono_ms: self.mono_ms, wall_ms: 1_700_000_000_000 + self.mono_ms }
    }

    /// A node acts by the state at `index`, or a later one; what came between it does not see.
    pub(super) fn act(&mut self, at: usize, index: u64) {
        let node = &self.nodes[at];
        let state = self.log.at(index);
        let is_known =
            state.nodes.get(&id(at)).is_some_and(|node| node.incarnation == Some(self.nodes[at].incarnation));
        if index > node.acted() && is_known {
            node.engine.apply_view(state, id(at), self.now());
            self.say(|| format!("node {} acts by {index}", id(at)));
        }
    }

    /// The leader gives a lease to a node that acts by what concerns it (rule L5).
    pub(super) fn grant(&mut self, at: usize) {
        let state = self.log.now();
        let needed = state.barrier_at.max(state.nodes[&id(at)].touched_at);
        if self.nodes[at].acted() >= needed {
            self.nodes[at].set_lease(true);
        }
    }

    /// A process ends, with its memory, and another begins.
    pub(super) fn restart(&mut self, at: usize) {
        self.say(|| format!("node {} restarts", id(at)));
        let boot = self.nodes[at].boot + 1;
        let before = self.log.now().clone();
        self.clients.forget_node(at);
        self.log.start(at, boot);
        self.nodes[at] = Node::new(at, boot, &self.log, self.chunk_bytes);
        self.cut_off(at);
        self.note_resets(&before);
    }

    /// Ranges that began again, empty, lost what they held.
    pub(super) fn note_resets(&mut self, before: &ringhold_model::cluster::ClusterState) {
        let after = self.log.now().clone();
        for (range, (old, new)) in before.ranges.iter().zip(&after.ranges).enumerate() {
            let is_kept = |member| old.in_sync.contains(member);
            if !new.in_sync.iter().any(is_kept) {
                self.clients.wipe_range(range, self.step, &after);
            }
        }
    }

    pub(super) fn backend() -> Backend {
        Backend::Memory
    }
}
