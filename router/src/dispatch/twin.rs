//! A cluster of scripted nodes over the in-memory network, for tests.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use ringhold_model::{
    ClusterId, Epoch, Incarnation, Mid, NamespaceId, NodeId, RouterId, Version,
    cluster::{Addresses, ClusterState, Member, Node, NodeState, RangeRecord},
    config::{Backend, DataType, Strategy},
    wire::{
        Action, Fault, ItemRef, Method, NodeStatus, PointOp, PointReply, PointRequest, PointResult, decode, encode,
    },
};
use ringhold_rpc::{
    Call, Callers, CallersOptions, Deadline, Handled, Hello, ServeOptions, Service, Welcome, memory::MemoryNetwork,
    serve_listener,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    nodes::Nodes,
    outcome::{Item, Outcome},
    pending::Reads,
    point::Dispatcher,
};
use crate::{
    metrics::DispatchCounters,
    view::{View, ViewCell},
};

const CLUSTER: ClusterId = ClusterId(1);
/// The space of all operations.
pub(super) const SPACE: (NamespaceId, Backend) = (NamespaceId(7), Backend::Memory);
/// Nodes of every twin: 1 to this.
pub(super) const NODES: u64 = 4;

/// A state in which each range has an epoch and members, the primary first.
pub(super) fn state(applied: u64, ranges: &[(u64, &[u64])]) -> ClusterState {
    let member = |node: &u64| Member { node: NodeId(*node), mid: Mid(1) };
    let record = |(epoch, members): &(u64, &[u64])| RangeRecord {
        epoch: Epoch(*epoch),
        primary: members.first().copied().map(NodeId),
        in_sync: members.iter().map(member).collect(),
        ..RangeRecord::default()
    };
    let node = |id: u64| Node {
        birth: id,
        boot: 1,
        incarnation: Some(Incarnation(1)),
        addresses: Addresses { rpc: address(id), health: String::new() },
        zone: String::new(),
        weight: 100,
        state: NodeState::Active,
        touched_at: 1,
        set_weight: None,
    };
    let mut state = ClusterState::default();
    (state.cluster, state.applied, state.range_bits) = (CLUSTER, applied, ranges.len().ilog2() as u8);
    state.nodes = (1..=NODES).map(|id| (NodeId(id), node(id))).collect();
    state.ranges = ranges.iter().map(record).collect();
    state
}

/// A state in which all ranges have one epoch and the same members.
pub(super) fn alike(applied: u64, epoch: u64, members: &[u64]) -> ClusterState {
    state(applied, &[(epoch, members), (epoch, members)])
}

/// Two ranges: node 1 with copies at 3 and 4, node 2 alone.
pub(super) fn view() -> View {
    View::new(state(9, &[(3, &[1, 3, 4]), (4, &[2])]))
}

fn address(node: u64) -> String {
    format!("n{node}")
}

/// What a node says to one call.
pub(super) enum Answer {
    Now(Vec<u8>),
    After(Duration, Vec<u8>),
    Fault(Fault),
    Never,
}

/// One call that a node got.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) body: Bytes,
}

impl Asked {
    /// The request of a point call.
    pub(super) fn point(&self) -> PointRequest<'_> {
        decode(&self.body).expect("a point request")
    }
}

type Script = Box<dyn FnMut(&Asked) -> Answer + Send>;

/// What one node does, and what it was asked.
struct Actor {
    node: NodeId,
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
}

impl Service for Actor {
    fn call(&self, call: Call<'_>) -> Handled {
        let asked = Asked { method: call.method, body: call.body };
        self.asked.lock().push(asked.clone());
        match (self.script.lock())(&asked) {
            Answer::Now(bytes) => {
                call.reply.extend_from_slice(&bytes);
                Handled::Replied
            }
            Answer::After(pause, bytes) => Handled::later(async move {
                tokio::time::sleep(pause).await;
                Ok(bytes)
            }),
            Answer::Fault(fault) => Handled::Failed(fault),
            Answer::Never => Handled::later(std::future::pending()),
        }
    }
}

/// The scripted cluster and the dispatcher in front of it.
pub(super) struct Twin {
    pub(super) network: MemoryNetwork,
    pub(super) view: ViewCell,
    pub(super) dispatcher: Dispatcher,
    pub(super) counters: DispatchCounters,
    actors: BTreeMap<u64, Arc<Actor>>,
    serving: Mutex<BTreeMap<u64, AbortOnDropHandle<()>>>,
}

