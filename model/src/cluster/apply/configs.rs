//! Configurations and how namespaces inherit them.

use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply},
        state::{ClusterState, ConfigRecord},
    },
    config::{Backend, CacheConfig, ConfigPatch, check_backend, check_config},
    ids::NamespaceId,
    key::DEFAULT_NAMESPACE,
};

impl ClusterState {
    /// The config that holds for (namespace, backend) and its version: its own, else the one of the namespace `default`,
    /// else the built-in one with version 0.
    pub fn config_of(&self, namespace: NamespaceId, backend: Backend) -> (CacheConfig, u64) {
        let own = self.configs.get(&(namespace, backend));
        let inherited = || self.configs.get(&(self.namespace_id(DEFAULT_NAMESPACE)?, backend));
        match own.or_else(inherited) {
            Some(record) => (record.config.clone(), record.version),
            None => (CacheConfig { backend, ..CacheConfig::default() }, 0),
        }
    }

    pub(super) fn put_config(&mut self, index: u64, namespace: NamespaceId, config: &CacheConfig) -> Outcome {
        self.known(namespace)?;
        check_config(config).map_err(Rejection::BadConfig)?;
        let record = ConfigRecord { config: config.clone(), version: index };
        self.configs.insert((namespace, config.backend), record);
        Ok(Reply::Config(config.clone(), index))
    }

    pub(super) fn patch_config(
        &mut self,
        index: u64,
        namespace: NamespaceId,
        backend: Backend,
        patch: &ConfigPatch,
        default_backend: Option<Backend>,
    ) -> Outcome {
        self.known(namespace)?;
        let (config, version) = self.config_of(namespace, backend);
        let patched = patch.applied_to(&config);
        check_config(&patched).map_err(Rejection::BadConfig)?;
        if let Some(wanted) = default_backend {
            check_backend(wanted).map_err(Rejection::BadConfig)?;
            self.default_backend = Some(wanted);
        }
        // A patch of nothing does not detach the namespace from what it inherits.
        if patch.is_empty() {
            return Ok(Reply::Config(config, version));
        }
        self.configs.insert((namespace, backend), ConfigRecord { config: patched.clone(), version: index });
        Ok(Reply::Config(patched, index))
    }

    fn known(&self, namespace: NamespaceId) -> Result<(), Rejection> {
        if self.namespaces.contains_key(&namespace) { Ok(()) } else { Err(Rejection::UnknownNamespace) }
    }
}
