//! The leader's desk: grants leases to those who ask, all that wait in one round of Raft (rule L2).

use std::{collections::BTreeSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use ringhold_model::{
    NodeId,
    wire::{
        Channel, LeaderSilenceReply, LeaderSilenceRequest, LeaseRefusal, LeasesReply, Method, RenewReply, RenewRequest,
    },
};
use ringhold_rpc::Deadline;
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use super::{Held, Inbox, clock::now_ms, office, office::Lead};
use crate::{lease::Admission, shared::Shared};

/// Who may wait for a round at the same time; every node of a large cluster, several times.
pub(super) const WAITING_MAX: usize = 4_096;
/// Between looks at the clock and at who leads; leases end by them.
const LOOK: Duration = Duration::from_millis(50);

/// What is wanted of the leader.
pub(crate) enum Ask {
    /// A lease.
    Renew(RenewRequest, oneshot::Sender<RenewReply>),
    /// To know who holds one; `None`: this node does not lead, or could not make sure that it does.
    Leases(oneshot::Sender<Option<LeasesReply>>),
}

/// One who waits.
enum Waiting {
    /// Admitted by the book of this leadership; to another it means nothing.
    Renewal(RenewRequest, Lead, Admission, oneshot::Sender<RenewReply>),
    Leases(oneshot::Sender<Option<LeasesReply>>),
}

/// A round that ended: in which leadership and when it began, for whom, and whether a majority confirmed it.
struct Round {
    lead: Lead,
    began_ms: u64,
    waiting: Vec<Waiting>,
    is_confirmed: bool,
}

struct Desk {
    shared: Arc<Shared>,
    waiting: Vec<Waiting>,
    round: Option<Pin<Box<dyn Future<Output = Round> + Send>>>,
    /// When the next round may begin: they are a renewal's quarter apart, so that those who come together share one.
    next_round: Instant,
    /// Voters that are being asked how long they were silent (rule L6).
    asked: BTreeSet<NodeId>,
    silences: JoinSet<(Lead, NodeId, Option<u64>)>,
    removals: JoinSet<(Held, Option<u64>)>,
}

/// Serves whenever this node leads, until cancelled.
pub(crate) async fn run(shared: Arc<Shared>, mut inbox: Inbox) {
    let cancel = shared.cancel.clone();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut desk = Desk {
        shared,
        waiting: Vec::new(),
        round: None,
        next_round: Instant::now(),
        asked: BTreeSet::new(),
        silences: JoinSet::new(),
        removals: JoinSet::new(),
    };
    loop {
        let may_begin = desk.round.is_none() && !desk.waiting.is_empty();
        tokio::select! {
            () = cancel.cancelled() => break,
            _ = looks.tick() => desk.look(),
            Some(ask) = inbox.asks.recv() => desk.take_in(ask),
            () = tokio::time::sleep_until(desk.next_round), if may_begin => desk.begin(),
            round = ended(&mut desk.round) => desk.answer(round),
            Some(Ok((lead, voter, silent_ms))) = desk.silences.join_next() => desk.hear(lead, voter, silent_ms),
            Some(removal) = inbox.removals.recv() => drop(desk.removals.spawn(removal.end())),
            Some(Ok((held, index))) = desk.removals.join_next() => desk.shared.settle(held, index),
        }
    }
}

async fn ended<F: Future + Unpin>(round: &mut Option<F>) -> F::Output {
    match round {
        Some(running) => {
            let output = running.await;
            *round = None;
            output
        }
        None => std::future::pending().await,
    }
}

impl Desk {
    fn look(&mut self) {
        match office::attend(&self.shared) {
            Some(lead) => {
                office::tell_news(&self.shared);
                self.ask_voters(lead);
            }
            None => self.waiting.drain(..).for_each(|waiting| waiting.refuse(&self.shared)),
        }
    }

    /// What is to be refused is so at once; the rest waits for a round.
    fn take_in(&mut self, ask: Ask) {
        let waiting = match ask {
            Ask::Leases(done) => Waiting::Leases(done),
            Ask::Renew(request, done) => match office::admit(&self.shared, &request) {
                Ok((lead, admission)) => Waiting::Renewal(request, lead, admission, done),
                Err(refusal) => return tell(done, RenewReply::Refused(refusal)),
            },
        };
        if self.waiting.len() < WAITING_MAX && Lead::now(&self.shared).is_some() {
            self.waiting.push(waiting);
        } else {
            waiting.refuse(&self.shared);
        }
    }

    /// One round for all that wait. It begins after they arrived, so a majority that confirms it says something about now.
    fn begin(&mut self) {
        let lead = office::attend(&self.shared);
        let waiting = std::mem::take(&mut self.waiting).into_iter().filter(Waiting::is_wanted);
        let (waiting, void): (Vec<_>, Vec<_>) = waiting.partition(|waiting| waiting.is_for(lead));
        void.into_iter().for_each(|waiting| waiting.refuse(&self.shared));
        let (Some(lead), Some(raft)) = (lead, self.shared.raft()) else { return };
        if waiting.is_empty() {
            return;
        }
        let timings = &self.shared.settings.timings;
        let (pause, patience) = (timings.renew_every / 4, timings.lease / 4);
        self.next_round = Instant::now() + pause;
        let began_ms = now_ms();
        // This node is part of the majority.
        self.shared.leasing.follows(lead.term);
        self.round = Some(Box::pin(async move {
            let confirmed = tokio::time::timeout(patience, raft.ensure_linearizable()).await;
            Round { lead, began_ms, waiting, is_confirmed: matches!(confirmed, Ok(Ok(_))) }
        }));
    }

    fn answer(&mut self, round: Round) {
        let leads = office::attend(&self.shared) == Some(round.lead);
        if !leads || !round.is_confirmed {
            round.waiting.into_iter().for_each(|waiting| waiting.refuse(&self.shared));
            return;
        }
        let state = self.shared.view.state();
        let now_ms = now_ms();
        if let Some(office) = self.shared.leasing.office.lock().as_mut() {
            for waiting in round.waiting {
                match waiting {
                    Waiting::Renewal(request, _, admission, done) => {
                        tell(done, office.book.renew(&request, admission, (round.began_ms, now_ms), &state));
                    }
                    Waiting::Leases(done) => {
                        let knows = office.book.is_caught_up();
                        tell(done, knows.then(|| office.book.leases(now_ms).reply(&state)));
                    }
                }
            }
        }
        office::tell_news(&self.shared);
    }

    /// Asks voters how long they have not followed an earlier leader, again and again until they said so.
    fn ask_voters(&mut self, lead: Lead) {
        let unheard = self.shared.leasing.office.lock().as_ref().map(|office| office.book.unheard(now_ms()));
        for voter in unheard.unwrap_or_default() {
            let Some(address) = self.shared.book.rpc_address(voter) else { continue };
            if !self.asked.insert(voter) {
                continue;
            }
            let caller = self.shared.peers.to(&address, Channel::Control, Some(voter));
            let deadline = Deadline::after(self.shared.settings.timings.heartbeat * 3);
            self.silences.spawn(async move {
                let request = LeaderSilenceRequest { term: lead.term };
                let reply = caller.call_typed::<_, LeaderSilenceReply>(Method::LeaderSilence, &request, deadline).await;
                (lead, voter, reply.ok().map(|reply| reply.silent_ms))
            });
        }
    }

    fn hear(&mut self, lead: Lead, voter: NodeId, silent_ms: Option<u64>) {
        self.asked.remove(&voter);
        let mut office = self.shared.leasing.office.lock();
        if let (Some(silent_ms), Some(office)) = (silent_ms, office.as_mut().filter(|office| office.lead == lead)) {
            office.book.heard(voter, now_ms(), silent_ms);
        }
    }
}

impl Waiting {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Renewal(.., done) => !done.is_closed(),
            Self::Leases(done) => !done.is_closed(),
        }
    }

    fn is_for(&self, lead: Option<Lead>) -> bool {
        match self {
            Self::Renewal(_, admitted, ..) => lead == Some(*admitted),
            Self::Leases(_) => lead.is_some(),
        }
    }

    /// Nobody can say that this node leads.
    fn refuse(self, shared: &Shared) {
        match self {
            Self::Renewal(.., done) => tell(done, RenewReply::Refused(office::unconfirmed(shared))),
            Self::Leases(done) => tell(done, None),
        }
    }
}

/// Whoever asked may have stopped waiting.
fn tell<T>(done: oneshot::Sender<T>, reply: T) {
    drop(done.send(reply));
}

impl Shared {
    /// Asks this node, as the leader, for a lease.
    pub(crate) async fn renewal(&self, request: RenewRequest) -> RenewReply {
        let (done, waiting) = oneshot::channel();
        let is_queued = self.leasing.asks.try_send(Ask::Renew(request, done)).is_ok();
        let refused = RenewReply::Refused(LeaseRefusal::NoMajority);
        if is_queued { waiting.await.unwrap_or(refused) } else { refused }
    }

    /// Asks this node, as the leader, who holds a lease.
    pub(crate) async fn who_holds(&self) -> Option<LeasesReply> {
        let (done, waiting) = oneshot::channel();
        self.leasing.asks.try_send(Ask::Leases(done)).ok()?;
        waiting.await.ok()?
    }
}
