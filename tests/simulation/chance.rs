//! Time and randomness of a simulation: what the C library says of both is said here while a simulated thread asks.
//!
//! Everything in the process that wants to know the time or a random number ends at `clock_gettime` or `getrandom`: the standard
//! library's `Instant`, `SystemTime` and the keys of its hash maps, the order in which tokio's `select!` and `watch` look at
//! things, the random generators. So these two are all that has to be replaced, and the code under test is the real one, with
//! nothing injected. Other threads get the real answers.

#![expect(unsafe_code, reason = "two functions of the C library are replaced")]

use std::cell::Cell;

/// A moment of the wall clock at which all simulations begin, in seconds since 1970; also of the monotonic clocks.
const BEGIN_S: u64 = 1_700_000_000;

thread_local! {
    static IS_SIMULATED: Cell<bool> = const { Cell::new(false) };
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// From now on this thread lives in a simulation, at its beginning.
pub(crate) fn simulate_this_thread(seed: u64) {
    RANDOM.set(seed ^ 0x9e37_79b9_7f4a_7c15);
    NOW_MS.set(0);
    IS_SIMULATED.set(true);
}

/// Milliseconds since the simulation began.
pub(crate) fn now_ms() -> u64 {
    NOW_MS.get()
}

/// It is so late now.
pub(crate) fn set_now_ms(now_ms: u64) {
    NOW_MS.set(now_ms);
}

/// The simulation's own clock, as the clock of leases shows it.
pub(crate) fn lease_clock_ms() -> u64 {
    BEGIN_S * 1_000 + now_ms()
}

/// Splitmix64.
fn next() -> u64 {
    let state = RANDOM.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    RANDOM.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    if !IS_SIMULATED.get() {
        // SAFETY: the arguments are the caller's.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as libc::c_int;
    }
    let now_ms = lease_clock_ms();
    let now = libc::timespec {
        tv_sec: (now_ms / 1_000) as libc::time_t,
        tv_nsec: ((now_ms % 1_000) * 1_000_000) as libc::c_long,
    };
    // SAFETY: the caller gave a place for it.
    unsafe { time.write(now) };
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(to: *mut libc::c_void, bytes: libc::size_t, flags: libc::c_uint) -> libc::ssize_t {
    if !IS_SIMULATED.get() {
        // SAFETY: the arguments are the caller's.
        return unsafe { libc::syscall(libc::SYS_getrandom, to, bytes, flags) } as libc::ssize_t;
    }
    for at in 0..bytes {
        // SAFETY: the caller gave a place for so many bytes.
        unsafe { to.cast::<u8>().add(at).write(next() as u8) };
    }
    bytes as libc::ssize_t
}

#[cfg(test)]
mod tests {
    use std::{
        collections::hash_map::RandomState,
        hash::BuildHasher as _,
        thread,
        time::{Duration, Instant},
    };

    use rand::Rng as _;

    use super::*;

    fn draws(seed: u64) -> (u64, u64) {
        let thread = thread::spawn(move || {
            simulate_this_thread(seed);
            (RandomState::new().hash_one(1), rand::rng().random())
        });
        thread.join().expect("it does not panic")
    }

    #[test]
    fn hash_maps_and_random_numbers_follow_the_seed() {
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1).0, draws(2).0);
        assert_ne!(draws(1).1, draws(2).1);
    }

    #[test]
    fn clocks_stand_still_until_they_are_set() {
        let thread = thread::spawn(|| {
            simulate_this_thread(1);
            let start = Instant::now();
            thread::sleep(Duration::from_millis(3));
            assert_eq!(start.elapsed(), Duration::ZERO);
            set_now_ms(7);
            assert_eq!(start.elapsed(), Duration::from_millis(7));
            let lease_clock = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
            assert_eq!(lease_clock.tv_sec as u64 * 1_000 + lease_clock.tv_nsec as u64 / 1_000_000, lease_clock_ms());
        });
        thread.join().expect("it does not panic");
        let start = Instant::now();
        thread::sleep(Duration::from_millis(1));
        assert!(start.elapsed() >= Duration::from_millis(1), "elsewhere time goes on");
    }
}
