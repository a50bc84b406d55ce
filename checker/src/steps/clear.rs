//! Clear of the space: a generation in Raft, and barriers (rule O1).
//!
//! One entry alone is not enough while copies answer reads: a primary that has applied it shows the space as empty, a
//! copy that has not still shows the old value, and a reader goes back. So copies fall silent first, and speak again
//! when everyone is in the new generation.

use super::Successors;
use crate::{
    ids::{Index, Version},
    model::Model,
    mutation::Mutation,
    range::Range,
    record::Rank,
    state::{Clear, State},
    step::Step,
};

pub(super) fn steps(all: &mut Successors<'_>) {
    let Successors { state, model, .. } = *all;
    let without_silence = model.breaks(Mutation::ClearWithoutSilence);
    let no_barrier = model.breaks(Mutation::ClearWithoutBarrier);
    match state.clear {
        Clear::Idle if state.left.clears > 0 => {
            if without_silence {
                all.offer(Step::RaiseGeneration, |state| {
                    state.left.clears -= 1;
                    raise_generation(state, false);
                    Ok(())
                });
            } else {
                all.offer(Step::SilenceCopies, |state| {
                    state.left.clears -= 1;
                    state.clear = Clear::SilencingCopies(set_silence(state, true));
                    Ok(())
                });
            }
        }
        Clear::SilencingCopies(index) if has_passed(state, model, index) => {
            let stays_silent = !model.breaks(Mutation::SilenceEndsWithClear);
            all.offer(Step::RaiseGeneration, |state| {
                raise_generation(state, stays_silent);
                Ok(())
            });
        }
        Clear::AtTheBarrier(index) if has_passed(state, model, index) || no_barrier => {
            all.offer(Step::AnswerClear, |state| {
                answer(state, model);
                Ok(())
            });
        }
        _ => {}
    }
}

/// Whether every lease holder applied the entry; others cannot renew before (rule L5).
fn has_passed(state: &State, model: &Model, index: Index) -> bool {
    model.nodes().all(|node| !state.node(node).lease || state.node(node).applied >= index)
}

fn set_silence(state: &mut State, silent: bool) -> Index {
    let range = *state.log.last();
    state.log.commit(Range { copies_silent: silent, ..range })
}

fn raise_generation(state: &mut State, copies_silent: bool) {
    let mut range = *state.log.last();
    range.copies_silent = copies_silent;
    range.generation = range.generation.next();
    state.clear = Clear::AtTheBarrier(state.log.commit(range));
}

/// From here on nothing of an older generation may be seen.
fn answer(state: &mut State, model: &Model) {
    state.clear = Clear::Idle;
    let generation = state.log.last().generation;
    for key in model.keys() {
        state.ghost.promise_empty(key, Rank { generation, version: Version::default() });
    }
    if state.log.last().copies_silent {
        set_silence(state, false);
    }
}
