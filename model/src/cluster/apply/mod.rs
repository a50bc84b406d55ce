//! The rule book: every change of the replicated state, and nothing else, happens here.
//!
//! Rules that hold for all commands:
//! - The log index of an entry is the only source of fresh numbers (incarnation, epoch, mid, generation, version), so all
//!   replicas compute the same ones.
//! - A rejection leaves everything as it was, except `applied` and the memory of answers.
//! - Records of ranges are written in one place (`roles`), which notes whom an entry touched.
//! - A proposal that comes again is answered from memory. The memory is bounded: a retry has to come within the next
//!   [`ANSWERS_MAX`] proposals.

mod access;
mod configs;
mod form;
mod loss;
mod members;
mod namespaces;
mod nodes;
mod plan;
mod ranges;
mod roles;
mod settings;

pub use nodes::{WEIGHT_MAX, WEIGHT_PLAIN, ZONE_BYTES_MAX};
pub use settings::{COPIES_MAX, WAIT_MAX_S};

use super::{
    command::{Command, Outcome, Proposal, Rejection, RequestId},
    state::ClusterState,
};

/// How many answers are remembered for proposals that are sent again. They travel in every snapshot, so they are few; a
/// proposer retries within seconds, and commands are rare.
pub const ANSWERS_MAX: usize = 1_024;

impl ClusterState {
    /// Applies the entry at `index`. Indexes ascend; gaps are entries that are not commands.
    ///
    /// # Panics
    /// In debug builds, when `index` is not above `applied`: the caller applied an entry twice.
    pub fn apply(&mut self, index: u64, proposal: &Proposal) -> Outcome {
        debug_assert!(index > self.applied, "entry {index} comes after {}", self.applied);
        self.applied = index;
        if let Some(outcome) = self.answer_to(proposal.request) {
            return outcome.clone();
        }
        let outcome = self.decide(index, &proposal.command);
        if outcome.is_ok() && is_barrier(&proposal.command) {
            self.barrier_at = index;
        }
        self.remember(proposal.request, &outcome);
        outcome
    }

    fn decide(&mut self, index: u64, command: &Command) -> Outcome {
        match command {
            Command::Form { cluster, hash_seed, range_bits, seeds, config, default_backend } => {
                let formation = form::Formation {
                    cluster: *cluster,
                    hash_seed: *hash_seed,
                    range_bits: *range_bits,
                    seeds,
                    config,
                    default_backend: *default_backend,
                };
                self.form(index, formation)
            }
            _ if !self.is_formed() => Err(Rejection::NotFormed),
            Command::Register { birth, addresses, zone, weight } => {
                self.register(index, nodes::Newcomer { birth: *birth, addresses, zone, weight: *weight })
            }
            Command::NodeStart { node, birth, boot, addresses, zone, weight } => {
                let start = nodes::Start { birth: *birth, boot: *boot, addresses, zone, weight: *weight };
                self.start_node(index, *node, start)
            }
            Command::SetPlan { owners, computed_at, absent } => self.set_plan(index, owners, *computed_at, absent),
            Command::CancelMoves => Ok(self.cancel_moves(index)),
            Command::AddPending { moves } => Ok(self.add_pending(index, moves)),
            Command::CancelPending { changes } => Ok(self.cancel_pending(index, changes)),
            Command::Promote { changes } => Ok(self.promote(index, changes)),
            Command::Removed { changes } => Ok(self.removed(index, changes)),
            Command::Handover { moves } => Ok(self.hand_over(index, moves)),
            Command::Reset { restarts } => Ok(self.reset(index, restarts)),
            Command::NodeDown { node, incarnation, alive } => self.node_down(index, *node, *incarnation, alive),
            Command::Drain { node, cancel } => self.drain(index, *node, *cancel),
            Command::RemoveNode { node, force } => self.remove_node(index, *node, *force),
            Command::SetWeight { node, weight } => self.set_weight(index, *node, *weight),
            Command::PatchSettings { patch } => self.patch_settings(index, patch),
            Command::CreateNamespace { name } => self.create_namespace(index, name),
            Command::RemoveNamespace { namespace } => self.remove_namespace(*namespace),
            Command::Clear { namespace, backend } => self.clear(index, *namespace, *backend),
            Command::Silence { namespace, backend } => self.silence(index, *namespace, *backend),
            Command::EndSilence { namespace, backend, since } => self.end_silence(*namespace, *backend, *since),
            Command::PutConfig { namespace, config } => self.put_config(index, *namespace, config),
            Command::PatchConfig { namespace, backend, patch, default_backend } => {
                self.patch_config(index, *namespace, *backend, patch, *default_backend)
            }
            Command::Access(command) => self.change_keys(index, command),
        }
    }

    fn answer_to(&self, request: RequestId) -> Option<&Outcome> {
        if request.is_anonymous() {
            return None;
        }
        self.answered.iter().find(|(id, _)| *id == request).map(|(_, outcome)| outcome)
    }

    fn remember(&mut self, request: RequestId, outcome: &Outcome) {
        if request.is_anonymous() {
            return;
        }
        if self.answered.len() >= ANSWERS_MAX {
            self.answered.pop_front();
        }
        self.answered.push_back((request, outcome.clone()));
    }
}

/// Commands after which no node may serve by the state before.
fn is_barrier(command: &Command) -> bool {
    matches!(
        command,
        Command::Clear { .. }
            | Command::Silence { .. }
            | Command::EndSilence { .. }
            | Command::RemoveNamespace { .. }
            | Command::PutConfig { .. }
            | Command::PatchConfig { .. }
            | Command::PatchSettings { .. }
    )
}

#[cfg(test)]
mod tests;
