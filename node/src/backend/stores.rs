//! All backends of a node.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hasher, RandomState},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use ringhold_model::{
    Epoch, NamespaceId, RouterId, Version,
    cluster::{ClusterState, NodeState},
    config::Backend,
    wire::{BackendState, Fault},
};
use tokio::sync::MutexGuard;

use super::{
    OwnOperations, Settings, Store, error::Error, file::Files, keys::Keys, memcached::Memcached, redis::Redis,
};

/// Names of namespaces that are remembered: as many as there may be, and those that went since.
const NAMES_MAX: usize = 4_096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Stores {
    stores: BTreeMap<Backend, Store>,
    keys: Keys,
    /// Last number given to a row. Relaxed: only that it grows counts, and rows of one key are numbered under its lock.
    last_row: AtomicU64,
    /// What the node writes by itself.
    pub(crate) operations: OwnOperations,
    /// Also of namespaces that are gone, whose rows still have to be found.
    names: Mutex<HashMap<NamespaceId, Arc<str>>>,
}

impl Default for Stores {
    fn default() -> Self {
        Self {
            stores: BTreeMap::new(),
            keys: Keys::default(),
            last_row: AtomicU64::new(0),
            // The keys of such a state are random, and drawn once a process and thread.
            operations: OwnOperations::new(RouterId(RandomState::new().build_hasher().finish())),
            names: Mutex::default(),
        }
    }
}

impl Stores {
    /// What is configured; nothing is connected to yet, so that a server that is away keeps no node from starting.
    pub(crate) fn open(settings: &Settings) -> io::Result<Self> {
        let mut stores = Self::default();
        let mut add = |backend, driver| stores.stores.insert(backend, Store::new(backend, driver));
        if let Some(redis) = &settings.redis {
            let driver = Redis::new(redis).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            add(Backend::Redis, Box::new(driver));
        }
        if !settings.memcached.is_empty() {
            add(Backend::Memcached, Box::new(Memcached::new(&settings.memcached)));
        }
        if let Some(folder) = &settings.file {
            add(Backend::File, Box::new(Files::new(folder)?));
        }
        Ok(stores)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Store> {
        self.stores.values()
    }

    pub(crate) fn get(&self, backend: Backend) -> Option<&Store> {
        self.stores.get(&backend)
    }

    /// The backend, if it is configured and keeps what it is given under this state of the cluster.
    pub(crate) fn for_use(&self, backend: Backend, state: &ClusterState) -> Result<&Store, Fault> {
        let Some(store) = self.get(backend) else {
            let setting = match backend {
                Backend::Redis => "REDIS_URL",
                Backend::Memcached => "MEMCACHED_URL",
                Backend::Database => "DATABASE_URL",
                Backend::Memory | Backend::File => "FILE_CACHE_PATH",
            };
            let text =
                format!("the backend `{backend}` is not configured on the node that owns the key; set {setting}");
            return Err(Fault::Unsupported(text));
        };
        let nodes = state.nodes.values().filter(|record| record.state != NodeState::Gone).count();
        if nodes > 1 && !store.is_shared() {
            let text = format!(
                "the backend `{backend}` keeps items on the disk of one node, and this cluster has {nodes} nodes: \
                 that is not built in this version; use a backend that all nodes reach, such as `redis`"
            );
            return Err(Fault::Unsupported(text));
        }
        Ok(store)
    }

    /// Waits until nobody else writes to keys with these hashes, and keeps it so.
    pub(crate) async fn lock(&self, hashes: impl Iterator<Item = u64>) -> Vec<MutexGuard<'_, ()>> {
        self.keys.lock(hashes).await
    }

    /// A number for a row that is written in this epoch, higher than all before.
    pub(crate) fn next_row(&self, epoch: Epoch) -> Version {
        Version { epoch, seq: self.last_row.fetch_add(1, Relaxed) + 1 }
    }

    /// The name of a namespace, also when it is gone.
    pub(crate) fn name_of(&self, namespace: NamespaceId, state: &ClusterState) -> Option<Arc<str>> {
        let mut names = self.names.lock();
        if let Some(name) = names.get(&namespace) {
            return Some(name.clone());
        }
        let name: Arc<str> = state.namespaces.get(&namespace)?.name.as_str().into();
        if names.len() >= NAMES_MAX {
            names.retain(|namespace, _| state.namespaces.contains_key(namespace));
        }
        names.insert(namespace, name.clone());
        Some(name)
    }

    /// How each backend is.
    pub(crate) fn states(&self) -> Vec<BackendState> {
        let state = |store: &Store| {
            let figures = store.figures();
            BackendState { backend: store.backend(), trouble: figures.trouble }
        };
        self.all().map(state).collect()
    }
}

/// What a backend's error means to who asked. `is_write`: a write may have been done all the same.
pub(crate) fn fault_of(backend: Backend, error: Error, is_write: bool) -> Fault {
    match error {
        Error::Silent(reason) if is_write => Fault::BackendSilent { backend, reason },
        Error::TooLarge { bytes, max } => Fault::TooLarge { bytes, max },
        error => Fault::BackendDown { backend, reason: error.to_string() },
    }
}
