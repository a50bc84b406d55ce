//! A leader that follows its plans arrives.

mod leader;

use std::collections::BTreeSet;

use proptest::{collection::vec, option, prelude::*};

use self::leader::Cluster;
use crate::{
    cluster::{Command, NodeState, Proposal, RequestId, SettingsPatch},
    ids::NodeId,
};

/// What happens to a cluster whose leader keeps planning and moving. Nodes are counted off among those that are not gone.
#[derive(Clone, Debug)]
enum Event {
    /// A host that is taken already means that its disk was wiped.
    Join {
        host: u8,
        weight: u32,
        zone: u8,
    },
    Restart {
        nth: usize,
        weight: u32,
        zone: u8,
    },
    Crash {
        nth: usize,
    },
    Drain {
        nth: usize,
        cancel: bool,
    },
    Remove {
        nth: usize,
        force: bool,
    },
    Weigh {
        nth: usize,
        weight: Option<u32>,
    },
    Copies(u8),
    CancelMoves,
}

fn event() -> impl Strategy<Value = Event> {
    let weight = || prop_oneof![3 => Just(100_u32), 1 => 1..300_u32];
    let nth = || 0..9_usize;
    prop_oneof![
        6 => (0..9_u8, weight(), 0..3_u8).prop_map(|(host, weight, zone)| Event::Join { host, weight, zone }),
        3 => (nth(), weight(), 0..3_u8).prop_map(|(nth, weight, zone)| Event::Restart { nth, weight, zone }),
        3 => nth().prop_map(|nth| Event::Crash { nth }),
        2 => (nth(), any::<bool>()).prop_map(|(nth, cancel)| Event::Drain { nth, cancel }),
        2 => (nth(), any::<bool>()).prop_map(|(nth, force)| Event::Remove { nth, force }),
        1 => (nth(), option::of(0..300_u32)).prop_map(|(nth, weight)| Event::Weigh { nth, weight }),
        1 => (1..4_u8).prop_map(Event::Copies),
        1 => Just(Event::CancelMoves),
    ]
}

impl Cluster {
    /// Lets the event happen, unless that left nobody who could own a range.
    fn happen(&mut self, event: &Event) {
        match event {
            Event::Join { host, weight, zone } => self.join(*host, *weight, *zone),
            Event::Restart { nth, weight, zone } => self.start(self.nth(*nth), *weight, *zone),
            Event::Crash { nth } => {
                let down: BTreeSet<_> = self.down.iter().copied().chain([self.nth(*nth)]).collect();
                if self.can_plan(&[], &down) {
                    self.down = down;
                }
            }
            Event::Drain { nth, cancel } => self.attempt(Command::Drain { node: self.nth(*nth), cancel: *cancel }),
            Event::Remove { nth, force } => {
                let node = self.nth(*nth);
                self.attempt(Command::RemoveNode { node, force: *force });
                if self.state.nodes[&node].state == NodeState::Gone {
                    self.down.remove(&node);
                }
            }
            Event::Weigh { nth, weight } => self.attempt(Command::SetWeight { node: self.nth(*nth), weight: *weight }),
            Event::Copies(copies) => {
                let patch = SettingsPatch { replication_factor: Some(*copies), ..SettingsPatch::default() };
                self.attempt(Command::PatchSettings { patch });
            }
            Event::CancelMoves => self.attempt(Command::CancelMoves),
        }
    }

    fn attempt(&mut self, command: Command) {
        if self.can_plan(std::slice::from_ref(&command), &self.down) {
            let _ = self.apply(command);
        }
    }

    fn can_plan(&self, commands: &[Command], down: &BTreeSet<NodeId>) -> bool {
        let then = self.state.preview(commands).unwrap_or_else(|_| self.state.clone());
        then.candidates_without(down).iter().any(|node| node.weight > 0)
    }

    fn nth(&self, nth: usize) -> NodeId {
        let living: Vec<_> = self.state.nodes.iter().filter(|(_, node)| node.state != NodeState::Gone).collect();
        *living[nth % living.len()].0
    }

