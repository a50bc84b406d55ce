//! Everything that the leader proposes, in the order of its haste.

use ringhold_model::cluster::{Change, Command, Move};

use super::{copies, facts::Facts, loss, plan, primaries, silences::Silences};

/// Most steps in one command: at some thirty bytes each it stays far below the bound of a log entry, 64 KiB.
const STEPS_MAX: usize = 1_024;

/// The duties of one leadership; what they remember is only how long something has been so.
#[derive(Clone, Debug, Default)]
pub struct Duties {
    silences: Silences,
}

impl Duties {
    /// What to propose now; all of it may be void by the time it is applied, and nothing is proposed that would change
    /// nothing.
    pub fn due(&mut self, facts: &Facts<'_>) -> Vec<Command> {
        let mut commands = loss::downs(facts);
        commands.extend(batches(&primaries::relieved(facts), |moves| Command::Handover { moves }));
        commands.extend(batches(&loss::resets(facts), |restarts| Command::Reset { restarts }));
        commands
            .extend(batches(&copies::cancellations(facts), |changes: Vec<Change>| Command::CancelPending { changes }));
        match plan::new_plan(facts) {
            // The next looks follow it.
            Some(plan) => commands.push(plan),
            None => {
                commands.extend(batches(&copies::additions(facts), |moves| Command::AddPending { moves }));
                let balanced: Vec<Move> = primaries::balanced(facts);
                commands.extend(batches(&balanced, |moves| Command::Handover { moves }));
            }
        }
        commands.extend(self.silences.overdue(facts));
        commands
    }
}

fn batches<T: Clone>(steps: &[T], command: impl Fn(Vec<T>) -> Command) -> impl Iterator<Item = Command> {
    steps.chunks(STEPS_MAX).map(move |steps| command(steps.to_vec())).collect::<Vec<_>>().into_iter()
}
