//! Schemas of bodies and parameters: what is accepted and what is answered, to the letter.
//!
//! They are built by hand, so that bounds come from the limits in force and every rule that JSON Schema can say is said.

mod access;
mod analytics;
mod answer;
mod answer_one;
mod error;
mod item;
mod operate;
mod operate_request;
mod request;

use serde_json::{Value, json};
use utoipa::openapi::{
    Ref, RefOr,
    schema::{
        AdditionalProperties, AllOfBuilder, AnyOfBuilder, Array, ArrayBuilder, ComponentsBuilder, KnownFormat, Object,
        ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
    },
};

use crate::rest::Limits;

pub(super) use access::access_key_id;
pub(super) use item::{
    backend_word, consistency, cursor, entity_tags, key, limit, namespace, offset, pattern, removable_namespace, rows,
};
pub(super) use operate_request::node_id;

/// A schema or a reference to one.
pub(super) type AnySchema = RefOr<Schema>;

/// Adds all schemas.
pub(super) fn components(builder: ComponentsBuilder, limits: &Limits) -> ComponentsBuilder {
    let mut all = Vec::new();
    item::add(&mut all, limits);
    request::add(&mut all, limits);
    operate_request::add(&mut all);
    access::add(&mut all);
    answer_one::add(&mut all);
    answer::add(&mut all);
    analytics::add(&mut all);
    operate::add(&mut all);
    error::add(&mut all);
    all.into_iter().fold(builder, |builder, (name, schema)| builder.schema(name, schema))
}

/// Schemas by name, in the order in which they are shown.
type Named = Vec<(&'static str, AnySchema)>;

/// One field of an object.
struct Field {
    name: &'static str,
    is_required: bool,
    schema: AnySchema,
}

/// A field that is always there.
fn must(name: &'static str, schema: impl Into<AnySchema>) -> Field {
    Field { name, is_required: true, schema: schema.into() }
}

/// A field that may be left out.
fn may(name: &'static str, schema: impl Into<AnySchema>) -> Field {
    Field { name, is_required: false, schema: schema.into() }
}

/// An object with these fields and perhaps others.
fn object(description: &str, fields: impl IntoIterator<Item = Field>) -> ObjectBuilder {
    let builder = ObjectBuilder::new().schema_type(Type::Object).description(some(description));
    fields.into_iter().fold(builder, |builder, field| {
        let builder = builder.property(field.name, field.schema);
        if field.is_required { builder.required(field.name) } else { builder }
    })
}

/// An object whose members all have one schema.
fn map(description: &str, values: impl Into<AnySchema>) -> ObjectBuilder {
    object(description, []).additional_properties(Some(AdditionalProperties::RefOr(values.into())))
}

/// A list.
fn list(description: &str, items: impl Into<AnySchema>) -> ArrayBuilder {
    ArrayBuilder::from(Array::new(items)).description(some(description))
}

/// Any JSON.
fn any(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(some(description))
}

/// A text.
fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(some(description))
}

/// A text or null.
fn text_or_null(description: &str) -> ObjectBuilder {
    text(description).schema_type(or_null(Type::String))
}

/// One of these words.
fn word(description: &str, words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text(description).enum_values(Some(words))
}

/// A time in UTC.
fn time(description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A count: a whole number from 0.
fn count(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0))
        .description(some(description))
}

/// A count or null.
fn count_or_null(description: &str) -> ObjectBuilder {
    count(description).schema_type(or_null(Type::Integer))
}

/// True, false or null.
fn boolean_or_null(description: &str) -> ObjectBuilder {
    boolean(description).schema_type(or_null(Type::Boolean))
}

/// A number from 0.
fn number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).description(some(description))
}

/// A number or null.
fn number_or_null(description: &str) -> ObjectBuilder {
    number(description).schema_type(or_null(Type::Number))
}

/// True or false.
fn boolean(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).description(some(description))
}

/// Always true, or always false.
fn fixed(value: bool, description: &str) -> ObjectBuilder {
    boolean(description).enum_values(Some([Value::Bool(value)]))
}

/// `"success": true`.
fn success() -> Field {
    must("success", fixed(true, ""))
}

/// `"message"`.
fn message() -> Field {
    must("message", text("For people; not stable."))
}

/// `coverage` and `complete`, which every fan-out carries.
fn coverage() -> [Field; 2] {
    [
        must("coverage", named("Coverage")),
        must("complete", boolean("False when part of the cluster did not contribute.")),
    ]
}

/// A reference to a schema.
pub(super) fn named(name: &str) -> AnySchema {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// A schema of the list, or null.
fn named_or_null(name: &str) -> AnySchema {
    any_of("", [named(name), Object::with_type(Type::Null).into()])
}

/// What fits at least one of these.
fn any_of(description: &str, schemas: impl IntoIterator<Item = AnySchema>) -> AnySchema {
    let builder = AnyOfBuilder::new().description(some(description));
    schemas.into_iter().fold(builder, AnyOfBuilder::item).into()
}

/// What fits all of these.
fn all_of(description: &str, schemas: impl IntoIterator<Item = AnySchema>) -> AnySchema {
    let builder = AllOfBuilder::new().description(some(description));
    schemas.into_iter().fold(builder, AllOfBuilder::item).into()
}

fn or_null(plain: Type) -> SchemaType {
    [plain, Type::Null].into_iter().collect()
}

fn some(description: &str) -> Option<&str> {
    Some(description).filter(|text| !text.is_empty())
}

/// Words and null.
fn words_and_null(words: impl IntoIterator<Item = &'static str>) -> Vec<Value> {
    words.into_iter().map(Value::from).chain([json!(null)]).collect()
}
