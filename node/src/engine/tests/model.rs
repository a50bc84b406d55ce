//! The engine against a slow and obvious model: a list of records, filtered and searched from end to end.

mod records;
mod write;

use proptest::prelude::*;
use ringhold_model::{
    NamespaceId,
    cluster::ConfigRecord,
    config::{self, Backend, CacheConfig, LfuAging},
    wire::FirstKeysRequest,
};

use self::{
    records::{Model, Record, Setup, of},
    write::Guard,
};
use super::rig::{DEFAULT, OTHER, Rig, unlimited};
use crate::engine::Options;

const TAGS: [&str; 3] = ["red", "green", "blue"];
const PATTERNS: [&str; 4] = ["a*", "*1", "?[0-4]", "*"];

/// The four patterns of this test, spelled out.
fn glob(pattern: Option<&str>, key: &str) -> bool {
    match pattern {
        None | Some("*") => true,
        Some("a*") => key.starts_with('a'),
        Some("*1") => key.ends_with('1'),
        Some("?[0-4]") => key.len() == 2 && (b'0'..=b'4').contains(&key.as_bytes()[1]),
        Some(other) => panic!("{other} is not one of the patterns"),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set { key: String, size: usize, tags: Vec<usize>, ttl: Option<u64>, own: Option<config::Strategy>, guard: Guard },
    Swap { key: String, size: usize, guard: Guard },
    Increment { key: String, by: i64, ttl: Option<u64>, guard: Guard },
    Touch { key: String, ttl: Option<u64>, guard: Guard },
    Get(String),
    Peek(String),
    Delete(String, Guard),
    Advance(u64),
    Clear,
    RemoveTags(Vec<usize>),
    RemovePattern(usize, Vec<usize>),
    Config(Setup),
    OwnConfig(Setup),
    List(Option<usize>, u32),
    Work,
}

fn key() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!['a', 'b', 'c']), 0..9u8).prop_map(|(letter, digit)| format!("{letter}{digit}"))
}

fn tags() -> impl Strategy<Value = Vec<usize>> {
    prop::sample::subsequence(vec![0usize, 1, 2], 0..=3)
}

fn guard() -> impl Strategy<Value = Guard> {
    use Guard::{Absent, None, Other, Present, Same};
    prop::sample::select(vec![None, None, None, None, None, None, Absent, Present, Same, Other])
}

fn by() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -20..20i64, 1 => any::<i64>(), 1 => Just(i64::MAX)]
}

fn setup() -> impl Strategy<Value = Setup> {
    let limits = (prop_oneof![Just(0u64), 1..12u64], prop_oneof![Just(0u64), 200..4_000u64]);
    (order(), limits, any::<bool>()).prop_map(|(strategy, (max_items, max_bytes), ages)| Setup {
        strategy,
        max_items,
        max_bytes,
        ages,
    })
}

/// The strategies whose victims the model knows.
fn order() -> impl Strategy<Value = config::Strategy> {
    use config::Strategy::{Fifo, Lfu, Lru, Ttl};
    prop::sample::select(vec![Lru, Lru, Lfu, Lfu, Fifo, Ttl])
}

fn own() -> impl Strategy<Value = Option<config::Strategy>> {
    prop_oneof![3 => Just(None), 1 => order().prop_map(Some)]
}

fn step() -> impl Strategy<Value = Step> {
    let ttl = prop_oneof![2 => Just(None), 1 => (0..40u64).prop_map(Some), 1 => (0..5_000u64).prop_map(Some)];
    prop_oneof![
        12 => (key(), 0..600usize, tags(), ttl.clone(), own(), guard())
            .prop_map(|(key, size, tags, ttl, own, guard)| Step::Set { key, size, tags, ttl, own, guard }),
        3 => (key(), 0..600usize, guard()).prop_map(|(key, size, guard)| Step::Swap { key, size, guard }),
        5 => (key(), by(), ttl.clone(), guard())
            .prop_map(|(key, by, ttl, guard)| Step::Increment { key, by, ttl, guard }),
        3 => (key(), ttl, guard()).prop_map(|(key, ttl, guard)| Step::Touch { key, ttl, guard }),
        8 => key().prop_map(Step::Get),
        2 => key().prop_map(Step::Peek),
        3 => (key(), guard()).prop_map(|(key, guard)| Step::Delete(key, guard)),
        3 => (0..60u64).prop_map(Step::Advance),
        1 => (0..4_000u64).prop_map(Step::Advance),
        1 => Just(Step::Clear),
        1 => tags().prop_map(Step::RemoveTags),
        1 => (0..PATTERNS.len(), tags()).prop_map(|(pattern, tags)| Step::RemovePattern(pattern, tags)),
        1 => setup().prop_map(Step::Config),
        1 => setup().prop_map(Step::OwnConfig),
        2 => (prop::option::of(0..PATTERNS.len()), 1..6u32).prop_map(|(pattern, page)| Step::List(pattern, page)),
        1 => Just(Step::Work),
    ]
}

