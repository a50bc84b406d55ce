//! Merging is commutative and associative, and loses nothing.

use proptest::prelude::*;

use crate::{
    config::DataType,
    wire::{
        Amount, EvictionCauses, HistogramParts, HotKey, HotKeys, KeyUse, Minute, Operation, OperationTimes, Prefixes,
        Recent, Survey, TTL_BOUNDS_S, TTL_BUCKETS, Usage,
    },
};

fn prefix() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[a-d]{1,2}")
}

fn key_use() -> impl Strategy<Value = KeyUse> {
    (0u64..99, 0u64..99, 0u64..99).prop_map(|(hits, misses, writes)| KeyUse { hits, misses, writes })
}

fn hot_keys() -> impl Strategy<Value = HotKeys> {
    let keys = prop::collection::btree_map("[a-e]", (1u64..99, 0u64..9), 0..5);
    (keys, 0u64..9, 0u64..600_000).prop_map(|(keys, unlisted_max, window_ms)| {
        let keys = keys.into_iter().map(|(key, (count, error))| HotKey { key, count, error }).collect();
        let mut hot = HotKeys { window_ms, keys, unlisted_max };
        hot.truncate(usize::MAX);
        hot
    })
}

fn minutes() -> impl Strategy<Value = Vec<Minute>> {
    prop::collection::btree_map(0u64..9, (1u64..99, 0u64..99), 0..6).prop_map(|minutes| {
        let minute = |(minute, (operations, hits))| Minute { minute, operations, hits, ..Minute::default() };
        minutes.into_iter().map(minute).collect()
    })
}

