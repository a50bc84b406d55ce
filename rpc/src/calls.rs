//! The calls of a link that wait for an answer: a slab whose slots are reused, so that a call costs no allocation.
//!
//! A call's id is its slot and the slot's generation; an answer that comes after its call was given up meets another
//! generation and is dropped.

use std::{
    mem,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{deadline::Deadline, error::CallError};

pub(crate) type Outcome = Result<Bytes, CallError>;

/// Where a call is.
#[derive(Debug)]
enum Slot {
    /// Nobody's; the next free slot.
    Free(Option<u32>),
    Waiting(Waiting),
    /// Answered; the caller has not looked yet.
    Over(Outcome),
}

#[derive(Debug)]
struct Waiting {
    deadline: Deadline,
    /// When the caller wants to be told that there is no answer yet.
    slow_at: Option<Instant>,
    /// That time has come, and the caller has not looked yet.
    is_slow: bool,
    waker: Option<Waker>,
    /// Whether the request may have left.
    is_sent: bool,
}

impl Waiting {
    /// When something has to be done about it if no answer comes.
    fn due_at(&self) -> Instant {
        self.slow_at.map_or(self.deadline.instant(), |slow_at| slow_at.min(self.deadline.instant()))
    }
}

/// What a caller finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Over(Outcome),
    /// Told once.
    Slow,
}

#[derive(Debug)]
struct Entry {
    generation: u32,
    slot: Slot,
}

#[derive(Debug, Default)]
pub(crate) struct Calls {
    entries: Vec<Entry>,
    free: Option<u32>,
    waiting: usize,
    /// Calls that may have left and have no answer yet.
    sent: usize,
    /// Calls that the peer has answered so far.
    answered: u64,
}

impl Calls {
    /// Calls without an answer.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Calls that may have left and have no answer yet.
    pub(crate) const fn sent(&self) -> usize {
        self.sent
    }

    /// Calls that the peer has answered so far.
    pub(crate) const fn answered(&self) -> u64 {
        self.answered
    }

    /// A new call; its id. Its caller is told at `slow_at` if there is no answer by then.
    pub(crate) fn open(&mut self, deadline: Deadline, slow_at: Option<Instant>) -> u64 {
        self.waiting += 1;
        let slot = Slot::Waiting(Waiting { deadline, slow_at, is_slow: false, waker: None, is_sent: false });
        let index = match self.free {
            Some(index) => {
                let entry = &mut self.entries[index as usize];
                if let Slot::Free(next) = mem::replace(&mut entry.slot, slot) {
                    self.free = next;
                }
                index
            }
            None => {
                self.entries.push(Entry { generation: 0, slot });
                u32::try_from(self.entries.len() - 1).expect("the number of waiting calls is bounded far below 2^32")
            }
        };
        id_of(self.entries[index as usize].generation, index)
    }

    /// The call's request leaves now; its deadline, or `None` when nobody waits for it any more.
    pub(crate) fn mark_sent(&mut self, id: u64) -> Option<Deadline> {
        let waiting = self.waiting_mut(id)?;
        let deadline = waiting.deadline;
        let was_sent = mem::replace(&mut waiting.is_sent, true);
        self.sent += usize::from(!was_sent);
        Some(deadline)
    }

    /// The peer's answer to a call; its waker. Nothing happens when nobody waits for it any more.
    pub(crate) fn finish(&mut self, id: u64, outcome: Outcome) -> Option<Waker> {
        self.answered += 1;
        self.waiting_mut(id)?;
        let Slot::Waiting(waiting) = mem::replace(&mut self.entries[index_of(id)].slot, Slot::Over(outcome)) else {
            return None;
        };
        self.waiting -= 1;
        self.sent -= usize::from(waiting.is_sent);
        waiting.waker
    }

