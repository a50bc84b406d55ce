//! The small parts: keys, words, times to live, values, metadata, and the item that is made of them.

use ringhold_model::{
    config::{Backend, DataType, Strategy, is_backend_built, is_strategy_built},
    key::{TAG_BYTES_MAX, TAGS_MAX},
};
use serde_json::json;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::{
    AnySchema, Named, any, any_of, boolean, count, count_or_null, list, map, may, must, named, object, or_null, text,
    time, word, words_and_null,
};
use crate::rest::{Limits, OFFSET_MAX, PAGE_KEYS_DEFAULT, PAGE_KEYS_MAX, PATTERN_BYTES_MAX};

/// A key without control characters (Unicode category Cc).
pub(super) const KEY_REGEX: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";

/// `*`, or entity tags with commas between them.
const ENTITY_TAGS_REGEX: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;

pub(super) fn add(all: &mut Named, limits: &Limits) {
    all.push(("Key", key(limits).into()));
    all.push(("Tag", text("A label for invalidation.").min_length(Some(1)).max_length(Some(TAG_BYTES_MAX)).into()));
    all.push(("Value", any(VALUE).into()));
    all.push(("Metadata", metadata()));
    all.push(("Ttl", ttl(limits).into()));
    all.push(("DataType", word(DATA_TYPE, DataType::ALL.iter().map(|word| word.as_str())).into()));
    all.push(("Backend", backend_word().into()));
    all.push(("Strategy", word(STRATEGY, strategies()).into()));
    all.push(("CacheItem", cache_item().into()));
}

const VALUE: &str = "Any JSON. It comes back as it went in: number text (a 20-digit integer, `1.50`, `1E5`), order of keys, \
    unicode; only insignificant whitespace is dropped. Nested at most 128 levels; without unpaired surrogates.";
const DATA_TYPE: &str = "What the value is. Left out: inferred (`string`, `number`, `boolean`, `list`, `dictionary`, \
    `json` for null). Given, the value must match; `json` takes any value, `binary` base64 text.";
const BACKEND: &str = "Where items are kept. `redis`, `memcached`, `database` and `file` are not built in this version and \
    refused with 422.";
const STRATEGY: &str = "Which item goes first when room is needed. `lru`: the least recently used. `lfu`: the least often \
    used. `fifo`: the oldest. `ttl`: the one that expires soonest. `s3fifo`, `w_tinylfu` and `sieve` mostly hit more \
    often than `lru`. `write_through` and `write_behind` are not built in this version and refused with 422.";

/// The key of an item.
pub(in crate::docs) fn key(limits: &Limits) -> ObjectBuilder {
    text("1 to `maxLength` bytes of UTF-8, no control characters (CACHE_MAX_KEY_LENGTH).")
        .min_length(Some(1))
        .max_length(Some(limits.key_bytes))
        .pattern(Some(KEY_REGEX))
        .examples(["user:123"])
}

/// A glob.
pub(in crate::docs) fn pattern() -> ObjectBuilder {
    text("An fnmatch glob over the whole key: `*`, `?`, `[seq]`, `[!seq]`; `*` also matches `/` and `:`.")
        .min_length(Some(1))
        .max_length(Some(PATTERN_BYTES_MAX))
        .examples(["user:*"])
}

/// A backend of this version.
pub(in crate::docs) fn backend_word() -> ObjectBuilder {
    word(BACKEND, backends())
}

/// Name of a namespace.
pub(in crate::docs) fn namespace() -> ObjectBuilder {
    text("1 to 64 letters, digits, dots, dashes or underscores.")
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some("^[A-Za-z0-9._-]{1,64}$"))
}

/// Any namespace but `default`.
pub(in crate::docs) fn removable_namespace() -> ObjectBuilder {
    namespace().pattern(Some("^(?!default$)[A-Za-z0-9._-]{1,64}$"))
}

/// Page size.
pub(in crate::docs) fn limit() -> ObjectBuilder {
    page_number().minimum(Some(1)).maximum(Some(PAGE_KEYS_MAX)).default(Some(json!(PAGE_KEYS_DEFAULT)))
}

/// Most rows of a list.
pub(in crate::docs) fn rows(max: u32, default: u32) -> ObjectBuilder {
    page_number().minimum(Some(1)).maximum(Some(max)).default(Some(json!(default)))
}

