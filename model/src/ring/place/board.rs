//! What a placement is computed from; nodes go by their place in the sorted list of candidates.

use crate::{
    ids::RangeId,
    key::range_start,
    ring::{
        quota::Quota,
        table::{Table, Walk},
    },
};

pub(super) struct Board {
    pub(super) table: Table,
    pub(super) quotas: Vec<Quota>,
    /// Per node its zone.
    pub(super) zones: Vec<usize>,
    pub(super) zone_count: usize,
    pub(super) range_bits: u8,
    /// Owners that each range gets; at most the number of nodes.
    pub(super) copies: usize,
    /// Per range the owners that it had and that still exist.
    pub(super) previous: Option<Vec<Vec<usize>>>,
}

/// Which nodes a step may turn to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nodes that hold a copy of the range already: nothing has to move.
    Holders,
    /// Nodes that come before the present one on the circle: where the ring wants the range.
    Before,
    /// All.
    Anywhere,
}

/// A threshold of load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// The fair share.
    Floor,
    /// The most that is allowed.
    Cap,
}

impl Board {
    pub(super) fn ranges(&self) -> usize {
        1 << self.range_bits
    }

    pub(super) fn nodes(&self) -> usize {
        self.quotas.len()
    }

    /// All nodes clockwise from the start of a range.
    pub(super) fn walk(&self, range: usize) -> Walk<'_> {
        self.table.walk(range_start(RangeId(range as u16), self.range_bits))
    }

    /// What the range had before, the primary first.
    pub(super) fn previous(&self, range: usize) -> &[usize] {
        self.previous.as_ref().map_or(&[], |previous| &previous[range])
    }

    /// The zone rule: as many zones as owners, or all zones there are.
    pub(super) fn is_spread(&self, owners: &[usize]) -> bool {
        self.are_spread(owners.iter().copied())
    }

    /// The zone rule for `owners` with one more.
    pub(super) fn is_spread_with(&self, owners: &[usize], more: usize) -> bool {
        self.are_spread(owners.iter().copied().chain([more]))
    }

    /// The zone rule for `owners` with `new` in the place of `old`.
    pub(super) fn is_spread_after(&self, owners: &[usize], old: usize, new: usize) -> bool {
        self.are_spread(owners.iter().map(|owner| if *owner == old { new } else { *owner }))
    }

    fn are_spread(&self, owners: impl Iterator<Item = usize> + Clone) -> bool {
        let zone = |owner: usize| self.zones[owner];
        let is_first_of_its_zone =
            |(at, owner): &(usize, usize)| !owners.clone().take(*at).any(|other| zone(other) == zone(*owner));
        let zones = owners.clone().enumerate().filter(is_first_of_its_zone).count();
        zones >= owners.clone().count().min(self.zone_count)
    }
}
