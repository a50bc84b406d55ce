//! What happened to one record, as the range's history keeps it and copies are told: whole records, never commands.

use ringhold_model::{Generation, NamespaceId, Version, config::Backend};
use serde::{Deserialize, Serialize};

use super::{Now, block::Block};
use crate::replica::{
    Keyed,
    message::{ChangeRef, EffectRef, OpRecord, RecordRef},
};

/// About how many bytes an effect takes on its way, besides the record or key.
const HEAD_BYTES: usize = 160;

/// One effect. Its version is kept beside it, by the range.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub namespace: NamespaceId,
    pub backend: Backend,
    /// The generation that it was made in; in a newer one it is invisible.
    pub generation: Generation,
    pub hash: u64,
    pub change: Change,
    /// The operation that it is the outcome of; evictions and expiries have none.
    pub op: Option<OpRecord>,
    /// What is shown until it is committed, at the primary that made it; `None`: nothing.
    pub before: Option<Record>,
}

/// What it does.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The record is this now.
    Store(Record),
    /// A record goes.
    Remove {
        /// Names it.
        key: Name,
        /// The version that goes.
        version: Version,
        /// Why.
        reason: Reason,
    },
}

/// A record outside the table.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub block: Block,
    /// Monotonic milliseconds at which it expires; zero: never.
    pub deadline_ms: u64,
    /// Wall clock of the last access.
    pub accessed_at_ms: u64,
    /// Reads that hit.
    pub access_count: u32,
}

/// The key of a record that went: where the record was there, its bytes, which are not copied.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Record(Block),
    Key(Box<str>),
}

/// Why a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// A client asked.
    Deleted,
    /// Its time is over.
    Expired,
    /// Room was needed.
    Evicted,
    /// A tag or pattern matched.
    Invalidated,
    /// The node lost the range.
    Wiped,
}

impl Effect {
    /// The key that it is about.
    pub(super) fn key(&self) -> &[u8] {
        match &self.change {
            Change::Store(record) => record.block.key_bytes(),
            Change::Remove { key, .. } => key.bytes(),
        }
    }

    /// True when it is about this key of this space.
    pub(super) fn is_about(&self, namespace: NamespaceId, backend: Backend, key: &[u8]) -> bool {
        self.namespace == namespace && self.backend == backend && self.key() == key
    }

    /// The same without what is never sent.
    pub(super) fn to_send(&self) -> Self {
        let Self { namespace, backend, generation, hash, ref change, op, before: _ } = *self;
        Self { namespace, backend, generation, hash, change: change.clone(), op, before: None }
    }

    /// The effect as it is sent at `now_ms` (monotonic).
    pub(super) fn to_ref(&self, version: Version, now_ms: u64) -> EffectRef<'_> {
        EffectRef {
            version,
            namespace: self.namespace,
            backend: self.backend,
            generation: self.generation,
            hash: self.hash,
            change: match &self.change {
                Change::Store(record) => ChangeRef::Store(record.to_ref(now_ms)),
                Change::Remove { key, version, reason } => {
                    ChangeRef::Remove { key: key.text(), version: *version, reason: *reason }
                }
            },
            op: self.op,
        }
    }

    /// An effect that was received; `None`: it does not add up.
    pub(super) fn from_ref(effect: &EffectRef<'_>, now_ms: u64) -> Option<Self> {
        let change = match &effect.change {
            ChangeRef::Store(record) => {
                let record = Record::from_ref(record, now_ms)?;
                if record.block.version() != effect.version {
                    return None;
                }
                Change::Store(record)
            }
            &ChangeRef::Remove { key, version, reason } => {
                Change::Remove { key: Name::Key(key.into()), version, reason }
            }
        };
        Some(Self {
            namespace: effect.namespace,
            backend: effect.backend,
            generation: effect.generation,
            hash: effect.hash,
            change,
            op: effect.op,
            before: None,
        })
    }
}

impl Keyed for Effect {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn bytes(&self) -> usize {
        let payload = match &self.change {
            Change::Store(record) => record.block.payload_bytes(),
            Change::Remove { key, .. } => key.bytes().len(),
        };
        // What is kept of the former record is in no budget; so it counts here, although it is not sent.
        HEAD_BYTES + payload + self.before.as_ref().map_or(0, |record| record.block.payload_bytes())
    }
}

impl Record {
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.deadline_ms != 0 && self.deadline_ms <= now.mono_ms
    }

    /// The record as it is sent at `now_ms`. One that is due is sent as such: it goes by an effect of its primary only.
    pub(super) fn to_ref(&self, now_ms: u64) -> RecordRef<'_> {
        RecordRef {
            head: self.block.head_words(),
            bytes: self.block.payload(),
            ttl_ms: (self.deadline_ms != 0).then(|| self.deadline_ms.saturating_sub(now_ms)),
            accessed_at_ms: self.accessed_at_ms,
            access_count: self.access_count,
        }
    }

    /// A record that was received; `None`: its head does not fit its bytes.
    pub(super) fn from_ref(record: &RecordRef<'_>, now_ms: u64) -> Option<Self> {
        Some(Self {
            block: Block::from_parts(record.head, record.bytes)?,
            deadline_ms: record.ttl_ms.map_or(0, |ttl| now_ms.saturating_add(ttl).max(1)),
            accessed_at_ms: record.accessed_at_ms,
            access_count: record.access_count,
        })
    }
}

impl Name {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Record(block) => block.key_bytes(),
            Self::Key(key) => key.as_bytes(),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Record(block) => block.key(),
            Self::Key(key) => key,
        }
    }
}
