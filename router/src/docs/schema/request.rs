//! Bodies that are accepted.

use ringhold_model::config::{CLEANUP_INTERVAL_MAX_SECONDS, CacheConfig, DEFAULT_TTL_MAX_SECONDS, LfuAging};
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{
    AnySchema, Field, Named, all_of, any, any_of, boolean, count, fixed, item, list, map, may, must, named, object,
    or_null, text, text_or_null, word,
};
use crate::rest::{Limits, PATTERN_BYTES_MAX, config::LIMIT_MAX};

/// Padded base64 in its one canonical spelling.
const BASE64_REGEX: &str = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

pub(super) fn add(all: &mut Named, limits: &Limits) {
    all.push(("CacheRequest", set_request([must("key", named("Key"))])));
    all.push(("GetsetRequest", set_request([])));
    all.push(("IncrRequest", incr()));
    all.push(("TouchRequest", touch()));
    all.push(("SetBatchRequest", set_batch(limits)));
    all.push(("GetBatchRequest", get_batch(limits)));
    all.push(("WarmRequest", warm(limits)));
    all.push(("InvalidateRequest", invalidate()));
    all.push(("CacheConfigRequest", config_request(limits)));
    all.push(("CacheConfigPatch", config_patch(limits)));
    all.push(("ImportRequest", import()));
}

fn set_request(key: impl IntoIterator<Item = Field>) -> AnySchema {
    let if_absent = boolean("Store only where no item is.").schema_type(or_null(Type::Boolean));
    let if_version = text_or_null("Store only over the item with this version, as `version` was given out; else 409.");
    let fields = [
        must("value", named("Value")),
        may("data_type", named("DataType")),
        may("ttl", named("Ttl")),
        may("backend", item::backend_choice()),
        may("strategy", item::strategy_choice()),
        may("metadata", named("Metadata")),
        may("if_absent", if_absent),
        may("if_version", if_version),
    ];
    let fields = object("What to store under a key.", key.into_iter().chain(fields));
    let typed = |word_: &'static str, value: AnySchema| -> AnySchema {
        object("", [may("data_type", word("", [word_])), may("value", value)]).title(Some(word_)).into()
    };
    let plain = |plain: Type| -> AnySchema { ObjectBuilder::new().schema_type(plain).into() };
    let items = list("", any("")).into();
    let matching = any_of(
        "A `data_type` that is given must match the value.",
        [
            typed("json", any("").into()),
            typed("string", plain(Type::String)),
            typed("number", plain(Type::Number)),
            typed("boolean", plain(Type::Boolean)),
            typed("list", items),
            typed("dictionary", plain(Type::Object)),
            typed("binary", text("").content_encoding("base64").pattern(Some(BASE64_REGEX)).into()),
        ],
    );
    all_of("", [fields.into(), matching])
}

fn incr() -> AnySchema {
    let fields = [
        may("by", item::integer_or_null("What to add; may be negative.").default(Some(json!(1)))),
        may("initial", item::integer_or_null("What to add it to where no item is.").default(Some(json!(0)))),
        may("ttl", named("Ttl")),
        may("backend", item::backend_choice()),
        may("strategy", item::strategy_choice()),
        may("metadata", named("Metadata")),
    ];
    object("What to add. `ttl`, `strategy` and `metadata` count only for an item that is made.", fields).into()
}

fn touch() -> AnySchema {
    object("The new time to live.", [may("ttl", named("Ttl")), may("backend", item::backend_choice())]).into()
}

fn set_batch(limits: &Limits) -> AnySchema {
    let item = any_of("", [named("CacheRequest"), any("Anything else fails alone.").into()]);
    list("Items to store, served in order. An item that does not validate fails alone.", item)
        .max_items(Some(limits.batch_items))
        .into()
}

fn get_batch(limits: &Limits) -> AnySchema {
    let item = any_of("", [named("Key"), any("Anything else fails alone.").into()]);
    list("Keys to read. One that does not validate fails alone.", item).max_items(Some(limits.batch_items)).into()
}

fn warm(limits: &Limits) -> AnySchema {
    map("Values by key; their types are inferred, everything else is the default.", named("Value"))
        .max_properties(Some(limits.batch_items))
        .into()
}