/// Keys to leave out.
pub(in crate::docs) fn offset() -> ObjectBuilder {
    page_number().minimum(Some(0)).maximum(Some(OFFSET_MAX))
}

/// Place in a walk. The format is ours: no other text than a `next_cursor` is accepted, and the empty one.
pub(in crate::docs) fn cursor() -> ObjectBuilder {
    text("The `next_cursor` of the page before; empty: the first page.")
        .format(Some(SchemaFormat::Custom("cursor".into())))
}

fn page_number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

/// Who may answer a read.
pub(in crate::docs) fn consistency() -> ObjectBuilder {
    word("", ["fresh", "strict"]).default(Some(json!("fresh")))
}

/// A list of entity tags, or `*` (RFC 9110, section 13.1).
pub(in crate::docs) fn entity_tags() -> ObjectBuilder {
    text("`*`, or versions in quotes with commas between them.")
        .format(Some(SchemaFormat::Custom("entity-tags".into())))
        .pattern(Some(ENTITY_TAGS_REGEX))
        .examples(["\"12-345\""])
}

/// A whole number of 64 bits, or null.
pub(super) fn integer_or_null(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(or_null(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(i64::MIN as isize))
        .maximum(Some(i64::MAX as isize))
        .description(Some(description))
}

/// A tag list.
pub(super) fn tags(description: &str) -> utoipa::openapi::schema::ArrayBuilder {
    list(description, named("Tag")).max_items(Some(TAGS_MAX)).unique_items(true)
}

/// A field that chooses a backend; null is the default one.
pub(super) fn backend_choice() -> ObjectBuilder {
    text("Left out or null: the default backend.")
        .schema_type(or_null(Type::String))
        .enum_values(Some(words_and_null(backends())))
}

/// A field that chooses a strategy; null is the configured one.
pub(super) fn strategy_choice() -> ObjectBuilder {
    text("Left out or null: the strategy of the configuration.")
        .schema_type(or_null(Type::String))
        .enum_values(Some(words_and_null(strategies())))
}

pub(super) fn strategies() -> impl Iterator<Item = &'static str> {
    Strategy::ALL.iter().filter(|word| is_strategy_built(**word)).map(|word| word.as_str())
}

fn backends() -> impl Iterator<Item = &'static str> {
    Backend::ALL.iter().filter(|word| is_backend_built(**word)).map(|word| word.as_str())
}

fn ttl(limits: &Limits) -> ObjectBuilder {
    count_or_null("Seconds to live. Null or left out: the `default_ttl` of the configuration. 0: for ever.")
        .maximum(Some(limits.ttl_seconds))
        .examples([3600])
}

fn metadata() -> AnySchema {
    object("Kept beside the value, at most 16 KiB. Left out: `{}`.", [may("tags", tags("For invalidation."))])
        .schema_type(or_null(Type::Object))
        .into()
}

fn cache_item() -> ObjectBuilder {
    object(
        "A cached item.",
        [
            must("key", named("Key")),
            must("value", named("Value")),
            must("data_type", named("DataType")),
            must("ttl", count_or_null("Seconds that remain, rounded up; null: for ever.")),
            must("created_at", time("When it was written.")),
            must("accessed_at", time("When it was last read, else written.")),
            must("access_count", count("Reads that hit.")),
            must("size", count("Bytes of the value as kept.")),
            must("metadata", named("Metadata")),
            must("version", version()),
            must("strategy", named("Strategy")),
            must("backend", named("Backend")),
        ],
    )
}

/// The version of an item.
pub(super) fn version() -> ObjectBuilder {
    text("Opaque; changes with every write, a touch included. In quotes it is the entity tag.").examples(["12-345"])
}

/// Items by key, as import takes them.
pub(super) fn import_data() -> ObjectBuilder {
    let item = object(
        "An item as export wrote it; at least its value. What does not validate fails alone.",
        [
            may("key", named("Key")),
            may("value", named("Value")),
            may("data_type", named("DataType")),
            may("ttl", named("Ttl")),
            may("created_at", time("")),
            may("accessed_at", time("")),
            may("access_count", count("")),
            may("metadata", named("Metadata")),
            may("strategy", strategy_choice()),
            may("backend", backend_choice()),
        ],
    );
    map("Items by key.", any_of("", [item.into(), any("Anything else fails alone.").into()]))
}

/// Which answers are whole.
pub(super) fn found(value: bool) -> super::Field {
    must("found", boolean("").enum_values(Some([value])))
}