fn operations() -> impl Strategy<Value = Vec<OperationTimes>> {
    let times = prop::collection::btree_map(1u64..9, 1u64..99, 0..4);
    prop::collection::btree_map(0usize..4, (times, 0u64..99), 0..4).prop_map(|operations| {
        let operation = |(at, (times, sum_us)): (usize, (std::collections::BTreeMap<u64, u64>, u64))| OperationTimes {
            operation: Operation::ALL[at],
            count: times.values().sum(),
            sum_us,
            times_us: HistogramParts(times.into_iter().collect()),
        };
        operations.into_iter().map(operation).collect()
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let prefixes = (prop::collection::btree_map(prefix(), key_use(), 0..6), key_use());
    let counts = (0u64..99, 0u64..99, 0u64..99, 0u64..99);
    (hot_keys(), prefixes, minutes(), operations(), counts).prop_map(
        |(hot_keys, prefixes, minutes, operations, counts)| {
            let (a, b, c, d) = counts;
            Usage {
                hot_keys,
                prefixes: Prefixes { rows: prefixes.0.into_iter().collect(), other: prefixes.1 },
                minutes,
                recent: Recent { minute: a, minutes_5: b, minutes_15: c },
                evictions: EvictionCauses { max_items: d, max_memory: a, lowered_limit: b, room_for_copies: c },
                operations,
                failed: c,
                deferred: d,
            }
        },
    )
}

fn amount() -> impl Strategy<Value = Amount> {
    (0u64..99, 0u64..9_999).prop_map(|(items, bytes)| Amount { items, bytes })
}

fn survey() -> impl Strategy<Value = Survey> {
    let types = prop::collection::btree_map(prop::sample::select(DataType::ALL), amount(), 0..5);
    let prefixes = prop::collection::btree_map(prefix(), amount(), 0..6);
    let parts = (amount(), amount(), prop::array::uniform7(amount()), 0u64..99);
    (types, prefixes, parts).prop_map(|(types, prefixes, (total, other_prefixes, ttl, looked_at))| Survey {
        total,
        looked_at,
        types: types.into_iter().collect(),
        prefixes: prefixes.into_iter().collect(),
        other_prefixes,
        ttl,
    })
}

fn used(parts: &[&Usage]) -> Usage {
    let mut sum = Usage::default();
    parts.iter().for_each(|part| sum.add(part));
    sum
}

fn held(parts: &[&Survey]) -> Survey {
    let mut sum = Survey::default();
    parts.iter().for_each(|part| sum.add(part));
    sum
}

proptest! {
    #[test]
    fn usage_merges_in_any_order_and_grouping(a in usage(), b in usage(), c in usage()) {
        let all = used(&[&a, &b, &c]);
        prop_assert_eq!(&used(&[&c, &a, &b]), &all);
        prop_assert_eq!(&used(&[&used(&[&b, &c]), &a]), &all);
        prop_assert_eq!(&used(&[&a]), &a, "nothing changes nothing");
        let operations = |usage: &Usage| {
            usage.prefixes.rows.iter().map(|(_, keys)| keys.operations()).sum::<u64>() + usage.prefixes.other.operations()
        };
        prop_assert_eq!(operations(&all), operations(&a) + operations(&b) + operations(&c));
        let counts = |usage: &Usage| usage.operations.iter().map(|times| times.times_us.total()).sum::<u64>();
        prop_assert_eq!(counts(&all), counts(&a) + counts(&b) + counts(&c));
    }

    #[test]
    fn counts_and_errors_of_one_hot_key_add_and_cutting_keeps_the_bound(a in hot_keys(), b in hot_keys(), keep in 0usize..6) {
        let mut both = a.clone();
        both.add(&b);
        let of = |hot: &HotKeys, key: &str| {
            hot.keys.iter().find(|known| known.key == key).map_or((0, 0), |known| (known.count, known.error))
        };
        for key in ["a", "b", "c", "d", "e"] {
            let (one, other) = (of(&a, key), of(&b, key));
            prop_assert_eq!(of(&both, key), (one.0 + other.0, one.1 + other.1));
        }
        let mut cut = both.clone();
        cut.truncate(keep);
        prop_assert!(cut.keys.len() <= keep && cut.keys[..] == both.keys[..cut.keys.len()]);
        for gone in &both.keys[cut.keys.len()..] {
            prop_assert!(gone.at_most() <= cut.unlisted_max && cut.keys.iter().all(|kept| kept.count >= gone.count));
        }
    }

    #[test]
    fn surveys_merge_in_any_order_and_grouping(a in survey(), b in survey(), c in survey()) {
        let all = held(&[&a, &b, &c]);
        prop_assert_eq!(&held(&[&c, &b, &a]), &all);
        prop_assert_eq!(&held(&[&held(&[&b, &c]), &a]), &all);
        prop_assert_eq!(&held(&[&a]), &a);
        prop_assert_eq!(all.total.bytes, a.total.bytes + b.total.bytes + c.total.bytes);
    }

    #[test]
    fn what_is_cut_off_is_counted_as_other(a in usage(), b in survey(), keep in 0usize..5) {
        let mut prefixes = a.prefixes.clone();
        prefixes.truncate(keep);
        let sum = |prefixes: &Prefixes| {
            prefixes.rows.iter().map(|(_, keys)| keys.operations()).sum::<u64>() + prefixes.other.operations()
        };
        prop_assert!(prefixes.rows.len() <= keep);
        prop_assert_eq!(sum(&prefixes), sum(&a.prefixes));
        let mut survey = b.clone();
        survey.truncate_prefixes(keep);
        let sum = |survey: &Survey| {
            survey.prefixes.iter().map(|(_, amount)| amount.bytes).sum::<u64>() + survey.other_prefixes.bytes
        };
        prop_assert!(survey.prefixes.len() <= keep);
        prop_assert_eq!(sum(&survey), sum(&b));
    }
}

#[test]
fn remaining_times_fall_into_the_first_bucket_that_is_long_enough() {
    for (at, bound) in TTL_BOUNDS_S.into_iter().enumerate() {
        assert_eq!(super::ttl_bucket(Some(bound * 1_000)), at);
        assert_eq!(super::ttl_bucket(Some(bound * 1_000 + 1)), at + 1);
    }
    assert_eq!((super::ttl_bucket(Some(0)), super::ttl_bucket(None)), (0, TTL_BUCKETS - 1));
    assert_eq!(super::ttl_bucket(Some(u64::MAX)), TTL_BUCKETS - 2);
}
