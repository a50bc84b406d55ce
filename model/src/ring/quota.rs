//! How much a node may hold.

/// Bounds of one node, in ranges. `floor` is what it holds at least once the placement has settled (its fair share,
/// rounded down), `cap` what it never exceeds: `max(ceil(fair), 1.05 x fair)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Fewest ranges of which the node is the primary.
    pub primaries_floor: u64,
    /// Most ranges of which the node is the primary.
    pub primaries_cap: u64,
    /// Fewest ranges that the node holds, as primary or as copy.
    pub members_floor: u64,
    /// Most ranges that the node holds, as primary or as copy.
    pub members_cap: u64,
}

/// The quotas of nodes with these weights (all above 0) for `ranges` ranges of `copies` copies each.
///
/// A node can hold a range only once, so the fair share of copies stops at `ranges`; what a very heavy node cannot take
/// is spread over the others by weight. The caps always suffice: their sum is at least what is to be placed.
pub fn quotas(weights: &[u32], ranges: u64, copies: usize) -> Vec<Quota> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let copies = copies.min(weights.len());
    let (saturated, weight_left) = saturated(weights, copies);
    let copies_left = copies as u64 - saturated.iter().filter(|is| **is).count() as u64;
    let quota = |(weight, is_saturated): (&u32, &bool)| {
        let weight = u64::from(*weight);
        let primaries = Share { parts: ranges * weight, of: total };
        let members = match *is_saturated {
            true => Share { parts: ranges, of: 1 },
            false => Share { parts: copies_left * ranges * weight, of: weight_left },
        };
        Quota {
            primaries_floor: primaries.floor(),
            primaries_cap: primaries.cap(ranges),
            members_floor: members.floor(),
            members_cap: members.cap(ranges),
        }
    };
    weights.iter().zip(&saturated).map(quota).collect()
}

/// Which nodes are so heavy that they hold every range, and the weight of the others.
fn saturated(weights: &[u32], copies: usize) -> (Vec<bool>, u64) {
    let mut saturated = vec![false; weights.len()];
    let mut copies_left = copies as u64;
    let mut weight_left: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    loop {
        let heavy = |at: &usize| !saturated[*at] && copies_left * u64::from(weights[*at]) >= weight_left;
        let Some(at) = (0..weights.len()).find(heavy).filter(|_| copies_left > 0) else {
            return (saturated, weight_left);
        };
        saturated[at] = true;
        copies_left -= 1;
        weight_left -= u64::from(weights[at]);
    }
}

/// A fair share as a fraction: exact, because a placement must not depend on how a machine rounds.
struct Share {
    parts: u64,
    of: u64,
}

impl Share {
    fn floor(&self) -> u64 {
        self.parts / self.of
    }

    fn cap(&self, ranges: u64) -> u64 {
        let within_5_percent = u128::from(self.parts) * 105 / (u128::from(self.of) * 100);
        self.parts.div_ceil(self.of).max(within_5_percent as u64).min(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(weights: &[u32], ranges: u64, copies: usize) -> Vec<(u64, u64)> {
        quotas(weights, ranges, copies).iter().map(|quota| (quota.primaries_cap, quota.members_cap)).collect()
    }

    #[test]
    fn caps_are_five_percent_above_fair_or_the_next_whole_number() {
        assert_eq!(caps(&[100; 4], 1024, 1), [(268, 268); 4]);
        assert_eq!(caps(&[100; 50], 1024, 1), [(21, 21); 50]);
        assert_eq!(caps(&[100, 300], 1024, 1), [(268, 268), (806, 806)]);
        assert_eq!(caps(&[100; 4], 1024, 2), [(268, 537); 4]);
    }

    #[test]
    fn a_node_holds_a_range_once_however_heavy_it_is() {
        assert_eq!(caps(&[100, 100], 1024, 2), [(537, 1024), (537, 1024)]);
        let quotas = quotas(&[8_000, 1_000, 1_000], 1_000, 2);
        assert_eq!((quotas[0].primaries_floor, quotas[0].members_floor), (800, 1_000));
        assert_eq!((quotas[1].primaries_floor, quotas[1].members_floor), (100, 500));
    }

    #[test]
    fn one_node_takes_everything() {
        assert_eq!(caps(&[u32::MAX], 65_536, 1), [(65_536, 65_536)]);
    }
}
