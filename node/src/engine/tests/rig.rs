//! An engine with one namespace and all ranges, and short ways to use it.

use ringhold_model::{
    ClusterId, Epoch, Generation, Incarnation, Mid, NamespaceId, NodeId, RangeId, RouterId,
    cluster::{Addresses, ClusterState, ConfigRecord, Member, Namespace, Node, NodeState, RangeRecord},
    config::{Backend, CacheConfig, DataType, Strategy},
    key::{DEFAULT_NAMESPACE, key_hash},
    wire::{
        Action, Condition, NewRecord, PointOp, PointRequest, RangeRef, RemoveRequest, ScanContent, ScanRequest,
        Selection, SpaceStats, Ttl,
    },
};

use crate::engine::{Block, Engine, Executed, Now, Options, Outcome, Page};

pub(super) const ME: NodeId = NodeId(1);
pub(super) const DEFAULT: NamespaceId = NamespaceId(1);
pub(super) const OTHER: NamespaceId = NamespaceId(2);
pub(super) const EPOCH: Epoch = Epoch(5);
const ROUTER: RouterId = RouterId(77);

/// A charge that counts value bytes only.
pub(super) fn value_only(block: &Block) -> u64 {
    block.value().len() as u64
}

/// See the module. The state is changed in place and applied by [`Rig::apply`].
pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) state: ClusterState,
    pub(super) now: Now,
    pub(super) n: u64,
    pub(super) namespace: NamespaceId,
}

/// A record to set.
#[derive(Clone, Debug)]
pub(super) struct New<'a> {
    pub(super) value: &'a [u8],
    pub(super) tags: Vec<&'a str>,
    pub(super) ttl: Ttl,
    pub(super) strategy: Option<Strategy>,
    pub(super) if_absent: bool,
}

impl<'a> New<'a> {
    pub(super) fn value(value: &'a [u8]) -> Self {
        Self { value, tags: Vec::new(), ttl: Ttl::Default, strategy: None, if_absent: false }
    }

    pub(super) fn record(&self) -> NewRecord<'a> {
        NewRecord {
            value: self.value,
            metadata: None,
            tags: self.tags.clone(),
            data_type: DataType::Json,
            strategy: self.strategy,
            ttl: self.ttl,
            history: None,
            when: if self.if_absent { vec![Condition::Absent] } else { Vec::new() },
        }
    }
}

/// A config without limits and default TTL.
pub(super) fn unlimited() -> CacheConfig {
    CacheConfig { max_items: 0, max_memory: 0, default_ttl: 0, ..CacheConfig::default() }
}

/// A state in which this node serves every range.
pub(super) fn state(range_bits: u8, config: CacheConfig) -> ClusterState {
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
    state.hash_seed = 42;
    state.range_bits = range_bits;
    state.applied = 10;
    state.nodes.insert(ME, node);
    state.ranges = vec![range; 1 << range_bits];
    for (id, name) in [(DEFAULT, DEFAULT_NAMESPACE), (OTHER, "other")] {
        state
            .namespaces
            .insert(id, Namespace { name: name.into(), generations: Default::default(), silent: Default::default() });
    }
    state.configs.insert((DEFAULT, Backend::Memory), ConfigRecord { config, version: 1 });
    state
}

impl Rig {
    pub(super) fn new(config: CacheConfig) -> Self {
        Self::with(Options { shards: 8, ..Options::new(5) }, config)
    }

    pub(super) fn with(options: Options, config: CacheConfig) -> Self {
        let state = state(options.range_bits, config);
        let engine = Engine::new(options);
        let rig =
            Self { engine, state, now: Now { mono_ms: 1_000, wall_ms: 1_700_000_000_000 }, n: 0, namespace: DEFAULT };
        rig.engine.apply_view(&rig.state, ME, rig.now);
        rig
    }

    /// Applies the state after it was changed.
    pub(super) fn apply(&mut self) {
        self.state.applied += 1;
        self.engine.apply_view(&self.state, ME, self.now);
    }

    pub(super) fn advance(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall_ms += ms;
    }

    pub(super) fn hash(&self, key: &str) -> u64 {
        key_hash(self.state.hash_seed, self.namespace, key)
    }

    pub(super) fn range_of(&self, key: &str) -> RangeId {
        self.state.range_of(self.hash(key))
    }

