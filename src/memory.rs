//! The allocator of the process: mimalloc, which gives back at once what it does not need, on pages of the usual size.

#![expect(unsafe_code, reason = "an allocator is unsafe by its interface")]

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys as mi;

/// `mi_option_purge_delay`; the bindings do not name it.
const PURGE_DELAY: mi::mi_option_t = 15;
/// What every block is aligned to, if it is at least as large.
const ALIGNED: usize = 16;

/// Asks for plain blocks where these are aligned enough. The bindings' own `MiMalloc` always asks for aligned ones, for which
/// mimalloc takes seven bytes more before it chooses the size class: an item of 192 bytes would cost 224.
#[derive(Debug)]
pub(crate) struct Allocator;

/// To be called before any thread is started.
pub(crate) fn prepare() {
    purge_at_once();
    use_small_pages();
}

/// Gives freed pages back to the system at once instead of after a while, in which a cache whose sizes shift would need both
/// the old pages and the new ones.
fn purge_at_once() {
    // SAFETY: sets a number; the option exists (a test says that it is the one that is meant).
    unsafe { mi::mi_option_set(PURGE_DELAY, 0) }
}

/// mimalloc asks for huge pages wherever the system gives them when asked: then the first byte in each 2 MiB of its arenas takes
/// all of them, 47 MiB in an idle node that uses 4, and what is purged of one is filled up again later. By its own option that
/// could be turned off from outside only, because it is read before `main`.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    // A system that cannot do that has none either.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

const fn is_plain(size: usize, align: usize) -> bool {
    align <= ALIGNED && align <= size
}

// SAFETY: mimalloc is an allocator; blocks of at least 16 bytes are aligned to 16, of at least 8 to 8.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not zero, which the caller promises.
        unsafe {
            if is_plain(layout.size(), layout.align()) {
                mi::mi_malloc(layout.size()).cast()
            } else {
                mi::mi_malloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if is_plain(layout.size(), layout.align()) {
                mi::mi_zalloc(layout.size()).cast()
            } else {
                mi::mi_zalloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the block came from here, which the caller promises.
        unsafe { mi::mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            if is_plain(size, layout.align()) {
                mi::mi_realloc(block.cast(), size).cast()
            } else {
                mi::mi_realloc_aligned(block.cast(), size, layout.align()).cast()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_whatever_their_size() {
        for size in 1..600usize {
            for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: each block is freed once, with its layout.
                unsafe {
                    let block = Allocator.alloc(layout);
                    assert!(!block.is_null() && block.addr().is_multiple_of(align), "{size} to {align}");
                    let grown = Allocator.realloc(block, layout, size * 3);
                    assert!(!grown.is_null() && grown.addr().is_multiple_of(align), "{size} to {align}, grown");
                    Allocator.dealloc(grown, Layout::from_size_align(size * 3, align).unwrap());
                    let zeroed = Allocator.alloc_zeroed(layout);
                    assert!(std::slice::from_raw_parts(zeroed, size).iter().all(|byte| *byte == 0));
                    Allocator.dealloc(zeroed, layout);
                }
            }
        }
    }

    #[test]
    fn a_block_takes_what_the_engine_charges_for_it() {
        for size in (16..70_000usize).step_by(8).chain([1 << 20, (1 << 20) + 8, 3 << 20]) {
            let layout = Layout::from_size_align(size, 8).unwrap();
            // SAFETY: the block is freed once, with its layout.
            let taken = unsafe {
                let block = Allocator.alloc(layout);
                let taken = mi::mi_usable_size(block.cast());
                Allocator.dealloc(block, layout);
                taken as u64
            };
            let charged = ringhold_node::engine::charge::allocated(size as u64);
            assert_eq!(charged, taken, "{size} bytes");
        }
    }

    #[test]
    fn the_option_is_that_of_the_purge_delay() {
        // The option that follows it has a name in the bindings.
        assert_eq!(PURGE_DELAY + 1, mi::mi_option_use_numa_nodes);
        purge_at_once();
        // SAFETY: reads a number.
        assert_eq!(unsafe { mi::mi_option_get(PURGE_DELAY) }, 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn no_page_is_huge() {
        prepare();
        assert_eq!(rustix::thread::transparent_huge_pages_are_disabled(), Ok(true));
    }
}
