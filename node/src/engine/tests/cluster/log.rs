//! The replicated state of the world: a log of commands, applied by the real rule book.

use std::{collections::BTreeSet, sync::Arc};

use ringhold_model::{
    ClusterId, Incarnation, NamespaceId, NodeId,
    cluster::{Addresses, ClusterState, Command, Outcome, Proposal, Reply, RequestId, Seed},
    config::{Backend, CacheConfig},
};

/// Every state there ever was, the newest last.
pub(super) struct Log {
    states: Vec<Arc<ClusterState>>,
}

/// Log2 of the number of ranges.
pub(super) const RANGE_BITS: u8 = 1;
pub(super) const NODES: usize = 3;

/// The id of the node at this place.
pub(super) fn id(at: usize) -> NodeId {
    NodeId(at as u64 + 1)
}

impl Log {
    /// A cluster of started nodes, a plan in which every range has `copies`, and a second namespace.
    pub(super) fn new(config: CacheConfig, copies: usize, has_own: bool) -> Self {
        let mut log = Self { states: vec![Arc::new(ClusterState::default())] };
        let seeds =
            (0..NODES).map(|at| Seed { id: id(at), birth: at as u64 + 1, addresses: Addresses::default() }).collect();
        let cluster = ClusterId(7);
        let default_backend = Backend::Memory;
        log.made(Command::Form {
            cluster,
            hash_seed: 3,
            range_bits: RANGE_BITS,
            seeds,
            config: config.clone(),
            default_backend,
        });
        for at in 0..NODES {
            log.start(at, 1);
        }
        let namespace = log.made(Command::CreateNamespace { name: "other".into() });
        if has_own && let Reply::Namespace(namespace) = namespace {
            log.made(Command::PutConfig { namespace, config });
        }
        log.plan(|range| (0..copies).map(|copy| id((range + copy) % NODES)).collect());
        log
    }

    pub(super) fn now(&self) -> &Arc<ClusterState> {
        self.states.last().expect("there is one from the start")
    }

    /// The state after this many commands.
    pub(super) fn at(&self, index: u64) -> &Arc<ClusterState> {
        &self.states[index as usize]
    }

    pub(super) fn propose(&mut self, command: Command) -> Outcome {
        let mut state = ClusterState::clone(self.now());
        let index = state.applied + 1;
        if std::env::var_os("RINGHOLD_TRACE").is_some() {
            eprintln!("     {index}: {command:?}");
        }
        let outcome = state.apply(index, &Proposal { request: RequestId::default(), command });
        if std::env::var_os("RINGHOLD_TRACE").is_some() {
            eprintln!("       {:?}", state.ranges);
        }
        assert_eq!(state.broken_invariants(), Vec::<String>::new());
        self.states.push(Arc::new(state));
        outcome
    }

    fn made(&mut self, command: Command) -> Reply {
        self.propose(command).expect("the world proposes nothing that is refused")
    }

    /// A new process of a node.
    pub(super) fn start(&mut self, at: usize, boot: u64) -> Incarnation {
        let start = Command::NodeStart {
            node: id(at),
            birth: at as u64 + 1,
            boot,
            addresses: Addresses::default(),
            zone: String::new(),
            weight: 100,
        };
        match self.made(start) {
            Reply::Started(incarnation) => incarnation,
            other => panic!("{other:?}"),
        }
    }

    /// Sets the owners of every range.
    pub(super) fn plan(&mut self, owners: impl Fn(usize) -> Vec<NodeId>) {
        let owners = (0..1 << RANGE_BITS).map(owners).collect();
        let computed_at = self.now().applied;
        self.made(Command::SetPlan { owners, computed_at, absent: BTreeSet::new() });
    }

    /// Both namespaces, the default one first.
    pub(super) fn namespaces(&self) -> [NamespaceId; 2] {
        let mut ids = self.now().namespaces.keys();
        [(); 2].map(|()| *ids.next().expect("there are two"))
    }
}