fn put_config(rig: &mut Rig, namespace: NamespaceId, setup: Setup) {
    let Setup { strategy, max_items, max_bytes, ages } = setup;
    let lfu_aging = if ages { LfuAging::Dynamic } else { LfuAging::None };
    let config = CacheConfig { strategy, max_items, max_memory: max_bytes, lfu_aging, ..unlimited() };
    rig.state.configs.insert((namespace, Backend::Memory), ConfigRecord { config, version: rig.state.applied + 1 });
    rig.apply();
    rig.settle();
}

fn names(tags: &[usize]) -> Vec<&'static str> {
    tags.iter().map(|tag| TAGS[*tag]).collect()
}

fn run(rig: &mut Rig, model: &mut Model, step: Step) {
    let namespace = rig.namespace;
    match step {
        Step::Set { .. } | Step::Swap { .. } | Step::Increment { .. } | Step::Touch { .. } | Step::Delete(..) => {
            write::run(rig, model, step);
        }
        Step::Get(key) => {
            let expected = model.find(namespace, &key).map(|at| model.read(at, rig.now).value.clone());
            assert_eq!(rig.get(&key), expected, "{key}");
        }
        Step::Peek(key) => {
            let expected = model.find(namespace, &key).map(|at| model.records[at].value.clone());
            assert_eq!(rig.peek(&key), expected, "{key}");
        }
        Step::Advance(ms) => {
            rig.advance(ms);
            model.expire(rig.now.mono_ms);
        }
        Step::Clear => assert_eq!(rig.clear(), model.remove(namespace, |_| true)),
        Step::RemoveTags(tags) => {
            let tags = names(&tags);
            let removed = model.remove(namespace, |record| record.tags.iter().any(|tag| tags.contains(tag)));
            assert_eq!(rig.remove(None, &tags), removed, "{tags:?}");
        }
        Step::RemovePattern(pattern, tags) => {
            let (pattern, tags) = (PATTERNS[pattern], names(&tags));
            let is_tagged = |record: &Record| record.tags.iter().any(|tag| tags.contains(tag));
            let removed = model.remove(namespace, |record| glob(Some(pattern), &record.key) || is_tagged(record));
            assert_eq!(rig.remove(Some(pattern), &tags), removed, "{pattern} {tags:?}");
        }
        Step::Config(setup) => {
            put_config(rig, DEFAULT, setup);
            model.configure(setup);
        }
        Step::OwnConfig(setup) => {
            put_config(rig, OTHER, setup);
            model.configure_own(setup);
        }
        Step::List(pattern, page) => {
            let pattern = pattern.map(|at| PATTERNS[at]);
            let expected = model.keys(namespace, pattern);
            let mut keys = rig.keys(pattern, page);
            assert!(keys.is_sorted_by_key(|key| rig.hash(key)), "pages are in hash order");
            keys.sort();
            assert_eq!(keys, expected);
            let request = FirstKeysRequest { selection: rig.selection(pattern), keys_max: page };
            let first = rig.engine.first_keys(&request, rig.now).unwrap();
            assert_eq!(first.total, expected.len() as u64);
            assert!(first.keys.iter().map(|key| &**key).eq(expected.iter().take(page as usize).map(String::as_str)));
            assert_eq!(rig.engine.count(&rig.selection(pattern), rig.now).unwrap().total, first.total);
        }
        Step::Work => rig.settle(),
    }
}

fn compare(rig: &mut Rig, model: &Model) {
    let (mut items, mut bytes) = (0, 0);
    for namespace in [DEFAULT, OTHER] {
        rig.namespace = namespace;
        let (stats, mine) = (rig.stats(), model.records.iter().filter(|record| record.namespace == namespace));
        assert_eq!(stats.items, mine.clone().count() as u64, "items of {namespace}");
        assert_eq!(stats.bytes, mine.map(Record::charge).sum::<u64>(), "bytes of {namespace}");
        assert_eq!(stats.evictions, model.evicted[of(namespace)], "evictions of {namespace}");
        assert_eq!(stats.expired, model.expired[of(namespace)], "expired of {namespace}");
        assert_eq!(stats.invalidated, model.invalidated[of(namespace)], "invalidated of {namespace}");
        items += stats.items;
        bytes += stats.bytes;
    }
    let counts = rig.engine.stats(None, rig.now);
    assert_eq!((counts.total_records, counts.total_bytes), (items, bytes), "the total is the sum of the spaces");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_does_what_the_model_does(
        shards in prop::sample::select(vec![1usize, 2, 16]),
        steps in prop::collection::vec((any::<bool>(), step()), 1..250),
    ) {
        let mut rig = Rig::with(Options { shards, ..Options::new(4) }, unlimited());
        let mut model = Model::default();
        for (at, (is_other, step)) in steps.into_iter().enumerate() {
            rig.namespace = if is_other { OTHER } else { DEFAULT };
            model.expire(rig.now.mono_ms);
            run(&mut rig, &mut model, step);
            if at % 5 == 0 {
                compare(&mut rig, &model);
            }
        }
        compare(&mut rig, &model);
    }
}
