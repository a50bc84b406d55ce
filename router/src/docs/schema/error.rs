//! Bodies of errors.

use super::{Named, any, any_of, boolean, count, list, may, must, named, object, text, text_or_null, word};
use utoipa::openapi::schema::{ObjectBuilder, Type};

pub(super) fn add(all: &mut Named) {
    all.push(("FieldError", field_error().into()));
    all.push(("ValidationError", validation_error().into()));
    all.push(("Error", error().into()));
    all.push(("ItemError", item_error().into()));
}

fn field_error() -> ObjectBuilder {
    let step = any_of("", [text("").into(), ObjectBuilder::new().schema_type(Type::Integer).into()]);
    object(
        "One fault of a body or a parameter.",
        [
            must("type", text("What kind of fault, in pydantic's words.")),
            must("loc", list("Where: `body`, `query`, `path` or `header`, then names and places.", step)),
            must("msg", text("For people.")),
            must("input", any("What was given, shortened if long.")),
        ],
    )
}

fn validation_error() -> ObjectBuilder {
    object(
        "Everything that is wrong with the body or the parameters.",
        [
            must("detail", list("Every fault.", named("FieldError")).min_items(Some(1))),
            must("code", word("", ["validation_error"])),
            must("request_id", text("As in the header X-Request-Id.")),
        ],
    )
}

fn error() -> ObjectBuilder {
    object(
        "Why a call failed.",
        [
            must("detail", text("For people.")),
            must(
                "code",
                word(
                    "Stable word for machines.",
                    [
                        "malformed_json",
                        "unauthorized",
                        "forbidden",
                        "not_found",
                        "unknown_node",
                        "unknown_key",
                        "method_not_allowed",
                        "request_timeout",
                        "conflict",
                        "condition_not_met",
                        "precondition_failed",
                        "not_an_integer",
                        "integer_overflow",
                        "too_large",
                        "unsupported_media_type",
                        "unavailable",
                        "outcome_unknown",
                        "incomplete",
                        "deadline_passed",
                        "internal_error",
                    ],
                ),
            ),
            must("request_id", text("As in the header X-Request-Id.")),
            may("outcome", outcome()),
            may("version", version()),
            may("deleted_count", count("With `incomplete`: items removed so far. Repeating the call is safe.")),
            may("coverage", named("Coverage")),
            may("complete", boolean("With `incomplete`: false.")),
        ],
    )
}

fn item_error() -> ObjectBuilder {
    let detail =
        any_of("For people, or every fault of the item.", [text("").into(), list("", named("FieldError")).into()]);
    object(
        "Why one item failed.",
        [
            must("detail", detail),
            must("code", text("Stable word for machines.")),
            may("outcome", outcome()),
            may("version", version()),
        ],
    )
}

fn version() -> ObjectBuilder {
    text_or_null("Where the item that is there does not allow a write: its version; null: there is none.")
}

fn outcome() -> ObjectBuilder {
    word("Of a write: surely not applied, or perhaps applied.", ["not_applied", "unknown"])
}
