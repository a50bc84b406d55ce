//! Slots in ascending order of (deadline, rank, number), as a tree that is linked through the slots: it takes no memory of its
//! own. A treap (Seidel and Aragon, 1996): a search tree by key and a heap by a random number, here the mixed hash of the item,
//! so that its depth is logarithmic whatever the order of insertions.
//!
//! `list_prev` is the left link, `list_next` the right one. An item's deadline and rank stay as they are while it is linked.

use super::{
    super::slab::{NIL, Slab},
    Rank,
};

/// Deadline of what never expires; above every other, which have 40 bits.
const NEVER: u64 = 1 << 40;

/// See the module.
#[derive(Debug)]
pub(super) struct Treap {
    root: u32,
    /// The first item and its rank, kept here so that publishing them touches no slot.
    first: Option<(Rank, u32)>,
    len: u64,
}

/// A link of an item, or the root.
#[derive(Clone, Copy)]
enum Link {
    Root,
    Left(u32),
    Right(u32),
}

impl Default for Treap {
    fn default() -> Self {
        Self { root: NIL, first: None, len: 0 }
    }
}

/// By what an item is ordered. Ranks of listed items differ, but for ties the number decides.
fn key(slots: &Slab, at: u32) -> (Rank, u32) {
    let slot = slots.get(at);
    let deadline = slot.deadline_ms();
    (Rank { major: if deadline == 0 { NEVER } else { deadline }, minor: slot.rank() }, at)
}

