//! Talks to one node itself, in the protocol of nodes and routers: what it would answer to a router that knows no better.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ringhold_model::{
    Epoch, NodeId,
    cluster::ClusterState,
    config::Backend,
    ids::RouterId,
    key::DEFAULT_NAMESPACE,
    wire::{
        Action, Channel, Fault, Method, PointOp, PointReply, PointRequest, PointResult, WatchReply, WatchRequest,
        decode,
    },
};
use ringhold_rpc::{CallError, Caller, CallerOptions, Deadline, Hello, TcpConnector};

use super::oracle::options::Placement;

/// Longest wait for an answer, also of a node that stands still.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node, spoken to directly and not through its proxy. Keeps one data connection.
#[derive(Debug)]
pub struct Direct {
    data: Caller,
    control: Caller,
}

/// What a node answered to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The value, as JSON text.
    Hit(String),
    Miss,
    /// It does not serve the key.
    Refused(Fault),
}

impl Direct {
    pub fn to(address: SocketAddr) -> Self {
        let caller = |channel| {
            let hello = Hello { channel, cluster: Default::default(), from: None, target: None };
            let options = CallerOptions {
                // A node that is stopped for long is still the one that was connected to.
                silence_max: PATIENCE,
                idle_probe: PATIENCE,
                ..CallerOptions::new(address.to_string(), hello)
            };
            Caller::new(options, Arc::new(TcpConnector::default()))
        };
        Self { data: caller(Channel::Data), control: caller(Channel::Control) }
    }

    /// The replicated state as the node has it.
    pub async fn state(&self) -> ClusterState {
        let request = WatchRequest { since: 0, timeout_ms: 1_000 };
        let reply: WatchReply = self
            .control
            .call_typed(Method::Watch, &request, Deadline::after(PATIENCE))
            .await
            .expect("the node tells its state");
        *reply.state.expect("there is a state")
    }

    /// Reads a key of the default namespace by the state that is given, however old that is. `any_copy`: not only as the
    /// primary.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn read(&self, state: &ClusterState, key: &str, any_copy: bool) -> Result<Read, CallError> {
        let (hash, epoch, _) = route(state, key);
        let request = PointRequest {
            view: state.applied,
            namespace: state.namespace_id(DEFAULT_NAMESPACE).expect("the default namespace is there"),
            backend: Backend::Memory,
            router: RouterId(7),
            lowest_open: 1,
            retry: false,
            any_copy,
            ops: vec![PointOp { hash, epoch, key, action: Action::Peek }],
        };
        let frame = match self.data.call_encoded(Method::Point, &request, Deadline::after(PATIENCE)).await {
            Err(CallError::Fault(fault)) => return Ok(Read::Refused(fault)),
            frame => frame?,
        };
        let reply: PointReply<'_> = decode(&frame)?;
        Ok(match reply.results.into_iter().next() {
            Some(PointResult::Hit(item)) => Read::Hit(String::from_utf8_lossy(item.value).into_owned()),
            Some(PointResult::Miss) => Read::Miss,
            Some(PointResult::Failed(fault)) => Read::Refused(fault),
            other => panic!("no answer to a read: {other:?}"),
        })
    }
}

/// Hash of a key of the default namespace, and epoch and primary of its range.
pub fn route(state: &ClusterState, key: &str) -> (u64, Epoch, Option<NodeId>) {
    let namespace = state.namespace_id(DEFAULT_NAMESPACE).expect("the default namespace is there");
    let hash = ringhold_model::key::key_hash(state.hash_seed, namespace, key);
    let record = state.range(state.range_of(hash)).expect("the range exists");
    (hash, record.epoch, record.primary)
}

/// Where the keys of the default namespace lie.
pub fn placement(state: &ClusterState) -> Placement {
    Placement {
        hash_seed: state.hash_seed,
        namespace: state.namespace_id(DEFAULT_NAMESPACE).expect("the default namespace is there"),
        range_bits: state.range_bits,
    }
}
