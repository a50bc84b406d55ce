//! A node for simulations: engine, data service, links and housekeeping as in a real one, on the runtime that polls them, over
//! any network, under a control plane that the simulation brings.

use std::sync::Arc;

use ringhold_raft::Handle;
use ringhold_rpc::{Connector, Service};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::Stores,
    data::{self, DataService},
    engine::Engine,
    keeper, leaving, links,
};

/// One process of a node.
#[derive(Clone, Debug)]
pub struct Simulated {
    node: Arc<data::Node>,
}

impl Simulated {
    /// A node that does nothing yet.
    pub fn new(control: Handle) -> Self {
        let mut node = data::Node::new(control, Stores::default(), false, false);
        node.is_single_threaded = true;
        Self { node: Arc::new(node) }
    }

    /// The service of the data channel.
    pub fn service(&self) -> Arc<dyn Service> {
        Arc::new(DataService(self.node.clone()))
    }

    /// The engine, once this process is part of the cluster.
    pub fn engine(&self) -> Option<&Engine> {
        self.node.engine()
    }

    /// Links and housekeeping, until `cancel`.
    pub async fn run(&self, connector: Arc<dyn Connector>, cancel: &CancellationToken) {
        tokio::join!(keeper::keep(&self.node, cancel), links::speak(self.node.clone(), connector, cancel));
    }

    /// Hands over what it holds, as a node does that is asked to stop.
    pub async fn leave(&self) {
        leaving::leave(&self.node, &CancellationToken::new()).await;
    }
}
