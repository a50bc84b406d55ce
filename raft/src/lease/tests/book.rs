//! Who gets a lease and who has one.

use ringhold_model::{Incarnation, NodeId, cluster::NodeState, wire::LeaseRefusal};

use super::world::{BEGAN, LEASE, LOG_END, World};
use crate::lease::Rules;

/// What the leader counts, a little more than the node.
const COUNTED: u64 = 1_020;

fn settled() -> World {
    World::settled(Rules::default())
}

#[test]
fn a_lease_ends_when_it_is_not_renewed_and_may_come_back() {
    let mut world = settled();
    assert_eq!(world.possible(), [0; 0]);
    world.renew(2).unwrap();
    assert_eq!((world.holders(), world.possible()), (vec![2], vec![2]));
    assert_eq!(world.take_from(2), Err(NodeId(2)));
    world.pass(COUNTED - 1);
    assert_eq!(world.holders(), [2]);
    world.pass(1);
    assert!(world.holders().is_empty() && world.possible().is_empty());
    assert_eq!(world.leases().nodes[&NodeId(2)].down_ms, Some(0));
    world.pass(70);
    assert_eq!(world.leases().nodes[&NodeId(2)].down_ms, Some(70));
    world.renew(2).unwrap();
    assert_eq!(world.holders(), [2], "it is the same process, with its data");
}

#[test]
fn a_lease_counts_from_when_it_was_asked_for_also_if_it_is_granted_late() {
    let mut world = settled();
    let (request, arrived) = (world.request(2), world.now);
    let admission = world.admit(&request).unwrap();
    world.pass(300);
    world.answer(&request, admission, arrived).unwrap();
    world.pass(COUNTED - 301);
    assert_eq!(world.holders(), [2]);
    world.pass(1);
    assert!(world.possible().is_empty());
}

#[test]
fn who_asked_may_hold_a_lease_until_it_is_answered() {
    let mut world = settled();
    let (request, arrived) = (world.request(2), world.now);
    let admission = world.admit(&request).unwrap();
    assert_eq!((world.holders(), world.possible()), (vec![], vec![2]), "barriers wait for it");
    assert_eq!(world.take_from(2), Err(NodeId(2)), "and nothing is taken from it");
    let index = world.entry();
    world.state.barrier_at = index;
    world.node(2).touched_at = index;
    world.pass(LEASE / 2);
    assert_eq!(world.answer(&request, admission, arrived), Ok(()), "it did act by all there was");
    world.pass(2 * LEASE);
    let admission = world.admit(&world.request(2)).unwrap();
    world.pass(LEASE / 2);
    assert_eq!(world.possible(), [0; 0], "nobody answered");
    world.pass(1);
    assert_eq!(world.answer(&request, admission, world.now), Err(LeaseRefusal::NoMajority), "it is too late now");
}

#[test]
fn who_acts_by_too_little_is_refused_at_once_and_holds_up_nobody() {
    let mut world = settled();
    let index = world.entry();
    world.node(2).touched_at = index;
    for _ in 0..5 {
        let request = ringhold_model::wire::RenewRequest { acted: index - 1, ..world.request(2) };
        assert_eq!(world.admit(&request).map(|_| ()), Err(LeaseRefusal::Behind(index)));
    }
    assert!(world.take_from(2).is_ok());
}

#[test]
fn what_a_leader_admits_before_it_has_caught_up_is_checked_when_it_has() {
    let mut world = World::new();
    world.log_applied = LOG_END - 1;
    world.state.applied = LOG_END - 1;
    let voters = vec![world.state.nodes.keys().copied().collect()];
    let beginning = crate::lease::Beginning { me: NodeId(1), voters, log_end: LOG_END, now_ms: BEGAN };
    world.book = crate::lease::LeaseBook::open(Rules::default(), LEASE, beginning);
    let (request, arrived) = (world.request(2), world.now);
    let admission = world.admit(&request).unwrap();
    assert_eq!(world.answer(&request, admission, arrived), Err(LeaseRefusal::NoMajority));
    let index = world.entry();
    assert_eq!(index, LOG_END);
    world.node(2).touched_at = index;
    assert_eq!(world.answer(&request, admission, arrived), Err(LeaseRefusal::Behind(index)), "it did not know of that");
}

