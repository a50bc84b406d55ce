//! From a tag to the slots that carry it, exact at any moment, for one (shard, space).

use std::collections::{HashMap, HashSet};

use super::block::Block;

/// Which slots carry which tag.
#[derive(Debug, Default)]
pub(super) struct Tags {
    sets: HashMap<Box<str>, Set>,
}

/// Most tags of unique items have one slot; it costs no allocation of its own.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "keeps the entry of a tag at 16 bytes; most have one slot")]
enum Set {
    One(u32),
    Many(Box<HashSet<u32>>),
}

impl Tags {
    /// Adds a slot under the tags of its block.
    pub(super) fn insert(&mut self, at: u32, block: &Block) {
        if !block.is_tagged() {
            return;
        }
        for tag in block.tags() {
            match self.sets.get_mut(tag) {
                Some(Set::Many(set)) => {
                    set.insert(at);
                }
                Some(set @ Set::One(_)) => {
                    let Set::One(first) = *set else { unreachable!("matched above") };
                    if first != at {
                        *set = Set::Many(Box::new(HashSet::from([first, at])));
                    }
                }
                None => {
                    self.sets.insert(tag.into(), Set::One(at));
                }
            }
        }
    }

    /// Removes a slot from the tags of its block.
    pub(super) fn remove(&mut self, at: u32, block: &Block) {
        if !block.is_tagged() {
            return;
        }
        for tag in block.tags() {
            let is_empty = match self.sets.get_mut(tag) {
                Some(Set::Many(set)) => {
                    set.remove(&at);
                    set.is_empty()
                }
                Some(Set::One(first)) => *first == at,
                None => false,
            };
            if is_empty {
                self.sets.remove(tag);
            }
        }
        if self.sets.is_empty() {
            self.sets = HashMap::new();
        }
    }

    /// The slots that carry a tag.
    pub(super) fn slots(&self, tag: &str) -> Vec<u32> {
        match self.sets.get(tag) {
            Some(Set::One(at)) => vec![*at],
            Some(Set::Many(set)) => set.iter().copied().collect(),
            None => Vec::new(),
        }
    }

    /// True when nothing carries any tag.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}
