//! How the engine gets a peer's task to look for something to send.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use ringhold_model::NodeId;
use tokio::sync::Notify;

/// A bell for each peer. Read by whoever writes or acts by a new state; changed by the links' thread alone, seldom.
#[derive(Debug, Default)]
pub(crate) struct Wakes(ArcSwap<BTreeMap<NodeId, Arc<Notify>>>);

impl Wakes {
    /// There may be something to send to this node. Cheap, and never waits; nothing happens for a node that has no task: the
    /// task begins with a look.
    pub(crate) fn wake(&self, node: NodeId) {
        if let Some(bell) = self.0.load().get(&node) {
            bell.notify_one();
        }
    }

    /// The same for all peers.
    pub(super) fn wake_all(&self) {
        self.0.load().values().for_each(|bell| bell.notify_one());
    }

    /// The bell of a peer that gets a task now.
    pub(super) fn enroll(&self, node: NodeId) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        let mut bells = BTreeMap::clone(&self.0.load());
        bells.insert(node, bell.clone());
        self.0.store(Arc::new(bells));
        bell
    }

    /// The peer has no task any more.
    pub(super) fn dismiss(&self, node: NodeId) {
        let mut bells = BTreeMap::clone(&self.0.load());
        bells.remove(&node);
        self.0.store(Arc::new(bells));
    }
}