#[test]
fn only_the_current_process_of_a_living_node_gets_one() {
    let mut world = settled();
    let old = world.request(2);
    let index = world.entry();
    world.node(2).incarnation = Some(Incarnation(index));
    world.node(3).state = NodeState::Gone;
    assert_eq!(world.ask(&old), Err(LeaseRefusal::NotCurrent));
    assert_eq!(world.renew(3), Err(LeaseRefusal::NotCurrent));
    world.renew(2).unwrap();
    world.node(1).incarnation = None;
    let never_started = ringhold_model::wire::RenewRequest { node: NodeId(1), ..old };
    assert_eq!(world.ask(&never_started), Err(LeaseRefusal::NotCurrent));
    world.node(2).state = NodeState::Leaving;
    world.renew(2).unwrap();
}

#[test]
fn a_process_that_has_just_started_has_time_to_ask() {
    let mut world = settled();
    world.pass_with(3 * LEASE, &[1]);
    let index = world.entry();
    world.node(2).incarnation = Some(Incarnation(index));
    world.look();
    assert!(world.book.may_hold(NodeId(2), world.now), "nobody removes it yet");
    assert_eq!(world.holders(), [1], "but nobody counts on it either");
    world.pass_with(COUNTED, &[1]);
    assert!(!world.book.may_hold(NodeId(2), world.now));
}

#[test]
fn a_process_gets_a_lease_as_soon_as_its_start_is_applied() {
    let mut world = settled();
    let index = world.entry();
    world.node(2).incarnation = Some(Incarnation(index));
    let request = world.request(2);
    assert!(world.book.admit(&request, world.now, &world.state).is_ok(), "also before the next look");
}

#[test]
fn while_a_lease_runs_the_node_has_to_keep_up_but_not_with_the_very_last_entry() {
    let mut world = settled();
    world.renew(2).unwrap();
    for _ in 0..40 {
        let acted = world.log_applied;
        let index = world.entry();
        world.node(2).touched_at = index;
        world.state.barrier_at = index;
        assert_eq!(world.renew_acting_by(2, acted), Ok(()), "barriers wait for it, and nothing goes without its word");
        world.pass(100);
    }
    world.pass(COUNTED);
    let index = world.entry();
    world.node(2).touched_at = index;
    assert_eq!(world.renew_acting_by(2, index - 1), Err(LeaseRefusal::Behind(index)), "now it has none");
    assert_eq!(world.renew_acting_by(2, index), Ok(()));
}

#[test]
fn who_falls_a_lease_behind_gets_none_until_it_has_caught_up() {
    let mut world = settled();
    world.renew(2).unwrap();
    let acted = world.log_applied;
    let index = world.entry();
    world.pass_with(LEASE - 200, &[2]);
    assert_eq!(world.renew_acting_by(2, acted), Ok(()), "not for so long");
    world.pass(300);
    assert_eq!(world.renew_acting_by(2, acted), Err(LeaseRefusal::Behind(index)));
}

#[test]
fn a_new_leader_grants_at_once_and_removes_later() {
    let mut world = World::new();
    world.renew(2).unwrap();
    assert_eq!(world.holders(), [2]);
    assert_eq!(world.possible(), [1, 2, 3], "leases of an earlier leader may run");
    assert!(!world.leases().may_remove && world.leases().may_hold(NodeId(3)));
    world.book.heard(NodeId(1), BEGAN, 300);
    world.book.heard(NodeId(3), BEGAN + 20, 270);
    assert_eq!(world.book.unheard(world.now).len(), 1);
    world.pass(770);
    assert!(world.leases().may_remove);
    assert!(world.book.unheard(world.now).is_empty(), "nobody is asked any more");
    assert_eq!(world.possible(), [2]);
}