fn invalidate() -> AnySchema {
    let pattern =
        text_or_null("An fnmatch glob over the whole key.").min_length(Some(1)).max_length(Some(PATTERN_BYTES_MAX));
    let fields = object(
        "What to remove: items that match the pattern or carry any of the tags.",
        [
            may("tags", item::tags("Any of them.").schema_type(or_null(Type::Array))),
            may("pattern", pattern),
            may(
                "backend",
                item::backend_choice().description(Some("Left out or null: every backend of the namespace.")),
            ),
        ],
    );
    let by_tags = object("", [must("tags", list("", any("")).min_items(Some(1)))]).title(Some("by tags"));
    let by_pattern = object("", [must("pattern", text(""))]).title(Some("by pattern"));
    all_of("", [fields.into(), any_of("Tags, a pattern or both.", [by_tags.into(), by_pattern.into()])])
}

fn config_request(limits: &Limits) -> AnySchema {
    let fields = config_fields(limits, true);
    object("A whole configuration; what is left out takes its default.", fields).into()
}

fn config_patch(limits: &Limits) -> AnySchema {
    let names = config_fields(limits, false).into_iter().map(|field| field.name).filter(|name| *name != "backend");
    let given = names
        .chain(["default_backend"])
        .map(|name| ObjectBuilder::new().schema_type(Type::Object).title(Some(name)).required(name).into());
    let given = any_of("At least one field to change.", given);
    let default_backend =
        item::backend_word().description(Some("Backend of requests that name none, for the whole cluster."));
    let fields = config_fields(limits, false).into_iter().chain([may("default_backend", default_backend)]);
    all_of("", [object("The fields to change.", fields).into(), given])
}

fn config_fields(limits: &Limits, has_defaults: bool) -> Vec<Field> {
    let base = CacheConfig::default();
    let default = |value: Value| has_defaults.then_some(value);
    let number = |description: &str, min: u64, max: u64, value: u64| {
        count(description).minimum(Some(min)).maximum(Some(max)).default(default(json!(value)))
    };
    let off = |description: &str| fixed(false, description).default(default(json!(false)));
    let ttl_max = limits.ttl_seconds.min(DEFAULT_TTL_MAX_SECONDS);
    vec![
        may("backend", item::backend_word().default(default(json!(base.backend.as_str())))),
        may(
            "strategy",
            word("Strategy of items that bring none.", item::strategies())
                .default(default(json!(base.strategy.as_str()))),
        ),
        may("max_memory", number("Bytes that one node may hold; 0: no limit.", 0, LIMIT_MAX, base.max_memory)),
        may("max_items", number("Items that one node may hold; 0: no limit.", 0, LIMIT_MAX, base.max_items)),
        may(
            "default_ttl",
            number("Seconds to live of items that bring none; 0: for ever.", 0, ttl_max, base.default_ttl),
        ),
        may(
            "cleanup_interval",
            number(
                "Longest time that an expired item may occupy memory, in seconds.",
                1,
                CLEANUP_INTERVAL_MAX_SECONDS,
                base.cleanup_interval,
            ),
        ),
        may("compression_enabled", off("Not built in this version: only false.")),
        may("encryption_enabled", off("Not built in this version: only false.")),
        may("lfu_aging", lfu_aging().default(default(json!(base.lfu_aging.as_str())))),
    ]
}

fn lfu_aging() -> ObjectBuilder {
    let about = "Whether `lfu` lets what was used often once grow old. `none`: uses count for ever. `dynamic`: what is used \
        gets the age of the list on top of its uses; the age is what the last victim had (LFU-DA).";
    word(about, LfuAging::ALL.iter().map(|word| word.as_str()))
}

fn import() -> AnySchema {
    object("What export gave. Members other than `data` are stepped over.", [must("data", item::import_data())]).into()
}

/// The configuration as it is answered.
pub(super) fn config_answer() -> ObjectBuilder {
    object(
        "How one backend of a namespace behaves.",
        [
            must("backend", named("Backend")),
            must("strategy", named("Strategy")),
            must("max_memory", count("Bytes that one node may hold; 0: no limit.")),
            must("max_items", count("Items that one node may hold; 0: no limit.")),
            must("default_ttl", count("Seconds to live of items that bring none; 0: for ever.")),
            must("cleanup_interval", count("Longest time that an expired item may occupy memory, in seconds.")),
            must("compression_enabled", boolean("Whether stored bytes are compressed.")),
            must("encryption_enabled", boolean("Whether stored bytes are encrypted.")),
            must("lfu_aging", lfu_aging()),
        ],
    )
}
