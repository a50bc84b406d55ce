//! What holds after any sequence of commands, valid and invalid.

mod steps;

use std::{cell::RefCell, collections::BTreeMap, mem};

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use self::steps::{Draft, command, draft};
use crate::{
    cluster::{
        ClusterState, Command, NodeState, Outcome, Proposal, RangeRecord, Reply, RequestId,
        world::{form, set_plan, start},
    },
    ids::{Epoch, Mid, NodeId},
};

/// Applies `drafts` with gaps between the indexes to three founders, who serve; gives the proposals too, so that they can be
/// replayed.
fn run(
    drafts: &[(Draft, u64)],
    mut after_each: impl FnMut(&ClusterState, &ClusterState, &Command, &Outcome),
) -> Vec<(u64, Proposal)> {
    let mut state = ClusterState::default();
    let owners = [[1, 2], [2, 3], [3, 1], [1, 2]].map(|ids| ids.map(NodeId).to_vec()).to_vec();
    let first = [form(3), start(1, 1), start(2, 1), start(3, 1), set_plan(owners, 4)];
    let mut log = Vec::new();
    for (index, command) in (1..).zip(first) {
        let proposal = Proposal { request: RequestId::default(), command };
        state.apply(index, &proposal).unwrap();
        log.push((index, proposal));
    }
    for (n, (draft, gap)) in drafts.iter().enumerate() {
        let index = state.applied + 1 + gap;
        let request = RequestId { proposer: 1, n: n as u64 };
        let proposal = Proposal { request, command: command(&state, draft) };
        let before = state.clone();
        let outcome = state.apply(index, &proposal);
        after_each(&before, &state, &proposal.command, &outcome);
        log.push((index, proposal));
    }
    log
}

fn drafts() -> impl Strategy<Value = Vec<(Draft, u64)>> {
    vec((draft(), 0..3_u64), 0..80)
}

/// What `node` is to every range: in sync, pending, primary since.
fn roles(state: &ClusterState, node: NodeId) -> Vec<(Option<Mid>, Option<Mid>, Option<Epoch>)> {
    let role = |record: &RangeRecord| {
        let in_sync = record.in_sync.iter().find(|member| member.node == node).map(|member| member.mid);
        let pending = record.pending.filter(|member| member.node == node).map(|member| member.mid);
        (in_sync, pending, (record.primary == Some(node)).then_some(record.epoch))
    };
    state.ranges.iter().map(role).collect()
}

/// The only commands that may change who is in sync other than by adding the pending one.
fn ends_memberships(command: &Command) -> bool {
    use Command::{NodeDown, NodeStart, Register, RemoveNode, Removed, Reset};
    matches!(
        command,
        NodeDown { .. } | NodeStart { .. } | Register { .. } | RemoveNode { .. } | Removed { .. } | Reset { .. }
    )
}

