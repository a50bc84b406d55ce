//! Waiting until effects are committed: held by every in-sync copy.
//!
//! A ticket is taken under the shard's lock for the last effect that an answer rests on, and punched when that is
//! committed, or lost because this node's membership ended. Wakers are called after unlocking.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use ringhold_model::{RangeId, wire::Fault};

use super::Outcome;

/// Resolves when everything that an answer rests on is committed or lost. May be dropped: then nobody hears of it.
#[derive(Debug)]
pub struct Commit(Arc<Pending>);

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitOutcome {
    /// What was lost: places of operations in their frame, or numbers of ranges for calls over many keys.
    pub lost: Vec<u32>,
    /// What was committed, and how many copies hold it.
    pub held: Vec<(u32, u8)>,
}

/// One answer that waits.
type Pending = Mutex<State>;

#[derive(Debug)]
struct State {
    /// Tickets that are not punched, and one for who still takes some.
    open: usize,
    outcome: CommitOutcome,
    waker: Option<Waker>,
}

/// Takes the tickets of one answer; nothing is allocated before the first.
#[derive(Debug, Default)]
pub(super) struct Tickets(Option<Arc<Pending>>);

/// The tickets of one range, ascending by number.
#[derive(Debug, Default)]
pub(super) struct Waiters(VecDeque<Ticket>);

#[derive(Debug)]
struct Ticket {
    seq: u64,
    /// What the answer knows it by.
    tag: u32,
    pending: Arc<Pending>,
}

/// Punched tickets, on their way out of the lock.
#[derive(Debug, Default)]
pub(super) struct Woken(Vec<(Ticket, Option<u8>)>);

impl Commit {
    /// Waits.
    pub async fn wait(self) -> CommitOutcome {
        self.await
    }
}

impl Future for Commit {
    type Output = CommitOutcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CommitOutcome> {
        let mut state = self.0.lock();
        if state.open == 0 {
            return Poll::Ready(std::mem::take(&mut state.outcome));
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl CommitOutcome {
    /// Corrects the outcomes of a frame: how many copies hold what was stored, and that what was lost is unknown.
    pub fn settle(&self, outcomes: &mut [Outcome]) {
        for (at, copies) in &self.held {
            if let Some(outcome) = outcomes.get_mut(*at as usize) {
                outcome.set_copies(*copies);
            }
        }
        for at in &self.lost {
            if let Some(outcome) = outcomes.get_mut(*at as usize) {
                *outcome = Outcome::Failed(Fault::Unknown);
            }
        }
    }

    /// The ranges that were lost, for calls over many keys.
    pub(super) fn lost_ranges(&self) -> Vec<RangeId> {
        self.lost.iter().map(|range| RangeId(*range as u16)).collect()
    }
}

impl Tickets {
    /// Waits for effect `seq`, for what the answer knows as `tag`.
    pub(super) fn wait(&mut self, waiters: &mut Waiters, seq: u64, tag: u32) {
        let new = || Arc::new(Mutex::new(State { open: 1, outcome: CommitOutcome::default(), waker: None }));
        let pending = self.0.get_or_insert_with(new).clone();
        pending.lock().open += 1;
        waiters.add(Ticket { seq, tag, pending });
    }

    /// What is to be waited for, if anything.
    pub(super) fn commit(self) -> Option<Commit> {
        let pending = self.0?;
        pending.lock().open -= 1;
        Some(Commit(pending))
    }
}

impl Waiters {
    fn add(&mut self, ticket: Ticket) {
        // Mostly it waits for the newest effect.
        let after = self.0.iter().rev().take_while(|other| other.seq > ticket.seq).count();
        self.0.insert(self.0.len() - after, ticket);
    }

    /// Everything up to `seq` is committed and held by `copies`. Says how many tickets that was.
    pub(super) fn committed(&mut self, seq: u64, copies: u8, woken: &mut Woken) -> usize {
        let count = self.0.partition_point(|ticket| ticket.seq <= seq);
        woken.0.extend(self.0.drain(..count).map(|ticket| (ticket, Some(copies))));
        count
    }

    /// Nothing will be known of any.
    pub(super) fn lost(&mut self, woken: &mut Woken) {
        woken.0.extend(self.0.drain(..).map(|ticket| (ticket, None)));
    }
}

impl Woken {
    /// Tells those who wait. No lock is held.
    pub(super) fn tell(self) {
        for (Ticket { tag, pending, .. }, copies) in self.0 {
            let mut state = pending.lock();
            match copies {
                Some(copies) => state.outcome.held.push((tag, copies)),
                None => state.outcome.lost.push(tag),
            }
            state.open -= 1;
            let waker = if state.open == 0 { state.waker.take() } else { None };
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    fn punch(waiters: &mut Waiters, seq: u64) {
        let mut woken = Woken::default();
        waiters.committed(seq, 2, &mut woken);
        woken.tell();
    }

    #[test]
    fn it_resolves_once_with_the_last_of_several_ranges() {
        let (mut tickets, mut first, mut second) = (Tickets::default(), Waiters::default(), Waiters::default());
        tickets.wait(&mut first, 7, 0);
        tickets.wait(&mut first, 5, 1);
        tickets.wait(&mut second, 3, 2);
        tickets.wait(&mut second, 4, 3);
        punch(&mut first, 4);
        punch(&mut first, 6);
        let mut commit = tickets.commit().unwrap();
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut commit).poll(&mut context).is_pending());
        punch(&mut first, 9);
        punch(&mut second, 3);
        assert!(Pin::new(&mut commit).poll(&mut context).is_pending());
        assert_eq!(count.0.load(SeqCst), 0);
        let mut woken = Woken::default();
        second.lost(&mut woken);
        woken.tell();
        assert_eq!(count.0.load(SeqCst), 1);
        let outcome = CommitOutcome { lost: vec![3], held: vec![(1, 2), (0, 2), (2, 2)] };
        assert_eq!(Pin::new(&mut commit).poll(&mut context), Poll::Ready(outcome));
    }

    #[test]
    fn without_a_ticket_there_is_nothing_to_wait_for() {
        assert!(Tickets::default().commit().is_none());
    }
}