    /// Every range is held by whom the plan names, and as many as there should be.
    fn assert_at_rest(&self) {
        let plan = self.state.plan.as_ref().unwrap();
        let able = self.state.candidates_without(&plan.absent).iter().filter(|node| node.weight > 0).count();
        let copies = usize::from(self.state.settings.replication_factor).min(able);
        for (record, wanted) in self.state.ranges.iter().zip(&plan.owners) {
            let members: BTreeSet<_> = record.in_sync.iter().map(|member| member.node).collect();
            assert_eq!((record.primary, record.pending), (wanted.first().copied(), None));
            assert_eq!(members, wanted.iter().copied().collect());
            assert_eq!(members.len(), copies);
        }
        let target = self.state.target_without(&plan.absent);
        if !target.zone_rule_relaxed && plan.id >= self.state.nodes_changed_at {
            assert_eq!(target.owners, plan.owners, "a second plan for the same nodes moves nothing");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_leader_that_plans_fills_promotes_hands_over_and_retires_reaches_the_plan_and_then_rests(
        copies in 1..4_u8, events in vec((event(), 0..6_u8), 0..16),
    ) {
        let mut cluster = Cluster::formed();
        cluster.happen(&Event::Copies(copies));
        for (event, rounds) in &events {
            cluster.happen(event);
            (0..*rounds).for_each(|_| _ = cluster.round());
        }
        // The present layout is no longer the plan of a leader that was told to leave it so.
        cluster.happen(&Event::Copies(copies % 3 + 1));
        cluster.happen(&Event::Copies(copies));
        cluster.settle();
        cluster.assert_at_rest();
        prop_assert_eq!(cluster.round(), 0);
    }

    #[test]
    fn a_cluster_at_rest_with_two_copies_loses_nothing_to_one_event(
        copies in 2..4_u8, joins in 1..5_u8, events in vec(event(), 1..8),
    ) {
        let mut cluster = Cluster::formed();
        cluster.happen(&Event::Copies(copies));
        (1..=joins).for_each(|host| cluster.join(host, 100, host % 3));
        cluster.settle();
        for event in &events {
            let before = (cluster.resets(), cluster.state.ranges.iter().all(|record| record.in_sync.len() > 1));
            cluster.happen(event);
            cluster.settle();
            if before.1 {
                prop_assert_eq!(cluster.resets(), before.0, "{:?}", event);
            }
        }
    }
}

#[test]
fn what_a_draining_node_kept_when_moves_were_cancelled_begins_again_elsewhere_once_it_is_down() {
    let mut cluster = Cluster::formed();
    cluster.happen(&Event::Copies(1));
    cluster.join(1, 100, 0);
    cluster.round();
    cluster.apply(Command::Drain { node: NodeId(1), cancel: false }).unwrap();
    cluster.round();
    cluster.apply(Command::CancelMoves).unwrap();
    cluster.down.insert(NodeId(1));
    cluster.settle();
    cluster.assert_at_rest();
    let led_by_it = |record: &crate::cluster::RangeRecord| record.primary == Some(NodeId(1));
    assert!(!cluster.state.ranges.iter().any(led_by_it));
}

#[test]
fn a_state_for_routers_differs_in_the_answers_alone() {
    let mut cluster = Cluster::formed();
    cluster.settle();
    let request = RequestId { proposer: 1, n: 1 };
    let named = Proposal { request, command: Command::CreateNamespace { name: "t".into() } };
    let index = cluster.state.applied + 1;
    cluster.state.apply(index, &named).unwrap();
    let seen = cluster.state.without_answers();
    assert_ne!(seen, cluster.state);
    cluster.state.answered.clear();
    assert_eq!(seen, cluster.state);
}

#[test]
fn the_candidates_are_active_and_not_absent() {
    let mut cluster = Cluster::formed();
    (1..4).for_each(|host| cluster.join(host, 100, host));
    cluster.apply(Command::Drain { node: NodeId(2), cancel: false }).unwrap();
    let ids = |nodes: Vec<crate::ring::Candidate>| nodes.iter().map(|node| node.id.0).collect::<Vec<_>>();
    assert_eq!(ids(cluster.state.candidates()), [1, 3, 4]);
    assert_eq!(ids(cluster.state.candidates_without(&[NodeId(3)].into())), [1, 4]);
    let owners = cluster.state.target_without(&[NodeId(3)].into()).owners;
    assert!(owners.iter().all(|owners| owners.len() == 2 && !owners.contains(&NodeId(3))));
}
