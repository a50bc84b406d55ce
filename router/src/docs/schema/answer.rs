//! Bodies of success of calls on many items, the cluster and the service.

use utoipa::openapi::schema::ObjectBuilder;

use super::{
    AnySchema, Field, Named, any_of, boolean, count, count_or_null, coverage, fixed, list, map, message, must, named,
    named_or_null, number, object, request, success, text, text_or_null, time, word,
};

pub(super) fn add(all: &mut Named) {
    all.push(("ClearResponse", covered("", [success(), message(), deleted(), pattern()]).into()));
    all.push(("InvalidateResponse", covered("", [success(), message(), deleted(), tags(), pattern()]).into()));
    all.push(("SetBatchResponse", set_batch().into()));
    all.push(("GetBatchResponse", get_batch().into()));
    all.push(("KeysResponse", keys().into()));
    all.push(("CacheConfig", request::config_answer().into()));
    all.push(("ConfigResponse", config([]).into()));
    all.push(("ConfigChangeResponse", config([message()]).into()));
    all.push(("Statistics", statistics().into()));
    all.push(("RawStats", raw_stats().into()));
    all.push(("NodeStats", node_stats().into()));
    all.push(("StatsResponse", stats().into()));
    all.push(("ExportResponse", export().into()));
    all.push(("ImportResponse", import().into()));
    all.push(("NamespacesResponse", namespaces().into()));
    all.push(("NamespaceRemoved", removed().into()));
    all.push(("HealthResponse", health().into()));
    all.push(("RootResponse", root().into()));
    all.push(("Coverage", coverage_schema().into()));
}

pub(super) fn covered(description: &str, fields: impl IntoIterator<Item = Field>) -> ObjectBuilder {
    object(description, fields.into_iter().chain(coverage()))
}

pub(super) fn key() -> Field {
    must("key", named("Key"))
}

fn deleted() -> Field {
    must("deleted_count", count("Items removed."))
}

fn pattern() -> Field {
    must("pattern", text_or_null("As asked."))
}

fn tags() -> Field {
    must("tags", list("As asked.", named("Tag")))
}

/// The results of a batch: each succeeded with a result or failed with an error.
fn results(result: &str) -> AnySchema {
    let item_key = || must("key", text_or_null("Null where the item had none."));
    let good = object("", [item_key(), must("success", fixed(true, "")), must("result", named(result))]);
    let bad = object("", [item_key(), must("success", fixed(false, "")), must("error", named("ItemError"))]);
    list("In the order of the request.", any_of("", [good.into(), bad.into()])).into()
}

fn set_batch() -> ObjectBuilder {
    covered(
        "",
        [
            success(),
            message(),
            must("total_items", count("")),
            must("successful_count", count("")),
            must("failed_count", count("")),
            must("results", results("SetResponse")),
        ],
    )
}

fn get_batch() -> ObjectBuilder {
    covered(
        "",
        [
            success(),
            message(),
            must("total_keys", count("")),
            must("found_count", count("")),
            must("not_found_count", count("")),
            must("failed_count", count("Keys that do not validate or could not be read.")),
            must("results", results("GetResponse")),
        ],
    )
}

fn keys() -> ObjectBuilder {
    let entry = object(
        "",
        [
            key(),
            must("data_type", named("DataType")),
            must("size", count("Bytes of the value.")),
            must("ttl", count_or_null("Seconds that remain; null: for ever.")),
            must("created_at", time("")),
            must("access_count", count("")),
            must("last_accessed", time("")),
        ],
    );
    covered(
        "A page of keys.",
        [
            success(),
            must("total_keys", count_or_null("How many match; null after the first page of a walk.")),
            must("limit", count("As asked.")),
            must("offset", count("As asked; 0 in a walk.")),
            must("next_cursor", text_or_null("Where the walk goes on; null at its end and on pages by offset.")),
            must("keys", list("", entry)),
        ],
    )
}

fn config(extra: impl IntoIterator<Item = Field>) -> ObjectBuilder {
    let fields = [
        must("config", named("CacheConfig")),
        must("default_backend", named("Backend")),
        must("version", count("Changes with the configuration.")),
    ];
    object("", [success()].into_iter().chain(extra).chain(fields))
}

