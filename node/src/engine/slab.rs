//! The slots of a shard: what is known of each item besides its bytes, in chunks that never move.

use super::block::Block;

/// "No slot" in every link: links are 24 bits.
pub(super) const NIL: u32 = (1 << 24) - 1;
/// Slots of one chunk: just below 14 KiB, a size class of the allocator, so that growing never copies and costs little at a
/// time, and so that what the allocator adds for the alignment still fits the class.
const CHUNK_SLOTS: usize = 255;
/// Most slots of one shard; links above are flags of the wheel. 64 shards hold 500 million items.
const SLOTS_MAX: usize = 1 << 23;

/// One item. Links are slot numbers of the same shard. What a read looks at comes first, and what only expiry needs last:
/// three of four slots lie in two cache lines.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Slot {
    /// Hash of (namespace, key).
    pub hash: u64,
    /// The bytes; `None`: the slot is free.
    pub block: Option<Block>,
    /// Reads that hit; stays at its highest value.
    pub access_count: u32,
    /// Number of the space.
    pub space: u16,
    /// Ordinal of the space's generation in which the item was written.
    pub generation: u16,
    /// Next slot of the index bucket, or of the free list.
    chain: Link,
    /// Neighbours in the policy's list.
    list_prev: Link,
    list_next: Link,
    /// What the policy orders by.
    rank: [u8; 6],
    /// Wall clock of the last access, in milliseconds since 1970 until the year 2109 (42 bits), and above it which of its
    /// pool's lists the item is in (3 bits) and what its policy notes of it (3 bits).
    accessed_at: [u8; 6],
    /// Monotonic milliseconds at which the item expires, 34 years of them; zero: never.
    deadline: [u8; 5],
    /// Neighbours in the expiry wheel's slot; see `wheel.rs` for the coding.
    wheel_prev: Link,
    wheel_next: Link,
}

/// Highest time of a last access.
const ACCESSED_MAX: u64 = (1 << 42) - 1;
const LOW_3: u8 = 7;

/// A slot number, `NIL`, or what the wheel puts in its place.
type Link = [u8; 3];

const NO_LINK: Link = pack(NIL as u64);

/// The low bytes of a value.
const fn pack<const BYTES: usize>(value: u64) -> [u8; BYTES] {
    let all = value.to_le_bytes();
    let mut low = [0; BYTES];
    let mut at = 0;
    while at < BYTES {
        low[at] = all[at];
        at += 1;
    }
    low
}

const fn unpack<const BYTES: usize>(low: [u8; BYTES]) -> u64 {
    let mut all = [0; 8];
    let mut at = 0;
    while at < BYTES {
        all[at] = low[at];
        at += 1;
    }
    u64::from_le_bytes(all)
}

