//! Nodes that cannot reach each other although both reach the leader: one of them has to go, or their writes stand still.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{NodeId, cluster::ClusterState};

use super::account::Accounts;

/// Which other nodes with a lease each node with a lease cannot reach.
type Reports = BTreeMap<NodeId, BTreeSet<NodeId>>;

/// Who has to go.
#[derive(Clone, Debug, Default)]
pub(super) struct Quarrel {
    /// Who would have to, and since when that has been so.
    suspect: Option<(NodeId, u64)>,
    victim: Option<NodeId>,
}

impl Quarrel {
    /// Whose lease shall end.
    pub(super) const fn victim(&self) -> Option<NodeId> {
        self.victim
    }

    /// Decides anew. Only among nodes that share a range: nobody waits for others. Everyone has a hearing of `hearing_ms` to say
    /// whom it cannot reach. Whoever has lost what it shared may come back.
    pub(super) fn judge(&mut self, accounts: &Accounts, state: &ClusterState, now_ms: u64, hearing_ms: u64) {
        let reports = self.reports(accounts, state, now_ms);
        let is_cut_off = |id: NodeId| {
            reports.values().any(|of| of.contains(&id)) || reports.get(&id).is_some_and(|of| !of.is_empty())
        };
        let holds = |id: NodeId| accounts.get(&id).is_some_and(|account| account.holds(now_ms));
        if self.victim.is_some_and(|victim| !holds(victim) && is_cut_off(victim)) {
            return;
        }
        let suspect = loser(&reports);
        if suspect != self.suspect.map(|(id, _)| id) {
            self.suspect = suspect.map(|id| (id, now_ms));
        }
        let victim = self.suspect.filter(|(_, since)| now_ms >= since + hearing_ms).map(|(id, _)| id);
        if let (Some(victim), true) = (victim, victim != self.victim) {
            tracing::warn!(node.id = victim.0, ?reports, "nodes cannot reach each other; this one loses its lease");
        }
        self.victim = victim;
    }

    fn reports(&self, accounts: &Accounts, state: &ClusterState, now_ms: u64) -> Reports {
        let holds = |id: NodeId| accounts.get(&id).is_some_and(|account| account.holds(now_ms));
        let counts = |id: NodeId| holds(id) || self.victim == Some(id);
        let shared = |by: NodeId, of: &BTreeSet<NodeId>| -> BTreeSet<NodeId> {
            of.iter().filter(|of| counts(**of) && share_a_range(state, by, **of)).copied().collect()
        };
        let reporting = accounts.iter().filter(|(id, account)| counts(**id) && !account.unreachable.is_empty());
        reporting.map(|(id, account)| (*id, shared(*id, &account.unreachable))).collect()
    }
}

/// Whose lease shall end, if anyone's: one at a time, the most reported first.
///
/// `reports` holds, of nodes with a lease, which others with a lease each of them cannot reach. Of a node that reports and
/// one that is reported the latter goes if at least as many report it as the former reports; else the reporter seems to be
/// the one that is cut off. Where two report each other and both would go by that, the higher id does.
fn loser(reports: &Reports) -> Option<NodeId> {
    let reported = |id: NodeId| reports.values().filter(|of| of.contains(&id)).count();
    let reporting = |id: NodeId| reports.get(&id).map_or(0, BTreeSet::len);
    let goes = |by: NodeId, of: NodeId| if reported(of) >= reporting(by) { of } else { by };
    let pairs = reports.iter().flat_map(|(by, all)| all.iter().map(move |of| (*by, *of)));
    let losers = pairs.map(|(by, of)| {
        let is_mutual = reports.get(&of).is_some_and(|back| back.contains(&by));
        match (goes(by, of), goes(of, by)) {
            (one, other) if is_mutual && one != other => by.max(of),
            (one, _) => one,
        }
    });
    losers.max_by_key(|id| (reported(*id), *id))
}

fn share_a_range(state: &ClusterState, one: NodeId, other: NodeId) -> bool {
    state.ranges.iter().any(|record| {
        let has = |id: NodeId| record.in_sync.iter().any(|member| member.node == id);
        has(one) && has(other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1:23` says that node 1 cannot reach the nodes 2 and 3.
    fn of(text: &str) -> Option<u64> {
        let id = |c: char| NodeId(c.to_digit(10).unwrap().into());
        let reports = text.split_whitespace().map(|word| {
            let (by, all) = word.split_once(':').unwrap();
            (id(by.chars().next().unwrap()), all.chars().map(id).collect())
        });
        loser(&reports.collect()).map(|id| id.0)
    }

    #[test]
    fn who_is_cut_off_goes() {
        let table = [
            ("nobody reports", "1: 2:", None),
            ("one is reported", "1:2", Some(2)),
            ("a pair: the higher id", "1:2 2:1", Some(2)),
            ("all but one report it, and it reports all", "1:3 2:3 3:12", Some(3)),
            ("it cannot be reached and does not notice", "1:3 2:3", Some(3)),
            ("it reaches nobody, and nobody notices", "1:23", Some(1)),
            ("whatever the ids", "1:23 2:1 3:1", Some(1)),
            ("two pairs: one after the other", "1:2 2:1 3:4 4:3", Some(4)),
            ("the most reported first", "1:45 2:4 3:4 4:1 5:", Some(4)),
        ];
        for (name, text, expected) in table {
            assert_eq!(of(text), expected, "{name}");
        }
    }
}
