//! Reads, and what they may not see.
//!
//! A read changes nothing but what later reads may see, so it is enough that everyone who would answer is read in every
//! state: of all orders of reads this is the strictest, and a violation of it is a violation by those reads.

use crate::{
    ids::{Key, NodeId},
    model::Model,
    mutation::Mutation,
    node::Filling,
    record::{Effect, Record, Sight},
    state::State,
    step::{Step, Violation},
    steps::Successors,
};

/// What the node answers to a read of the key, or `None` if it asks someone else or refuses.
///
/// The open primary answers `strict` and `fresh` reads, from what is committed; any other in-sync copy answers a `fresh`
/// one if it knows its last effect on the key to be committed. Both need a lease.
pub fn answers(state: &State, model: &Model, id: NodeId, key: Key) -> Option<Sight> {
    let node = state.node(id);
    if !node.up || !node.lease {
        return None;
    }
    let view = state.view(id);
    let as_primary = view.primary == Some(id) && node.primary.is_open();
    let in_sync = view.in_sync.has(id) && node.filling == Filling::No && !state.is_retired(id);
    let is_clean = node.last_uncommitted(key).is_none() || model.breaks(Mutation::FreshShowsUncommitted);
    let as_copy = in_sync && is_clean && !view.copies_silent;
    let shows_all = model.breaks(Mutation::VisibleBeforeCommit);
    let record = if shows_all { node.records[key.at()] } else { held(state, id, key) };
    (as_primary || as_copy).then(|| record.seen_in(view.generation))
}

/// What the node would show of the key, whoever asks.
pub fn held(state: &State, id: NodeId, key: Key) -> Record {
    let node = state.node(id);
    if node.primary.is_open() { node.primary.shown[key.at()] } else { node.records[key.at()] }
}

/// Whether what is seen is older than what was promised.
///
/// The correct protocol is held to more than a reader can tell: a copy without a value must know of the last removal. A
/// broken one is caught only by what a reader sees: an older value, or none where there should be one.
pub fn is_stale(model: &Model, saw: Sight, floor: Sight) -> bool {
    let looks_right = saw.is_empty() && floor.is_empty();
    saw.rank < floor.rank && !(looks_right && model.is_broken())
}

/// Reads every key everywhere: nobody shows anything older than the floor, or than what another shows now.
pub fn check(state: &mut State, model: &Model) -> Result<(), Violation> {
    if !model.is_broken() {
        histories_agree(state, model)?;
    }
    for key in model.keys() {
        if model.reduces() {
            for node in model.nodes() {
                if let Some(saw) = answers(state, model, node, key) {
                    state.ghost.promise(key, saw)?;
                }
            }
        }
        let floor = state.ghost.floors[key.at()];
        for node in model.nodes() {
            if let Some(saw) = answers(state, model, node, key).filter(|saw| is_stale(model, *saw, floor)) {
                return Err(Violation::Stale { node, key, saw, floor });
            }
        }
    }
    Ok(())
}

/// All in-sync members have the beginning of one history, and the same table at the same place: what takeovers rest on. A
/// broken protocol is not held to that.
fn histories_agree(state: &State, model: &Model) -> Result<(), Violation> {
    let range = state.log.last();
    let is_filled = |node: &NodeId| {
        let (node, mid) = (state.node(*node), range.mid(*node));
        node.up && node.mid == mid && node.filling == Filling::No
    };
    let members: Vec<_> = model.nodes().filter(|node| range.in_sync.has(*node)).filter(is_filled).collect();
    for (at, first) in members.iter().copied().enumerate() {
        for second in members[at + 1..].iter().copied() {
            let (one, other) = (state.node(first), state.node(second));
            let agree = |effect: &Effect| {
                let mut same_place = other.tail.iter().filter(|theirs| theirs.version.place == effect.version.place);
                same_place.all(|theirs| theirs == effect)
            };
            let same_table = one.last != other.last || one.records == other.records;
            if !same_table || !one.tail.iter().all(agree) {
                return Err(Violation::Diverged { first, second });
            }
        }
    }
    Ok(())
}

/// Reads one by one, where they are not taken all the time.
pub(crate) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    if model.reduces() {
        return;
    }
    for node in model.nodes() {
        for key in model.keys() {
            let Some(saw) = answers(state, model, node, key) else { continue };
            if saw.rank > state.ghost.floors[key.at()].rank {
                all.offer(Step::Read { node, key, saw }, |state| state.ghost.promise(key, saw));
            }
        }
    }
}
