//! Bodies of success of calls on one item.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::{
    Field, Named, answer::key, any_of, boolean, count, count_or_null, item, message, must, named, named_or_null,
    object, success,
};

pub(super) fn add(all: &mut Named) {
    all.push(("SetResponse", set().into()));
    all.push(("GetHit", object("", [success(), item::found(true), must("cache_item", named("CacheItem"))]).into()));
    all.push(("GetMiss", object("", [success(), item::found(false), message(), key()]).into()));
    all.push(("GetResponse", any_of("A hit or a miss; both are 200.", [named("GetHit"), named("GetMiss")])));
    all.push(("IncrResponse", incr().into()));
    all.push(("GetsetResponse", getset().into()));
    all.push(("TouchHit", touch_hit().into()));
    all.push(("TouchResponse", any_of("An item or none; both are 200.", [named("TouchHit"), named("GetMiss")])));
    all.push(("DeleteResponse", delete().into()));
}

fn set() -> ObjectBuilder {
    object("", [success(), message(), key()].into_iter().chain(stored()))
}

/// What is said of an item that was stored.
fn stored() -> [Field; 6] {
    [
        must("size", count("Bytes of the value as kept.")),
        must("ttl", count_or_null("Seconds it will live; null: for ever.")),
        must("backend", named("Backend")),
        must("strategy", named("Strategy")),
        must("version", item::version()),
        must("copies", count("How many nodes hold it.")),
    ]
}

fn getset() -> ObjectBuilder {
    let fields = [
        success(),
        must("found", boolean("Whether there was an item.")),
        message(),
        key(),
        must("cache_item", named_or_null("CacheItem")),
    ];
    object("The item that was there (`cache_item`), and what was stored.", fields.into_iter().chain(stored()))
}

fn incr() -> ObjectBuilder {
    let sum = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some("The sum."));
    object(
        "",
        [
            success(),
            key(),
            must("value", sum),
            must("version", item::version()),
            must("copies", count("How many nodes hold it.")),
            must("ttl", count_or_null("Seconds that remain; null: for ever.")),
        ],
    )
}

fn touch_hit() -> ObjectBuilder {
    let ttl = must("ttl", count_or_null("Seconds it will live; null: for ever."));
    object("", [success(), item::found(true), message(), key(), ttl, must("version", item::version())])
}

fn delete() -> ObjectBuilder {
    object("", [success(), must("found", boolean("Whether there was something to delete.")), message(), key()])
}
