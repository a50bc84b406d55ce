//! All steps that a state allows, one concern a file.

mod apply;
mod clear;
mod client;
mod commit;
mod fill;
mod incarnation;
mod invalidate;
mod lease;
mod membership;
mod reception;
mod removal;
mod reset;
mod retire;
mod stream;
mod takeover;

pub(crate) use client::is_refused;
pub(crate) use reception::{Reception, reception};

use crate::{
    message::{Body, Letter, Message, Verdict},
    model::Model,
    mutation::Mutation,
    observe, prune,
    state::State,
    step::{Step, Violation},
};

/// Where a step leads.
pub type Outcome = Result<State, Violation>;

/// The steps that were found from one state.
pub struct Successors<'a> {
    /// Where they start.
    pub state: &'a State,
    /// The protocol.
    pub model: &'a Model,
    found: &'a mut Vec<(Step, Outcome)>,
}

impl Successors<'_> {
    /// Takes a step: changes a copy of the state, drops what cannot matter any more, lets everyone read.
    pub fn offer(&mut self, step: Step, change: impl FnOnce(&mut State) -> Result<(), Violation>) {
        let mut next = self.state.clone();
        let outcome = change(&mut next).and_then(|()| {
            prune::settle(&mut next, self.model);
            observe::check(&mut next, self.model)
        });
        self.found.push((step, outcome.map(|()| next)));
    }
}

/// Finds every step from the state.
pub fn successors(state: &State, model: &Model, found: &mut Vec<(Step, Outcome)>) {
    let mut all = Successors { state, model, found };
    state.network.iter().for_each(|message| deliver(&mut all, message));
    client::steps(&mut all);
    commit::steps(&mut all);
    stream::drop_alone_steps(&mut all);
    invalidate::steps(&mut all);
    clear::steps(&mut all);
    apply::steps(&mut all);
    fill::steps(&mut all);
    retire::steps(&mut all);
    membership::steps(&mut all);
    removal::steps(&mut all);
    incarnation::steps(&mut all);
    reset::steps(&mut all);
    lease::steps(&mut all);
    observe::steps(&mut all);
}

fn deliver(all: &mut Successors<'_>, message: Message) {
    let model = all.model;
    if let Message::Between(letter) = message {
        acknowledge_step(all, letter);
        if reception(all.state, model, &letter) == Reception::Held {
            return;
        }
    }
    all.offer(Step::Deliver(message), |state| {
        state.network.take(message);
        receive(state, model, message)
    });
    if all.state.left.duplicates > 0 {
        all.offer(Step::DeliverTwice(message), |state| {
            state.left.duplicates -= 1;
            receive(state, model, message)
        });
    }
}

fn receive(state: &mut State, model: &Model, message: Message) -> Result<(), Violation> {
    match message {
        Message::Proposal(proposal) => match proposal.verdict {
            Verdict::Promote => fill::commit_promotion(state, model, proposal),
            Verdict::Removed => retire::commit_removed(state, model, proposal),
        },
        Message::Request { to, epoch, request } => return client::on_late_request(state, model, to, epoch, request),
        Message::Between(letter) if reception(state, model, &letter) == Reception::Done => {
            return read(state, model, letter);
        }
        Message::Between(_) => {}
    }
    Ok(())
}

fn read(state: &mut State, model: &Model, letter: Letter) -> Result<(), Violation> {
    match letter.body {
        Body::Append { effect } => stream::on_append(state, model, letter, effect),
        Body::Ack { last } => return stream::on_ack(state, model, letter, last),
        Body::Begin { start } => fill::on_begin(state, model, letter, start),
        Body::Chunk(chunk) => return fill::on_chunk(state, model, letter, chunk),
        Body::ChunkAck { start, filled } => fill::on_chunk_ack(state, model, letter, start, filled),
        Body::Take { last } => takeover::on_take(state, model, letter, last),
        Body::Promise { last, committed, effects } => {
            return takeover::on_promise(state, model, letter, (last, committed), effects);
        }
        Body::Retire => retire::on_retire(state, letter),
        Body::RetireAck => retire::on_retire_ack(state, letter),
    }
    Ok(())
}

/// What a broken protocol does: it acknowledges an effect when it comes, and applies it later.
fn acknowledge_step(all: &mut Successors<'_>, letter: Letter) {
    let Successors { state, model, .. } = *all;
    let Body::Append { effect } = letter.body else { return };
    let is_new = effect.version.place > state.node(letter.to).last;
    if is_new && model.breaks(Mutation::AckBeforeApply) && state.node(letter.to).up {
        all.offer(Step::AckUnapplied(letter), |state| {
            stream::acknowledge_unapplied(state, letter, effect);
            Ok(())
        });
    }
}
