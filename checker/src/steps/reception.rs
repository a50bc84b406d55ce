//! Whether a message between a primary and a member is taken in, waits or is refused (rules S1 and C2).
//!
//! A receiver first acts by the sender's view. So a message of a lower epoch than its record's is a deposed primary's, and
//! one of a higher epoch, or for a membership that it has not begun, waits until it has applied the entry.

use super::{fill, stream};
use crate::{
    message::{Body, Letter},
    model::Model,
    mutation::Mutation,
    state::State,
};

/// What a receiver does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It is taken in.
    Done,
    /// It waits until the receiver is further.
    Held,
    /// It is dropped, whenever it comes.
    Refused,
}

/// What the receiver does with it now.
pub(crate) fn reception(state: &State, model: &Model, letter: &Letter) -> Reception {
    match letter.body {
        _ if !state.node(letter.to).up => Reception::Held,
        Body::Ack { .. } | Body::ChunkAck { .. } | Body::Promise { .. } | Body::RetireAck => {
            reception_by_primary(state, model, letter)
        }
        _ => reception_by_member(state, model, letter),
    }
}

fn reception_by_primary(state: &State, model: &Model, letter: &Letter) -> Reception {
    let leads = state.node(letter.to).primary.leads(letter.epoch);
    let is_current = state.view(letter.to).mid(letter.from) == letter.mid || model.breaks(Mutation::NoMembershipId);
    if leads && is_current { Reception::Done } else { Reception::Refused }
}

fn reception_by_member(state: &State, model: &Model, letter: &Letter) -> Reception {
    let by_view = reception_by_view(state, model, letter);
    if by_view != Reception::Done {
        return by_view;
    }
    let node = state.node(letter.to);
    match letter.body {
        Body::Append { effect } => stream::reception_of_append(node, model, effect.version.place),
        Body::Begin { start } => fill::reception_of_begin(node, start),
        Body::Chunk(chunk) => fill::reception_of_chunk(node, model, chunk),
        _ => Reception::Done,
    }
}

fn reception_by_view(state: &State, model: &Model, letter: &Letter) -> Reception {
    let view = state.view(letter.to);
    let own = view.mid(letter.to);
    let is_ahead = letter.epoch > view.epoch && !model.breaks(Mutation::ActsBeforeItFollows);
    let is_streamed = matches!(letter.body, Body::Append { .. });
    let is_unbegun = letter.mid > own && !(is_streamed && model.breaks(Mutation::StreamBeforeReady));
    let is_deposed = letter.epoch < view.epoch && !model.breaks(Mutation::NoEpochFence);
    let is_over = (letter.mid < own || (letter.mid == own && !view.has_member(letter.to)))
        && !model.breaks(Mutation::NoMembershipId);
    if is_deposed {
        Reception::Refused
    } else if is_ahead || (is_unbegun && letter.epoch >= view.epoch) {
        Reception::Held
    } else if is_over || is_unbegun {
        Reception::Refused
    } else {
        Reception::Done
    }
}
