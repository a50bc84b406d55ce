//! What is there: memory by type and prefix, remaining times to live.

use ringhold_model::{
    config::Backend,
    wire::{Amount, Survey, TTL_BOUNDS_S, TTL_BUCKETS},
};
use serde::Serialize;

use super::{super::super::coverage::Coverage, Merging, answer, percent};

const MEMORY: Merging = &[
    ("total_items", "sum over the primaries"),
    ("total_memory_usage", "sum over the primaries"),
    ("data_types", "sum by type"),
    ("prefixes", "sum by prefix"),
    ("other_prefixes", "sum"),
    ("items_looked_at", "sum; a node that stops early scales its own figures before they are added"),
];

const TTL: Merging = &[
    ("total_items", "sum over the primaries"),
    ("total_memory_usage", "sum over the primaries"),
    ("buckets", "sum by bucket; the bounds are the same on every node"),
    ("never", "sum"),
    ("items_looked_at", "sum; a node that stops early scales its own figures before they are added"),
];

#[derive(Serialize)]
struct Totals {
    success: bool,
    backend: &'static str,
    total_items: u64,
    total_memory_usage: u64,
    items_looked_at: u64,
    is_sample: bool,
}

#[derive(Serialize)]
struct AmountBody {
    items: u64,
    bytes: u64,
    percent_of_bytes: f64,
}

#[derive(Serialize)]
struct Memory<'a> {
    #[serde(flatten)]
    totals: Totals,
    data_types: Vec<TypeBody>,
    prefixes: Vec<PrefixBody<'a>>,
    other_prefixes: AmountBody,
}

#[derive(Serialize)]
struct TypeBody {
    data_type: &'static str,
    #[serde(flatten)]
    amount: AmountBody,
}

#[derive(Serialize)]
struct PrefixBody<'a> {
    prefix: Option<&'a str>,
    #[serde(flatten)]
    amount: AmountBody,
}

#[derive(Serialize)]
struct Ttl {
    #[serde(flatten)]
    totals: Totals,
    buckets: Vec<Bucket>,
    never: AmountBody,
}

#[derive(Serialize)]
struct Bucket {
    within_seconds: Option<u64>,
    #[serde(flatten)]
    amount: AmountBody,
}

/// Answer of memory.
pub fn memory(out: &mut Vec<u8>, backend: Backend, survey: &Survey, coverage: &Coverage) {
    let amount = |amount: &Amount| amount_of(*amount, survey);
    let mut types: Vec<_> = survey.types.iter().collect();
    types.sort_by_key(|(_, amount)| std::cmp::Reverse(amount.bytes));
    let types = types.into_iter().map(|(name, held)| TypeBody { data_type: name.as_str(), amount: amount(held) });
    let mut prefixes: Vec<_> = survey.prefixes.iter().collect();
    prefixes.sort_by_key(|(_, amount)| std::cmp::Reverse(amount.bytes));
    let prefixes =
        prefixes.into_iter().map(|(prefix, held)| PrefixBody { prefix: prefix.as_deref(), amount: amount(held) });
    let body = Memory {
        totals: totals(backend, survey),
        data_types: types.collect(),
        prefixes: prefixes.collect(),
        other_prefixes: amount(&survey.other_prefixes),
    };
    answer(out, &body, MEMORY, coverage);
}

/// Answer of ttl.
pub fn ttl_distribution(out: &mut Vec<u8>, backend: Backend, survey: &Survey, coverage: &Coverage) {
    let bounds = TTL_BOUNDS_S.into_iter().map(Some).chain([None]);
    let buckets =
        bounds.zip(survey.ttl).map(|(within_seconds, held)| Bucket { within_seconds, amount: amount_of(held, survey) });
    let never = amount_of(survey.ttl[TTL_BUCKETS - 1], survey);
    let body = Ttl { totals: totals(backend, survey), buckets: buckets.collect(), never };
    answer(out, &body, TTL, coverage);
}

fn totals(backend: Backend, survey: &Survey) -> Totals {
    Totals {
        success: true,
        backend: backend.as_str(),
        total_items: survey.total.items,
        total_memory_usage: survey.total.bytes,
        items_looked_at: survey.looked_at,
        is_sample: survey.is_sample(),
    }
}

fn amount_of(amount: Amount, survey: &Survey) -> AmountBody {
    let Amount { items, bytes } = amount;
    AmountBody { items, bytes, percent_of_bytes: percent(bytes, survey.total.bytes) }
}