#[test]
fn a_leader_that_stood_still_takes_nobody_for_down_but_does_not_count_on_anyone() {
    let mut world = settled();
    world.pass_with(2 * LEASE, &[1, 2]);
    world.now += 5 * LEASE;
    world.look();
    assert_eq!(world.holders(), [0; 0]);
    assert_eq!(world.possible(), [1, 2], "3 was down before");
    assert_eq!(world.leases().nodes[&NodeId(3)].down_ms, Some(0), "the time it is down counts anew");
    world.pass(COUNTED);
    assert_eq!(world.possible(), [0; 0]);
    world.pass(400);
    assert_eq!(world.leases().nodes[&NodeId(2)].down_ms, Some(400));
}

#[test]
fn a_leader_that_stood_still_while_it_waited_for_earlier_leases_waits_anew() {
    let mut world = World::new();
    world.now += 4 * LEASE;
    world.look();
    assert_eq!(world.possible(), [1, 2, 3]);
    world.pass(COUNTED);
    assert_eq!(world.possible(), [0; 0]);
}

#[test]
fn who_is_being_removed_gets_no_lease_until_the_entry_is_applied_or_given_up() {
    let mut world = settled();
    let taking = world.take_from(2).unwrap();
    assert_eq!(world.renew(2), Err(LeaseRefusal::Leaving));
    world.renew(3).unwrap();
    world.book.placed(taking, LOG_END + 2);
    world.entry();
    assert_eq!(world.renew(2), Err(LeaseRefusal::Leaving), "another entry was applied");
    world.entry();
    world.renew(2).unwrap();
    world.pass(COUNTED);
    let taking = world.take_from(2).unwrap();
    world.book.given_up(taking);
    world.renew(2).unwrap();
}

#[test]
fn who_is_turned_away_loses_its_lease_and_may_ask_again_later() {
    let mut world = settled();
    world.renew(2).unwrap();
    world.book.turn_away(NodeId(2), world.now);
    assert_eq!(world.renew(2), Err(LeaseRefusal::Leaving));
    assert_eq!(world.take_from(2), Err(NodeId(2)));
    world.pass(COUNTED);
    assert_eq!(world.renew(2), Err(LeaseRefusal::Leaving));
    assert!(world.take_from(2).is_ok());
    let mut world = settled();
    world.book.turn_away(NodeId(2), world.now);
    world.pass(LEASE * 5 / 4);
    world.renew(2).unwrap();
}

#[test]
fn what_a_node_says_of_itself_is_known_also_when_it_gets_no_lease() {
    let mut world = settled();
    let request = ringhold_model::wire::RenewRequest { is_stopping: true, acted: 0, ..world.request(2) };
    world.node(2).touched_at = LOG_END;
    assert!(world.ask(&request).is_err());
    assert!(world.leases().nodes[&NodeId(2)].is_stopping);
    world.renew(3).unwrap();
    assert!(world.leases().stays(NodeId(3)) && !world.leases().stays(NodeId(2)));
}

#[test]
fn the_reply_to_routers_lists_everyone_who_is_not_gone() {
    let mut world = settled();
    world.node(3).state = NodeState::Gone;
    world.node(2).incarnation = None;
    world.look();
    world.renew(1).unwrap();
    world.pass(30);
    let reply = world.leases().reply(&world.state);
    let listed: Vec<_> = reply.nodes.iter().map(|node| (node.node.0, node.is_held, node.since_ms)).collect();
    assert_eq!(listed, [(1, true, 30), (2, false, 530)]);
    let mut new = World::new();
    new.look();
    assert!(new.leases().reply(&new.state).nodes.iter().all(|node| node.is_held), "an earlier leader's may run");
}
