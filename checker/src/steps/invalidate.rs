//! Invalidation by tag or pattern: the primary expands it into removals of named versions, each in its key's order, and
//! answers when all are committed (rules S2 and O2), and all that it found replaced or removed but not committed.

use super::{Successors, client, stream};
use crate::{
    ids::{KEYS_MAX, Key, KeySet, NodeId, OpId, Place, Version},
    model::Model,
    mutation::Mutation,
    primary::Sweep,
    record::{Change, Effect, Rank},
    state::State,
    step::{Step, Violation},
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    for primary in model.nodes().filter(|node| state.node(*node).primary.is_open()) {
        let node = state.node(primary);
        if state.left.invalidations > 0 && node.sweep.is_none() && client::serves_as_primary(state, model, primary) {
            invalidate_step(all, primary);
        }
        let Some(sweep) = node.sweep else { continue };
        for key in sweep.to_remove.iter() {
            all.offer(Step::SweepKey { primary, key }, |state| remove(state, model, primary, key));
        }
    }
}

fn invalidate_step(all: &mut Successors<'_>, primary: NodeId) {
    let Successors { state, model, .. } = *all;
    let sweep = sweep_of(state, model, primary);
    if sweep.named == [Version::default(); KEYS_MAX] {
        return;
    }
    if model.breaks(Mutation::CopiesExpand) {
        if state.node(primary).tail.is_empty() {
            let mut commanded = sweep;
            commanded.to_remove = KeySet::default();
            commanded.until = state.node(primary).last.next();
            all.offer(Step::Invalidate { primary }, |state| {
                begin(state, primary, commanded);
                let command = next_effect(state, primary, Key(0), Change::RemoveAll);
                stream::submit(state, model, primary, command)
            });
        }
        return;
    }
    all.offer(Step::Invalidate { primary }, |state| {
        begin(state, primary, sweep);
        answer(state, model, primary);
        Ok(())
    });
}

/// Names what is in the table, and what readers still see of keys that are removed and not committed.
fn sweep_of(state: &State, model: &Model, primary: NodeId) -> Sweep {
    let generation = state.view(primary).generation;
    let node = state.node(primary);
    let (mut named, mut to_remove) = ([Version::default(); KEYS_MAX], KeySet::default());
    for key in model.keys() {
        let (record, shown) = (node.records[key.at()], node.primary.shown[key.at()]);
        if !record.seen_in(generation).is_empty() {
            to_remove.insert(key);
            named[key.at()] = record.version;
        } else if !shown.seen_in(generation).is_empty() {
            named[key.at()] = shown.version;
        }
    }
    let until = if model.breaks(Mutation::InvalidateIgnoresTail) { Place(0) } else { node.last };
    Sweep { generation, to_remove, named, until }
}

fn begin(state: &mut State, primary: NodeId, sweep: Sweep) {
    state.left.invalidations -= 1;
    state.node_mut(primary).sweep = Some(sweep);
}

fn next_effect(state: &State, primary: NodeId, key: Key, change: Change) -> Effect {
    let (version, generation) = (stream::next_version(state, primary), state.view(primary).generation);
    Effect { key, change, op: OpId(0), version, generation }
}

/// Streams the removal of the version that was named; a newer one stays, and is waited for.
fn remove(state: &mut State, model: &Model, primary: NodeId, key: Key) -> Result<(), Violation> {
    let node = state.node_mut(primary);
    let (current, last) = (node.records[key.at()].version, node.last);
    let Some(sweep) = &mut node.sweep else { return Ok(()) };
    sweep.to_remove.remove(key);
    if sweep.named[key.at()] == current {
        sweep.until = last.next();
        let removal = next_effect(state, primary, key, Change::Remove);
        return stream::submit(state, model, primary, removal);
    }
    if !model.breaks(Mutation::InvalidateIgnoresTail) {
        sweep.until = last;
    }
    answer(state, model, primary);
    Ok(())
}

/// Answers the client when every removal is committed: what was named may be seen no more.
pub(super) fn answer(state: &mut State, model: &Model, id: NodeId) {
    let node = state.node_mut(id);
    let Some(sweep) = node.sweep else { return };
    let is_committed = node.committed >= sweep.until || model.breaks(Mutation::InvalidateAnswersEarly);
    if !sweep.to_remove.is_empty() || !is_committed {
        return;
    }
    node.sweep = None;
    for key in model.keys().filter(|key| sweep.named[key.at()] != Version::default()) {
        let version = sweep.named[key.at()].next();
        state.ghost.promise_empty(key, Rank { generation: sweep.generation, version });
    }
}
