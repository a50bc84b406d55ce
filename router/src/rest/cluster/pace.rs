//! How fast copies are being filled, told from one look to the next: a single fill is over too soon to tell.

use std::collections::BTreeMap;

use ringhold_model::NodeId;

/// Looks that are closer together give no new rate, in milliseconds.
const APART_MIN_MS: u64 = 1_000;
/// Looks that are further apart say nothing about the present, in milliseconds.
const APART_MAX_MS: u64 = 30_000;

/// What the last looks told, node by node: one that does not answer once must not spoil what the others tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paces(BTreeMap<NodeId, Pace>);

impl Paces {
    /// Takes note of a look at `now_ms` of a monotonic clock: the bytes that each node that answered has sent so far. Gives the
    /// bytes a second of all of them; `None`: no node was looked at lately.
    pub fn note(&mut self, now_ms: u64, sent: &[(NodeId, u64)]) -> Option<u64> {
        self.0.retain(|node, _| sent.iter().any(|(other, _)| other == node));
        let rates = sent.iter().map(|(node, bytes)| self.0.entry(*node).or_default().note(now_ms, *bytes));
        rates.flatten().reduce(u64::saturating_add)
    }
}

/// What the last looks at one node told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pace {
    last: Option<Look>,
    bytes_per_s: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    at_ms: u64,
    bytes: u64,
}

impl Pace {
    /// `None`: there was no look lately, or the node began to count anew.
    fn note(&mut self, now_ms: u64, bytes: u64) -> Option<u64> {
        let look = Look { at_ms: now_ms, bytes };
        let Some(last) = self.last.filter(|last| bytes >= last.bytes && now_ms <= last.at_ms + APART_MAX_MS) else {
            *self = Self { last: Some(look), bytes_per_s: None };
            return None;
        };
        let elapsed_ms = now_ms.saturating_sub(last.at_ms);
        if elapsed_ms >= APART_MIN_MS {
            let rate = u128::from(bytes - last.bytes) * 1_000 / u128::from(elapsed_ms);
            *self = Self { last: Some(look), bytes_per_s: Some(u64::try_from(rate).unwrap_or(u64::MAX)) };
        }
        self.bytes_per_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_from_two_looks_that_are_neither_too_close_nor_too_far_apart() {
        let mut pace = Pace::default();
        assert_eq!(pace.note(1_000, 500), None, "the first look");
        assert_eq!(pace.note(1_500, 900), None, "too close to tell");
        assert_eq!(pace.note(3_000, 4_500), Some(2_000));
        assert_eq!(pace.note(3_200, 9_000), Some(2_000), "as before");
        assert_eq!(pace.note(5_000, 4_500), Some(0), "nothing moves any more");
        assert_eq!(pace.note(40_000, 8_000), None, "too long ago");
        assert_eq!(pace.note(42_000, 7_000), None, "it began to count anew");
        assert_eq!(pace.note(44_000, 9_000), Some(1_000));
    }

    #[test]
    fn a_node_that_does_not_answer_once_begins_again_and_the_others_go_on() {
        let (one, two) = (NodeId(1), NodeId(2));
        let mut paces = Paces::default();
        assert_eq!(paces.note(0, &[(one, 0), (two, 5_000)]), None);
        assert_eq!(paces.note(1_000, &[(one, 100), (two, 5_200)]), Some(300));
        assert_eq!(paces.note(2_000, &[(one, 300)]), Some(200));
        assert_eq!(paces.note(3_000, &[(one, 500), (two, 9_000)]), Some(200), "not all that it ever sent");
        assert_eq!(paces.note(4_000, &[(one, 700), (two, 9_100)]), Some(300));
    }
}
