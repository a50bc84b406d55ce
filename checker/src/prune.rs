//! Leaving out what makes no difference, so that states that behave alike are one state.
//!
//! Every message that is dropped here would be ignored by its receiver whenever it came: epochs, memberships and places
//! in the stream only grow, and a restarted process hears nothing that was sent to its old self. As the network may
//! lose any message anyway, no behaviour is lost. That the verdicts stay the same is a test.

use crate::{
    ids::{Epoch, Index, NodeId, Place},
    message::{Body, Letter, Message, Proposal, Verdict},
    model::Model,
    mutation::Mutation,
    primary::Phase,
    state::State,
    steps::{self, Reception},
};

/// Drops dead messages and entries, and what nodes remember in vain.
pub fn settle(state: &mut State, model: &Model) {
    if !model.reduces() {
        return;
    }
    let index = state.log.last_index();
    for node in model.nodes() {
        let is_retired = state.is_retired(node);
        let node = state.node_mut(node);
        if !node.up && !model.breaks(Mutation::ActsOnReplay) {
            // Its start will take it to the end of the log.
            node.applied = index;
        }
        if !is_retired {
            node.retired_in = Epoch(0);
        }
        let audience = node.primary.audience();
        for other in model.nodes().filter(|other| !audience.has(*other)) {
            node.primary.acked[other.at()] = Place(0);
        }
    }
    model.nodes().for_each(|node| skip_entries(state, node));
    let applied = model.nodes().map(|node| state.node(node).applied).min();
    state.log.forget_before(applied.unwrap_or(index));
    let mut network = std::mem::take(&mut state.network);
    network.keep(|message| is_alive(state, model, message));
    state.network = network;
}

/// An entry that changes nothing for a node is applied at once: when it is, decides nothing.
fn skip_entries(state: &mut State, id: NodeId) {
    while state.node(id).up && state.node(id).applied < state.log.last_index() {
        let next = Index(state.node(id).applied.0 + 1);
        let (now, then) = (state.view(id), state.log.at(next));
        let is_nothing = !now.has_member(id) && !then.has_member(id) && !state.node(id).lease;
        let is_same_copy = now.primary != Some(id) && now.says_the_same_to(then, id);
        if !is_nothing && !is_same_copy {
            return;
        }
        state.node_mut(id).applied = next;
    }
}

/// Whether the message can still have an effect.
fn is_alive(state: &State, model: &Model, message: &Message) -> bool {
    match message {
        Message::Proposal(proposal) => is_proposal_alive(state, model, proposal),
        Message::Request { to, epoch, .. } => !steps::is_refused(state, model, *to, *epoch),
        Message::Between(letter) => {
            let is_refused = steps::reception(state, model, letter) == Reception::Refused;
            state.node(letter.to).up && !is_refused && is_awaited(state, model, letter)
        }
    }
}

fn is_proposal_alive(state: &State, model: &Model, proposal: &Proposal) -> bool {
    let range = state.log.last();
    let node = proposal.node;
    let is_member = match proposal.verdict {
        Verdict::Promote => range.pending == Some(node),
        Verdict::Removed => range.in_sync.has(node) && range.primary != Some(node),
    };
    let is_same = range.mid(node) == proposal.mid && is_member;
    range.epoch == proposal.epoch && (is_same || model.breaks(Mutation::ProposalsWithoutMembership))
}

/// Whether what it says, or its answer, is news to somebody. (That a dead message is refused does not depend on this.)
fn is_awaited(state: &State, model: &Model, letter: &Letter) -> bool {
    let Letter { from, to, epoch, body, .. } = *letter;
    let (node, role) = (state.node(to), &state.node(to).primary);
    let sender = &state.node(from).primary;
    let counts_always = model.breaks(Mutation::NoTransferId) || model.breaks(Mutation::NoMembershipId);
    let fills = |filled| role.feed.is_some_and(|feed| feed.node == from && feed.filled < filled);
    match body {
        Body::Append { effect } => {
            let place = effect.version.place;
            let is_news = place > node.last || (sender.leads(epoch) && sender.acked_by(to) < place);
            is_news || model.breaks(Mutation::NoSequenceFilter) || model.breaks(Mutation::NoMembershipId)
        }
        Body::Ack { last } => role.audience().has(from) && (role.acked_by(from) < last || role.phase == Phase::Asking),
        Body::ChunkAck { filled, .. } => fills(filled) || counts_always,
        Body::Take { .. } => sender.leads(epoch) && sender.phase == Phase::Asking && !sender.promised_by.has(to),
        Body::Promise { .. } => role.phase == Phase::Asking && !role.promised_by.has(from),
        Body::Chunk(_) => sender.leads(epoch),
        Body::RetireAck => role.retiring == Some(from),
        Body::Begin { .. } | Body::Retire => true,
    }
}