/// Reads and writes a packed link.
macro_rules! links {
    ($($(#[$about:meta])* $link:ident $set:ident;)*) => {
        impl Slot {
            $(
                $(#[$about])*
                pub(super) fn $link(&self) -> u32 {
                    unpack(self.$link) as u32
                }

                $(#[$about])*
                pub(super) fn $set(&mut self, at: u32) {
                    self.$link = pack(u64::from(at));
                }
            )*
        }
    };
}

links! {
    /// Next slot of the index bucket, or of the free list.
    chain set_chain;
    /// The neighbour in the policy's list that goes before.
    list_prev set_list_prev;
    /// The neighbour in the policy's list that goes after.
    list_next set_list_next;
    /// See `wheel.rs`.
    wheel_prev set_wheel_prev;
    /// See `wheel.rs`.
    wheel_next set_wheel_next;
}

impl Slot {
    /// What the policy orders by (48 bits).
    pub(super) fn rank(&self) -> u64 {
        unpack(self.rank)
    }

    pub(super) fn set_rank(&mut self, rank: u64) {
        self.rank = pack(rank);
    }

    /// Wall clock of the last access.
    pub(super) fn accessed_at_ms(&self) -> u64 {
        unpack(self.accessed_at) & ACCESSED_MAX
    }

    pub(super) fn set_accessed_at_ms(&mut self, wall_ms: u64) {
        let above = unpack(self.accessed_at) & !ACCESSED_MAX;
        self.accessed_at = pack(above | wall_ms.min(ACCESSED_MAX));
    }

    /// Which of its pool's lists the item is in, if it is listed; see `policy::LISTS`.
    pub(super) fn list(&self) -> usize {
        usize::from(self.above() & LOW_3)
    }

    pub(super) fn set_list(&mut self, list: usize) {
        self.set_above((self.above() & !LOW_3) | (list as u8 & LOW_3));
    }

    /// What the policy notes of the item: three bits.
    pub(super) fn mark(&self) -> u8 {
        self.above() >> 3
    }

    pub(super) fn set_mark(&mut self, mark: u8) {
        self.set_above((self.above() & LOW_3) | ((mark & LOW_3) << 3));
    }

    fn above(&self) -> u8 {
        self.accessed_at[5] >> 2
    }

    fn set_above(&mut self, bits: u8) {
        self.accessed_at[5] = (self.accessed_at[5] & 3) | (bits << 2);
    }

    /// Monotonic milliseconds at which the item expires; zero: never.
    pub(super) fn deadline_ms(&self) -> u64 {
        unpack(self.deadline)
    }

    pub(super) fn set_deadline_ms(&mut self, deadline_ms: u64) {
        self.deadline = pack(deadline_ms);
    }

    /// True when the item's time is over.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        let deadline = self.deadline_ms();
        deadline != 0 && deadline <= now_ms
    }

    /// Milliseconds that remain; `None`: it never expires.
    pub(super) fn ttl_ms(&self, now_ms: u64) -> Option<u64> {
        let deadline = self.deadline_ms();
        (deadline != 0).then(|| deadline.saturating_sub(now_ms))
    }

    /// The item's bytes.
    pub(super) fn bytes(&self) -> &Block {
        self.block.as_ref().expect("a linked slot holds a block")
    }

    const fn free(chain: u32) -> Self {
        Self {
            hash: 0,
            block: None,
            access_count: 0,
            space: 0,
            generation: 0,
            chain: pack(chain as u64),
            list_prev: NO_LINK,
            list_next: NO_LINK,
            rank: [0; 6],
            accessed_at: [0; 6],
            deadline: [0; 5],
            wheel_prev: NO_LINK,
            wheel_next: NO_LINK,
        }
    }
}

/// All slots of a shard.
#[derive(Debug)]
pub(super) struct Slab {
    chunks: Vec<Box<[Slot; CHUNK_SLOTS]>>,
    free: u32,
    live: usize,
}

impl Slab {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), free: NIL, live: 0 }
    }

    /// True when no slot can be added.
    pub(super) fn is_full(&self) -> bool {
        self.live >= SLOTS_MAX
    }

    /// Takes a slot for a block; all its links are `NIL`.
    pub(super) fn insert(&mut self, hash: u64, block: Block) -> u32 {
        if self.free == NIL {
            self.grow();
        }
        let at = self.free;
        let slot = self.get_mut(at);
        let next = slot.chain();
        *slot = Slot { hash, block: Some(block), ..Slot::free(NIL) };
        self.free = next;
        self.live += 1;
        at
    }

    /// Frees a slot and gives its block back, for the caller to drop after unlocking.
    pub(super) fn remove(&mut self, at: u32) -> Option<Block> {
        let free = self.free;
        let slot = self.get_mut(at);
        let block = slot.block.take();
        *slot = Slot::free(free);
        self.free = at;
        self.live -= 1;
        if self.live == 0 {
            *self = Self::new();
        }
        block
    }

    pub(super) fn get(&self, at: u32) -> &Slot {
        &self.chunks[at as usize / CHUNK_SLOTS][at as usize % CHUNK_SLOTS]
    }

    pub(super) fn get_mut(&mut self, at: u32) -> &mut Slot {
        &mut self.chunks[at as usize / CHUNK_SLOTS][at as usize % CHUNK_SLOTS]
    }

    /// The slot, if there is one of this number. Not looked at.
    pub(super) fn place(&self, at: u32) -> Option<&Slot> {
        self.chunks.get(at as usize / CHUNK_SLOTS)?.get(at as usize % CHUNK_SLOTS)
    }

    /// The slot, if it is in use.
    pub(super) fn live(&self, at: u32) -> Option<&Slot> {
        let slot = self.chunks.get(at as usize / CHUNK_SLOTS)?.get(at as usize % CHUNK_SLOTS)?;
        slot.block.is_some().then_some(slot)
    }

    fn grow(&mut self) {
        let first = (self.chunks.len() * CHUNK_SLOTS) as u32;
        let last = first + CHUNK_SLOTS as u32 - 1;
        let chain = |at: u32| if at == last { NIL } else { at + 1 };
        let slots: Box<[Slot]> = (first..=last).map(|at| Slot::free(chain(at))).collect();
        self.chunks.push(slots.try_into().expect("as many slots as a chunk has"));
        self.free = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        charge::{SLOT_BYTES, allocated},
        wheel::DEADLINE_MAX,
    };

    #[test]
    fn a_slot_is_charged_what_it_takes() {
        assert_eq!(size_of::<Slot>() as u64, SLOT_BYTES);
        let chunk = allocated((CHUNK_SLOTS * size_of::<Slot>()) as u64);
        assert!(chunk < (CHUNK_SLOTS as u64) * (SLOT_BYTES + 1), "{chunk}");
    }

    #[test]
    fn links_and_times_keep_all_their_bits() {
        let mut slot = Slot::free(NIL);
        for value in [0, 1, 254, 65_535, SLOTS_MAX as u32 - 1, NIL] {
            slot.set_chain(value);
            slot.set_list_prev(value);
            slot.set_list_next(value ^ 1);
            slot.set_wheel_prev(value);
            slot.set_wheel_next(value ^ 2);
            assert_eq!((slot.chain(), slot.list_prev(), slot.list_next()), (value, value, value ^ 1));
            assert_eq!((slot.wheel_prev(), slot.wheel_next()), (value, value ^ 2));
        }
        slot.set_rank((1 << 48) - 1);
        slot.set_list(5);
        slot.set_mark(6);
        slot.set_accessed_at_ms(ACCESSED_MAX - 1);
        assert_eq!((slot.list(), slot.mark()), (5, 6));
        slot.set_list(2);
        slot.set_deadline_ms(DEADLINE_MAX);
        assert_eq!(
            (slot.rank(), slot.accessed_at_ms(), slot.deadline_ms()),
            ((1 << 48) - 1, ACCESSED_MAX - 1, DEADLINE_MAX)
        );
    }
}
