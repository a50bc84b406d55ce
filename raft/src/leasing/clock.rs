//! The clock of leases: it goes on while the machine is suspended, and nobody sets it.

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` stands still in a suspended machine, whose lease would then outlive its time.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// Milliseconds since the machine was started. Not a system call where the kernel lets user space read the clock.
pub(crate) fn now_ms() -> u64 {
    let now = clock_gettime(CLOCK);
    now.tv_sec.unsigned_abs() * 1_000 + now.tv_nsec.unsigned_abs() / 1_000_000
}
