//! The control plane in one place: the real rule book, the real book of leases and the real duties of the leader, without Raft.
//!
//! It commits entries in their order, a little after they were proposed; tells states late, every node at another moment; and
//! changes its leader: what was under way may be lost, the book of leases is opened anew, the new leader may not have applied
//! yet what is committed, and the former one may go on for a while without knowing.

mod duties;
mod office;
mod service;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ringhold_model::{
    ClusterId, NodeId,
    cluster::{ClusterState, Command, Outcome, Proposal, RequestId},
};
use ringhold_raft::lease::{Rules, taken_from};
use tokio::sync::{oneshot, watch};

use self::office::{Deposed, Office};
use crate::{
    chance::{lease_clock_ms, now_ms},
    trace::Trace,
};

/// It has an id that no node ever gets.
pub(crate) const AUTHORITY: NodeId = NodeId(1_000_000);
/// The one cluster there is.
pub(crate) const CLUSTER: ClusterId = ClusterId(0x51);
/// States that are remembered for a new leader that has not applied everything.
const FORMER_STATES: usize = 16;

/// How it behaves.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    pub(crate) rules: Rules,
    pub(crate) lease_ms: u64,
    /// From when an entry is proposed until it is committed.
    pub(crate) commit_ms: (u64, u64),
    /// A round that confirms the leader.
    pub(crate) round_ms: (u64, u64),
    /// How late a node hears of a new state.
    pub(crate) tell_ms: BTreeMap<NodeId, (u64, u64)>,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Authority {
    core: Arc<Mutex<Core>>,
    states: watch::Sender<Arc<ClusterState>>,
}

struct Core {
    manners: Manners,
    random: StdRng,
    trace: Trace,
    /// Everything committed applied.
    state: Arc<ClusterState>,
    /// The last ones, newest last.
    former: VecDeque<Arc<ClusterState>>,
    under_way: VecDeque<Entry>,
    last_index: u64,
    office: Office,
    /// A former leader that does not know it yet.
    deposed: Option<Deposed>,
}

/// Proposed and not committed.
struct Entry {
    index: u64,
    at_ms: u64,
    proposal: Proposal,
    done: oneshot::Sender<(u64, Outcome)>,
}

/// Why nothing was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// Somebody from whom it takes something may hold a lease.
    Holds,
    /// Another leads, or this one does not know enough yet.
    NotNow,
}

impl Authority {
    pub(crate) fn new(seed: u64, manners: Manners, trace: Trace) -> Self {
        let state = Arc::new(ClusterState::default());
        let office = Office::first(&manners);
        let core = Core {
            manners,
            random: StdRng::seed_from_u64(seed),
            trace,
            former: VecDeque::from([Arc::clone(&state)]),
            state: Arc::clone(&state),
            under_way: VecDeque::new(),
            last_index: 0,
            office,
            deposed: None,
        };
        Self { core: Arc::new(Mutex::new(core)), states: watch::Sender::new(state) }
    }

    /// The newest committed state.
    pub(crate) fn state(&self) -> Arc<ClusterState> {
        Arc::clone(&self.core.lock().state)
    }

    /// Applies a command at once, before anything runs.
    pub(crate) fn begin_with(&self, command: Command) -> Outcome {
        let mut core = self.core.lock();
        core.last_index += 1;
        let index = core.last_index;
        let outcome = core.apply(index, &Proposal { request: RequestId::default(), command });
        self.states.send_replace(Arc::clone(&core.state));
        outcome
    }

    /// Proposes in the name of an operator.
    pub(crate) fn order(&self, command: Command) -> Result<oneshot::Receiver<(u64, Outcome)>, Hindrance> {
        self.core.lock().propose(Proposal { request: RequestId::default(), command }, None)
    }

    /// Changes the leader. Of what is under way, the first `kept` entries survive.
    pub(crate) fn change_leader(&self, kept: usize, behind_ms: u64, deposed_ms: u64) {
        self.core.lock().change_leader(kept, behind_ms, deposed_ms);
    }

