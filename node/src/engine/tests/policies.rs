//! What every policy must do, whatever its order: one suite, run on all of them and on mixes.

use proptest::prelude::{Strategy as _, any, prop, proptest};
use ringhold_model::{
    RangeId,
    cluster::ConfigRecord,
    config::{Backend, CacheConfig, Strategy},
    wire::Ttl,
};

use super::rig::{DEFAULT, ME, New, OTHER, Rig, unlimited, value_only};
use crate::engine::{Options, Outcome, plan::Shortage, policy::LISTS};

const KEYS: u64 = 40;

fn rig(shards: usize, strategy: Strategy, max_items: u64, max_memory: u64) -> Rig {
    let config = CacheConfig { strategy, max_items, max_memory, ..unlimited() };
    Rig::with(Options { shards, charge: value_only, ..Options::new(6) }, config)
}

fn configure(rig: &mut Rig, strategy: Strategy, max_items: u64) {
    let config = CacheConfig { strategy, max_items, ..unlimited() };
    rig.state.configs.insert((DEFAULT, Backend::Memory), ConfigRecord { config, version: rig.state.applied + 1 });
    rig.apply();
}

/// Lists, published counts and what the spaces hold add up, and every list can be walked from end to end.
fn check_lists(rig: &Rig) {
    let (mut items, mut bytes) = (0, 0);
    for pool in &rig.engine.view.load().pools {
        for (list, strategy) in LISTS.iter().enumerate() {
            assert_eq!(pool.is_open(list), pool.items_of(list) > 0, "{strategy}");
            items += pool.items_of(list);
            bytes += pool.bytes_of(list);
        }
    }
    let total = &rig.engine.shared.total;
    assert_eq!((items, bytes), (total.items(), total.bytes()), "what is published is what is there");
    let mut walked = 0;
    for shard in &rig.engine.shards {
        let shard = shard.lock();
        for (list, policy) in shard.lists.all() {
            for queue in 0..crate::engine::policy::queues_of(list).len() {
                let walk = std::iter::successors(policy.first(queue), |at| policy.after(&shard.slots, *at));
                let slots: Vec<_> = walk.take(1_000).collect();
                assert_eq!(slots.len() as u64, policy.len(queue), "{}", LISTS[list]);
                assert!(slots.iter().all(|at| shard.slots.get(*at).list() == list));
                walked += policy.len(queue);
            }
        }
    }
    assert_eq!(walked, items);
}

#[test]
fn a_policy_gives_up_every_item_in_the_end_and_only_as_many_as_needed() {
    for strategy in LISTS {
        for shards in [1, 8] {
            let mut rig = rig(shards, strategy, 100, 0);
            for n in 0..250 {
                rig.put(&format!("k{n}"), b"1");
                (0..n % 4).for_each(|_| drop(rig.get(&format!("k{n}"))));
                assert_eq!(rig.stats().items, 100.min(n + 1), "{strategy}");
            }
            assert_eq!(rig.stats().evictions, 150, "{strategy}");
            check_lists(&rig);
            for left in [99, 50, 1] {
                configure(&mut rig, strategy, left);
                rig.settle();
                assert_eq!(rig.stats().items, left, "{strategy}");
                check_lists(&rig);
            }
            assert_eq!(rig.clear(), 1);
            check_lists(&rig);
            rig.put("again", b"1");
            assert!(rig.get("again").is_some());
        }
    }
}

#[test]
fn an_item_that_is_alone_is_overwritten_in_place_and_bytes_are_kept() {
    for strategy in LISTS {
        let mut rig = rig(4, strategy, 0, 1_000);
        rig.put("a", &[b'1'; 400]);
        rig.put("a", &[b'1'; 1_000]);
        assert_eq!((rig.stats().items, rig.stats().bytes), (1, 1_000), "{strategy}");
        rig.put("b", &[b'1'; 1]);
        assert_eq!((rig.stats().items, rig.stats().bytes), (1, 1), "{strategy}");
        for n in 0..100 {
            rig.put(&format!("k{n}"), &[b'1'; 100]);
            rig.delete(&format!("k{}", n / 2));
            check_lists(&rig);
        }
    }
}

#[test]
fn a_switch_between_any_two_strategies_loses_nothing_and_evicts_nothing() {
    for from in LISTS {
        for to in LISTS {
            let mut rig = rig(4, from, 60, 0);
            for n in 0..60 {
                let own = (n % 5 == 0).then_some(LISTS[n % LISTS.len()]);
                let ttl = if n % 3 == 0 { Ttl::Millis(1_000 + 10 * n as u64) } else { Ttl::Default };
                rig.set(&format!("k{n}"), &New { strategy: own, ttl, ..New::value(b"1") });
                (0..n % 3).for_each(|_| drop(rig.get(&format!("k{n}"))));
            }
            let before = rig.keys(None, 7);
            configure(&mut rig, to, 60);
            check_lists(&rig);
            assert_eq!((rig.keys(None, 7), rig.stats().evictions), (before, 0), "{from} to {to}");
            for n in 0..100 {
                rig.put(&format!("new{n}"), b"1");
                assert_eq!(rig.stats().items, 60, "{from} to {to}");
            }
            check_lists(&rig);
        }
    }
}

