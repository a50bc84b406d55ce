//! The replicated keys, compiled for lookups.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use ringhold_model::{
    KeyId,
    cluster::{AccessKey, ClusterState, KeySecret, SecretHash},
    pattern::Pattern,
};

use super::{grant::Grant, secret};

/// Uses are noted to the minute: each note is an entry of the cluster's log.
const USE_STEP_MS: u64 = 60_000;

/// All keys of one replicated state.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Log index of the last change of the keys.
    changed_at: u64,
    by_id: HashMap<KeyId, Entry>,
}

#[derive(Debug)]
struct Entry {
    secrets: Vec<KeySecret>,
    expires_at_ms: Option<u64>,
    grant: Arc<Grant>,
    /// Last use on this router, milliseconds since 1970; written by every worker, and only ever a hint.
    used_at_ms: AtomicU64,
}

impl Keys {
    /// The keys of `state`; those of `known` where nothing changed.
    pub(crate) fn of(state: &ClusterState, known: &Arc<Self>) -> Arc<Self> {
        if state.keys_changed_at == known.changed_at {
            return known.clone();
        }
        let entry = |(id, key): (&KeyId, &AccessKey)| {
            let used_at_ms = known.by_id.get(id).map_or(0, |entry| entry.used_at_ms.load(Relaxed));
            (*id, Entry::new(key, used_at_ms))
        };
        Arc::new(Self { changed_at: state.keys_changed_at, by_id: state.keys.iter().map(entry).collect() })
    }

    /// What the key of this text and hash opens. The time that it takes tells only whether there is a key of that id, and ids
    /// are no secrets.
    pub(super) fn find(&self, id: KeyId, hash: &SecretHash, now_ms: u64) -> Option<Arc<Grant>> {
        let entry = self.by_id.get(&id)?;
        let lives = |end: Option<u64>| end.is_none_or(|end| now_ms < end);
        let mut is_known = false;
        for known in &entry.secrets {
            is_known |= secret::is_same(&known.hash, hash) & lives(known.ends_at_ms);
        }
        if !is_known || !lives(entry.expires_at_ms) {
            return None;
        }
        if now_ms > entry.used_at_ms.load(Relaxed) + USE_STEP_MS / 4 {
            entry.used_at_ms.store(now_ms, Relaxed);
        }
        Some(entry.grant.clone())
    }

    /// Uses on this router that the cluster has not heard of.
    pub(crate) fn unnoted_uses(&self, state: &ClusterState) -> Vec<(KeyId, u64)> {
        let fresh = |(id, entry): (&KeyId, &Entry)| {
            let used = entry.used_at_ms.load(Relaxed);
            let noted = state.keys.get(id)?.last_used_ms.unwrap_or_default();
            (used > noted + USE_STEP_MS).then_some((*id, used))
        };
        self.by_id.iter().filter_map(fresh).collect()
    }
}

impl Entry {
    fn new(key: &AccessKey, used_at_ms: u64) -> Self {
        let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
        let grant = Grant {
            scopes: key.scopes,
            namespaces: some(&key.namespaces),
            // The rule book takes no key with a text that is no pattern; one that were there would open nothing.
            patterns: some(&key.patterns)
                .map(|patterns| patterns.iter().filter_map(|text| Pattern::parse(text).ok()).collect()),
        };
        Self {
            secrets: key.secrets.clone(),
            expires_at_ms: key.expires_at_ms,
            grant: Arc::new(grant),
            used_at_ms: AtomicU64::new(used_at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::cluster::Scopes;

    use super::*;

    const ID: KeyId = KeyId(7);

    fn state(changed_at: u64, secrets: Vec<KeySecret>, expires_at_ms: Option<u64>) -> ClusterState {
        let scopes = Scopes { read: true, ..Scopes::default() };
        let key = AccessKey { name: "k".into(), scopes, secrets, expires_at_ms, ..AccessKey::default() };
        let mut state = ClusterState::default();
        state.keys_changed_at = changed_at;
        state.keys.insert(ID, key);
        state
    }

    fn known_as(byte: u8, ends_at_ms: Option<u64>) -> KeySecret {
        KeySecret { hash: SecretHash([byte; 32]), ends_at_ms }
    }

    #[test]
    fn both_texts_of_a_rotated_key_hold_until_the_old_one_ends() {
        let keys = Keys::of(&state(1, vec![known_as(1, Some(500)), known_as(2, None)], None), &Arc::default());
        let opens = |byte: u8, now_ms| keys.find(ID, &SecretHash([byte; 32]), now_ms).is_some();
        assert!(opens(1, 499) && !opens(1, 500));
        assert!(opens(2, 499) && opens(2, 500) && !opens(3, 1));
        assert!(keys.find(KeyId(8), &SecretHash([2; 32]), 1).is_none());
    }

    #[test]
    fn a_key_that_expired_opens_nothing() {
        let keys = Keys::of(&state(1, vec![known_as(1, None)], Some(500)), &Arc::default());
        assert!(keys.find(ID, &SecretHash([1; 32]), 499).is_some());
        assert!(keys.find(ID, &SecretHash([1; 32]), 500).is_none());
    }

    #[test]
    fn uses_outlive_a_change_of_keys_and_are_noted_once_a_minute() {
        let mut replicated = state(1, vec![known_as(1, None)], None);
        let keys = Keys::of(&replicated, &Arc::default());
        assert_eq!(keys.unnoted_uses(&replicated), []);
        keys.find(ID, &SecretHash([1; 32]), 1_000_000);
        replicated.keys_changed_at = 2;
        let keys = Keys::of(&replicated, &keys);
        assert_eq!(keys.unnoted_uses(&replicated), [(ID, 1_000_000)]);
        replicated.keys.get_mut(&ID).unwrap().last_used_ms = Some(990_000);
        assert_eq!(keys.unnoted_uses(&replicated), []);
    }
}
