//! A router for simulations: the real dispatcher and the real watch, on the runtime that polls them, over any network. No HTTP:
//! calls come as values.

use std::sync::Arc;

use ringhold_model::{
    Epoch, NamespaceId, RouterId, Version,
    cluster::{ClusterState, Command, Reply},
    config::{Backend, DataType},
    wire::{Action, Condition, Conflict, NewRecord, PointOp, ScanContent, Ttl},
};
use ringhold_rpc::{Callers, CallersOptions, Connector, Deadline};
use tokio_util::sync::CancellationToken;

use crate::{
    dispatch::{Afterwards, Applied, Coverage, Dispatcher, Failure, Filter, Nodes, Outcome, PageRequest, Reads},
    metrics::DispatchCounters,
    view::ViewCell,
    view_watch,
};

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The record.
    Hit(Vec<u8>, Version),
    /// There is none.
    Miss,
    /// Stored under this version.
    Stored(Version),
    /// Not done, because of what is there; its version if it is known.
    Conflict(Option<Version>),
    /// Removed, or there was nothing.
    Deleted(bool),
    /// The sum.
    Counted(i64, Version),
    /// Given another time to live.
    Touched(Version),
    /// So many records went.
    Removed(u64),
    /// The keys and versions of all records.
    Keys(Vec<(String, Version)>),
    /// Surely not done, for this reason.
    Refused(String),
    /// Perhaps done, perhaps not.
    Unknown(String),
}

/// One worker of a router.
#[derive(Debug)]
pub struct Client {
    view: ViewCell,
    dispatcher: Dispatcher,
    connector: ConnectorCell,
    backend: Backend,
}

struct ConnectorCell(Arc<dyn Connector>);

impl std::fmt::Debug for ConnectorCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl Client {
    /// A worker that knows nothing of the cluster yet. `router` names it, and is used by no other.
    pub fn new(router: RouterId, connector: Arc<dyn Connector>) -> Self {
        let view = ViewCell::new();
        let nodes = Nodes::new(Callers::new(CallersOptions::default(), Arc::clone(&connector)));
        let dispatcher = Dispatcher::new(view.clone(), nodes, router, DispatchCounters::default());
        Self { view, dispatcher, connector: ConnectorCell(connector), backend: Backend::Memory }
    }

    /// Follows the cluster until `cancel`, first at these addresses.
    pub async fn watch(&self, seeds: Vec<String>, cancel: CancellationToken) {
        let callers = Callers::new(CallersOptions::default(), Arc::clone(&self.connector.0));
        view_watch::watch(self.view.clone(), callers, seeds.into(), cancel).await;
    }

    /// What this router knows of the cluster.
    pub fn state(&self) -> ClusterState {
        self.view.load().state.clone()
    }

    /// Reads.
    pub async fn get(&self, namespace: NamespaceId, key: &str, is_strict: bool, deadline: Deadline) -> Answer {
        let reads = if is_strict { Reads::Strict } else { Reads::Fresh };
        self.point(namespace, key, Action::Get, reads, deadline).await
    }

    /// Stores.
    pub async fn set(
        &self,
        namespace: NamespaceId,
        (key, value, tags): (&str, &[u8], &[&str]),
        when: Vec<Condition>,
        deadline: Deadline,
    ) -> Answer {
        let action = Action::Set { n: 0, record: record(value, tags, when) };
        self.point(namespace, key, action, Reads::Strict, deadline).await
    }

    /// Removes one record.
    pub async fn delete(&self, namespace: NamespaceId, key: &str, deadline: Deadline) -> Answer {
        self.point(namespace, key, Action::Delete { n: 0, when: Vec::new() }, Reads::Strict, deadline).await
    }

    /// Adds to a number, which begins at zero.
    pub async fn increment(&self, namespace: NamespaceId, key: &str, by: i64, deadline: Deadline) -> Answer {
        let action = Action::Increment { n: 0, by, initial: 0, record: record(b"", &[], Vec::new()) };
        self.point(namespace, key, action, Reads::Strict, deadline).await
    }

    /// Gives a record a time to live.
    pub async fn touch(&self, namespace: NamespaceId, key: &str, ttl_ms: u64, deadline: Deadline) -> Answer {
        let when = vec![Condition::Present];
        self.point(namespace, key, Action::Touch { n: 0, ttl: Ttl::Millis(ttl_ms), when }, Reads::Strict, deadline)
            .await
    }

