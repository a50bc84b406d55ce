//! Bodies and paths of the operator's calls.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{
    NodeId,
    cluster::{COPIES_MAX, Command, SettingsPatch, WAIT_MAX_S, WEIGHT_MAX},
};
use serde_json::value::RawValue;

use super::super::{
    body,
    config::LIMIT_MAX,
    fault::ApiError,
    field::{FieldFault, Place, Step},
    key, query, word,
};
use crate::json::{self, Fields};

/// Most nodes that one change may name in each of its fields.
pub const CHANGES_MAX: usize = 1_000;

const CHANGE_NAMES: [&str; 4] = ["replication_factor", "weights", "drain", "remove"];
const SETTING_NAMES: [&str; 6] =
    ["replication_factor", "min_in_sync", "moves_paused", "fill_bytes_per_s", "rehome_after_s", "reset_after_s"];
const PLACE: Place<'static> = Place::BODY;

/// What an operator wants of the cluster, in one step; empty: only what is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Copies that a range should have.
    pub replication_factor: Option<u8>,
    /// Shares of the ranges; `None`: what the node itself says at its start.
    pub weights: BTreeMap<NodeId, Option<u32>>,
    /// Nodes that are to hand over all they hold.
    pub drain: BTreeSet<NodeId>,
    /// Nodes that will never return.
    pub remove: BTreeSet<NodeId>,
}

impl Change {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The commands that make it, in the order in which they are to be proposed. A removal is never forced.
    pub fn commands(&self) -> Vec<Command> {
        let copies = self.replication_factor.map(|copies| Command::PatchSettings {
            patch: SettingsPatch { replication_factor: Some(copies), ..SettingsPatch::default() },
        });
        let weights = self.weights.iter().map(|(node, weight)| Command::SetWeight { node: *node, weight: *weight });
        let drains = self.drain.iter().map(|node| Command::Drain { node: *node, cancel: false });
        let removals = self.remove.iter().map(|node| Command::RemoveNode { node: *node, force: false });
        copies.into_iter().chain(weights).chain(drains).chain(removals).collect()
    }
}

/// Reads the body of plan and apply; it may be empty.
pub fn change(bytes: &[u8]) -> Result<Change, ApiError> {
    let fields = body::object(given(bytes), &CHANGE_NAMES)?;
    let mut reader = Reader::new(&fields, &CHANGE_NAMES);
    let change = Change {
        replication_factor: reader.number(0, 1, u64::from(COPIES_MAX)).map(|copies| copies as u8),
        weights: reader.weights(1),
        drain: reader.nodes(2),
        remove: reader.nodes(3),
    };
    for node in change.drain.intersection(&change.remove) {
        let fault = PLACE.fault("value_error", &["remove"], "A node is either drained or removed, not both");
        reader.faults.push(fault.with_text(&node.to_string()));
    }
    body::verdict(reader.faults).map(|()| change)
}

/// Reads a PATCH of the data plane's settings; at least one must be given.
pub fn settings(bytes: &[u8]) -> Result<SettingsPatch, ApiError> {
    let fields = body::object(bytes, &SETTING_NAMES)?;
    let mut reader = Reader::new(&fields, &SETTING_NAMES);
    let patch = SettingsPatch {
        replication_factor: reader.number(0, 1, u64::from(COPIES_MAX)).map(|copies| copies as u8),
        min_in_sync: reader.number(1, 1, u64::from(COPIES_MAX)).map(|copies| copies as u8),
        moves_paused: reader.boolean(2),
        fill_bytes_per_s: reader.number(3, 0, LIMIT_MAX),
        rehome_after_s: reader.number(4, 0, u64::from(WAIT_MAX_S)).map(|seconds| seconds as u32),
        reset_after_s: reader.number(5, 1, u64::from(WAIT_MAX_S)).map(|seconds| seconds as u32),
    };
    if reader.faults.is_empty() && patch == SettingsPatch::default() {
        let whole = std::str::from_utf8(bytes).unwrap_or_default().trim();
        reader.faults.push(PLACE.fault("value_error", &[], "Give at least one setting to change").with_raw(whole));
    }
    body::verdict(reader.faults).map(|()| patch)
}

/// Reads a PATCH of a node: its weight, or null for what the node itself says.
pub fn weight(bytes: &[u8]) -> Result<Option<u32>, ApiError> {
    let names = ["weight"];
    let fields = body::object(bytes, &names)?;
    let mut reader = Reader::new(&fields, &names);
    let weight = match reader.raw(0) {
        None => {
            reader.faults.push(PLACE.fault("missing", &["weight"], "Field required"));
            None
        }
        Some(raw) => reader.kept(weight_of(raw, &["weight"])).flatten(),
    };
    body::verdict(reader.faults).map(|()| weight)
}

/// Whether a drain is to be taken back, by the query or the body, which may be empty.
pub fn drain(query: Option<&str>, bytes: &[u8]) -> Result<bool, ApiError> {
    let cancels = query::cancel(query)?;
    Ok(switch(bytes, "cancel")? || cancels)
}

/// Whether a removal is forced. The body may be empty.
pub fn removal(bytes: &[u8]) -> Result<bool, ApiError> {
    switch(bytes, "force")
}

