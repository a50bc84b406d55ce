//! Who is reached where: the newest address that anyone told of each node.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use ringhold_model::{
    NodeId,
    cluster::{ClusterState, NodeState},
    wire::{AddressBook, KnownNode},
};

/// Filled from the replicated state and from announcements; the higher process start wins. Locked briefly, never across
/// an await.
#[derive(Debug, Default)]
pub(crate) struct Book {
    known: Mutex<BTreeMap<NodeId, KnownNode>>,
}

impl Book {
    /// Takes what is news; returns the internal addresses at which nobody known is reached any more.
    pub(crate) fn merge(&self, news: impl IntoIterator<Item = KnownNode>) -> Vec<String> {
        let mut known = self.known.lock();
        let mut left = Vec::new();
        for node in news {
            match known.get(&node.node) {
                Some(old) if old.boot >= node.boot => {}
                _ => left.extend(known.insert(node.node, node).map(|old| old.addresses.rpc)),
            }
        }
        left.retain(|address| known.values().all(|node| node.addresses.rpc != *address));
        left
    }

    /// Takes the addresses of the replicated state and drops nodes that are gone.
    pub(crate) fn merge_state(&self, state: &ClusterState) -> Vec<String> {
        let (gone, living): (Vec<_>, Vec<_>) = state.nodes.iter().partition(|(_, node)| node.state == NodeState::Gone);
        let left = self.merge(living.into_iter().map(|(id, node)| KnownNode {
            node: *id,
            boot: node.boot,
            addresses: node.addresses.clone(),
        }));
        let mut known = self.known.lock();
        for (id, _) in gone {
            known.remove(id);
        }
        left
    }

    /// Where `node`'s internal port is.
    pub(crate) fn rpc_address(&self, node: NodeId) -> Option<String> {
        self.known.lock().get(&node).map(|known| known.addresses.rpc.clone())
    }

    /// All that is known.
    pub(crate) fn list(&self) -> AddressBook {
        self.known.lock().values().cloned().collect()
    }

    /// Forgets everything: another cluster.
    pub(crate) fn clear(&self) {
        self.known.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::cluster::Addresses;

    use super::*;

    fn known(node: u64, boot: u64, rpc: &str) -> KnownNode {
        KnownNode { node: NodeId(node), boot, addresses: Addresses { rpc: rpc.to_owned(), health: String::new() } }
    }

    #[test]
    fn the_address_of_the_later_start_wins_whatever_the_order() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let news = [known(1, 1, "old"), known(1, 2, "new"), known(1, 1, "older")];
            let book = Book::default();
            let left = book.merge(order.map(|at| news[at].clone()));
            assert!(!left.contains(&"new".to_owned()));
            assert_eq!(book.rpc_address(NodeId(1)).unwrap(), "new");
        }
    }
}