fn statistics() -> ObjectBuilder {
    let micros = |name| must(name, count_or_null("Null without measurements."));
    let latency = object(
        "Time that nodes take to serve a frame of reads and writes, in microseconds.",
        [micros("p50"), micros("p90"), micros("p99"), micros("p999"), micros("max")],
    );
    let percent = |description| number(description).maximum(Some(100));
    object(
        "",
        [
            must("total_items", count("Live items.")),
            must("total_memory_usage", count("Bytes charged to them.")),
            must("copy_items", count("Items held as copies.")),
            must("copy_memory_usage", count("Bytes charged to copies.")),
            must("hit_rate", percent("Percent of reads; 0 without reads.")),
            must("miss_rate", percent("Percent of reads; 0 without reads.")),
            must("eviction_count", count("Items removed to make room.")),
            must("expired_count", count("Items whose time was over.")),
            must("evictions_per_second", number("Over the last 10 seconds.")),
            must("ops_per_second", number("Reads and writes, over the last 10 seconds.")),
            must("max_memory", count("Bytes that may be held, summed over the nodes; 0: no limit.")),
            must("max_items", count("Items that may be held, summed over the nodes; 0: no limit.")),
            must("latency_us", latency),
            must("backend", named("Backend")),
            must("strategy", named("Strategy")),
        ],
    )
}

fn raw_stats() -> ObjectBuilder {
    object(
        "Plain counters since the nodes started.",
        [
            must("hits", count("")),
            must("misses", count("")),
            must("sets", count("")),
            must("deletes", count("")),
            must("evictions", count("")),
            must("expired", count("")),
            must("invalidated", count("")),
            must("total_items", count("")),
            must("total_memory_usage", count("")),
        ],
    )
}

pub(super) fn node_state() -> ObjectBuilder {
    word("", ["joining", "active", "leaving", "gone", "down"])
}

fn node_stats() -> ObjectBuilder {
    object(
        "One node. Its figures are null when it did not answer.",
        [
            must("node", count("Its id.")),
            must("state", node_state()),
            must("address", text("")),
            must("uptime_seconds", count_or_null("")),
            must("rss_bytes", count_or_null("Memory of the process.")),
            must("statistics", named_or_null("Statistics")),
            must("raw_stats", named_or_null("RawStats")),
        ],
    )
}

fn stats() -> ObjectBuilder {
    covered(
        "",
        [
            success(),
            must("statistics", named("Statistics")),
            must("config", named("CacheConfig")),
            must("raw_stats", named("RawStats")),
            must("nodes", list("", named("NodeStats"))),
        ],
    )
}

fn export() -> ObjectBuilder {
    covered(
        "An export in its JSON form.",
        [
            success(),
            must("format", word("", ["json"])),
            must("namespace", text("")),
            must("exported_at", time("When the export began.")),
            must("data", map("Items by key.", named("CacheItem"))),
            must("total_items", count("")),
        ],
    )
}

fn import() -> ObjectBuilder {
    let fault = object(
        "",
        [
            must("item", count("Its line, or its place in `data`, from 1.")),
            must("key", text_or_null("Null where the item had none.")),
            must("error", named("ItemError")),
        ],
    );
    covered(
        "",
        [
            success(),
            message(),
            must("total_items", count("")),
            must("successful_count", count("Items stored.")),
            must("skipped_count", count("Items left alone, because the key was there.")),
            must("failed_count", count("")),
            must("errors", list("The first failed items.", fault)),
        ],
    )
}

fn namespaces() -> ObjectBuilder {
    let row = object(
        "",
        [
            must("name", text("")),
            must("total_items", count("Live items of all backends.")),
            must("total_memory_usage", count("Bytes charged to them.")),
        ],
    );
    covered("", [success(), must("total_namespaces", count("")), must("namespaces", list("", row))])
}

fn removed() -> ObjectBuilder {
    object("", [success(), must("found", boolean("")), message(), must("namespace", text(""))])
}

fn health() -> ObjectBuilder {
    let check = object("", [must("name", text("")), must("ok", boolean("")), must("detail", text(""))]);
    object(
        "",
        [
            must("status", word("", ["healthy", "degraded", "unhealthy"])),
            must("timestamp", time("")),
            must("version", text("")),
            super::may("checks", list("What was looked at.", check)),
            super::may("warnings", list("What a person should see to; left out when there is nothing.", text(""))),
        ],
    )
}

fn root() -> ObjectBuilder {
    object(
        "",
        [
            message(),
            must("version", text("")),
            must("status", word("", ["running"])),
            must("docs", text("")),
            must("redoc", text("")),
            must("openapi", text("")),
        ],
    )
}

fn coverage_schema() -> ObjectBuilder {
    object(
        "How much of the cluster contributed; also in the header X-Cache-Coverage.",
        [
            must("nodes", count("Nodes that answered.")),
            must("nodes_total", count("Nodes that hold what was asked for.")),
            must("ranges", count("Ranges whose answer is in.")),
            must("ranges_total", count("Ranges that were asked for.")),
        ],
    )
}
