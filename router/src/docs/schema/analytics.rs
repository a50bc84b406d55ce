//! Bodies of the analytics. Every figure says how the nodes' figures make it up.

use utoipa::openapi::schema::ObjectBuilder;

use super::{
    Field, Named, answer::covered, boolean, count, count_or_null, list, map, must, named, number, number_or_null,
    object, success, text, text_or_null, time,
};

pub(super) fn add(all: &mut Named) {
    all.push(("HotKeysResponse", hot_keys().into()));
    all.push(("KeyUse", key_use().into()));
    all.push(("AccessPatternsResponse", patterns().into()));
    all.push(("Held", held().into()));
    all.push(("MemoryResponse", memory().into()));
    all.push(("TtlResponse", ttl().into()));
    all.push(("BackendsResponse", backends().into()));
    all.push(("OperationRates", rates().into()));
}

fn merging() -> Field {
    must("merging", map("How each figure is made of the nodes' figures.", text("")))
}

fn backend() -> Field {
    must("backend", named("Backend"))
}

fn hot_keys() -> ObjectBuilder {
    let row = object(
        "",
        [
            must("key", named("Key")),
            must(
                "count",
                count("It was read or written at least so often. Merged: counted at the key's primary only."),
            ),
            must("error", count("And at most so much more often. Merged: adds where counts add.")),
            must("per_second", number("`count` over the window.")),
        ],
    );
    covered(
        "Keys that are there and were used most, most used first.",
        [
            success(),
            backend(),
            must("limit", count("As asked.")),
            must(
                "window_seconds",
                number(
                    "For how long they were counted: the last full five minutes and the present ones. Merged: greatest.",
                ),
            ),
            must("hot_keys", list("", row)),
            must("unlisted_max", count("No key that is not listed was used more often. Merged: greatest.")),
            merging(),
        ],
    )
}

fn key_use() -> ObjectBuilder {
    object("Merged: counters add; the rate is made of the sums.", uses())
}

fn uses() -> [Field; 5] {
    [
        must("operations", count("Reads and writes.")),
        must("hits", count("Reads that found an item.")),
        must("misses", count("Reads that did not.")),
        must("writes", count("Writes and deletions.")),
        must("hit_rate", number("Percent of reads; 0 without reads.").maximum(Some(100))),
    ]
}

fn patterns() -> ObjectBuilder {
    let prefix =
        [must("prefix", text_or_null("The key up to its first `:`, if that is among its first 32 bytes; else null."))];
    let prefix = object("", prefix.into_iter().chain(uses()));
    let minute = object(
        "",
        [
            must("start", time("")),
            must("operations", count("Reads and writes.")),
            must("hits", count("")),
            must("misses", count("")),
            must("hit_rate", number("Percent of reads; 0 without reads.").maximum(Some(100))),
            must("sets", count("")),
            must("deletes", count("")),
            must("evictions", count("")),
            must("expired", count("")),
        ],
    );
    let causes = object(
        "Items removed to make room, by what made that necessary. Merged: counters add.",
        [
            must("max_items", count("A write, at the limit of items.")),
            must("max_memory", count("A write, at the limit of memory.")),
            must("lowered_limit", count("A limit that was lowered below what was held.")),
            must("room_for_copies", count("A node that holds a copy and was short of room.")),
        ],
    );
    covered(
        "How keys are used.",
        [
            success(),
            backend(),
            must("operations_per_second", named("OperationRates")),
            must("prefixes", list("Since the nodes started, most used first. Merged: adds by prefix.", prefix)),
            must("other_prefixes", named("KeyUse")),
            must(
                "minutes",
                list(
                    "The last hour by minute of the wall clock, the present one last. Merged: adds by minute.",
                    minute,
                ),
            ),
            must("evictions", causes),
            merging(),
        ],
    )
}

fn rates() -> ObjectBuilder {
    object(
        "Reads and writes a second over the last one, five and fifteen minutes. Merged: operations add, then the time divides.",
        [must("1m", number("")), must("5m", number("")), must("15m", number(""))],
    )
}

fn amounts() -> [Field; 3] {
    [
        must("items", count("")),
        must("bytes", count("Charged to them.")),
        must("percent_of_bytes", number("Of all.").maximum(Some(100))),
    ]
}

fn held() -> ObjectBuilder {
    object("Merged: items and bytes add; the share is made of the sums.", amounts())
}

fn totals() -> [Field; 6] {
    [
        success(),
        backend(),
        must("total_items", count("Live items of the primaries. Merged: adds.")),
        must("total_memory_usage", count("Bytes charged to them. Merged: adds.")),
        must("items_looked_at", count("Items that the figures below were taken from. Merged: adds.")),
        must(
            "is_sample",
            boolean(
                "True when a node stopped at a million items or for want of time. It then scales what it has found up to all \
                that it holds.",
            ),
        ),
    ]
}

fn memory() -> ObjectBuilder {
    let data_type = object("", [must("data_type", named("DataType"))].into_iter().chain(amounts()));
    let about = "The key up to its first `:`, if that is among its first 32 bytes; else null.";
    let prefix = object("", [must("prefix", text_or_null(about))].into_iter().chain(amounts()));
    let fields = [
        must("data_types", list("Most bytes first. Merged: adds by type.", data_type)),
        must("prefixes", list("Most bytes first. Merged: adds by prefix.", prefix)),
        must("other_prefixes", named("Held")),
        merging(),
    ];
    covered("What takes how much memory.", totals().into_iter().chain(fields))
}

fn ttl() -> ObjectBuilder {
    let within =
        must("within_seconds", count_or_null("Longest remaining time, the bucket before left out; null: longer."));
    let bucket = object("", [within].into_iter().chain(amounts()));
    let fields = [
        must("buckets", list("By remaining time, soonest first. Merged: adds by bucket.", bucket)),
        must("never", named("Held")),
        merging(),
    ];
    covered("For how long items live still.", totals().into_iter().chain(fields))
}

fn backends() -> ObjectBuilder {
    let micros =
        |name| must(name, count_or_null("Null without measurements; at most an eighth above the time itself."));
    let operation = object(
        "Times at the nodes, from the call's arrival to its encoded answer, in microseconds. Merged: histograms add.",
        [
            must("count", count("Calls executed. Merged: adds.")),
            must("mean_us", number_or_null("Merged: sum of the times over their number.")),
            micros("p50_us"),
            micros("p90_us"),
            micros("p99_us"),
            micros("p999_us"),
            micros("max_us"),
        ],
    );
    let errors = object(
        "Merged: counters add.",
        [
            must("failed", count("Operations that failed for a reason that repeating does not change.")),
            must("deferred", count("Operations that a node could not do then or in its role; routers ask again.")),
            must("failed_percent", number("Failed ones, of the calls executed.").maximum(Some(100))),
        ],
    );
    let about = "`get`, `set`, `delete`, `incr`, `getset`, `touch`: single ones; `batch`: a node's share of a batch; `scan`, \
        `keys`, `count`, `invalidate`, `clear`, `survey`: over many keys.";
    let row = object(
        "",
        [
            backend(),
            must("is_default", boolean("It serves requests that name none.")),
            must("total_items", count("Live items of the primaries. Merged: adds.")),
            must("total_memory_usage", count("Bytes charged to them. Merged: adds.")),
            must("hit_rate", number("Percent of reads. Merged: made of the sums.").maximum(Some(100))),
            must("operations_per_second", named("OperationRates")),
            must("operations", map(about, operation)),
            must("errors", errors),
        ],
    );
    covered("The backends that are built.", [success(), must("backends", list("", row)), merging()])
}
