//! A list that is linked through the slots, in ascending order of the slots' ranks.

use super::{
    super::slab::{NIL, Slab},
    Rank,
};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    head: u32,
    tail: u32,
    /// Rank of `head`, kept here so that publishing it touches no slot.
    head_rank: u64,
    len: u64,
    /// The item that was put between others last. Records that are moved from list to list come in ascending order, so that
    /// the search for the place of one goes on where that for the one before it ended.
    finger: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self { head: NIL, tail: NIL, head_rank: u64::MAX, len: 0, finger: NIL }
    }
}

impl Chain {
    /// Adds an item, behind all others unless its rank is lower than theirs.
    pub(super) fn push(&mut self, slots: &mut Slab, at: u32, rank: u64) {
        if self.tail != NIL && slots.get(self.tail).rank() > rank {
            return self.put_between(slots, at, rank);
        }
        let slot = slots.get_mut(at);
        slot.set_rank(rank);
        slot.set_list_prev(self.tail);
        slot.set_list_next(NIL);
        if self.tail == NIL {
            self.head = at;
            self.head_rank = rank;
        } else {
            slots.get_mut(self.tail).set_list_next(at);
        }
        self.tail = at;
        self.len += 1;
    }

    /// Adds an item where its rank belongs, before the tail.
    fn put_between(&mut self, slots: &mut Slab, at: u32, rank: u64) {
        let is_before = |next: u32| slots.get(next).rank() < rank;
        let mut prev = if self.finger != NIL && is_before(self.finger) { self.finger } else { NIL };
        let mut next = if prev == NIL { self.head } else { slots.get(prev).list_next() };
        while is_before(next) {
            (prev, next) = (next, slots.get(next).list_next());
        }
        let slot = slots.get_mut(at);
        slot.set_rank(rank);
        slot.set_list_prev(prev);
        slot.set_list_next(next);
        slots.get_mut(next).set_list_prev(at);
        if prev == NIL {
            self.head = at;
            self.head_rank = rank;
        } else {
            slots.get_mut(prev).set_list_next(at);
        }
        self.finger = at;
        self.len += 1;
    }

    /// Moves an item behind all others.
    pub(super) fn move_back(&mut self, slots: &mut Slab, at: u32, rank: u64) {
        if at == self.tail {
            slots.get_mut(at).set_rank(rank);
            if at == self.head {
                self.head_rank = rank;
            }
        } else {
            self.unlink(slots, at);
            self.push(slots, at, rank);
        }
    }

    /// Takes an item out.
    pub(super) fn unlink(&mut self, slots: &mut Slab, at: u32) {
        let slot = slots.get_mut(at);
        let (prev, next) = (slot.list_prev(), slot.list_next());
        slot.set_list_prev(NIL);
        slot.set_list_next(NIL);
        if at == self.finger {
            self.finger = prev;
        }
        if next == NIL {
            self.tail = prev;
        } else {
            slots.get_mut(next).set_list_prev(prev);
        }
        if prev == NIL {
            self.head = next;
            self.head_rank = if next == NIL { u64::MAX } else { slots.get(next).rank() };
        } else {
            slots.get_mut(prev).set_list_next(next);
        }
        self.len -= 1;
    }

    /// The first item.
    pub(super) fn first(&self) -> Option<u32> {
        (self.head != NIL).then_some(self.head)
    }

    /// The item behind `at`.
    pub(super) fn after(slots: &Slab, at: u32) -> Option<u32> {
        let next = slots.get(at).list_next();
        (next != NIL).then_some(next)
    }

    /// The first item's rank, which is less than `u64::MAX`, or that.
    pub(super) fn head_rank(&self) -> u64 {
        self.head_rank
    }

    /// The same, for queues that order by it alone.
    pub(super) fn rank(&self) -> Rank {
        if self.len == 0 { Rank::NONE } else { Rank { major: 0, minor: self.head_rank } }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }
}
