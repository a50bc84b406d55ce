//! Namespaces and their generations.

use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply},
        state::{ClusterState, Namespace},
    },
    config::{Backend, check_backend},
    ids::{Generation, NamespaceId},
    key::{DEFAULT_NAMESPACE, NAMESPACES_MAX, is_namespace},
};

impl ClusterState {
    pub(super) fn create_namespace(&mut self, index: u64, name: &str) -> Outcome {
        if !is_namespace(name) {
            return Err(Rejection::BadNamespaceName);
        }
        if let Some(id) = self.namespace_id(name) {
            return Ok(Reply::Namespace(id));
        }
        if self.namespaces.len() >= NAMESPACES_MAX {
            return Err(Rejection::TooManyNamespaces(NAMESPACES_MAX));
        }
        let id = NamespaceId(index);
        self.namespaces.insert(id, Namespace::named(name));
        Ok(Reply::Namespace(id))
    }

    pub(super) fn remove_namespace(&mut self, id: NamespaceId) -> Outcome {
        match self.namespaces.get(&id) {
            None => Err(Rejection::UnknownNamespace),
            Some(namespace) if namespace.name == DEFAULT_NAMESPACE => Err(Rejection::DefaultNamespace),
            Some(_) => {
                self.namespaces.remove(&id);
                self.configs.retain(|(namespace, _), _| *namespace != id);
                Ok(Reply::Done)
            }
        }
    }

    pub(super) fn clear(&mut self, index: u64, id: NamespaceId, backend: Backend) -> Outcome {
        check_backend(backend).map_err(Rejection::BadConfig)?;
        let namespace = self.namespaces.get_mut(&id).ok_or(Rejection::UnknownNamespace)?;
        namespace.generations.insert(backend, Generation(index));
        Ok(Reply::Cleared(Generation(index)))
    }

    pub(super) fn silence(&mut self, index: u64, id: NamespaceId, backend: Backend) -> Outcome {
        check_backend(backend).map_err(Rejection::BadConfig)?;
        let namespace = self.namespaces.get_mut(&id).ok_or(Rejection::UnknownNamespace)?;
        namespace.silent.entry(backend).or_default().insert(index);
        Ok(Reply::Silenced(index))
    }

    /// Copies stay silent for the other clears that are under way.
    pub(super) fn end_silence(&mut self, id: NamespaceId, backend: Backend, since: u64) -> Outcome {
        let namespace = self.namespaces.get_mut(&id).ok_or(Rejection::UnknownNamespace)?;
        if let Some(clears) = namespace.silent.get_mut(&backend) {
            clears.remove(&since);
            namespace.silent.retain(|_, clears| !clears.is_empty());
        }
        Ok(Reply::Done)
    }
}