/// The place of an item in the heap: the higher is nearer to the root.
fn height(slots: &Slab, at: u32) -> u64 {
    slots.get(at).hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Treap {
    /// Rank of any item, linked or not.
    pub(super) fn rank_of(slots: &Slab, at: u32) -> Rank {
        key(slots, at).0
    }

    /// Links an item.
    pub(super) fn insert(&mut self, slots: &mut Slab, at: u32) {
        let (mine, mine_height) = (key(slots, at), height(slots, at));
        let (mut link, mut next) = (Link::Root, self.root);
        while next != NIL && height(slots, next) >= mine_height {
            link = if key(slots, next) < mine { Link::Right(next) } else { Link::Left(next) };
            next = self.get(slots, link);
        }
        self.set(slots, link, at);
        // What was there is below it now, parted by its key.
        let (mut lower, mut higher) = (Link::Left(at), Link::Right(at));
        while next != NIL {
            if key(slots, next) < mine {
                self.set(slots, lower, next);
                lower = Link::Right(next);
                next = self.get(slots, lower);
            } else {
                self.set(slots, higher, next);
                higher = Link::Left(next);
                next = self.get(slots, higher);
            }
        }
        self.set(slots, lower, NIL);
        self.set(slots, higher, NIL);
        self.len += 1;
        if self.first.is_none_or(|first| mine < first) {
            self.first = Some(mine);
        }
    }

    /// Unlinks an item.
    pub(super) fn remove(&mut self, slots: &mut Slab, at: u32) {
        let mine = key(slots, at);
        let (mut link, mut next) = (Link::Root, self.root);
        while next != at {
            link = if key(slots, next) < mine { Link::Right(next) } else { Link::Left(next) };
            next = self.get(slots, link);
        }
        let (mut left, mut right) = (slots.get(at).list_prev(), slots.get(at).list_next());
        while left != NIL && right != NIL {
            if height(slots, left) >= height(slots, right) {
                self.set(slots, link, left);
                link = Link::Right(left);
                left = self.get(slots, link);
            } else {
                self.set(slots, link, right);
                link = Link::Left(right);
                right = self.get(slots, link);
            }
        }
        self.set(slots, link, if left == NIL { right } else { left });
        let slot = slots.get_mut(at);
        slot.set_list_prev(NIL);
        slot.set_list_next(NIL);
        self.len -= 1;
        if self.first == Some(mine) {
            self.first = self.leftmost(slots);
        }
    }

    /// The first item.
    pub(super) fn first(&self) -> Option<u32> {
        self.first.map(|(_, at)| at)
    }

    /// Its rank.
    pub(super) fn rank(&self) -> Rank {
        self.first.map_or(Rank::NONE, |(rank, _)| rank)
    }

    /// The item behind `at`.
    pub(super) fn after(&self, slots: &Slab, at: u32) -> Option<u32> {
        let mine = key(slots, at);
        let (mut next, mut after) = (self.root, None);
        while next != NIL {
            if key(slots, next) > mine {
                after = Some(next);
                next = slots.get(next).list_prev();
            } else {
                next = slots.get(next).list_next();
            }
        }
        after
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    fn leftmost(&self, slots: &Slab) -> Option<(Rank, u32)> {
        let (mut next, mut first) = (self.root, None);
        while next != NIL {
            first = Some(next);
            next = slots.get(next).list_prev();
        }
        first.map(|at| key(slots, at))
    }

    fn get(&self, slots: &Slab, link: Link) -> u32 {
        match link {
            Link::Root => self.root,
            Link::Left(of) => slots.get(of).list_prev(),
            Link::Right(of) => slots.get(of).list_next(),
        }
    }

    fn set(&mut self, slots: &mut Slab, link: Link, at: u32) {
        match link {
            Link::Root => self.root = at,
            Link::Left(of) => slots.get_mut(of).set_list_prev(at),
            Link::Right(of) => slots.get_mut(of).set_list_next(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use ringhold_model::{
        config::DataType,
        wire::{NewRecord, Ttl},
    };

    use super::*;
    use crate::engine::block::Block;

    fn slots(count: u32) -> Slab {
        let record = NewRecord {
            value: b"1",
            metadata: None,
            tags: vec![],
            data_type: DataType::Number,
            strategy: None,
            ttl: Ttl::Default,
            history: None,
            when: vec![],
        };
        let mut slots = Slab::new();
        let mut hash = 7u64;
        for _ in 0..count {
            hash ^= hash << 13;
            hash ^= hash >> 7;
            hash ^= hash << 17;
            slots.insert(hash, Block::build("k", &record, 0).unwrap());
        }
        slots
    }

    /// Steps to the deepest item.
    fn depth(slots: &Slab, at: u32) -> u32 {
        if at == NIL {
            return 0;
        }
        1 + depth(slots, slots.get(at).list_prev()).max(depth(slots, slots.get(at).list_next()))
    }

    #[test]
    fn it_stays_shallow_when_deadlines_ascend() {
        let mut slots = slots(10_000);
        let mut treap = Treap::default();
        for at in 0..10_000 {
            slots.get_mut(at).set_deadline_ms(u64::from(at) + 1);
            treap.insert(&mut slots, at);
        }
        let depth = depth(&slots, treap.root);
        assert!(depth < 50, "{depth}");
    }

    proptest! {
        #[test]
        fn it_does_what_an_ordered_set_does(
            steps in prop::collection::vec((0..64u32, 0..20u64, 0..9u64), 1..400),
        ) {
            let mut slots = slots(64);
            let (mut treap, mut set) = (Treap::default(), BTreeSet::new());
            for (at, deadline, rank) in steps {
                let is_there = set.iter().any(|(_, there): &(Rank, u32)| *there == at);
                if is_there {
                    set.remove(&key(&slots, at));
                    treap.remove(&mut slots, at);
                } else {
                    slots.get_mut(at).set_deadline_ms(deadline);
                    slots.get_mut(at).set_rank(rank);
                    set.insert(key(&slots, at));
                    treap.insert(&mut slots, at);
                }
                let walk = std::iter::successors(treap.first(), |at| treap.after(&slots, *at));
                prop_assert!(walk.eq(set.iter().map(|(_, at)| *at)));
                prop_assert_eq!(treap.len(), set.len() as u64);
                prop_assert_eq!(treap.rank(), set.first().map_or(Rank::NONE, |(rank, _)| *rank));
            }
        }
    }
}
