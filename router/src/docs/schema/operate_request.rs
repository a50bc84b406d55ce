//! Bodies of the operator's calls.

use ringhold_model::cluster::{COPIES_MAX, WAIT_MAX_S, WEIGHT_MAX};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::{
    AnySchema, Field, Named, all_of, any_of, boolean_or_null, count, count_or_null, list, may, must, object, or_null,
};
use crate::rest::{cluster::CHANGES_MAX, config::LIMIT_MAX};

pub(super) fn add(all: &mut Named) {
    all.push(("ClusterChange", change().into()));
    all.push(("ClusterSettingsPatch", settings_patch()));
    all.push(("NodePatch", object("", [must("weight", weight())]).into()));
    all.push((
        "DrainRequest",
        object("", [may("cancel", boolean_or_null("True: the node keeps what it holds."))]).into(),
    ));
    let force = boolean_or_null("True: also when it holds last copies; those ranges begin again, empty.");
    all.push(("RemoveRequest", object("", [may("force", force)]).into()));
}

/// Id of a node.
pub(in crate::docs) fn node_id() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1))
}

fn weight() -> ObjectBuilder {
    count_or_null("100 is plain; 0: no ranges; null: what the node was started with.").maximum(Some(WEIGHT_MAX))
}

fn change() -> ObjectBuilder {
    let weights = object("Weights by the id of the node.", [])
        .schema_type(or_null(Type::Object))
        .property_names(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[1-9][0-9]{0,17}$"))))
        .max_properties(Some(CHANGES_MAX))
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::RefOr(weight().into())));
    let nodes = |about: &str| list(about, node_id()).schema_type(or_null(Type::Array)).max_items(Some(CHANGES_MAX));
    object(
        "What is to change; empty: nothing.",
        [
            may("replication_factor", copies("Copies that a range should have.")),
            may("weights", weights),
            may("drain", nodes("Nodes that are to hand over all they hold.")),
            may("remove", nodes("Nodes that will never return. Refused with 409 where one holds a last copy.")),
        ],
    )
}

fn copies(about: &str) -> ObjectBuilder {
    count_or_null(about).minimum(Some(1)).maximum(Some(COPIES_MAX))
}

fn settings_patch() -> AnySchema {
    let seconds = |about: &str, min: u32| count_or_null(about).minimum(Some(min)).maximum(Some(WAIT_MAX_S));
    let fields = || -> Vec<Field> {
        let rate = "Most bytes a second that one node sends to copies that are being filled; 0: no bound.";
        let rehome = "How long a node may be down before its copies are restored elsewhere, in seconds.";
        let reset = "How long a range may be without any serving member before it begins again, empty; in seconds.";
        vec![
            may("replication_factor", copies("Copies that a range should have, as far as there are nodes.")),
            may("min_in_sync", copies("Fewest copies in sync with which a range takes writes.")),
            may("moves_paused", boolean_or_null("Whether copies stay where they are; lost ones are still restored.")),
            may("fill_bytes_per_s", count_or_null(rate).maximum(Some(LIMIT_MAX))),
            may("rehome_after_s", seconds(rehome, 0)),
            may("reset_after_s", seconds(reset, 1)),
        ]
    };
    // Null counts as left out, so it is not enough for the one that must be given.
    let given = fields().into_iter().map(|field| {
        let value = match field.name {
            "moves_paused" => super::boolean("").into(),
            _ => AnySchema::from(count("")),
        };
        object("", [must(field.name, value)]).title(Some(field.name)).into()
    });
    all_of("", [object("The settings to change.", fields()).into(), any_of("At least one.", given)])
}
