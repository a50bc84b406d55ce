//! How keys are used and what is held, against plain counts.

use std::collections::BTreeMap;

use ringhold_model::{
    NamespaceId,
    cluster::ConfigRecord,
    config::{Backend, CacheConfig},
    wire::{Amount, Survey, SurveyRequest, Ttl, Usage},
};

use super::rig::{DEFAULT, New, OTHER, Rig, unlimited};

fn usage(rig: &Rig) -> Usage {
    rig.engine.usage(rig.namespace, Backend::Memory, 100, rig.now).expect("the namespace is there")
}

fn survey(rig: &Rig, records_max: u64) -> Survey {
    let request = SurveyRequest { selection: rig.selection(None), records_max };
    let found = rig.engine.survey(&request, rig.now, || false).expect("the namespace is there");
    assert_eq!(found.done.len(), rig.state.ranges.len());
    found.survey
}

fn total(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    amounts.into_iter().fold(Amount::default(), |mut sum, amount| {
        sum.add(amount);
        sum
    })
}

#[test]
fn the_hottest_keys_are_found_with_their_counts_within_the_bounds() {
    let mut rig = Rig::new(unlimited());
    let mut exact = BTreeMap::<String, u64>::new();
    for round in 0..200u64 {
        for rank in 1..=300 {
            // About as often as one over its rank.
            if round % rank == 0 {
                let key = format!("user:{rank}");
                if round == 0 {
                    rig.put(&key, b"1")
                } else {
                    assert!(rig.get(&key).is_some())
                }
                *exact.entry(key).or_default() += 1;
            }
        }
    }
    let hot = usage(&rig).hot_keys;
    assert!(hot.keys.len() <= 100 && hot.keys.is_sorted_by(|a, b| a.count >= b.count));
    for key in &hot.keys {
        let uses = exact[&key.key];
        assert!(key.count <= uses && uses <= key.at_most(), "{key:?} was used {uses} times");
    }
    let listed = |key: &str| hot.keys.iter().any(|known| known.key == key);
    assert!(exact.iter().all(|(key, uses)| listed(key) || *uses <= hot.unlisted_max), "{}", hot.unlisted_max);
    assert!((1..=5).all(|rank| listed(&format!("user:{rank}"))), "{hot:?}");
    assert_eq!(hot.keys[0].key, "user:1");
}

#[test]
fn keys_that_are_gone_are_not_hot_and_a_clear_begins_anew() {
    let mut rig = Rig::new(unlimited());
    for key in ["a", "b"] {
        rig.put(key, b"1");
        (0..50).for_each(|_| assert!(rig.get(key).is_some()));
    }
    (0..70).for_each(|_| assert!(rig.get("missing").is_none()));
    let keys = |rig: &Rig| usage(rig).hot_keys.keys.into_iter().map(|key| (key.key, key.count)).collect::<Vec<_>>();
    assert_eq!(keys(&rig), [("a".to_owned(), 51), ("b".to_owned(), 51)]);
    rig.delete("a");
    assert_eq!(keys(&rig), [("b".to_owned(), 51)]);
    rig.clear();
    rig.put("b", b"2");
    assert_eq!(keys(&rig), [("b".to_owned(), 1)]);
}

#[test]
fn hot_keys_are_those_of_the_last_windows() {
    let mut rig = Rig::new(unlimited());
    rig.put("early", b"1");
    rig.put("late", b"1");
    rig.settle();
    (0..100).for_each(|_| assert!(rig.get("early").is_some()));
    rig.advance(300_000);
    rig.settle();
    (0..10).for_each(|_| assert!(rig.get("late").is_some()));
    let hot = usage(&rig).hot_keys;
    let counts: Vec<_> = hot.keys.iter().map(|key| (key.key.as_str(), key.count)).collect();
    assert_eq!((counts, hot.window_ms), (vec![("early", 101), ("late", 11)], 300_000));
    rig.advance(300_000);
    rig.settle();
    let hot = usage(&rig).hot_keys;
    let counts: Vec<_> = hot.keys.iter().map(|key| (key.key.as_str(), key.count)).collect();
    assert_eq!((counts, hot.window_ms), (vec![("late", 10)], 300_000));
}

