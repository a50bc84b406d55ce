//! Calls that tell how the cache is used and what it holds.

use utoipa::openapi::path::HttpMethod;

use super::{
    super::{example, schema, schema::named},
    Call, READ, backend, covered, query, responses, scoped,
};
use crate::rest::{HOT_KEYS_DEFAULT, HOT_KEYS_MAX, PREFIXES_DEFAULT, PREFIXES_MAX};

pub(super) fn calls() -> Vec<Call> {
    vec![hot_keys(), access_patterns(), memory(), ttl(), backends()]
}

fn hot_keys() -> Call {
    let about = "Counted by a sketch of bounded size: `count` is a lower bound, `count` + `error` an upper one. Keys that are \
        gone are not shown; a clear begins anew. Of a range that changed hands, what the former primary counted is not part \
        of it.";
    let operation = scoped("hotKeys", "analytics", "Keys used most", about)
        .parameter(query("limit", schema::rows(HOT_KEYS_MAX, HOT_KEYS_DEFAULT), "Most keys."))
        .parameter(backend())
        .responses(responses(covered("The keys.", named("HotKeysResponse"), example::hot_keys()), READ));
    ("/api/cache/analytics/hot-keys", HttpMethod::Get, operation.build())
}

fn access_patterns() -> Call {
    let about = "Use by prefix of the key, by minute of the last hour, and the causes of evictions. Every operation is counted \
        once, by the node that served it, and kept as long as that node's process runs. Each part of a node tells 64 prefixes \
        apart; the rest is in `other_prefixes`.";
    let success = covered("The use.", named("AccessPatternsResponse"), example::access_patterns());
    let operation = scoped("accessPatterns", "analytics", "Access patterns", about)
        .parameter(query("limit", schema::rows(PREFIXES_MAX, PREFIXES_DEFAULT), "Most prefixes."))
        .parameter(backend())
        .responses(responses(success, READ));
    ("/api/cache/analytics/access-patterns", HttpMethod::Get, operation.build())
}

fn memory() -> Call {
    let about = "Every node looks at the items that it is primary of, in short steps: their sums are those of the statistics. \
        With more than a million items on a node, or when time runs out, it is a sample and says so.";
    let success = covered("The distribution.", named("MemoryResponse"), example::memory());
    let operation = scoped("memoryDistribution", "analytics", "Memory by type and prefix", about)
        .parameter(query("limit", schema::rows(PREFIXES_MAX, PREFIXES_DEFAULT), "Most prefixes."))
        .parameter(backend())
        .responses(responses(success, READ));
    ("/api/cache/analytics/memory", HttpMethod::Get, operation.build())
}

fn ttl() -> Call {
    let about = "By the time that remains. Looked at as for the memory.";
    let operation = scoped("ttlDistribution", "analytics", "Times to live", about)
        .parameter(backend())
        .responses(responses(covered("The distribution.", named("TtlResponse"), example::ttl_distribution()), READ));
    ("/api/cache/analytics/ttl", HttpMethod::Get, operation.build())
}

fn backends() -> Call {
    let about = "What each backend holds, did and how long that took at the nodes.";
    let operation = scoped("backends", "analytics", "Performance of the backends", about)
        .responses(responses(covered("The backends.", named("BackendsResponse"), example::backends()), READ));
    ("/api/cache/analytics/backends", HttpMethod::Get, operation.build())
}
