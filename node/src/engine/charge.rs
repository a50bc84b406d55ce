//! What an item costs: the bytes that limits and statistics count.

use super::{
    block::{BLOCK_HEAD_BYTES, Block},
    stub::Stub,
};

/// Bytes of a slot.
pub const SLOT_BYTES: u64 = 56;
/// Bytes of index an item: one bucket of 4 bytes, at a load that is always near one.
pub const INDEX_BYTES: u64 = 4;
/// Bytes charged for each tag of an item: its place in the tag's set and its share of the tag's own entry.
pub const TAG_BYTES: u64 = 48;

/// How an item is charged.
pub type Charge = fn(&Block) -> u64;

/// The charge of an item: its block as the allocator rounds it, its slot, its share of the indexes.
pub fn full(block: &Block) -> u64 {
    let tags = if block.is_tagged() { block.tags().count() as u64 } else { 0 };
    let bytes = (BLOCK_HEAD_BYTES + block.payload_bytes()) as u64;
    // What a backend outside keeps counts as if it were here, so that limits bound what is kept there.
    let outside = Stub::read(block.value()).map_or(0, |stub| stub.size);
    allocated(bytes) + SLOT_BYTES + INDEX_BYTES + tags * TAG_BYTES + outside
}

/// Bytes that a block of `bytes` takes: whole words, as the allocator rounds them.
pub fn allocated(bytes: u64) -> u64 {
    size_class(bytes.next_multiple_of(8))
}

/// The size class of the allocator (mimalloc) for `bytes`: steps of 16 up to 64, then four classes for each
/// doubling, and whole 64 KiB from 1 MiB up.
pub fn size_class(bytes: u64) -> u64 {
    const HUGE: u64 = 1 << 20;
    const HUGE_STEP: u64 = 64 * 1024;
    if bytes <= 64 {
        return bytes.max(1).next_multiple_of(16);
    }
    if bytes > HUGE {
        return bytes.next_multiple_of(HUGE_STEP);
    }
    let last = bytes - 1;
    let shift = last.ilog2() - 2;
    ((last >> shift) + 1) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_those_of_the_allocator() {
        for (bytes, class) in [
            (1, 16),
            (16, 16),
            (17, 32),
            (64, 64),
            (65, 80),
            (128, 128),
            (129, 160),
            (256, 256),
            (257, 320),
            (1024, 1024),
            (1025, 1280),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, (1 << 20) + 65_536),
        ] {
            assert_eq!(size_class(bytes), class, "{bytes}");
        }
    }

    #[test]
    fn a_class_is_never_smaller_than_the_request_nor_a_quarter_larger() {
        for bytes in 65..100_000 {
            let class = size_class(bytes);
            assert!(class >= bytes && class * 4 <= bytes * 5, "{bytes} -> {class}");
        }
    }
}