fn assert_moves_forward(old: &RangeRecord, new: &RangeRecord, command: &Command) {
    assert!(new.epoch >= old.epoch && new.resets >= old.resets);
    assert!(new.epoch > old.epoch || new.primary == old.primary, "a new primary is a new epoch");
    assert!(new.epoch == old.epoch || new.pending.is_none(), "a new epoch begins without a pending member");
    if old.primary.is_none() {
        return;
    }
    let begins_anew = new.in_sync.iter().all(|member| member.mid.0 == new.epoch.0);
    let came: Vec<_> = new.in_sync.iter().filter(|member| !old.in_sync.contains(member)).collect();
    assert!(begins_anew || came.is_empty() || came == old.pending.iter().collect::<Vec<_>>(), "{came:?} was filled");
    let left = old.in_sync.iter().any(|member| !new.in_sync.contains(member));
    assert!(!left || ends_memberships(command), "{command:?} took a copy");
    let may_lose = matches!(
        command,
        Command::NodeStart { .. }
            | Command::Register { .. }
            | Command::RemoveNode { force: true, .. }
            | Command::Reset { .. }
    );
    assert!(!begins_anew || *new == *old || new.epoch.0 == old.epoch.0 || may_lose, "{command:?} lost the data");
    assert!(new.resets == old.resets || begins_anew && may_lose);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_reachable_state_is_sound_and_nothing_goes_back(drafts in drafts()) {
        run(&drafts, |before, after, command, _| {
            assert_eq!(after.broken_invariants(), Vec::<String>::new());
            assert!(after.applied > before.applied && after.next_node >= before.next_node);
            for (old, new) in before.ranges.iter().zip(&after.ranges) {
                assert_moves_forward(old, new, command);
            }
            for (id, node) in &before.nodes {
                let now = &after.nodes[id];
                assert!(now.incarnation >= node.incarnation && now.boot >= node.boot && now.birth == node.birth);
                assert!(node.state != NodeState::Gone || now.state == NodeState::Gone, "gone is for ever");
                assert!(node.state != NodeState::Leaving || now.state != NodeState::Active
                    || matches!(command, Command::Drain { cancel: true, .. }), "leaving ends by word alone");
            }
        });
    }

    #[test]
    fn a_node_is_touched_exactly_when_its_role_in_some_range_changed(drafts in drafts()) {
        run(&drafts, |before, after, command, _| {
            for (id, node) in &after.nodes {
                let had = before.nodes.get(id).map_or(0, |node| node.touched_at);
                let expected = if roles(before, *id) == roles(after, *id) { had } else { after.applied };
                assert_eq!(node.touched_at, expected, "node {id} by {command:?}");
            }
        });
    }

    #[test]
    fn a_rejection_changes_nothing_else(drafts in drafts()) {
        run(&drafts, |before, after, _, outcome| {
            if outcome.is_err() {
                let mut expected = before.clone();
                expected.applied = after.applied;
                expected.answered.clone_from(&after.answered);
                assert_eq!(*after, expected);
            }
        });
    }

    #[test]
    fn plans_are_voided_exactly_when_what_they_are_computed_from_changed(drafts in drafts()) {
        run(&drafts, |before, after, command, _| {
            let gone = |state: &ClusterState| {
                state.nodes.values().filter(|node| node.state == NodeState::Gone).count()
            };
            let basis = |state: &ClusterState| (state.candidates(), state.settings.replication_factor);
            if basis(before) != basis(after) {
                assert_eq!(after.nodes_changed_at, after.applied, "{command:?}");
            } else if gone(before) == gone(after) {
                assert_eq!(after.nodes_changed_at, before.nodes_changed_at, "{command:?}");
            }
        });
    }

    #[test]
    fn the_same_log_gives_the_same_state_on_every_replica(drafts in drafts()) {
        let mut last = None;
        let log = run(&drafts, |_, after, _, _| last = Some(after.clone()));
        let mut replica = ClusterState::default();
        for (index, proposal) in &log {
            let _ = replica.apply(*index, proposal);
        }
        prop_assert_eq!(&last.unwrap_or_else(|| replica.clone()), &replica);
        prop_assert_eq!(ClusterState::from_bytes(&replica.to_bytes().unwrap()), Ok(replica));
    }

    #[test]
    fn sending_everything_twice_changes_only_the_index(drafts in drafts()) {
        let mut outcomes = Vec::new();
        let mut state = ClusterState::default();
        let log = run(&drafts, |_, _, _, outcome| outcomes.push(outcome.clone()));
        for (index, proposal) in &log {
            let _ = state.apply(*index, proposal);
        }
        let mut again = state.clone();
        for ((_, proposal), outcome) in log.iter().skip(log.len() - outcomes.len()).zip(&outcomes) {
            prop_assert_eq!(&again.apply(again.applied + 1, proposal), outcome);
        }
        again.applied = state.applied;
        prop_assert_eq!(again, state);
    }
}

#[test]
fn the_sequences_reach_every_command_both_ways() {
    let did = RefCell::new(BTreeMap::<String, [u32; 2]>::new());
    let mut runner = TestRunner::deterministic();
    let counted = runner.run(&drafts(), |drafts| {
        run(&drafts, |_, _, command, outcome| {
            let name = format!("{command:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
            let has_effect = matches!(outcome, Ok(reply) if !matches!(reply, Reply::Moved(0)));
            did.borrow_mut().entry(name).or_default()[usize::from(has_effect)] += 1;
        });
        Ok(())
    });
    assert!(counted.is_ok(), "{counted:?}");
    let did = mem::take(&mut *did.borrow_mut());
    println!("commands: [refused or void, made]\n{did:#?}");
    // `CancelMoves` is never refused; a formed cluster is not formed again.
    let is_rare = |name: &str, made: usize| [("CancelMoves", 0), ("Form", 1)].contains(&(name, made));
    assert_eq!(did.len(), 23);
    for (name, counts) in &did {
        for made in [0, 1].into_iter().filter(|made| !is_rare(name, *made)) {
            assert!(counts[made] >= 5, "{name}: {counts:?}");
        }
    }
}
