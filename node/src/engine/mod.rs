//! The cache engine of a node: sharded, bounded, with exact orders of eviction, expiry, tags, ordered walks, and copies on other nodes.
//!
//! ```text
//! Engine ── shards[top bits of the hash] ── Mutex<Shard>
//!              parts    one a range: role, history, remembered results (crate::replica), counts, who waits
//!              spaces   per (namespace, backend): index in hash order, tags, counts
//!              lists    per pool, strategy: order of eviction } records of ranges that
//!              wheel    deadlines                            } this node is primary of
//!              slots ── Block: key, metadata, tags, value in one refcounted allocation
//!
//! execute ─► order ─► history ─► gather ──► peer: follow ─► plan ─► its table
//!    ▲                              ▲                │
//!    └── Commit ◄── commit ◄── take_answers ◄────────┘
//! ```
//!
//! Pure and synchronous: no runtime, no IO, no clock (`Now` comes in), nothing is spawned. Invariants: limits are not
//! passed for a moment (but see `Plan::overdraw`); a record that is due, of an older generation, not committed, or of a range
//! that the node does not serve is never returned, listed or counted; role, epoch and lease are checked under the lock under
//! which a record is read or written; at a copy nothing changes but by its primary's word.
//! Deliberately absent: connections, frames, the replicated state's rules (`ringhold_model::cluster`).
//!
//! Reading order: `shard`, `part`, `table` → `point`, `ahead`, `write`, `small`, `order` → `selection`, `scan`, `survey`,
//! `remove` → `gather`, `follow`, `plan`, `answers`, `chunk` → `budget`, `due`, `room`, `victim`, `lists`, `policy`, `shrink`,
//! `demand` → `view`, `listing`, `switch`, `chores` → `insight`, `cause`, `analytics`.

mod ahead;
mod analytics;
mod answers;
mod block;
mod budget;
mod cause;
pub mod charge;
mod check;
mod chores;
mod chunk;
mod commit;
mod copies;
mod demand;
mod dropped;
mod due;
mod effect;
mod fills;
mod follow;
mod gather;
mod index;
mod insight;
mod lease;
mod listing;
mod lists;
mod order;
mod outbox;
mod outcome;
mod part;
mod plan;
mod point;
mod policy;
mod pool;
mod prepare;
mod previous;
mod remove;
mod room;
mod scan;
mod selection;
mod shard;
mod shrink;
#[doc(hidden)]
pub mod sight;
mod slab;
mod small;
mod space;
mod stats;
mod stub;
mod sums;
mod survey;
mod switch;
mod table;
mod tags;
mod victim;
mod view;
mod wheel;
mod write;

/// What `budget` and `due` are made of; the tests that try all orders put others in their place.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

#[cfg(test)]
mod tests;

use std::sync::{Arc, atomic::AtomicU64};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use self::{
    block::Block,
    commit::{Commit, CommitOutcome},
    dropped::DroppedRow,
    effect::Reason,
    gather::{Batch, GatherLimits},
    lease::{Always, Lease},
    outcome::{Executed, Item, Outcome},
    prepare::Prepared,
    remove::{Purge, Removal},
    scan::{Count, FirstKeys, Page},
    stats::Counts,
    stub::{STUB_BYTES, Stub},
    survey::Found as Surveyed,
};
use self::{
    budget::Budget,
    demand::Demands,
    dropped::Dropped,
    due::NextDue,
    fills::FilledSums,
    outbox::Outbox,
    previous::Previous,
    shard::{Shard, Shared},
    view::{Registry, View},
};
pub use crate::replica::Wish;

/// Most shards: enough that threads rarely meet, few enough that the search for a victim is short.
pub const SHARDS_MAX: usize = 64;

/// About how many bytes of records are sent at once to a copy that is being filled: the lock is held for well under a
/// millisecond to read or store them.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// The time, given to every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic milliseconds; deadlines are kept by them, so clock steps change nothing.
    pub mono_ms: u64,
    /// Wall clock, milliseconds since 1970; only shown.
    pub wall_ms: u64,
}

/// How an engine is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Log2 of the number of ranges of the cluster (1 to 16), as it was formed.
    pub range_bits: u8,
    /// Shards, rounded down to a power of two and to the number of ranges.
    pub shards: usize,
    /// What an item is charged.
    pub charge: charge::Charge,
    /// Whether the node may serve.
    pub lease: Arc<dyn Lease>,
    /// About how many bytes of records are sent at once to a copy that is being filled.
    pub chunk_bytes: usize,
}

impl Options {
    /// The defaults for a cluster with `2^range_bits` ranges.
    pub fn new(range_bits: u8) -> Self {
        Self { range_bits, shards: SHARDS_MAX, charge: charge::full, lease: Arc::new(Always), chunk_bytes: CHUNK_BYTES }
    }
}

/// See the module. Shared by all threads of a node.
#[derive(Debug)]
pub struct Engine {
    shared: Shared,
    shards: Box<[Mutex<Shard>]>,
    view: ArcSwap<View>,
    registry: Mutex<Registry>,
    previous: Previous,
    /// `applied` of the state that ranges may act by already; ahead of the view while that is being applied.
    acting: AtomicU64,
    /// Use over time. Taken before any shard's lock, never after.
    timelines: Mutex<analytics::Times>,
}

impl Engine {
    /// An engine without any range or namespace; [`Engine::apply_view`] gives it both.
    pub fn new(options: Options) -> Self {
        let range_bits = u32::from(options.range_bits.clamp(1, 16));
        let shard_bits = options.shards.max(1).ilog2().min(range_bits);
        let shared = Shared {
            range_bits,
            shard_bits,
            charge: options.charge,
            lease: options.lease,
            chunk_bytes: options.chunk_bytes,
            total: Budget::default(),
            ticks: AtomicU64::new(1),
            next_due: NextDue::default(),
            outbox: Outbox::default(),
            dropped: Dropped::default(),
            demands: Demands::default(),
            filled: FilledSums::default(),
            single_copy_writes: AtomicU64::new(0),
            overdrawn_items: AtomicU64::new(0),
            overdrawn_bytes: AtomicU64::new(0),
        };
        let shards = (0..1usize << shard_bits).map(|number| Mutex::new(Shard::new(number, &shared))).collect();
        let registry = Registry::new(1 << shard_bits);
        let view = ArcSwap::from_pointee(registry.empty_view());
        Self {
            shared,
            shards,
            view,
            registry: Mutex::new(registry),
            previous: Previous::default(),
            acting: AtomicU64::new(0),
            timelines: Mutex::default(),
        }
    }

    /// `applied` of the state that the engine acts by.
    pub fn acted(&self) -> u64 {
        self.view.load().index
    }

    fn shard_of(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[hash.checked_shr(64 - self.shared.shard_bits).unwrap_or(0) as usize]
    }
}