    fn request<'a>(&self, op: PointOp<'a>, retry: bool, lowest_open: u64) -> PointRequest<'a> {
        PointRequest {
            view: 0,
            namespace: self.namespace,
            backend: Backend::Memory,
            router: ROUTER,
            lowest_open,
            retry,
            any_copy: false,
            ops: vec![op],
        }
    }

    pub(super) fn op<'a>(&self, key: &'a str, action: Action<'a>) -> PointOp<'a> {
        PointOp { hash: self.hash(key), epoch: EPOCH, key, action }
    }

    /// One operation; answers of earlier ones have arrived.
    pub(super) fn run(&self, key: &str, action: Action<'_>) -> Outcome {
        self.send(self.op(key, action), false, self.n)
    }

    pub(super) fn send(&self, op: PointOp<'_>, retry: bool, lowest_open: u64) -> Outcome {
        let Executed { mut outcomes, commit } = self.engine.execute(&self.request(op, retry, lowest_open), self.now);
        assert!(outcomes.len() == 1 && commit.is_none(), "one copy waits for nobody");
        outcomes.pop().expect("one operation has one outcome")
    }

    /// A new operation id; answers of earlier ones have arrived.
    pub(super) fn next(&mut self) -> u64 {
        self.n += 1;
        self.n
    }

    pub(super) fn set(&mut self, key: &str, new: &New<'_>) -> Outcome {
        self.n += 1;
        self.run(key, Action::Set { n: self.n, record: new.record() })
    }

    pub(super) fn put(&mut self, key: &str, value: &[u8]) {
        let outcome = self.set(key, &New::value(value));
        assert!(matches!(outcome, Outcome::Stored { .. }), "{key}: {outcome:?}");
    }

    pub(super) fn delete(&mut self, key: &str) -> bool {
        self.n += 1;
        match self.run(key, Action::Delete { n: self.n, when: Vec::new() }) {
            Outcome::Deleted { found } => found,
            other => panic!("{key}: {other:?}"),
        }
    }

    /// The value; counts as an access.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.read(key, Action::Get)
    }

    /// The value; no access.
    pub(super) fn peek(&self, key: &str) -> Option<Vec<u8>> {
        self.read(key, Action::Peek)
    }

    fn read(&self, key: &str, action: Action<'_>) -> Option<Vec<u8>> {
        match self.run(key, action) {
            Outcome::Hit(item) => Some(item.full().value.to_vec()),
            Outcome::Miss => None,
            other => panic!("{key}: {other:?}"),
        }
    }

    /// All ranges as the state has them.
    pub(super) fn selection<'a>(&self, pattern: Option<&'a str>) -> Selection<'a> {
        let ranges = self.state.ranges.iter().enumerate();
        Selection {
            view: self.state.applied,
            namespace: self.namespace,
            backend: Backend::Memory,
            ranges: ranges.map(|(id, record)| RangeRef { range: RangeId(id as u16), epoch: record.epoch }).collect(),
            pattern,
        }
    }

    pub(super) fn page(&self, pattern: Option<&str>, from_hash: u64, records_max: u32) -> Page {
        let request = ScanRequest {
            selection: self.selection(pattern),
            from_hash,
            records_max,
            bytes_max: u32::MAX,
            content: ScanContent::Full,
        };
        self.engine.scan(&request, self.now).expect("the namespace is there")
    }

    /// All keys in hash order, by pages.
    pub(super) fn keys(&self, pattern: Option<&str>, records_max: u32) -> Vec<String> {
        let (mut keys, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            let page = self.page(pattern, from, records_max);
            assert_eq!(page.done.len(), self.state.ranges.len());
            keys.extend(page.items.iter().map(|item| item.block.key().to_string()));
            next = page.next_hash;
        }
        keys
    }

    pub(super) fn remove(&self, pattern: Option<&str>, tags: &[&str]) -> u64 {
        let request = RemoveRequest { selection: self.selection(pattern), tags: tags.to_vec() };
        let removal = self.engine.remove(&request, self.now).expect("the namespace is there");
        assert_eq!(removal.done.len(), self.state.ranges.len());
        removal.removed
    }

    /// Clears the namespace; returns how many records that removed.
    pub(super) fn clear(&mut self) -> u64 {
        let generation = Generation(self.state.applied + 1);
        let namespace = self.state.namespaces.get_mut(&self.namespace).expect("the namespace is there");
        namespace.generations.insert(Backend::Memory, generation);
        self.apply();
        self.engine.purge(&self.selection(None), self.now).expect("the namespace is there").removed
    }

    pub(super) fn stats(&self) -> SpaceStats {
        let counts = self.engine.stats(Some(self.namespace), self.now);
        let mut memory = counts.spaces.into_iter().filter(|space| space.backend == Backend::Memory);
        memory.next().expect("every namespace has one")
    }

    /// Does all background work.
    pub(super) fn settle(&self) {
        while self.engine.step(self.now) {}
    }
}
