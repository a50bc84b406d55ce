//! What the router knows of the cluster: a snapshot compiled for lookups. It only ever moves forward.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use arc_swap::ArcSwap;
use ringhold_model::{
    ClusterId, Epoch, Incarnation, NamespaceId, NodeId, RangeId,
    cluster::{ClusterState, NodeState, RangeRecord},
    config::Backend,
    key::{key_hash, range_of},
    wire::{NodeStatus, RangeRef},
};
use ringhold_rpc::Deadline;
use tokio::sync::watch;

use crate::auth::Keys;

/// Most copies beside the primary that reads are sent to; a range has more only for moments, while it moves.
pub(crate) const COPIES_MAX: usize = 4;

/// Who holds a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its epoch.
    pub(crate) epoch: Epoch,
    /// Orders its effects.
    pub(crate) primary: Option<NodeId>,
    /// Whether another copy is being filled.
    pub(crate) is_filling: bool,
    copies_len: u8,
    copies: [NodeId; COPIES_MAX],
}

impl Route {
    fn new(record: &RangeRecord) -> Self {
        let mut route = Self {
            epoch: record.epoch,
            primary: record.primary,
            is_filling: record.pending.is_some(),
            ..Self::default()
        };
        let copies = record.in_sync.iter().map(|member| member.node).filter(|node| Some(*node) != record.primary);
        for (slot, node) in route.copies.iter_mut().zip(copies) {
            *slot = node;
            route.copies_len += 1;
        }
        route
    }

    /// In-sync members beside the primary.
    pub(crate) fn copies(&self) -> &[NodeId] {
        &self.copies[..usize::from(self.copies_len)]
    }
}

/// One replicated state, compiled: who holds which range, and where nodes are reached.
#[derive(Debug)]
pub(crate) struct View {
    /// The state itself.
    pub(crate) state: ClusterState,
    /// Its API keys.
    pub(crate) keys: Arc<Keys>,
    routes: Vec<Route>,
    namespaces: HashMap<String, NamespaceId>,
    /// How many nodes are primary of some range.
    holders: usize,
}

impl View {
    /// Compiles a state.
    pub(crate) fn new(state: ClusterState) -> Self {
        Self::following(state, &Arc::default())
    }

    /// The same after a view with these keys.
    fn following(state: ClusterState, keys: &Arc<Keys>) -> Self {
        let routes = state.ranges.iter().map(Route::new).collect();
        let namespaces = state.namespaces.iter().map(|(id, ns)| (ns.name.clone(), *id)).collect();
        let holders = state.ranges.iter().filter_map(|record| record.primary).collect::<HashSet<_>>().len();
        let keys = Keys::of(&state, keys);
        Self { state, keys, routes, namespaces, holders }
    }

    /// Log index of the last command in this view; zero: nothing known yet.
    pub(crate) fn index(&self) -> u64 {
        self.state.applied
    }

    /// Hash of a key.
    pub(crate) fn hash(&self, namespace: NamespaceId, key: &str) -> u64 {
        key_hash(self.state.hash_seed, namespace, key)
    }

    /// Who holds the range of `hash`.
    pub(crate) fn route(&self, hash: u64) -> Route {
        self.route_of(range_of(hash, self.state.range_bits))
    }

    /// Who holds a range.
    pub(crate) fn route_of(&self, range: RangeId) -> Route {
        self.routes.get(usize::from(range.0)).copied().unwrap_or_default()
    }

    /// Whether some range has or gets more than one copy.
    pub(crate) fn has_copies(&self) -> bool {
        self.routes.iter().any(|route| route.copies_len > 0 || route.is_filling)
    }

    /// How many ranges there are.
    pub(crate) fn ranges(&self) -> usize {
        self.routes.len()
    }

    /// How many nodes are primary of some range.
    pub(crate) fn holders(&self) -> usize {
        self.holders
    }

    /// All ranges by primary, ascending in each list; ranges without a primary under `None`.
    pub(crate) fn ranges_by_primary(&self) -> BTreeMap<Option<NodeId>, Vec<RangeRef>> {
        let mut by_primary: BTreeMap<Option<NodeId>, Vec<RangeRef>> = BTreeMap::new();
        for (at, route) in self.routes.iter().enumerate() {
            let range = RangeRef { range: RangeId(at as u16), epoch: route.epoch };
            by_primary.entry(route.primary).or_default().push(range);
        }
        by_primary
    }