    /// Looks whether the call is over or slow; if not, `cx` is woken when it is, instead of `old`.
    pub(crate) fn poll(&mut self, id: u64, cx: &Context<'_>, old: &mut Option<Waker>) -> Poll<Look> {
        match self.entry_mut(id).map(|entry| &mut entry.slot) {
            Some(Slot::Waiting(waiting)) => {
                if mem::take(&mut waiting.is_slow) {
                    return Poll::Ready(Look::Slow);
                }
                if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    *old = waiting.waker.replace(cx.waker().clone());
                }
                Poll::Pending
            }
            Some(Slot::Over(_)) => match self.free_slot(id) {
                Slot::Over(outcome) => Poll::Ready(Look::Over(outcome)),
                Slot::Waiting(_) | Slot::Free(_) => Poll::Ready(Look::Over(Err(CallError::Lost))),
            },
            Some(Slot::Free(_)) | None => Poll::Ready(Look::Over(Err(CallError::Lost))),
        }
    }

    /// Nobody waits for the call any more. Returns its waker, to be dropped outside of any lock.
    pub(crate) fn abandon(&mut self, id: u64) -> Option<Waker> {
        self.entry_mut(id)?;
        let Slot::Waiting(waiting) = self.free_slot(id) else { return None };
        self.waiting -= 1;
        self.sent -= usize::from(waiting.is_sent);
        waiting.waker
    }

    /// Tells those that wanted to know by `now` that there is no answer yet.
    pub(crate) fn tell_slow(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        for entry in &mut self.entries {
            let Slot::Waiting(waiting) = &mut entry.slot else { continue };
            if waiting.slow_at.is_some_and(|slow_at| slow_at <= now) {
                (waiting.slow_at, waiting.is_slow) = (None, true);
                wakers.extend(waiting.waker.take());
            }
        }
    }

    /// Ends every call for which `judge` has an error; it sees the deadline and whether the request may have left.
    /// Returns when one of those that go on has to be looked at next.
    pub(crate) fn finish_where(
        &mut self,
        wakers: &mut Vec<Waker>,
        mut judge: impl FnMut(Deadline, bool) -> Option<CallError>,
    ) -> Option<Instant> {
        let mut earliest: Option<Instant> = None;
        for entry in &mut self.entries {
            let Slot::Waiting(waiting) = &mut entry.slot else { continue };
            let Some(error) = judge(waiting.deadline, waiting.is_sent) else {
                let instant = waiting.due_at();
                earliest = Some(earliest.map_or(instant, |known| known.min(instant)));
                continue;
            };
            self.waiting -= 1;
            self.sent -= usize::from(waiting.is_sent);
            wakers.extend(waiting.waker.take());
            entry.slot = Slot::Over(Err(error));
        }
        earliest
    }

    fn entry_mut(&mut self, id: u64) -> Option<&mut Entry> {
        self.entries.get_mut(index_of(id)).filter(|entry| entry.generation == generation_of(id))
    }

    fn waiting_mut(&mut self, id: u64) -> Option<&mut Waiting> {
        match &mut self.entry_mut(id)?.slot {
            Slot::Waiting(waiting) => Some(waiting),
            Slot::Over(_) | Slot::Free(_) => None,
        }
    }

    fn free_slot(&mut self, id: u64) -> Slot {
        let index = index_of(id);
        let entry = &mut self.entries[index];
        entry.generation = entry.generation.wrapping_add(1);
        let slot = mem::replace(&mut entry.slot, Slot::Free(self.free));
        self.free = u32::try_from(index).ok();
        slot
    }
}

const fn id_of(generation: u32, index: u32) -> u64 {
    (generation as u64) << 32 | index as u64
}

const fn index_of(id: u64) -> usize {
    (id & 0xffff_ffff) as usize
}