#[test]
fn after_a_switch_items_go_by_what_is_known_of_them() {
    for shards in [1, 8] {
        for (to, first) in [(Strategy::Lru, 3), (Strategy::Lfu, 5), (Strategy::Ttl, 1), (Strategy::Fifo, 0)] {
            for from in LISTS.into_iter().filter(|from| *from != to) {
                let mut rig = rig(shards, from, 8, 0);
                for n in 0..8 {
                    let ttl = Ttl::Millis(if n == 1 { 5_000 } else { 50_000 });
                    rig.set(&format!("k{n}"), &New { ttl, ..New::value(b"1") });
                    rig.advance(1);
                }
                for n in [3, 3, 3, 0, 0, 1, 1, 2, 2, 4, 4, 6, 6, 7, 7, 5] {
                    rig.get(&format!("k{n}"));
                    rig.advance(1);
                }
                configure(&mut rig, to, 7);
                rig.settle();
                let gone: Vec<_> = (0..8).filter(|n| rig.peek(&format!("k{n}")).is_none()).collect();
                assert_eq!(gone, [first], "{from} to {to}, {shards} shards");
            }
        }
    }
}

#[test]
fn a_switch_holds_no_lock_for_more_than_a_few_records() {
    let mut rig = rig(2, Strategy::Lru, 0, 0);
    (0..1_800).for_each(|n| rig.put(&format!("k{n}"), b"1"));
    for to in [Strategy::Fifo, Strategy::Lfu, Strategy::Ttl, Strategy::Lru] {
        rig.engine.shards.iter().for_each(|shard| shard.lock().looks = (0, 0));
        configure(&mut rig, to, 0);
        for shard in &rig.engine.shards {
            let (most, holds) = shard.lock().looks;
            assert!((1..=256).contains(&most) && holds >= 6, "{to}: {most} looks, {holds} holds");
        }
        check_lists(&rig);
    }
}

#[test]
fn a_switch_beside_reads_and_writes_loses_nothing() {
    let mut rig = rig(4, Strategy::Lru, 2_000, 0);
    (0..2_000).for_each(|n| rig.put(&format!("k{n}"), b"1"));
    let done = std::sync::atomic::AtomicBool::new(false);
    let state = rig.state.clone();
    let (engine, now) = (&rig.engine, rig.now);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut rounds = 0;
            while rounds < 3 || !done.load(std::sync::atomic::Ordering::SeqCst) {
                (0..2_000).for_each(|n| assert!(rig.get(&format!("k{n}")).is_some(), "k{n}"));
                rounds += 1;
            }
        });
        let mut state = state;
        for to in LISTS.into_iter().cycle().take(3 * LISTS.len()) {
            state.applied += 1;
            let config = CacheConfig { strategy: to, max_items: 2_000, ..unlimited() };
            state.configs.insert((DEFAULT, Backend::Memory), ConfigRecord { config, version: state.applied });
            engine.apply_view(&state, ME, now);
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        reader.join().expect("every record was there all the time");
    });
    check_lists(&rig);
    for shard in &rig.engine.shards {
        for (list, policy) in shard.lock().lists.all() {
            assert!(policy.is_empty() || LISTS[list] == LISTS[LISTS.len() - 1], "{}", LISTS[list]);
        }
    }
}

/// Keys of a range from the first to go to the last.
fn in_order_of_going(rig: &Rig, strategy: Strategy, range: RangeId, keys: &[(u64, u64, u64)]) -> Vec<u64> {
    let mut mine: Vec<_> = keys.iter().filter(|(n, ..)| rig.range_of(&format!("k{n}")) == range).collect();
    mine.sort_by_key(|(n, uses, used)| match strategy {
        Strategy::Lru => (*used, 0),
        Strategy::Lfu => (*uses, *used),
        Strategy::Ttl => (1_000_000 - *n, 0),
        _ => (*n, 0),
    });
    mine.iter().map(|(n, ..)| *n).collect()
}