#[test]
fn use_is_counted_by_prefix_and_namespaces_are_never_mixed() {
    let mut rig = Rig::new(unlimited());
    for at in 0..30 {
        rig.put(&format!("user:{at}"), b"1");
        rig.get(&format!("user:{at}"));
        rig.get(&format!("order:{at}"));
    }
    rig.put("plain", b"1");
    rig.delete("user:3");
    rig.peek("user:4");
    rig.namespace = OTHER;
    rig.put("secret:1", b"1");
    let rows = |rig: &Rig| {
        let prefixes = usage(rig).prefixes;
        assert_eq!(prefixes.other.operations(), 0);
        let row = |(name, keys): (Option<String>, ringhold_model::wire::KeyUse)| {
            (name.unwrap_or_default(), [keys.hits, keys.misses, keys.writes])
        };
        prefixes.rows.into_iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(rows(&rig), [("secret".to_owned(), [0, 0, 1])]);
    rig.namespace = DEFAULT;
    let expected = [("", [0, 0, 1]), ("order", [0, 30, 0]), ("user", [30, 0, 31])];
    assert_eq!(rows(&rig), expected.map(|(name, counts)| (name.to_owned(), counts)));
    assert!(rig.engine.usage(NamespaceId(99), Backend::Memory, 1, rig.now).is_none());
}

#[test]
fn use_over_time_follows_the_clock() {
    let mut rig = Rig::new(unlimited());
    let start = rig.now.wall_ms / 60_000 + 1;
    rig.advance(start * 60_000 - rig.now.wall_ms);
    rig.settle();
    // Each minute one operation more, all in its first second.
    for minute in 0..70u64 {
        (0..=minute).for_each(|at| if at == 0 { rig.put("k", b"1") } else { assert!(rig.get("k").is_some()) });
        rig.advance(1_000);
        rig.settle();
        rig.advance(59_000);
        rig.settle();
    }
    rig.get("missing");
    let usage = usage(&rig);
    assert_eq!(usage.minutes.len(), 60);
    let last = usage.minutes[59];
    assert_eq!((last.minute, last.operations, last.misses), (start + 70, 1, 1));
    for (at, minute) in usage.minutes[..59].iter().enumerate() {
        let number = at as u64 + 11;
        assert_eq!(
            (minute.minute, minute.operations, minute.hits, minute.sets),
            (start + number, number + 1, number, 1)
        );
    }
    let sum = |minutes: u64| (70 - minutes..70).map(|minute| minute + 1).sum::<u64>();
    let recent = usage.recent;
    assert_eq!([recent.minute, recent.minutes_5, recent.minutes_15], [sum(1), sum(5), sum(15)]);
}

#[test]
fn evictions_are_counted_by_what_made_them_necessary() {
    let mut rig = Rig::new(CacheConfig { max_items: 10, ..unlimited() });
    (0..15).for_each(|at| rig.put(&format!("k{at}"), b"1"));
    let limit = |rig: &mut Rig, max_items, max_memory| {
        let config = CacheConfig { max_items, max_memory, ..unlimited() };
        rig.state.configs.insert((DEFAULT, Backend::Memory), ConfigRecord { config, version: 2 });
        rig.apply();
        rig.settle();
    };
    limit(&mut rig, 7, 0);
    let held = rig.stats().bytes;
    limit(&mut rig, 0, held);
    rig.put("k15", b"1");
    let causes = usage(&rig).evictions;
    assert_eq!((causes.max_items, causes.lowered_limit, causes.room_for_copies), (5, 3, 0));
    assert!(causes.max_memory >= 1, "{causes:?}");
    let sum: u64 = causes.by_cause().iter().map(|(_, count)| count).sum();
    assert_eq!(sum, rig.stats().evictions);
}

#[test]
fn a_look_adds_up_to_the_statistics() {
    let mut rig = Rig::new(unlimited());
    let times = [None, Some(30_000), Some(500_000), Some(3_000_000), Some(86_400_000), Some(604_800_001)];
    for at in 0..600u64 {
        let ttl = times[at as usize % 6].map_or(Ttl::Never, Ttl::Millis);
        let prefix = ["user:", "order:", ""][at as usize % 3];
        let value = "1".repeat(at as usize % 50 + 1);
        rig.set(&format!("{prefix}{at}"), &New { ttl, ..New::value(value.as_bytes()) });
    }
    let (stats, found) = (rig.stats(), survey(&rig, u64::MAX));
    assert_eq!((found.total.items, found.total.bytes), (stats.items, stats.bytes));
    assert_eq!((found.looked_at, found.is_sample()), (600, false));
    assert_eq!(total(found.types.iter().map(|(_, amount)| *amount)), found.total);
    assert_eq!(total(found.prefixes.iter().map(|(_, amount)| *amount)), found.total);
    assert_eq!(total(found.ttl), found.total);
    assert_eq!(found.ttl.map(|amount| amount.items), [100, 100, 100, 100, 0, 100, 100]);
    let items: Vec<_> = found.prefixes.iter().map(|(name, amount)| (name.as_deref(), amount.items)).collect();
    assert_eq!(items, [(None, 200), (Some("order"), 200), (Some("user"), 200)]);
    rig.advance(30_000);
    let found = survey(&rig, u64::MAX);
    assert_eq!((found.total.items, found.ttl[0].items), (500, 0), "what is due is not looked at");
}

#[test]
fn a_look_that_stops_early_answers_for_all() {
    let mut rig = Rig::new(unlimited());
    for at in 0..2_000 {
        rig.put(&format!("{}:{at}", ["a", "b"][at % 2]), b"123");
    }
    let (stats, found) = (rig.stats(), survey(&rig, 400));
    assert!((400..450).contains(&found.looked_at) && found.is_sample(), "{}", found.looked_at);
    assert_eq!((found.total.items, found.total.bytes), (stats.items, stats.bytes));
    let items = found.prefixes.iter().map(|(_, amount)| amount.items);
    // Each has 1,000; a sample of 400 of two kinds is within a tenth of that by six standard deviations of 2.5 %.
    assert!(items.clone().all(|items| (850..1_150).contains(&items)), "{found:?}");
    assert!(found.ttl[6].items >= 1_999, "rounded down");
    let request = SurveyRequest { selection: rig.selection(None), records_max: u64::MAX };
    let found = rig.engine.survey(&request, rig.now, || true).expect("the namespace is there").survey;
    assert!(found.looked_at < 100 && found.total.items == 2_000, "time was over at once");
}
