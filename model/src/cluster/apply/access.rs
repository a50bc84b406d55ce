//! API keys. The clock is that of the router which proposes: rules see only the times in the command.

use crate::{
    cluster::{
        access::{ACCESS_KEYS_MAX, AccessCommand, AccessKey, AccessRejection, KeySecret, SecretHash},
        command::{Outcome, Rejection, Reply},
        state::ClusterState,
    },
    ids::KeyId,
};

impl ClusterState {
    pub(super) fn change_keys(&mut self, index: u64, command: &AccessCommand) -> Outcome {
        match command {
            AccessCommand::Put { id, key } => self.put_key(index, *id, key),
            AccessCommand::Rotate { id, hash, old_ends_at_ms } => self.rotate_key(index, *id, *hash, *old_ends_at_ms),
            AccessCommand::Revoke { id } => self.revoke_key(index, *id),
            AccessCommand::NoteUses { uses } => Ok(self.note_key_uses(uses)),
        }
    }

    fn put_key(&mut self, index: u64, id: KeyId, key: &AccessKey) -> Outcome {
        key.check().map_err(|fault| rejected(AccessRejection::Bad(fault)))?;
        let is_new = matches!(key.secrets[..], [KeySecret { ends_at_ms: None, .. }]);
        if !is_new || self.keys.contains_key(&id) {
            return Err(rejected(AccessRejection::Bad("a new key has an id and a text of its own".into())));
        }
        if self.keys.len() >= ACCESS_KEYS_MAX {
            return Err(rejected(AccessRejection::TooMany(ACCESS_KEYS_MAX)));
        }
        self.keys.insert(id, key.clone());
        self.keys_changed_at = index;
        Ok(Reply::Done)
    }

    /// The text that a former rotation left over ends at once: a key is never known under more than two.
    fn rotate_key(&mut self, index: u64, id: KeyId, hash: SecretHash, old_ends_at_ms: u64) -> Outcome {
        let key = self.keys.get_mut(&id).ok_or_else(|| rejected(AccessRejection::Unknown))?;
        key.secrets.retain(|secret| secret.ends_at_ms.is_none());
        for secret in &mut key.secrets {
            secret.ends_at_ms = Some(old_ends_at_ms);
        }
        key.secrets.push(KeySecret { hash, ends_at_ms: None });
        self.keys_changed_at = index;
        Ok(Reply::Done)
    }

    fn revoke_key(&mut self, index: u64, id: KeyId) -> Outcome {
        self.keys.remove(&id).ok_or_else(|| rejected(AccessRejection::Unknown))?;
        self.keys_changed_at = index;
        Ok(Reply::Done)
    }

    /// Keys that were revoked meanwhile are passed over. Nobody needs to look at keys anew for this.
    fn note_key_uses(&mut self, uses: &[(KeyId, u64)]) -> Reply {
        for (id, at_ms) in uses {
            if let Some(key) = self.keys.get_mut(id) {
                key.last_used_ms = key.last_used_ms.max(Some(*at_ms));
            }
        }
        Reply::Done
    }
}

fn rejected(rejection: AccessRejection) -> Rejection {
    Rejection::Access(rejection)
}