#[test]
fn room_for_a_copy_is_made_in_the_order_of_the_policy() {
    for strategy in [Strategy::Lru, Strategy::Lfu, Strategy::Fifo, Strategy::Ttl] {
        let mut rig = rig(2, strategy, 0, 0);
        let mut keys = Vec::new();
        for n in 0..400 {
            rig.set(&format!("k{n}"), &New { ttl: Ttl::Millis(10_000_000 - 1_000 * n), ..New::value(b"1") });
            keys.push((n, 1, n));
        }
        for at in 0..1_200 {
            let n = at * 7 % 400 * (at % 3) / 2;
            rig.get(&format!("k{n}"));
            let (_, uses, used) = &mut keys[n as usize];
            (*uses, *used) = (*uses + 1, 400 + at);
        }
        let range = rig.range_of("k7");
        let expected = in_order_of_going(&rig, strategy, range, &keys);
        let shortage = Shortage { space: None, items: 2, bytes: 0 };
        assert!(rig.engine.shrink(range, shortage, rig.now), "{strategy}");
        let left: Vec<_> = expected.iter().filter(|n| rig.peek(&format!("k{n}")).is_some()).collect();
        assert!(left.iter().copied().eq(&expected[2..]), "{strategy}: {left:?} of {expected:?}");
        assert_eq!(rig.stats().items, 398, "{strategy}");
        check_lists(&rig);
    }
}

#[test]
fn s3fifo_sieve_and_w_tinylfu_keep_what_is_hot_through_a_scan() {
    for strategy in [Strategy::S3Fifo, Strategy::Sieve, Strategy::WTinyLfu, Strategy::Lfu] {
        for shards in [1, 8] {
            let mut rig = rig(shards, strategy, 100, 0);
            for _ in 0..4 {
                for n in 0..50 {
                    if rig.get(&format!("hot{n}")).is_none() {
                        rig.put(&format!("hot{n}"), b"1");
                    }
                }
            }
            for n in 0..1_000 {
                rig.put(&format!("scan{n}"), b"1");
                // What is hot is used now and then.
                rig.get(&format!("hot{}", n % 50));
            }
            let hot = (0..50).filter(|n| rig.peek(&format!("hot{n}")).is_some()).count();
            assert!(hot >= 49, "{strategy}, {shards} shards: {hot} of 50");
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set { key: u64, size: usize, own: Option<usize>, ttl: Option<u64>, is_other: bool },
    Get(u64, bool),
    Delete(u64),
    Advance(u64),
    Switch(usize, u64),
    Own(usize, u64),
}

fn step() -> impl proptest::prelude::Strategy<Value = Step> {
    let list = 0..LISTS.len();
    let own = prop::option::weighted(0.3, list.clone());
    let ttl = prop::option::weighted(0.3, 1..300u64);
    proptest::prelude::prop_oneof![
        10 => (0..KEYS, 1..50usize, own, ttl, any::<bool>())
            .prop_map(|(key, size, own, ttl, is_other)| Step::Set { key, size, own, ttl, is_other }),
        10 => (0..KEYS, any::<bool>()).prop_map(|(key, is_other)| Step::Get(key, is_other)),
        2 => (0..KEYS).prop_map(Step::Delete),
        2 => (1..50u64).prop_map(Step::Advance),
        1 => (list.clone(), 1..30u64).prop_map(|(list, items)| Step::Switch(list, items)),
        1 => (list, 1..30u64).prop_map(|(list, items)| Step::Own(list, items)),
    ]
}

proptest! {
    /// All strategies, also those whose victims the model does not know: limits hold, and lists and counts add up.
    #[test]
    fn any_mix_of_strategies_keeps_the_limits_and_its_accounts(
        shards in prop::sample::select(vec![1usize, 4]),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut rig = rig(shards, Strategy::Lru, 20, 0);
        let mut max_items = 20;
        for step in steps {
            rig.namespace = DEFAULT;
            match step {
                Step::Set { key, size, own, ttl, is_other } => {
                    rig.namespace = if is_other { OTHER } else { DEFAULT };
                    let (strategy, ttl) = (own.map(|list| LISTS[list]), ttl.map_or(Ttl::Never, Ttl::Millis));
                    let value = vec![b'1'; size];
                    let outcome = rig.set(&format!("k{key}"), &New { strategy, ttl, ..New::value(&value) });
                    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
                    assert_eq!(rig.peek(&format!("k{key}")), Some(value));
                }
                Step::Get(key, is_other) => {
                    rig.namespace = if is_other { OTHER } else { DEFAULT };
                    rig.get(&format!("k{key}"));
                }
                Step::Delete(key) => drop(rig.delete(&format!("k{key}"))),
                Step::Advance(ms) => rig.advance(ms),
                Step::Switch(list, items) => {
                    max_items = items;
                    configure(&mut rig, LISTS[list], items);
                    rig.settle();
                }
                Step::Own(list, max_items) => {
                    let config = CacheConfig { strategy: LISTS[list], max_items, ..unlimited() };
                    let version = rig.state.applied + 1;
                    rig.state.configs.insert((OTHER, Backend::Memory), ConfigRecord { config, version });
                    rig.apply();
                    rig.settle();
                }
            }
            assert!(rig.engine.shared.total.items() <= max_items);
            check_lists(&rig);
        }
    }
}
