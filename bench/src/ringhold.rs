//! The engine, used as a router uses it: a frame of operations in, outcomes out. The hash of the key is computed here, because
//! the others hash as well. A frame holds one operation, except in batches; the time is read once for 64 frames, as under load
//! a node's worker reads it once for all that it finds waiting.

use std::{
    cell::Cell,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use ringhold_model::{
    ClusterId, Epoch, Incarnation, Mid, NamespaceId, NodeId, RangeId, RouterId,
    cluster::{Addresses, ClusterState, ConfigRecord, Member, Namespace, Node, NodeState, RangeRecord},
    config::{Backend, CacheConfig, DataType},
    key::{DEFAULT_NAMESPACE, key_hash},
    wire::{Action, NewRecord, PointOp, PointRequest, RangeRef, Selection, Ttl},
};
use ringhold_node::engine::{Engine, Now, Options, Outcome};

use crate::caches::{Cache, Key};

const ME: NodeId = NodeId(1);
const NAMESPACE: NamespaceId = NamespaceId(1);
const EPOCH: Epoch = Epoch(5);
const SEED: u64 = 42;
const RANGE_BITS: u8 = 10;

/// Frames for one reading of the clocks.
const FRAMES_PER_READING: u64 = 64;

thread_local! {
    /// What a router's worker keeps: its run, its operations so far, frames so far, the time as last read.
    static WORKER: Cell<Worker> = const { Cell::new(Worker { router: 1, ops: 0, frames: 0, now: Now { mono_ms: 0, wall_ms: 0 } }) };
}

#[derive(Clone, Copy)]
struct Worker {
    router: u64,
    ops: u64,
    frames: u64,
    now: Now,
}

/// Makes the thread a worker of its own; `ops` is above all that a former one of this number used.
pub fn become_worker(number: u64, ops: u64) {
    WORKER.set(Worker { router: number + 1, ops, frames: 0, now: Now::default() });
}

/// An engine that leads all ranges, without copies.
pub struct Ringhold {
    engine: Engine,
    origin: Instant,
}

impl Ringhold {
    pub fn new(items: usize) -> Self {
        let engine = Engine::new(Options::new(RANGE_BITS));
        engine.apply_view(&state(items as u64), ME, Now::default());
        Self { engine, origin: Instant::now() }
    }

    fn worker(&self, writes: bool) -> Worker {
        let mut worker = WORKER.get();
        if worker.frames.is_multiple_of(FRAMES_PER_READING) {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            worker.now = Now { mono_ms: self.origin.elapsed().as_millis() as u64, wall_ms: wall.as_millis() as u64 };
        }
        worker.frames += 1;
        worker.ops += u64::from(writes);
        WORKER.set(worker);
        worker
    }

    fn request<'a>(worker: &Worker, ops: Vec<PointOp<'a>>) -> PointRequest<'a> {
        PointRequest {
            view: 10,
            namespace: NAMESPACE,
            backend: Backend::Memory,
            router: RouterId(worker.router),
            lowest_open: worker.ops,
            retry: false,
            any_copy: false,
            ops,
        }
    }
}

fn op<'a>(key: &'a Key, action: Action<'a>) -> PointOp<'a> {
    let key = std::str::from_utf8(key).expect("keys are digits");
    PointOp { hash: key_hash(SEED, NAMESPACE, key), epoch: EPOCH, key, action }
}

impl Cache for Ringhold {
    fn get(&self, key: &Key) -> Option<usize> {
        let worker = self.worker(false);
        let executed = self.engine.execute(&Self::request(&worker, vec![op(key, Action::Get)]), worker.now);
        match &executed.outcomes[0] {
            Outcome::Hit(item) => Some(item.block.value().len()),
            _ => None,
        }
    }

    fn insert(&self, key: &Key, value: &[u8]) {
        self.insert_for(key, value, Ttl::Default);
    }

    fn len(&self) -> usize {
        self.engine.stats(None, Now::default()).total_records as usize
    }

    fn get_many(&self, keys: &[&Key]) -> Option<usize> {
        let worker = self.worker(false);
        let ops = keys.iter().map(|key| op(key, Action::Get)).collect();
        let executed = self.engine.execute(&Self::request(&worker, ops), worker.now);
        let values = executed.outcomes.iter().filter(|outcome| match outcome {
            Outcome::Hit(item) => !item.block.value().is_empty(),
            _ => false,
        });
        Some(values.count())
    }
}
impl Ringhold {
    /// Writes a record that lives so long.
    pub fn insert_for(&self, key: &Key, value: &[u8], ttl: Ttl) {
        let worker = self.worker(true);
        let n = worker.ops;
        let record = NewRecord {
            value,
            metadata: None,
            tags: Vec::new(),
            data_type: DataType::Json,
            strategy: None,
            ttl,
            history: None,
            when: Vec::new(),
        };
        let executed =
            self.engine.execute(&Self::request(&worker, vec![op(key, Action::Set { n, record })]), worker.now);
        assert!(matches!(executed.outcomes[0], Outcome::Stored { .. }), "{:?}", executed.outcomes[0]);
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Everything in the namespace.
    pub fn everything(&self) -> Selection<'static> {
        let range = |id: u16| RangeRef { range: RangeId(id), epoch: EPOCH };
        let ranges = (0..1u16 << RANGE_BITS).map(range).collect();
        Selection { view: 10, namespace: NAMESPACE, backend: Backend::Memory, ranges, pattern: None }
    }
}

fn state(max_items: u64) -> ClusterState {
    let member = Member { node: ME, mid: Mid(EPOCH.0) };
    let range = RangeRecord { epoch: EPOCH, primary: Some(ME), in_sync: vec![member], pending: None, resets: 0 };
    let node = Node {
        birth: 1,
        boot: 1,
        incarnation: Some(Incarnation(2)),
        addresses: Addresses::default(),
        zone: String::new(),
        weight: 100,
        state: NodeState::Active,
        touched_at: 0,
        set_weight: None,
    };
    let mut state = ClusterState::default();
    state.cluster = ClusterId(9);
    state.hash_seed = SEED;
    state.range_bits = RANGE_BITS;
    state.applied = 10;
    state.nodes.insert(ME, node);
    state.ranges = vec![range; 1 << RANGE_BITS];
    let namespace =
        Namespace { name: DEFAULT_NAMESPACE.into(), generations: Default::default(), silent: Default::default() };
    state.namespaces.insert(NAMESPACE, namespace);
    let config = CacheConfig { max_items, max_memory: 0, default_ttl: 3_600, ..CacheConfig::default() };
    state.configs.insert((NAMESPACE, Backend::Memory), ConfigRecord { config, version: 1 });
    state
}