const fn generation_of(id: u64) -> u32 {
    (id >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn look(calls: &mut Calls, id: u64) -> Poll<Outcome> {
        match calls.poll(id, &Context::from_waker(Waker::noop()), &mut None) {
            Poll::Ready(Look::Over(outcome)) => Poll::Ready(outcome),
            Poll::Ready(Look::Slow) => panic!("nobody wanted to know whether it is slow"),
            Poll::Pending => Poll::Pending,
        }
    }

    #[test]
    fn a_slow_call_is_told_once_and_can_be_answered_still() {
        let mut calls = Calls::default();
        let start = Instant::now();
        let (slow_at, end) = (start + Duration::from_millis(5), start + Duration::from_secs(1));
        let id = calls.open(Deadline::at(end), Some(slow_at));
        let poll = |calls: &mut Calls| calls.poll(id, &Context::from_waker(Waker::noop()), &mut None);
        assert_eq!(calls.finish_where(&mut Vec::new(), |_, _| None), Some(slow_at));
        calls.tell_slow(start, &mut Vec::new());
        assert!(poll(&mut calls).is_pending(), "it is not time yet");
        let mut wakers = Vec::new();
        calls.tell_slow(slow_at, &mut wakers);
        assert_eq!(wakers.len(), 1);
        assert_eq!(poll(&mut calls), Poll::Ready(Look::Slow));
        assert!(poll(&mut calls).is_pending());
        assert_eq!(calls.finish_where(&mut Vec::new(), |_, _| None), Some(end), "only the deadline is left");
        calls.finish(id, Ok(Bytes::from_static(b"late")));
        assert_eq!(poll(&mut calls), Poll::Ready(Look::Over(Ok(Bytes::from_static(b"late")))));
        assert_eq!(calls.answered(), 1);
    }

    #[test]
    fn an_answer_for_a_call_given_up_does_not_reach_the_next_one_in_its_slot() {
        let mut calls = Calls::default();
        let old = calls.open(Deadline::after(Duration::from_secs(1)), None);
        assert!(calls.mark_sent(old).is_some());
        calls.abandon(old);
        let new = calls.open(Deadline::after(Duration::from_secs(1)), None);
        assert_eq!(index_of(old), index_of(new));
        assert!(calls.finish(old, Ok(Bytes::from_static(b"late"))).is_none());
        assert!(look(&mut calls, new).is_pending());
        assert!(calls.finish(new, Ok(Bytes::from_static(b"own"))).is_some());
        assert_eq!(look(&mut calls, new), Poll::Ready(Ok(Bytes::from_static(b"own"))));
        assert_eq!((calls.waiting(), calls.sent()), (0, 0));
    }

    #[test]
    fn a_call_given_up_before_it_is_sent_has_no_deadline_to_send() {
        let mut calls = Calls::default();
        let id = calls.open(Deadline::after(Duration::from_secs(1)), None);
        calls.abandon(id);
        assert_eq!(calls.mark_sent(id), None);
        assert_eq!(calls.waiting(), 0);
    }

    #[test]
    fn slots_are_reused_and_counts_stay_true() {
        let mut calls = Calls::default();
        for round in 0..10u64 {
            let ids: Vec<u64> = (0..5).map(|_| calls.open(Deadline::after(Duration::from_secs(1)), None)).collect();
            for id in &ids[..3] {
                calls.mark_sent(*id);
            }
            assert_eq!((calls.waiting(), calls.sent()), (5, 3), "round {round}");
            let earliest = calls.finish_where(&mut Vec::new(), |_, is_sent| {
                Some(if is_sent { CallError::Lost } else { CallError::Overloaded })
            });
            assert_eq!((earliest, calls.waiting(), calls.sent()), (None, 0, 0));
            assert_eq!(look(&mut calls, ids[0]), Poll::Ready(Err(CallError::Lost)));
            assert_eq!(look(&mut calls, ids[4]), Poll::Ready(Err(CallError::Overloaded)));
            for id in &ids[1..4] {
                calls.abandon(*id);
            }
        }
        assert_eq!(calls.entries.len(), 5);
    }
}