/// The id of a node in a path, still percent-encoded.
pub fn node_id(encoded: &str) -> Result<NodeId, ApiError> {
    let place = Place { part: "path", index: None, name: Some("id") };
    let text = key::decoded(encoded, &place, &[]).map_err(ApiError::invalid)?;
    match id(&text) {
        Some(id) => Ok(id),
        // Digits that do not fit name no node either.
        None if is_digits(&text) => Err(ApiError::UnknownNode(text.into_owned())),
        None => {
            let msg = "Input should be a valid integer, unable to parse string as an integer";
            Err(ApiError::invalid(place.fault("int_parsing", &[], msg).with_text(&text)))
        }
    }
}

fn id(text: &str) -> Option<NodeId> {
    text.parse().ok().filter(|_| is_digits(text)).map(NodeId)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn switch(bytes: &[u8], name: &'static str) -> Result<bool, ApiError> {
    let names = [name];
    let fields = body::object(given(bytes), &names)?;
    let mut reader = Reader::new(&fields, &names);
    let is_on = reader.boolean(0).unwrap_or_default();
    body::verdict(reader.faults).map(|()| is_on)
}

/// No body at all is an object without fields.
fn given(bytes: &[u8]) -> &[u8] {
    if bytes.is_empty() { b"{}" } else { bytes }
}

fn weight_of(raw: &str, path: &[&str]) -> Result<Option<u32>, FieldFault> {
    if !body::is_given(raw) {
        return Ok(None);
    }
    word::number(raw, &PLACE, path, 0, u64::from(WEIGHT_MAX)).map(|weight| Some(weight as u32))
}

/// Reads fields and gathers what is wrong with them. Null counts as left out.
struct Reader<'f, 'a, const N: usize> {
    fields: &'f Fields<'a, N>,
    names: &'f [&'static str; N],
    faults: Vec<FieldFault>,
}

impl<'f, 'a, const N: usize> Reader<'f, 'a, N> {
    fn new(fields: &'f Fields<'a, N>, names: &'f [&'static str; N]) -> Self {
        let twice = names.iter().zip(fields.values).zip(fields.repeated).filter(|(_, twice)| *twice);
        let fault = |(name, raw): (&&'static str, Option<&RawValue>)| {
            word::repeated(raw.map_or("null", RawValue::get), &PLACE, &[name])
        };
        Self { fields, names, faults: twice.map(|(field, _)| fault(field)).collect() }
    }

    fn raw(&self, at: usize) -> Option<&'a str> {
        self.fields.values[at].map(RawValue::get)
    }

    fn given(&self, at: usize) -> Option<&'a str> {
        self.raw(at).filter(|raw| body::is_given(raw))
    }

    fn kept<T>(&mut self, result: Result<T, FieldFault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn number(&mut self, at: usize, min: u64, max: u64) -> Option<u64> {
        let raw = self.given(at)?;
        self.kept(word::number(raw, &PLACE, &[self.names[at]], min, max))
    }

    fn boolean(&mut self, at: usize) -> Option<bool> {
        let raw = self.given(at)?;
        self.kept(word::boolean(raw, &PLACE, &[self.names[at]]))
    }

    /// A list of ids; one that comes twice counts once.
    fn nodes(&mut self, at: usize) -> BTreeSet<NodeId> {
        let (Some(raw), name) = (self.given(at), self.names[at]) else { return BTreeSet::new() };
        let Ok((items, count)) = json::list(raw, CHANGES_MAX) else {
            self.faults.push(PLACE.fault("list_type", &[name], "Input should be a valid list").with_raw(raw));
            return BTreeSet::new();
        };
        self.check_count(count, name);
        let mut nodes = BTreeSet::new();
        for (nth, item) in items.into_iter().enumerate() {
            match word::number(item.get(), &PLACE, &[name], 1, u64::MAX) {
                Ok(id) => drop(nodes.insert(NodeId(id))),
                Err(mut fault) => {
                    fault.loc.push(Step::Index(nth));
                    self.faults.push(fault);
                }
            }
        }
        nodes
    }

    /// An object from ids to weights.
    fn weights(&mut self, at: usize) -> BTreeMap<NodeId, Option<u32>> {
        let (Some(raw), field) = (self.given(at), self.names[at]) else { return BTreeMap::new() };
        let Ok((members, count)) = json::members(raw, CHANGES_MAX) else {
            self.faults.push(PLACE.fault("dict_type", &[field], "Input should be a valid dictionary").with_raw(raw));
            return BTreeMap::new();
        };
        self.check_count(count, field);
        let mut weights = BTreeMap::new();
        for (name, value) in members {
            let name = json::unescape(name.get()).unwrap_or_default();
            let Some(node) = id(&name) else {
                let fault = PLACE.fault("int_parsing", &[field, &name], "The name should be the id of a node");
                self.faults.push(fault.with_text(&name));
                continue;
            };
            let Some(weight) = self.kept(weight_of(value.get(), &[field, &name])) else { continue };
            if weights.insert(node, weight).is_some() {
                self.faults.push(word::repeated(value.get(), &PLACE, &[field, &name]));
            }
        }
        weights
    }

    fn check_count(&mut self, count: usize, name: &str) {
        if count > CHANGES_MAX {
            let msg = format!("At most {CHANGES_MAX} nodes can be named at once");
            self.faults.push(PLACE.fault("too_long", &[name], msg));
        }
    }
}
