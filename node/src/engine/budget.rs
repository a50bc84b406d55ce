//! How limits are kept: a write reserves its room by compare-and-swap *before* its item is linked, and room is given back only
//! *after* an item was unlinked, so a limit is not passed for a moment.
//!
//! `node/tests/loom.rs` includes this file and tries all orders of its steps.

use super::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts items and bytes and refuses what passes the limits. Written by every thread; relaxed, because each counter alone
/// carries the promise and the items themselves are published by the shards' locks.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    max_items: AtomicU64,
    max_bytes: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

/// How much of the limits a write leaves to copies, which cannot make room for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Margin {
    /// Nothing: all may be used.
    None,
    /// A fiftieth.
    Copies,
}

impl Margin {
    /// What may be used of a limit.
    pub(crate) const fn of(self, max: u64) -> u64 {
        match self {
            Self::None => max,
            Self::Copies => max - max / 50,
        }
    }
}

impl Budget {
    /// Sets the limits (0: none); new reservations obey at once, what is there already is evicted in steps.
    pub(crate) fn limit(&self, max_items: u64, max_bytes: u64) {
        self.max_items.store(max_items, Relaxed);
        self.max_bytes.store(max_bytes, Relaxed);
    }

    /// Limit of items; 0: none.
    pub(crate) fn max_items(&self) -> u64 {
        self.max_items.load(Relaxed)
    }

    /// Limit of bytes; 0: none.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_bytes.load(Relaxed)
    }

    pub(crate) fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Reserves room; false: there is none.
    pub(crate) fn reserve(&self, items: u64, bytes: u64, margin: Margin) -> bool {
        if !add(&self.items, items, margin.of(self.max_items())) {
            return false;
        }
        if !add(&self.bytes, bytes, margin.of(self.max_bytes())) {
            self.items.fetch_sub(items, Relaxed);
            return false;
        }
        true
    }

    /// How many items and bytes are too few for these.
    pub(crate) fn short(&self, items: u64, bytes: u64) -> (u64, u64) {
        let short = |max: u64, used: u64, more: u64| if max == 0 { 0 } else { (used + more).saturating_sub(max) };
        (short(self.max_items(), self.items(), items), short(self.max_bytes(), self.bytes(), bytes))
    }

    /// Gives room back.
    pub(crate) fn release(&self, items: u64, bytes: u64) {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.items.fetch_sub(items, Relaxed);
    }

    /// Counts what is there already, whatever the limit.
    pub(crate) fn admit(&self, items: u64, bytes: u64) {
        self.items.fetch_add(items, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// True when the limit of items is nearer than the limit of bytes.
    pub(crate) fn is_bound_by_items(&self) -> bool {
        let (items, bytes) = (u128::from(self.max_items()), u128::from(self.max_bytes()));
        items != 0 && (bytes == 0 || u128::from(self.items()) * bytes >= u128::from(self.bytes()) * items)
    }

    /// True when a lowered limit is passed.
    pub(crate) fn is_over(&self) -> bool {
        self.short(0, 0) != (0, 0)
    }
}

fn add(counter: &AtomicU64, amount: u64, max: u64) -> bool {
    if max == 0 {
        counter.fetch_add(amount, Relaxed);
        return true;
    }
    let room = |value: u64| value.checked_add(amount).filter(|sum| *sum <= max || amount == 0);
    counter.fetch_update(Relaxed, Relaxed, room).is_ok()
}
