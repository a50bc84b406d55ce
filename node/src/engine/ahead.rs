//! Batches: what the next operations of a frame will look at begins to come into the processor's caches while the present one is
//! done. A record lies in three places that know of each other one after the other (bucket, slot, block), each of them far from
//! the processor in a large cache; so a key is visited twice ahead of its turn, each time under its shard's lock for a few loads.
//!
//! Only hints: nothing is decided by what is seen here.

#![expect(unsafe_code, reason = "there is no safe word for a prefetch")]

use ringhold_model::wire::PointOp;

use super::{Engine, shard::Shard, space::SpaceInfo};

/// Operations between two visits of a key, and between the second and its turn.
const STRIDE: usize = 5;
/// Frames with fewer operations do not look ahead.
const OPS_MIN: usize = 4;

impl Engine {
    /// To be called before the operation at `at` is done.
    pub(super) fn look_ahead(&self, info: &SpaceInfo, ops: &[PointOp<'_>], at: usize) {
        if ops.len() < OPS_MIN {
            return;
        }
        let (slots, blocks) = if at == 0 {
            (0..2 * STRIDE, 0..STRIDE)
        } else {
            (at + 2 * STRIDE - 1..at + 2 * STRIDE, at + STRIDE - 1..at + STRIDE)
        };
        for op in slots.filter_map(|at| ops.get(at)) {
            self.shard_of(op.hash).lock().fetch_slot(info, op.hash);
        }
        for op in blocks.filter_map(|at| ops.get(at)) {
            self.shard_of(op.hash).lock().fetch_block(info, op.hash);
        }
    }
}

impl Shard {
    fn fetch_slot(&self, info: &SpaceInfo, hash: u64) {
        let Some(Some(space)) = self.spaces.get(usize::from(info.number)) else { return };
        if let Some(slot) = space.index.first(hash).and_then(|at| self.slots.live(at)) {
            fetch(slot);
        }
    }

    /// The block, and the neighbours in the list of eviction, which a use links to each other.
    fn fetch_block(&self, info: &SpaceInfo, hash: u64) {
        let Some(Some(space)) = self.spaces.get(usize::from(info.number)) else { return };
        let mut next = space.index.first(hash).and_then(|at| self.slots.live(at));
        while let Some(slot) = next {
            if slot.hash == hash {
                fetch_at(slot.bytes().address());
                for at in [slot.list_prev(), slot.list_next()] {
                    if let Some(neighbour) = self.slots.place(at) {
                        fetch(neighbour);
                    }
                }
                return;
            }
            next = self.slots.live(slot.chain());
        }
    }
}

/// A value that may lie in two cache lines.
fn fetch<T>(value: &T) {
    let first = std::ptr::from_ref(value).cast::<u8>();
    fetch_line(first);
    fetch_line(first.wrapping_add(size_of::<T>() - 1));
}

/// The first two cache lines from an address on: a block's head, its key, and the length of the value or all of it.
fn fetch_at(first: *const u8) {
    fetch_line(first);
    fetch_line(first.wrapping_add(64));
}

#[inline(always)]
fn fetch_line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that the program sees and never faults, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
