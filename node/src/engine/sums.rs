//! What a range holds of each space: counts for statistics, and a digest that is equal at copies that are equal.

use ringhold_model::Version;

use crate::replica::message::Digest;

/// Of the records of the current generations. The first space is kept in place: mostly there is one.
#[derive(Debug, Default)]
pub(super) struct Sums {
    first: Option<Sum>,
    /// The others, ascending by space.
    others: Vec<Sum>,
}

/// Of one space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    space: u16,
    pub items: u64,
    pub bytes: u64,
    digest: u64,
}

/// One record, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub hash: u64,
    pub version: Version,
    pub charge: u64,
}

impl Sums {
    pub(super) fn add(&mut self, space: u16, record: Counted) {
        let sum = self.open(space);
        sum.items += 1;
        sum.bytes += record.charge;
        sum.digest = sum.digest.wrapping_add(record.mix());
    }

    pub(super) fn subtract(&mut self, space: u16, record: Counted) {
        let sum = self.open(space);
        sum.items -= 1;
        sum.bytes -= record.charge;
        sum.digest = sum.digest.wrapping_sub(record.mix());
    }

    /// The space was cleared.
    pub(super) fn clear(&mut self, space: u16) {
        self.others.retain(|sum| sum.space != space);
        if self.first.is_some_and(|sum| sum.space == space) {
            self.first = self.others.pop();
        }
    }

    pub(super) fn of(&self, space: u16) -> Sum {
        self.all().find(|sum| sum.space == space).copied().unwrap_or_default()
    }

    pub(super) fn digest(&self) -> Digest {
        self.all().fold(Digest::default(), |all, sum| Digest {
            items: all.items + sum.items,
            sum: all.sum.wrapping_add(sum.digest),
        })
    }

    fn all(&self) -> impl Iterator<Item = &Sum> {
        self.first.iter().chain(&self.others)
    }

    /// The sum of a space, made at its first record.
    fn open(&mut self, space: u16) -> &mut Sum {
        let new = Sum { space, ..Sum::default() };
        if self.first.is_none_or(|first| first.space == space) {
            return self.first.get_or_insert(new);
        }
        let at = self.others.binary_search_by_key(&space, |sum| sum.space).unwrap_or_else(|at| {
            self.others.insert(at, new);
            at
        });
        &mut self.others[at]
    }
}

impl Counted {
    /// Spreads a record over all bits (the finaliser of splitmix64), so that sums of different sets differ.
    fn mix(self) -> u64 {
        let Version { epoch, seq } = self.version;
        let place = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ epoch.0.rotate_left(32);
        let mixed = self.hash ^ place;
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::Epoch;

    use super::*;

    fn record(hash: u64, seq: u64) -> Counted {
        Counted { hash, version: Version { epoch: Epoch(3), seq }, charge: 10 }
    }

    #[test]
    fn equal_sets_have_equal_digests_whatever_the_order_and_others_do_not() {
        let (mut one, mut other) = (Sums::default(), Sums::default());
        for n in 0..100 {
            one.add(n as u16 % 3, record(n, n));
            other.add(n as u16 % 3, record(99 - n, 99 - n));
        }
        other.add(7, record(5, 500));
        assert_ne!(one.digest(), other.digest());
        other.subtract(7, record(5, 500));
        assert_eq!(one.digest(), other.digest());
        one.subtract(0, record(6, 6));
        one.add(0, record(6, 7));
        assert_ne!(one.digest(), other.digest(), "another version");
        one.clear(0);
        assert_eq!((one.of(0).items, one.of(1).items, one.of(1).bytes), (0, 33, 330));
        one.add(2, record(1_000, 1));
        one.clear(1);
        assert_eq!((one.of(1).items, one.of(2).items, one.digest().items), (0, 34, 34));
    }
}
