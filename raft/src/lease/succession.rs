//! A new leader's side of rule L6: when the leases that earlier leaders gave have surely ended.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::NodeId;

use super::margin::at_most;

/// What the voters said of earlier leaders.
///
/// An earlier leader granted a lease only after a round that a majority of voters accepted, and every majority shares a voter
/// with every other. So no lease was asked for later than the latest moment at which some majority accepted a message of
/// an earlier leader; and a voter that answered accepts none any more, because it is in the asker's term. Whichever majority
/// is silent for longest may be taken, but it has to include this node: it may have led before, and after a restart in the
/// same term the others cannot tell its present messages from those of its former process.
///
/// Without answers one whole lease from when it began to lead is enough: it was elected before.
#[derive(Clone, Debug)]
pub(super) struct Succession {
    me: NodeId,
    /// The voters; two sets while both hold.
    voters: Vec<BTreeSet<NodeId>>,
    began_ms: u64,
    lease_ms: u64,
    /// Per voter the latest moment at which it may have followed an earlier leader.
    last_ms: BTreeMap<NodeId, u64>,
}

impl Succession {
    pub(super) fn new(me: NodeId, voters: Vec<BTreeSet<NodeId>>, began_ms: u64, lease_ms: u64) -> Self {
        Self { me, voters, began_ms, lease_ms, last_ms: BTreeMap::new() }
    }

    /// A voter's word arrived at `now_ms`: it had been silent for so long when it answered, which was earlier.
    pub(super) fn heard(&mut self, voter: NodeId, now_ms: u64, silent_ms: u64) {
        self.last_ms.entry(voter).or_insert(now_ms.saturating_sub(silent_ms));
    }

    /// Voters that have not said anything yet.
    pub(super) fn unheard(&self) -> BTreeSet<NodeId> {
        self.voters.iter().flatten().filter(|id| !self.last_ms.contains_key(id)).copied().collect()
    }

    /// When it is over. Never before every living node had the time to find the new leader: a lease that ended while nobody
    /// led says nothing about its holder.
    pub(super) fn ends_ms(&self) -> u64 {
        let whole = self.began_ms + at_most(self.lease_ms);
        let own = self.last_ms.get(&self.me).copied();
        let last =
            self.voters.iter().map(|set| self.last_of(set)).chain([own]).try_fold(0, |last, of| Some(last.max(of?)));
        let ends = last.map_or(whole, |last| whole.min(last + at_most(self.lease_ms)));
        ends.max(self.began_ms + self.lease_ms / 2)
    }

    /// The latest moment of the majority of `set` that was silent for longest; `None`: too few have answered.
    fn last_of(&self, set: &BTreeSet<NodeId>) -> Option<u64> {
        let others_needed = set.len() / 2 + 1 - usize::from(set.contains(&self.me));
        let mut others: Vec<u64> =
            set.iter().filter(|id| **id != self.me).filter_map(|id| self.last_ms.get(id)).copied().collect();
        others.sort_unstable();
        match others_needed {
            0 => Some(0),
            needed => others.get(needed - 1).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: u64 = 1_000;

    /// Node 1 began to lead at 10,000; `heard` are (voter, moment it last followed an earlier leader).
    fn ends(voters: &[&[u64]], heard: &[(u64, u64)]) -> u64 {
        let voters = voters.iter().map(|set| set.iter().map(|id| NodeId(*id)).collect()).collect();
        let mut wait = Succession::new(NodeId(1), voters, 10_000, LEASE);
        for (voter, last) in heard {
            wait.heard(NodeId(*voter), 10_050, 10_050 - last);
        }
        wait.ends_ms()
    }

    #[test]
    fn the_wait_is_a_lease_after_the_longest_silent_majority_that_includes_the_leader() {
        let three: &[&[u64]] = &[&[1, 2, 3]];
        let table = [
            ("nobody answered", three, vec![], 11_020),
            ("only itself", three, vec![(1, 9_700)], 11_020),
            ("without itself it is no majority", three, vec![(2, 9_600), (3, 9_600)], 11_020),
            ("a majority", three, vec![(1, 9_700), (2, 9_650)], 10_720),
            ("the more silent of the others counts", three, vec![(1, 9_700), (2, 9_990), (3, 9_600)], 10_720),
            ("its own word counts", three, vec![(1, 9_990), (2, 9_600), (3, 9_600)], 11_010),
            ("time for the living to come", three, vec![(1, 1_000), (2, 1_000)], 10_500),
            ("alone", &[&[1]], vec![(1, 9_900)], 10_920),
            ("five", &[&[1, 2, 3, 4, 5]], vec![(1, 9_500), (2, 9_800), (3, 9_700), (4, 9_950)], 10_820),
            ("both sets", &[&[1, 2, 3], &[1, 4, 5]], vec![(1, 9_500), (2, 9_600), (4, 9_800)], 10_820),
            ("one set is missing", &[&[1, 2, 3], &[1, 4, 5]], vec![(1, 9_500), (2, 9_600)], 11_020),
            ("it is no voter any more", &[&[2, 3, 4]], vec![(1, 9_500), (2, 9_600), (3, 9_700)], 10_720),
        ];
        for (name, voters, heard, expected) in table {
            assert_eq!(ends(voters, &heard), expected, "{name}");
        }
    }

    #[test]
    fn the_first_word_of_a_voter_counts() {
        let mut wait = Succession::new(NodeId(1), vec![BTreeSet::from([NodeId(1), NodeId(2)])], 10_000, LEASE);
        assert_eq!(wait.unheard(), BTreeSet::from([NodeId(1), NodeId(2)]));
        wait.heard(NodeId(1), 10_000, 300);
        wait.heard(NodeId(2), 10_000, 300);
        wait.heard(NodeId(2), 10_900, 0);
        assert!(wait.unheard().is_empty());
        assert_eq!(wait.ends_ms(), 10_720);
    }
}
