//! All orders of the steps of what the engine synchronises without a lock: how limits are kept, and when something is due.
//!
//! The files are those of the engine, on loom's atomics instead of the system's.

#[path = "../src/engine/budget.rs"]
#[expect(dead_code, reason = "the test needs a part of it")]
mod budget;
#[path = "../src/engine/due.rs"]
mod due;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
}

use loom::{
    sync::{Arc, Mutex},
    thread,
};

use budget::{Budget, Margin};
use due::NextDue;

/// Two writers, and a third thread that looks: whatever it sees is within the limits, and what is reserved is given back.
#[test]
fn a_limit_is_not_passed_for_a_moment() {
    loom::model(|| {
        let budget = Arc::new(Budget::default());
        budget.limit(0, 100);
        let writer = |bytes: u64| {
            let budget = budget.clone();
            thread::spawn(move || {
                let has_room = budget.reserve(1, bytes, Margin::None);
                if has_room {
                    budget.release(1, bytes);
                }
                has_room
            })
        };
        let (first, second) = (writer(60), writer(50));
        assert!(budget.bytes() <= 100);
        let stored = [first, second].map(|writer| writer.join().expect("a limit was passed"));
        assert!(stored.contains(&true), "one of them has room whatever the order");
        assert_eq!((budget.items(), budget.bytes()), (0, 0));
    });
}

/// Of two writers that fit alone one at least has room; both never.
#[test]
fn room_is_given_once() {
    loom::model(|| {
        let budget = Arc::new(Budget::default());
        budget.limit(1, 0);
        let writer = || {
            let budget = budget.clone();
            thread::spawn(move || budget.reserve(1, 10, Margin::None))
        };
        let stored = [writer(), writer()].map(|writer| writer.join().expect("it returns"));
        assert_eq!(stored.iter().filter(|stored| **stored).count(), 1);
        assert_eq!((budget.items(), budget.bytes()), (1, 10));
    });
}

/// A sweep beside inserts into two shards: after both the time is not above that of any shard, so nothing waits for ever.
#[test]
fn a_sweep_loses_no_deadline() {
    loom::model(|| {
        let next = Arc::new(NextDue::default());
        let shards = Arc::new([Mutex::new(5), Mutex::new(u64::MAX)]);
        next.lower(5);
        let inserts = {
            let (next, shards) = (next.clone(), shards.clone());
            thread::spawn(move || {
                for (shard, deadline) in shards.iter().zip([7, 9]) {
                    let mut shard = shard.lock().expect("nobody panics under it");
                    *shard = (*shard).min(deadline);
                    next.lower(deadline);
                }
            })
        };
        next.begin_sweep();
        for shard in shards.iter() {
            let mut shard = shard.lock().expect("nobody panics under it");
            // What is due is freed; the rest is left.
            if *shard == 5 {
                *shard = u64::MAX;
            }
            next.lower(*shard);
        }
        inserts.join().expect("it returns");
        let least = shards.iter().map(|shard| *shard.lock().expect("nobody panics under it")).min();
        assert!(next.get() <= least.expect("there are two"), "something is due before");
    });
}