impl Twin {
    /// All nodes run, and answer every point operation with what its success is.
    pub(super) fn start(state: ClusterState) -> Self {
        let (network, view, counters) = (MemoryNetwork::default(), ViewCell::new(), DispatchCounters::default());
        view.set_status(NodeStatus { leader: Some(NodeId(NODES)), ..NodeStatus::default() });
        assert!(view.offer(state));
        let callers = Callers::new(CallersOptions::default(), network.connector("router"));
        let dispatcher = Dispatcher::new(view.clone(), Nodes::new(callers), RouterId(5), counters.clone());
        let (actors, serving) = (BTreeMap::new(), Mutex::default());
        let mut twin = Self { network, view, dispatcher, counters, actors, serving };
        (1..=NODES).for_each(|node| twin.run(node));
        twin
    }

    fn run(&mut self, node: u64) {
        let actor = Actor { node: NodeId(node), script: Mutex::new(Box::new(succeed)), asked: Mutex::default() };
        let actor = self.actors.entry(node).or_insert_with(|| Arc::new(actor));
        let (me, service) = (actor.node, Arc::clone(actor) as Arc<dyn Service>);
        let welcome = move |hello: &Hello| {
            let welcome = Welcome { cluster: CLUSTER, node: Some(me) };
            welcome.check(hello).map(|()| welcome)
        };
        let listener = self.network.bind(&address(node));
        let serving = serve_listener(listener, welcome, service, ServeOptions::default(), CancellationToken::new());
        #[expect(clippy::disallowed_methods, reason = "the handle ends it")]
        let task = AbortOnDropHandle::new(tokio::spawn(serving));
        self.serving.lock().insert(node, task);
    }

    /// The node crashes: its connections break, and new ones are refused.
    pub(super) fn kill(&self, node: u64) {
        self.serving.lock().remove(&node);
    }

    /// From now on the node does this.
    pub(super) fn script(&self, node: u64, script: impl FnMut(&Asked) -> Answer + Send + 'static) {
        *self.actors[&node].script.lock() = Box::new(script);
    }

    /// From now on the node answers every point operation with this fault.
    pub(super) fn refuse(&self, node: u64, fault: &Fault) {
        let fault = fault.clone();
        self.script(node, move |asked| Answer::Now(each(asked, |_| PointResult::Failed(fault.clone()))));
    }

    /// The calls of a method that the node got.
    pub(super) fn asked(&self, node: u64, method: Method) -> Vec<Asked> {
        self.actors[&node].asked.lock().iter().filter(|asked| asked.method == method).cloned().collect()
    }

    /// How many point calls the node got.
    pub(super) fn points(&self, node: u64) -> usize {
        self.asked(node, Method::Point).len()
    }

    /// Reads one key.
    pub(super) async fn get(&self, hash: u64, reads: Reads) -> Outcome {
        self.dispatcher.execute_one(SPACE, get(hash), reads, soon()).await
    }

    /// Removes one key.
    pub(super) async fn delete(&self, hash: u64) -> Outcome {
        self.dispatcher.execute_one(SPACE, delete(hash), Reads::Fresh, soon()).await
    }
}

/// The deadline of a request that begins now.
pub(super) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

pub(super) fn get(hash: u64) -> PointOp<'static> {
    PointOp { hash, epoch: Epoch(0), key: "key", action: Action::Get }
}

pub(super) fn delete(hash: u64) -> PointOp<'static> {
    PointOp { hash, epoch: Epoch(0), key: "key", action: Action::Delete { n: 0, when: Vec::new() } }
}

/// The answer to a point call, operation by operation.
pub(super) fn each<'a>(asked: &'a Asked, result: impl Fn(&PointOp<'a>) -> PointResult<'static>) -> Vec<u8> {
    let request = asked.point();
    let results = request.ops.iter().map(result).collect();
    encode(&PointReply { view: request.view, results }).expect("plain data is written")
}

/// What the success of an operation is.
pub(super) fn success(op: &PointOp<'_>) -> PointResult<'static> {
    if op.action.is_read() { hit("1") } else { PointResult::Deleted { found: true } }
}

pub(super) fn succeed(asked: &Asked) -> Answer {
    match asked.method {
        Method::Point => Answer::Now(each(asked, success)),
        _ => Answer::Fault(Fault::Malformed),
    }
}

/// A live record.
pub(super) fn hit(value: &'static str) -> PointResult<'static> {
    PointResult::Hit(ItemRef {
        value: value.as_bytes(),
        size: value.len() as u64,
        metadata: None,
        data_type: DataType::Number,
        strategy: Strategy::Lru,
        ttl_ms: None,
        created_at_ms: 0,
        accessed_at_ms: 0,
        access_count: 1,
        version: Version::default(),
    })
}

/// The value of a hit.
#[track_caller]
pub(super) fn value(outcome: &Outcome) -> &str {
    let Outcome::Hit(item) = outcome else { panic!("no hit: {outcome:?}") };
    std::str::from_utf8(Item::borrow(item).value).expect("text")
}
