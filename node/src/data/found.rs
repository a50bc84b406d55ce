//! What a call over many keys found, until it may be told.

use bytes::Bytes;
use ringhold_model::{
    NamespaceId,
    config::Backend,
    wire::{
        CountReply, Fault, FirstKeysReply, PurgeReply, RemoveReply, ScanContent, ScanEntry, ScanReply, ScanRequest,
        Selection, SurveyReply, encode,
    },
};
use serde::Serialize;

use super::many::read;
use crate::engine::{Commit, CommitOutcome, Count, FirstKeys, Page, Purge, Removal, Surveyed};

/// Most bytes of keys in one reply; a walk by cursor has no such bound.
const KEYS_BYTES_MAX: usize = 48 * 1024 * 1024;

/// See the module.
pub(super) enum Found {
    /// What to tell of each record, too.
    Page(Page, ScanContent),
    FirstKeys(FirstKeys),
    Count(Count),
    Removal(Removal),
    Purge(Purge),
    Survey(Box<Surveyed>),
}

/// A page whose values a backend outside keeps.
pub(super) struct Outside<'a> {
    pub(super) page: &'a mut Page,
    pub(super) namespace: NamespaceId,
    pub(super) backend: Backend,
}

impl Found {
    /// What has to be waited for first.
    pub(super) fn take_commit(&mut self) -> Option<Commit> {
        match self {
            Self::Page(page, _) => page.commit.take(),
            Self::FirstKeys(first) => first.commit.take(),
            Self::Count(count) => count.commit.take(),
            Self::Removal(removal) => removal.commit.take(),
            Self::Survey(survey) => survey.commit.take(),
            Self::Purge(_) => None,
        }
    }

    /// The page whose values a backend outside keeps; `None`: there is none. `body`: what was asked.
    pub(super) fn needs_rows(&mut self, body: &Bytes) -> Result<Option<Outside<'_>>, Fault> {
        let Self::Page(page, ScanContent::Full) = self else { return Ok(None) };
        let Selection { namespace, backend, .. } = read::<ScanRequest<'_>>(body)?.selection;
        Ok((backend != Backend::Memory).then_some(Outside { page, namespace, backend }))
    }

    /// Leaves out what did not come to be.
    ///
    /// # Errors
    /// `Busy`, on which the caller asks again: what is left cannot be told apart from what is not.
    pub(super) fn settle(&mut self, outcome: &CommitOutcome, range_bits: u8) -> Result<(), Fault> {
        match self {
            Self::Page(page, _) => page.settle(outcome, range_bits),
            Self::Removal(removal) => removal.settle(outcome),
            Self::FirstKeys(_) | Self::Count(_) | Self::Survey(_) if !outcome.lost.is_empty() => {
                return Err(Fault::Busy);
            }
            Self::FirstKeys(_) | Self::Count(_) | Self::Survey(_) | Self::Purge(_) => {}
        }
        Ok(())
    }

    /// The encoded reply.
    pub(super) fn encode(self, view: u64) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Page(page, content) => encode_page(view, &page, content),
            Self::FirstKeys(first) => encode_keys(view, &first),
            Self::Count(count) => write(&CountReply { view, total: count.total, done: count.done }),
            Self::Removal(removal) => write(&RemoveReply { view, removed: removal.removed, done: removal.done }),
            Self::Survey(found) => write(&SurveyReply { view, survey: found.survey, done: found.done }),
            Self::Purge(Purge { removed, generation, done }) => write(&PurgeReply { view, removed, generation, done }),
        }
    }
}

fn encode_page(view: u64, page: &Page, content: ScanContent) -> Result<Vec<u8>, Fault> {
    let entries = page.items.iter().map(|item| ScanEntry {
        hash: item.hash,
        key: item.block.key(),
        item: match content {
            ScanContent::Info => item.info(),
            ScanContent::Full => item.full(),
        },
    });
    write(&ScanReply { view, entries: entries.collect(), next_hash: page.next_hash, done: page.done.clone() })
}

fn encode_keys(view: u64, first: &FirstKeys) -> Result<Vec<u8>, Fault> {
    if first.keys.iter().map(|key| key.len()).sum::<usize>() > KEYS_BYTES_MAX {
        return Err(Fault::ReplyFull { max: KEYS_BYTES_MAX as u64 });
    }
    let keys = first.keys.iter().map(|key| &**key).collect();
    write(&FirstKeysReply { view, keys, total: first.total, done: first.done.clone() })
}

pub(super) fn write<T: Serialize>(message: &T) -> Result<Vec<u8>, Fault> {
    encode(message).map_err(|_| Fault::Malformed)
}