    /// Removes all records with one of the tags.
    pub async fn remove_by_tag(&self, namespace: NamespaceId, tags: &[&str], deadline: Deadline) -> Answer {
        match self.dispatcher.remove(self.all(namespace), tags, deadline).await {
            Ok(total) if total.coverage.is_complete() => Answer::Removed(total.count),
            Ok(total) => incomplete(&total.coverage),
            Err(failure) => failed(&failure),
        }
    }

    /// Clears the namespace.
    pub async fn clear(&self, namespace: NamespaceId, deadline: Deadline) -> Answer {
        match self.dispatcher.remove_all(self.all(namespace), Afterwards::Speak, deadline).await {
            Ok(cleared) if cleared.is_done() => Answer::Removed(cleared.total.count),
            Ok(cleared) => incomplete(&cleared.reached),
            Err(failure) => failed(&failure),
        }
    }

    /// Lists all keys, `page` at a time, by cursor.
    pub async fn keys(&self, namespace: NamespaceId, page: usize, deadline: Deadline) -> Answer {
        let (mut keys, mut from_hash) = (Vec::new(), 0);
        loop {
            let filter = self.all(namespace);
            let request = PageRequest { filter, from_hash, records_max: page, content: ScanContent::Info };
            match self.dispatcher.whole_page(request, deadline).await {
                Ok(found) if found.coverage.is_complete() => {
                    keys.extend(
                        found.entries.iter().map(|entry| (entry.key().to_owned(), entry.item.borrow().version)),
                    );
                    match found.next_hash {
                        Some(next) => from_hash = next,
                        None => return Answer::Keys(keys),
                    }
                }
                Ok(found) => return incomplete(&found.coverage),
                Err(failure) => return failed(&failure),
            }
        }
    }

    /// Items that all primaries count, if every node says so.
    pub async fn items(&self, namespace: NamespaceId, deadline: Deadline) -> Option<u64> {
        let stats = self.dispatcher.node_stats(Some(namespace), deadline).await;
        stats.into_iter().map(|(_, stats)| Some(stats?.spaces.iter().map(|space| space.items).sum::<u64>())).sum()
    }

    /// Changes the replicated state.
    pub async fn propose(&self, command: Command, deadline: Deadline) -> Result<(u64, Reply), String> {
        self.dispatcher.propose(command, deadline).await.map_err(|failure| format!("{failure:?}"))
    }

    fn all(&self, namespace: NamespaceId) -> Filter<'static> {
        Filter { namespace, backend: self.backend, pattern: None }
    }

    async fn point(
        &self,
        namespace: NamespaceId,
        key: &str,
        action: Action<'_>,
        reads: Reads,
        deadline: Deadline,
    ) -> Answer {
        let hash = self.view.load().hash(namespace, key);
        let op = PointOp { hash, epoch: Epoch(0), key, action };
        match self.dispatcher.execute_one((namespace, self.backend), op, reads, deadline).await {
            Outcome::Hit(item) => Answer::Hit(item.borrow().value.to_vec(), item.borrow().version),
            Outcome::Miss => Answer::Miss,
            Outcome::Stored { version, .. } | Outcome::Swapped { version, .. } => Answer::Stored(version),
            Outcome::Conflict(Conflict::Unmet { version, .. } | Conflict::Overflow { version }) => {
                Answer::Conflict(version)
            }
            Outcome::Conflict(Conflict::NotInteger { version }) => Answer::Conflict(Some(version)),
            Outcome::Deleted { found } => Answer::Deleted(found),
            Outcome::Counted { value, version, .. } => Answer::Counted(value, version),
            Outcome::Touched { version, .. } => Answer::Touched(version),
            Outcome::Failed(failure) => failed(&failure),
        }
    }
}

fn record<'a>(value: &'a [u8], tags: &[&'a str], when: Vec<Condition>) -> NewRecord<'a> {
    NewRecord {
        value,
        metadata: None,
        tags: tags.to_vec(),
        data_type: DataType::String,
        strategy: None,
        ttl: Ttl::Never,
        history: None,
        when,
    }
}

fn failed(failure: &Failure) -> Answer {
    match failure.applied {
        Applied::No => Answer::Refused(format!("{:?}", failure.reason)),
        Applied::Unknown => Answer::Unknown(format!("{:?}", failure.reason)),
    }
}

fn incomplete(coverage: &Coverage) -> Answer {
    Answer::Unknown(format!("missing: {:?}", coverage.missing))
}
