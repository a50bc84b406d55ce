//! Bodies of the calls about API keys.

use ringhold_model::cluster::ACCESS_BOUNDS_MAX;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{
    Named, boolean, count, count_or_null, list, may, message, must, named, namespace, object, or_null, pattern,
    success, text, time, word,
};
use crate::rest::access::{EXPIRES_IN_MAX, NAME_CHARS_MAX, OVERLAP_DEFAULT, OVERLAP_MAX, PATTERN_CHARS_MAX};

pub(super) fn add(all: &mut Named) {
    all.push(("ApiKeyRequest", request().into()));
    all.push(("ApiKeyRotation", rotation().into()));
    all.push(("ApiKey", key().into()));
    let told = "The text to send with calls. It is kept nowhere.";
    all.push((
        "ApiKeyTold",
        object("", [success(), message(), must("api_key", text(told)), must("key", named("ApiKey"))]).into(),
    ));
    let keys = [success(), must("total_keys", count("")), must("keys", list("", named("ApiKey")))];
    all.push(("ApiKeysResponse", object("", keys).into()));
    let found = must("found", boolean("False: there was no such key."));
    all.push(("ApiKeyRevoked", object("", [success(), found, message(), must("id", access_key_id())]).into()));
}

/// Id of a key.
pub(in crate::docs) fn access_key_id() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{16}$"))
}

fn request() -> ObjectBuilder {
    let name =
        text("For people.").min_length(Some(1)).max_length(Some(NAME_CHARS_MAX)).pattern(Some(super::item::KEY_REGEX));
    let scope = word("", ["read", "write", "admin"]);
    let scopes = "`admin` holds the others; a key with it is bound to nothing.";
    let namespaces = "Namespaces that it opens; left out: all.";
    let patterns = "Patterns of the keys that it opens; left out: all. A key that is bound to patterns makes only calls about \
        single keys and batches.";
    let bounded = |about: &str, item: ObjectBuilder| {
        list(about, item).schema_type(or_null(Type::Array)).min_items(Some(1)).max_items(Some(ACCESS_BOUNDS_MAX))
    };
    let expires = "Seconds that it lives; left out: for ever.";
    object(
        "What a new key opens.",
        [
            must("name", name),
            must("scopes", list(scopes, scope).min_items(Some(1)).max_items(Some(ACCESS_BOUNDS_MAX))),
            may("namespaces", bounded(namespaces, namespace())),
            may("key_patterns", bounded(patterns, pattern().max_length(Some(PATTERN_CHARS_MAX)))),
            may("expires_in", count_or_null(expires).minimum(Some(1)).maximum(Some(EXPIRES_IN_MAX))),
        ],
    )
}

fn rotation() -> ObjectBuilder {
    let about = format!("Seconds that the present text stays good; left out: {OVERLAP_DEFAULT}.");
    object("", [may("overlap", count_or_null(&about).maximum(Some(OVERLAP_MAX)))])
}

fn key() -> ObjectBuilder {
    let some = |about: &str| list(about, text("")).schema_type(or_null(Type::Array));
    let time_or_null = |about: &str| time(about).schema_type(or_null(Type::String));
    object(
        "An API key without its text.",
        [
            must("id", access_key_id()),
            must("name", text("")),
            must("scopes", list("", word("", ["read", "write", "admin"]))),
            must("namespaces", some("Null: all.")),
            must("key_patterns", some("Null: all.")),
            must("created_at", time("")),
            must("expires_at", time_or_null("Null: never.")),
            must("last_used", time_or_null("To about a minute; null: not yet.")),
            must("old_text_ends_at", time_or_null("When the text that a rotation replaced ends; null: there is none.")),
        ],
    )
}
