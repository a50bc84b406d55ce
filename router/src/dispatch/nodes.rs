//! One worker's connections to the nodes.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use ringhold_model::{
    ClusterId, Incarnation, NodeId,
    wire::{Channel, Method},
};
use ringhold_rpc::{CallError, Caller, Callers, CallersOptions, Deadline};
use serde::Serialize;
use tokio::time::Instant;

use super::health::Health;
use crate::view::View;

/// Finds the connection to a node without building its key for each call.
#[derive(Debug)]
pub(crate) struct Nodes {
    callers: Callers,
    /// Only this worker's tasks lock it, and never across a wait.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    cluster: ClusterId,
    data: HashMap<NodeId, Arc<Process>>,
}

/// One run of a node.
#[derive(Debug)]
pub(super) struct Process {
    /// Which node.
    pub(super) node: NodeId,
    /// The data connection.
    pub(super) data: Caller,
    /// Whether it answers.
    pub(super) health: Health,
    incarnation: Option<Incarnation>,
}

impl Nodes {
    /// Opens connections on demand through `callers`.
    pub(crate) fn new(callers: Callers) -> Self {
        Self { callers, known: Mutex::default() }
    }

    /// Calls a node on its data connection.
    pub(crate) async fn call<Req: Serialize + ?Sized>(
        &self,
        view: &View,
        node: NodeId,
        method: Method,
        request: &Req,
        deadline: Deadline,
    ) -> Result<Bytes, CallError> {
        self.process(view, node)?.data.call_encoded(method, request, deadline).await
    }

    /// Calls a node on its data connection with a message that is encoded already.
    pub(crate) async fn call_bytes(
        &self,
        view: &View,
        node: NodeId,
        method: Method,
        body: &[u8],
        deadline: Deadline,
    ) -> Result<Bytes, CallError> {
        self.process(view, node)?.data.call(method, body, deadline).await
    }

    /// The control connection to a node.
    pub(crate) fn control(&self, view: &View, node: NodeId) -> Result<Caller, CallError> {
        let address = address(view, node)?;
        self.identify(&mut self.known.lock(), view.state.cluster);
        Ok(self.callers.to(address, Channel::Control, Some(node)))
    }

    /// The node's present run.
    pub(super) fn process(&self, view: &View, node: NodeId) -> Result<Arc<Process>, CallError> {
        let address = address(view, node)?;
        let incarnation = view.incarnation(node);
        let mut known = self.known.lock();
        self.identify(&mut known, view.state.cluster);
        match known.data.get(&node) {
            // A request that began with an older view uses the newer process as well.
            Some(process) if process.incarnation >= incarnation => Ok(Arc::clone(process)),
            former => {
                // The state tells of the new process when it listens already, so what failed with the former one, the pause
                // before the next attempt above all, says nothing about it.
                former.into_iter().for_each(|former| self.callers.forget(former.data.address()));
                let data = self.callers.to(address, Channel::Data, Some(node));
                let process = Arc::new(Process { node, data, health: Health::default(), incarnation });
                known.data.insert(node, Arc::clone(&process));
                Ok(process)
            }
        }
    }

    /// Which nodes reads should rather not go to now.
    pub(super) fn avoidance(&self, now: Instant) -> Avoidance {
        let known = self.known.lock();
        let troubled = known.data.values().filter(|process| process.health.is_troubled());
        Avoidance { now, troubled: troubled.map(|process| (Arc::clone(process), None)).collect() }
    }

    fn identify(&self, known: &mut Known, cluster: ClusterId) {
        if known.cluster != cluster {
            *known = Known { cluster, data: HashMap::new() };
            self.callers.identify(CallersOptions { cluster, from: None });
        }
    }
}

/// Which nodes one request's reads avoid, decided when it is first asked.
#[derive(Debug)]
pub(super) struct Avoidance {
    now: Instant,
    troubled: Vec<(Arc<Process>, Option<bool>)>,
}

impl Avoidance {
    /// Whether the node is avoided.
    pub(super) fn avoids(&mut self, node: NodeId) -> bool {
        let troubled = self.troubled.iter_mut().find(|(process, _)| process.node == node);
        troubled.is_some_and(|(process, avoids)| *avoids.get_or_insert_with(|| process.health.is_avoided(self.now)))
    }
}

fn address(view: &View, node: NodeId) -> Result<&str, CallError> {
    view.address(node).ok_or_else(|| CallError::Unreachable(format!("node {node} is not known")))
}
