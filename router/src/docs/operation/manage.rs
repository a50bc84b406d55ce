//! Calls on many keys, the configuration, transfers and namespaces.

use serde_json::json;
use utoipa::openapi::{
    Required,
    content::ContentBuilder,
    path::HttpMethod,
    request_body::RequestBodyBuilder,
    schema::{ObjectBuilder, Type},
};

use super::{
    super::{
        example,
        schema::{self, named},
    },
    BODY, Call, READ, answer, backend, covered, json_body, json_content, operation, path, pattern, query, responses,
    scoped,
};

/// Clear and invalidate: 503 says how far they came.
const CLEAR: &[u16] = &[422, 500, 5030, 504];
const INVALIDATE: &[u16] = &[400, 408, 413, 415, 422, 500, 5030, 504];
const IMPORT: &[u16] = &[400, 408, 409, 413, 415, 422, 500, 503, 504];

pub(super) fn calls() -> Vec<Call> {
    vec![
        keys(),
        clear(),
        invalidate(),
        stats(),
        config(),
        set_config(),
        patch_config(),
        export(),
        import(),
        namespaces(),
        remove_namespace(),
    ]
}

fn keys() -> Call {
    let about = "Without `cursor`: in key order, by `offset`. With `cursor`: a walk in hash order, which begins with an empty \
        one, goes on with `next_cursor`, costs its page only and gives each key that stays exactly once.";
    let operation = scoped("keys", "keys", "List keys", about)
        .parameter(pattern("Left out: all keys."))
        .parameter(query("limit", schema::limit(), "Most keys on the page."))
        .parameter(query("offset", schema::offset(), "Keys to leave out, in key order; without meaning in a walk."))
        .parameter(query("cursor", schema::cursor(), "Begins a walk (empty) or goes on with it."))
        .parameter(backend())
        .responses(responses(covered("A page.", named("KeysResponse"), example::keys()), READ));
    ("/api/cache/keys", HttpMethod::Get, operation.build())
}

fn clear() -> Call {
    let success = covered("Every range did it.", named("ClearResponse"), example::cleared());
    let operation = scoped("clear", "keys", "Remove items", "Without a pattern: the whole namespace and backend.")
        .parameter(pattern("Only keys that match."))
        .parameter(backend())
        .responses(responses(success, CLEAR));
    ("/api/cache/clear", HttpMethod::Post, operation.build())
}

fn invalidate() -> Call {
    let success = covered("Every range did it.", named("InvalidateResponse"), example::invalidated());
    let about = "Items that match the pattern or carry any of the tags.";
    let operation = scoped("invalidate", "keys", "Remove items by tag or pattern", about)
        .request_body(Some(json_body("InvalidateRequest", example::invalidate_request())))
        .responses(responses(success, INVALIDATE));
    ("/api/cache/invalidate", HttpMethod::Post, operation.build())
}

fn stats() -> Call {
    let about = "Merged over the nodes: counters add, histograms add, rates are recomputed.";
    let operation = scoped("stats", "configuration", "Statistics", about)
        .parameter(backend())
        .responses(responses(covered("The figures.", named("StatsResponse"), example::stats()), READ));
    ("/api/cache/stats", HttpMethod::Get, operation.build())
}

fn config() -> Call {
    let operation = scoped("getConfig", "configuration", "Read the configuration", "")
        .parameter(backend())
        .responses(responses(answer("What holds.", named("ConfigResponse"), example::config()), READ));
    ("/api/cache/config", HttpMethod::Get, operation.build())
}

fn set_config() -> Call {
    let about = "For the backend that the body names. What is left out takes its default.";
    let operation = scoped("setConfig", "configuration", "Replace the configuration", about)
        .request_body(Some(json_body("CacheConfigRequest", example::config_request())))
        .responses(responses(changed(), BODY));
    ("/api/cache/config", HttpMethod::Post, operation.build())
}

fn patch_config() -> Call {
    let operation = scoped("patchConfig", "configuration", "Change fields of the configuration", "")
        .parameter(backend())
        .request_body(Some(json_body("CacheConfigPatch", example::config_patch())))
        .responses(responses(changed(), BODY));
    ("/api/cache/config", HttpMethod::Patch, operation.build())
}

fn changed() -> utoipa::openapi::response::ResponseBuilder {
    covered("Every serving node applied it.", named("ConfigChangeResponse"), example::config_changed())
}

fn export() -> Call {
    let format = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["json", "ndjson"]))
        .default(Some(json!("json")));
    let about = "Streamed. The end says what it covers; a stream that broke off lacks it and is no valid JSON.";
    let success = answer("The items.", named("ExportResponse"), example::export())
        .content("application/x-ndjson", lines("One item a line; the last line says what the export covers."));
    let operation = scoped("export", "transfer", "Export items", about)
        .parameter(query("format", format, "One JSON object, or one item a line."))
        .parameter(pattern("Only keys that match."))
        .parameter(backend())
        .responses(responses(success, READ));
    ("/api/cache/export", HttpMethod::Get, operation.build())
}

fn import() -> Call {
    let choice = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["replace", "skip"]))
        .default(Some(json!("replace")));
    let body = RequestBodyBuilder::new()
        .description(Some("What export gave, in either form."))
        .content("application/json", json_content(named("ImportRequest"), example::import_request()))
        .content("application/x-ndjson", lines("One item a line."))
        .required(Some(Required::True));
    let about = "Streamed, each item on its own. Remaining times to live, metadata and counts survive. Stops with 409 when \
        the namespace is cleared meanwhile.";
    let operation = scoped("import", "transfer", "Import items", about)
        .parameter(query("on_conflict", choice, "What to do with a key that is there."))
        .request_body(Some(body.build()))
        .responses(responses(
            covered("What became of the items.", named("ImportResponse"), example::imported()),
            IMPORT,
        ));
    ("/api/cache/import", HttpMethod::Post, operation.build())
}

fn lines(description: &str) -> utoipa::openapi::Content {
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    ContentBuilder::new().schema(Some(schema)).example(Some(example::export_lines())).build()
}

fn namespaces() -> Call {
    let success = covered("All namespaces.", named("NamespacesResponse"), example::namespaces());
    let operation = operation("listNamespaces", "cluster", "List namespaces", "With what they hold.")
        .responses(responses(success, &[500, 503, 504]));
    ("/api/namespaces", HttpMethod::Get, operation.build())
}

fn remove_namespace() -> Call {
    let success = answer("Removed, or there was none.", named("NamespaceRemoved"), example::namespace_removed());
    let about = "With all it holds. `default` cannot be removed: 422.";
    let operation = operation("removeNamespace", "cluster", "Remove a namespace", about)
        .parameter(path("namespace", schema::removable_namespace(), "Its name."))
        .responses(responses(success, &[422, 500, 5030, 504]));
    ("/api/namespaces/{namespace}", HttpMethod::Delete, operation.build())
}
