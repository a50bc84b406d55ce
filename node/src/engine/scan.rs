//! Reads over many records: a page in hash order, the first keys in key order, a count.

use std::{collections::BinaryHeap, ops::ControlFlow};

use ringhold_model::{
    RangeId,
    key::range_of,
    wire::{Fault, FirstKeysRequest, ScanContent, ScanRequest, Selection},
};

use super::{Commit, CommitOutcome, Engine, Item, Now};

/// A page of records in hash order.
#[derive(Debug)]
pub struct Page {
    /// The records, in the order of their hashes.
    pub items: Vec<Item>,
    /// All matching records of the `done` ranges with a hash below this were returned; `None`: all of them.
    pub next_hash: Option<u64>,
    /// The ranges that were served in the wanted epoch through the whole page.
    pub done: Vec<RangeId>,
    /// To be waited for before this is told, and to be settled with it; `None`: it may be told at once.
    pub commit: Option<Commit>,
}

impl Page {
    /// Leaves out the ranges that were lost meanwhile; `range_bits` as the engine was made.
    pub fn settle(&mut self, outcome: &CommitOutcome, range_bits: u8) {
        let lost = outcome.lost_ranges();
        if !lost.is_empty() {
            self.done.retain(|range| !lost.contains(range));
            self.items.retain(|item| !lost.contains(&range_of(item.hash, range_bits)));
        }
    }
}

/// The first keys in key order.
#[derive(Debug)]
pub struct FirstKeys {
    /// Ascending, bytewise.
    pub keys: Vec<Box<str>>,
    /// How many match in all.
    pub total: u64,
    /// The ranges that were served in the wanted epoch.
    pub done: Vec<RangeId>,
    /// To be waited for before this is told; `None`: it may be told at once. When it says that anything was lost, this is not
    /// true for any set of ranges and has to be asked for again.
    pub commit: Option<Commit>,
}

/// How many records match.
#[derive(Debug)]
pub struct Count {
    /// Live records that match.
    pub total: u64,
    /// The ranges that were served in the wanted epoch.
    pub done: Vec<RangeId>,
    /// To be waited for before this is told; `None`: it may be told at once. When it says that anything was lost, this is not
    /// true for any set of ranges and has to be asked for again.
    pub commit: Option<Commit>,
}

impl Engine {
    /// A page of records. Locks are held briefly, whatever the page; the records are shared, not copied.
    pub fn scan(&self, request: &ScanRequest<'_>, now: Now) -> Result<Page, Fault> {
        let mut selected = self.select(&request.selection)?;
        let info = selected.info.clone();
        let (mut items, mut bytes, mut next_hash) = (Vec::<Item>::new(), 0u64, None);
        let is_full = |items: &[Item], bytes: u64| {
            items.len() >= request.records_max.max(1) as usize || bytes >= u64::from(request.bytes_max)
        };
        self.walk(&mut selected, request.from_hash, now, &mut |shard, _, found, beyond| {
            for at in found {
                let slot = shard.slots.get(*at);
                if items.last().is_some_and(|last| last.hash != slot.hash) && is_full(&items, bytes) {
                    next_hash = Some(slot.hash);
                    return ControlFlow::Break(());
                }
                let item = Item::of(slot, &info, now);
                bytes += match request.content {
                    ScanContent::Info => item.block.key_bytes().len() as u64,
                    ScanContent::Full => item.block.payload_bytes() as u64 + item.outside_bytes(),
                };
                items.push(item);
            }
            if is_full(&items, bytes) {
                next_hash = beyond;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let (done, commit) = self.done(&mut selected);
        if done.len() < request.selection.ranges.len() {
            let bits = self.shared.range_bits as u8;
            items.retain(|item| done.binary_search(&range_of(item.hash, bits)).is_ok());
        }
        Ok(Page { items, next_hash, done, commit })
    }

    /// The first keys in key order and how many there are. Memory is bounded by `keys_max`.
    pub fn first_keys(&self, request: &FirstKeysRequest<'_>, now: Now) -> Result<FirstKeys, Fault> {
        let mut selected = self.select(&request.selection)?;
        let keys_max = request.keys_max as usize;
        let ((first, total), done, commit) = self.settle_on(&mut selected, |selected| {
            let (mut first, mut total) = (BinaryHeap::<Box<str>>::new(), 0);
            self.walk(selected, 0, now, &mut |shard, _, found, _| {
                total += found.len() as u64;
                for at in found {
                    let key = shard.slots.get(*at).bytes().key();
                    if first.len() < keys_max {
                        first.push(key.into());
                    } else if let Some(mut last) = first.peek_mut()
                        && key < &**last
                    {
                        *last = key.into();
                    }
                }
                ControlFlow::Continue(())
            });
            (first, total)
        });
        Ok(FirstKeys { keys: first.into_sorted_vec(), total, done, commit })
    }

    /// How many live records match.
    pub fn count(&self, selection: &Selection<'_>, now: Now) -> Result<Count, Fault> {
        let mut selected = self.select(selection)?;
        let (total, done, commit) = self.settle_on(&mut selected, |selected| {
            let mut total = 0;
            self.walk(selected, 0, now, &mut |_, _, found, _| {
                total += found.len() as u64;
                ControlFlow::Continue(())
            });
            total
        });
        Ok(Count { total, done, commit })
    }
}
