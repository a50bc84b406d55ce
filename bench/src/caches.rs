//! The caches under one interface. What each is asked to do is what a user of it would write.

use std::sync::Arc;

use bytes::Bytes;

/// Bytes of a key.
pub type Key = [u8; 16];

/// A bounded cache shared by threads.
pub trait Cache: Send + Sync {
    /// Reads; returns the length of the value, so that it is looked at.
    fn get(&self, key: &Key) -> Option<usize>;
    /// Writes.
    fn insert(&self, key: &Key, value: &[u8]);
    /// Items it holds.
    fn len(&self) -> usize;
    /// Reads many at once; returns how many were there. Only where the cache has such a call.
    fn get_many(&self, _keys: &[&Key]) -> Option<usize> {
        None
    }
}

/// A name and how to make one for so many items.
pub type Maker = (&'static str, fn(usize) -> Arc<dyn Cache>);

/// All that are compared.
pub const ALL: &[Maker] = &[
    ("ringhold", |items| Arc::new(crate::ringhold::Ringhold::new(items))),
    ("quick_cache", |items| Arc::new(Quick(quick_cache::sync::Cache::new(items)))),
    ("foyer", |items| {
        let lru = foyer_memory::LruConfig::default();
        Arc::new(Foyer(foyer_memory::CacheBuilder::new(items).with_shards(64).with_eviction_config(lru).build()))
    }),
    ("moka", |items| Arc::new(Moka(moka::sync::Cache::new(items as u64)))),
];

struct Quick(quick_cache::sync::Cache<Box<[u8]>, Bytes>);

impl Cache for Quick {
    fn get(&self, key: &Key) -> Option<usize> {
        self.0.get(&key[..]).map(|value| value.len())
    }

    fn insert(&self, key: &Key, value: &[u8]) {
        self.0.insert(key[..].into(), Bytes::copy_from_slice(value));
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

struct Foyer(foyer_memory::Cache<Box<[u8]>, Bytes>);

impl Cache for Foyer {
    fn get(&self, key: &Key) -> Option<usize> {
        self.0.get(&key[..]).map(|entry| entry.value().len())
    }

    fn insert(&self, key: &Key, value: &[u8]) {
        self.0.insert(key[..].into(), Bytes::copy_from_slice(value));
    }

    fn len(&self) -> usize {
        self.0.usage()
    }
}

struct Moka(moka::sync::Cache<Box<[u8]>, Bytes>);

impl Cache for Moka {
    fn get(&self, key: &Key) -> Option<usize> {
        self.0.get(&key[..]).map(|value| value.len())
    }

    fn insert(&self, key: &Key, value: &[u8]) {
        self.0.insert(key[..].into(), Bytes::copy_from_slice(value));
    }

    fn len(&self) -> usize {
        self.0.run_pending_tasks();
        self.0.entry_count() as usize
    }
}