    /// Where a node's internal port is.
    pub(crate) fn address(&self, node: NodeId) -> Option<&str> {
        self.state.nodes.get(&node).map(|node| node.addresses.rpc.as_str())
    }

    /// The running (or last) process of a node.
    pub(crate) fn incarnation(&self, node: NodeId) -> Option<Incarnation> {
        self.state.nodes.get(&node).and_then(|node| node.incarnation)
    }

    /// Nodes that should be running.
    pub(crate) fn active_nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.state
            .nodes
            .iter()
            .filter(|(_, node)| matches!(node.state, NodeState::Active | NodeState::Leaving))
            .map(|(id, _)| *id)
    }

    /// The namespace of this name.
    pub(crate) fn namespace(&self, name: &str) -> Option<NamespaceId> {
        self.namespaces.get(name).copied()
    }

    /// Backend of requests that name none.
    pub(crate) fn default_backend(&self) -> Backend {
        self.state.default_backend.unwrap_or(Backend::Memory)
    }
}

/// Shares the newest view; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ViewCell {
    current: Arc<ArcSwap<View>>,
    status: Arc<ArcSwap<NodeStatus>>,
    changed: Arc<watch::Sender<u64>>,
}

impl ViewCell {
    /// Knows nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(View::new(ClusterState::default()))),
            status: Arc::default(),
            changed: Arc::new(watch::channel(0).0),
        }
    }

    /// The newest view, to be held across waits.
    pub(crate) fn load_full(&self) -> Arc<View> {
        self.current.load_full()
    }

    /// The newest view.
    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<View>> {
        self.current.load()
    }

    /// How the node that was asked last sees the cluster.
    pub(crate) fn status(&self) -> Arc<NodeStatus> {
        self.status.load_full()
    }

    /// Takes a newer state. Ignores an older one, and one of another cluster than the one first seen.
    ///
    /// Only the watch task calls this, so load and store need not be one step.
    pub(crate) fn offer(&self, state: ClusterState) -> bool {
        let known = self.current.load();
        let stranger = known.state.cluster != ClusterId(0) && known.state.cluster != state.cluster;
        if stranger || state.applied <= known.index() {
            return false;
        }
        let index = state.applied;
        self.current.store(Arc::new(View::following(state, &known.keys)));
        self.changed.send_replace(index);
        true
    }

    /// Remembers how a node sees the cluster.
    pub(crate) fn set_status(&self, status: NodeStatus) {
        self.status.store(Arc::new(status));
    }

    /// Waits for a view newer than `index`.
    pub(crate) fn newer_than(&self, index: u64) -> impl Future<Output = ()> + Send + use<> {
        let mut changed = self.changed.subscribe();
        async move {
            if changed.wait_for(|at| *at > index).await.is_err() {
                // Whoever waits has the cell, and the cell the other end.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the view is at `index` or newer; false when the deadline came first.
    pub(crate) async fn at_least(&self, index: u64, deadline: Deadline) -> bool {
        let mut changed = self.changed.subscribe();
        tokio::time::timeout(deadline.remaining(), changed.wait_for(|at| *at >= index))
            .await
            .is_ok_and(|seen| seen.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::{Mid, cluster::Member};

    use super::*;

    fn state(cluster: u64, applied: u64) -> ClusterState {
        let mut state = ClusterState::default();
        (state.cluster, state.applied) = (ClusterId(cluster), applied);
        state
    }

    #[test]
    fn a_route_has_the_members_in_sync_and_the_primary_is_none_of_its_copies() {
        let member = |node| Member { node: NodeId(node), mid: Mid(1) };
        let mut state = state(1, 5);
        state.ranges = vec![RangeRecord {
            epoch: Epoch(4),
            primary: Some(NodeId(2)),
            in_sync: (1..=9).map(member).collect(),
            ..RangeRecord::default()
        }];
        let view = View::new(state);
        let route = view.route_of(RangeId(0));
        assert_eq!((route.epoch, route.primary, route.is_filling), (Epoch(4), Some(NodeId(2)), false));
        assert_eq!(route.copies(), [1, 3, 4, 5].map(NodeId));
        assert!(view.has_copies());
        assert_eq!(view.route_of(RangeId(1)), Route::default(), "there is no such range");
    }

    #[test]
    fn a_view_never_goes_back_nor_to_another_cluster() {
        let cell = ViewCell::new();
        assert!(cell.offer(state(1, 5)));
        assert!(!cell.offer(state(1, 4)));
        assert!(!cell.offer(state(2, 9)));
        assert_eq!(cell.load().index(), 5);
    }
}
