//! Proposes what is due, one command after the other, whenever there is news and every now and then.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ringhold_model::{
    cluster::{ClusterState, Command, NodeState, Rejection, Reply},
    wire,
};

use super::{Duties, Facts};
use crate::{
    handle::ProposeError,
    leasing::{Lead, now_ms},
    options::Formation,
    propose::propose_as_leader,
    shared::Shared,
};

/// Between looks without news.
const TICK: Duration = Duration::from_millis(100);
/// News come in bursts; a look is for all of them.
const DEBOUNCE: Duration = Duration::from_millis(10);
/// One command; after it, its outcome is read from the state.
const COMMAND_MAX: Duration = Duration::from_secs(5);
/// What was refused or changed nothing, against expectation, is not proposed again for so long.
const FUTILE_PAUSE: Duration = Duration::from_secs(1);

/// One leadership at work.
struct Tenure {
    lead: Lead,
    began: Instant,
    duties: Duties,
    /// Commands that came to nothing, by a digest of them, and when.
    futile: HashMap<u64, Instant>,
}

/// Acts whenever this node leads, until cancelled.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut tenure = None;
    let mut changes = shared.view.watch();
    loop {
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            () = tokio::time::sleep(TICK) => {}
            () = shared.leasing.duties_due.notified() => {}
            Ok(()) = changes.changed() => tokio::time::sleep(DEBOUNCE).await,
        }
        changes.mark_unchanged();
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            () = look(&shared, &mut tenure) => {}
        }
    }
}

async fn look(shared: &Shared, tenure: &mut Option<Tenure>) {
    let Some((lead, leases)) = shared.leases() else {
        *tenure = None;
        return;
    };
    let state = shared.view.state();
    if !state.is_formed() || !shared.seen().has_leader {
        return;
    }
    if tenure.as_ref().is_some_and(|tenure| tenure.lead != lead) {
        *tenure = None;
    }
    let tenure = tenure.get_or_insert_with(|| Tenure::new(lead));
    let may_plan = may_plan(shared, &state, tenure.began);
    let mut duties = std::mem::take(&mut tenure.duties);
    // A plan for a thousand nodes takes seconds, in which this thread must go on sending heartbeats.
    let decided = tokio::task::spawn_blocking(move || {
        let due = duties.due(&Facts { state: &state, leases: &leases, now_ms: now_ms(), may_plan });
        (duties, due)
    });
    // It fails only by a panic, which was reported where it happened; the duties then begin anew.
    let Ok((duties, due)) = decided.await else { return };
    tenure.duties = duties;
    for command in due {
        if !tenure.propose(shared, command).await {
            break;
        }
    }
}

impl Tenure {
    fn new(lead: Lead) -> Self {
        Self { lead, began: Instant::now(), duties: Duties::default(), futile: HashMap::new() }
    }

    /// False when it is better to look again than to go on.
    async fn propose(&mut self, shared: &Shared, command: Command) -> bool {
        self.futile.retain(|_, at| at.elapsed() < FUTILE_PAUSE);
        let digest = digest(&command);
        if self.futile.contains_key(&digest) {
            return true;
        }
        let name = name(&command);
        match propose_as_leader(shared, self.lead, command, COMMAND_MAX).await {
            Ok((_, Reply::Moved(0) | Reply::Ranges { touched: 0, .. })) => {
                self.futile.insert(digest, Instant::now());
                true
            }
            Ok((index, reply)) => {
                tracing::info!(index, ?reply, "the leader: {name}");
                true
            }
            Err(ProposeError::Rejected(Rejection::OldPlan)) => false,
            Err(ProposeError::Rejected(rejection)) => {
                tracing::warn!(%rejection, "the leader's command was refused: {name}");
                self.futile.insert(digest, Instant::now());
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the leader's command was not applied: {name}");
                false
            }
        }
    }
}

fn digest(command: &Command) -> u64 {
    wire::encode(command).map_or(0, |bytes| xxhash_rust::xxh3::xxh3_64(&bytes))
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::SetPlan { .. } => "a new plan of the ranges",
        Command::NodeDown { .. } => "a node whose lease ended leaves its ranges",
        Command::AddPending { .. } => "copies to be filled",
        Command::CancelPending { .. } => "copies that are given up",
        Command::Handover { .. } => "other primaries",
        Command::Reset { .. } => "ranges that nobody holds begin again, empty",
        Command::EndSilence { .. } => "a silence that nobody ended",
        _ => "something else",
    }
}

fn may_plan(shared: &Shared, state: &ClusterState, since: Instant) -> bool {
    let expected = match &shared.settings.formation {
        Formation::Seeds(seeds) => seeds.len(),
        Formation::Alone | Formation::Join(_) => 1,
    };
    let active = state.nodes.values().filter(|node| node.state == NodeState::Active).count();
    active >= expected || since.elapsed() >= shared.settings.timings.first_plan_wait
}