    /// What the machine runs.
    pub(crate) async fn run(self, listener: crate::net::SimulatedListener) {
        let (doing, serving) = (self.clone(), self.clone());
        tokio::join!(self.keep_applying(), self.keep_looking(), duties::run(doing), service::serve(serving, listener));
    }

    async fn keep_applying(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let mut core = self.core.lock();
            let mut is_news = false;
            while core.under_way.front().is_some_and(|entry| entry.at_ms <= now_ms()) {
                let Some(entry) = core.under_way.pop_front() else { break };
                let outcome = core.apply(entry.index, &entry.proposal);
                // Whoever proposed it may have stopped waiting.
                drop(entry.done.send((entry.index, outcome)));
                is_news = true;
            }
            if is_news {
                self.states.send_replace(Arc::clone(&core.state));
            }
        }
    }

    async fn keep_looking(&self) {
        loop {
            self.core.lock().look();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Core {
    fn apply(&mut self, index: u64, proposal: &Proposal) -> Outcome {
        let mut state = ClusterState::clone(&self.state);
        let outcome = state.apply(index, proposal);
        self.trace.tell(now_ms(), "applied", &(index, &proposal.command, &outcome));
        self.state = Arc::new(state);
        self.former.push_back(Arc::clone(&self.state));
        if self.former.len() > FORMER_STATES {
            self.former.pop_front();
        }
        outcome
    }

    fn draw(&mut self, (least, most): (u64, u64)) -> u64 {
        self.random.random_range(least..=most)
    }

    /// `by`: the leadership that decided it; `None`: whichever it is.
    fn propose(&mut self, proposal: Proposal, by: Option<u64>) -> Result<oneshot::Receiver<(u64, Outcome)>, Hindrance> {
        self.look();
        if by.is_some_and(|by| by != self.office.term) || !self.office.book.is_caught_up() {
            return Err(Hindrance::NotNow);
        }
        let (_, state) = self.office.seen(&self.state);
        let nodes = taken_from(&proposal.command, &state);
        let taking = match nodes.is_empty() {
            true => None,
            false => Some(self.office.book.take_from(nodes, lease_clock_ms()).map_err(|_| Hindrance::Holds)?),
        };
        self.last_index += 1;
        let index = self.last_index;
        if let Some(taking) = taking {
            self.office.book.placed(taking, index);
        }
        let commit_ms = self.manners.commit_ms;
        let earliest = self.under_way.back().map_or(0, |entry| entry.at_ms);
        let at_ms = earliest.max(now_ms() + self.draw(commit_ms));
        let (done, waiting) = oneshot::channel();
        self.under_way.push_back(Entry { index, at_ms, proposal, done });
        Ok(waiting)
    }

    fn change_leader(&mut self, kept: usize, behind_ms: u64, deposed_ms: u64) {
        let lost = self.under_way.split_off(kept.min(self.under_way.len()));
        self.last_index -= lost.len() as u64;
        let (now, clock) = (now_ms(), lease_clock_ms());
        // The new leader commits what it found a little later.
        let behind = (behind_ms > 0).then(|| (now + behind_ms, Arc::clone(&self.former[self.former.len() / 2])));
        for entry in &mut self.under_way {
            entry.at_ms = entry.at_ms.max(now + behind_ms);
        }
        self.trace.tell(now, "another leader", &(self.office.term + 1, lost.len(), self.last_index, behind_ms));
        let office = self.office.successor(&self.manners, self.last_index, clock, behind);
        let former = std::mem::replace(&mut self.office, office);
        let nodes = self.state.nodes.keys().copied().filter(|_| self.random.random_bool(0.5)).collect();
        let state = Arc::clone(&self.state);
        self.deposed = (deposed_ms > 0).then(|| Deposed::new(former, state, now + deposed_ms, nodes));
        if self.random.random_bool(0.7) {
            self.office.hear_itself(clock);
        }
    }

    fn look(&mut self) {
        let (now, clock) = (now_ms(), lease_clock_ms());
        self.office.look(now, clock, &self.state);
        if self.deposed.as_ref().is_some_and(|deposed| now >= deposed.until_ms) {
            self.deposed = None;
        }
        if let Some(deposed) = &mut self.deposed {
            deposed.look(clock);
        }
    }
}
