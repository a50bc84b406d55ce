//! Three engines that copy to each other over a network that delays, repeats, reorders and loses, under a replicated state
//! that changes all the time; every order of events comes from a seed.
//!
//! ```text
//!  scheduler ─► clients ─► engines ◄─ network        World: one log of states, acted by late and with gaps;
//!      │           │          ▲                             leases that end and are given by the rules
//!      │        history       └── states, leases      
//!      └─► at the end: heal, compare copies, check that every key's history is linearizable
//! ```
//!
//! What is checked: no acknowledged write is lost, no read goes back, an operation that is sent again is done once, copies are
//! equal at rest, nobody waits for ever, limits hold, and the engines' own accounts add up.

mod account;
mod asking;
mod calm;
mod client;
mod copies;
mod damage;
mod heal;
mod history;
mod limits;
mod links;
mod log;
mod pinned;
mod rng;
mod steps;
mod world;

use self::world::{Kind, World};

/// Orders of events that are tried in a normal run; `RINGHOLD_SEEDS=from..to` tries others.
const SEEDS: u64 = 400;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("RINGHOLD_SEEDS") else { return 0..SEEDS };
    let (from, to) = text.split_once("..").expect("from..to");
    from.parse().expect("a number")..to.parse().expect("a number")
}

fn explore(kind: Kind) {
    for seed in seeds() {
        run(kind, seed);
    }
}

/// One order of events; a failure names its seed.
fn run(kind: Kind, seed: u64) {
    let result = std::panic::catch_unwind(|| {
        let mut world = World::new(kind, seed);
        world.run();
        world.heal();
        world.finish();
    });
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        panic!("{kind:?}, seed {seed}: {}", text.unwrap_or_default());
    }
}

#[test]
fn no_order_of_events_loses_a_write_or_shows_an_older_one() {
    explore(Kind::Plain);
}

#[test]
fn with_limits_and_expiry_copies_stay_equal_and_limits_hold() {
    explore(Kind::Limited);
}
