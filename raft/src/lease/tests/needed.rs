//! Every rule is needed: with it the harm is kept off, without it it happens.

use ringhold_model::wire::LeaseRefusal;

use super::world::{BEGAN, LEASE, LOG_END, World};
use crate::lease::{Beginning, Holder, LeaseBook, Rules};

/// Whether what a rule keeps off happened.
type Harm = fn(Rules) -> bool;

/// The grant travels for longer than the lease runs: does the node serve when the leader takes its roles?
fn late_grant(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    let sent = world.now;
    world.renew(2).unwrap();
    world.pass(LEASE + LEASE / 10);
    let mut holder = Holder::with_rules(rules);
    holder.granted(sent, world.now, LEASE as u32);
    let taken = world.take_from(2).is_ok();
    assert!(taken, "its time is up, as the leader counts");
    holder.holds(world.now)
}

/// The round that confirmed the leader began before the request arrived: an answer to it says nothing about now.
fn old_round(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    let request = world.request(2);
    let admission = world.admit(&request).unwrap();
    let arrived = world.now;
    world.pass(40);
    let answer = world.answer(&request, admission, arrived - 1);
    assert!(matches!(answer, Ok(()) | Err(LeaseRefusal::NoMajority)));
    answer.is_ok()
}

/// The leader restarted in its term: its state is older than its log, in which a removal waits.
fn unapplied_log(rules: Rules) -> bool {
    let mut world = World::with_rules(rules);
    let voters = vec![world.state.nodes.keys().copied().collect()];
    let beginning = Beginning { me: world.request(1).node, voters, log_end: LOG_END + 1, now_ms: BEGAN };
    world.book = LeaseBook::open(rules, LEASE, beginning);
    world.look();
    let granted = world.renew(2).is_ok();
    world.entry();
    assert!(world.renew(2).is_ok(), "once it is applied");
    granted
}

/// The removal of a node is on its way through the log when the node asks again.
fn renewal_meets_removal(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    let taking = world.take_from(2).unwrap();
    world.book.placed(taking, LOG_END + 1);
    let granted = world.renew(2).is_ok();
    let index = world.entry();
    world.node(2).touched_at = index;
    assert!(world.renew(2).is_ok(), "once it is applied here and there");
    granted
}

/// A node without a lease has not heard of its removal yet.
fn behind_its_removal(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    let index = world.entry();
    world.node(2).touched_at = index;
    world.renew_acting_by(2, index - 1).is_ok()
}

/// A node without a lease has not heard of a clear, whose barrier did not wait for it.
fn behind_a_barrier(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    world.state.barrier_at = world.entry();
    world.renew_acting_by(2, world.state.barrier_at - 1).is_ok()
}

/// A node renews all the time and acts by less and less of what there is.
fn falls_behind(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    let acted = world.entry();
    for _ in 0..30 {
        if world.renew_acting_by(2, acted).is_err() {
            return false;
        }
        world.entry();
        world.pass(100);
    }
    true
}

/// An earlier leader gave a lease just before this one began.
fn forgotten_lease(rules: Rules) -> bool {
    let mut world = World::with_rules(rules);
    world.book.heard(world.request(1).node, BEGAN, 400);
    world.book.heard(world.request(2).node, BEGAN, 400);
    let taken = world.take_from(3).is_ok();
    world.pass(LEASE * 102 / 100 - 401);
    assert!(world.take_from(3).is_err() || !rules.l6, "not a moment earlier");
    world.pass(1);
    assert!(world.take_from(3).is_ok(), "in the end it ended");
    taken
}

/// The leader stood still while everyone asked for leases.
fn stood_still(rules: Rules) -> bool {
    let mut world = World::settled(rules);
    world.renew(2).unwrap();
    world.now += 3 * LEASE;
    world.look();
    world.take_from(2).is_ok()
}

#[test]
fn every_rule_keeps_off_its_harm() {
    let all = Rules::default();
    let table: [(&str, Harm, Rules); 9] = [
        ("L1", late_grant, Rules { l1: false, ..all }),
        ("L2", old_round, Rules { l2: false, ..all }),
        ("L3", unapplied_log, Rules { l3: false, ..all }),
        ("L4", renewal_meets_removal, Rules { l4: false, ..all }),
        ("L5, what touched it", behind_its_removal, Rules { l5: false, ..all }),
        ("L5, barriers", behind_a_barrier, Rules { l5: false, ..all }),
        ("L5, keeping up", falls_behind, Rules { l5: false, ..all }),
        ("L6", forgotten_lease, Rules { l6: false, ..all }),
        ("L7", stood_still, Rules { l7: false, ..all }),
    ];
    for (name, harm, without) in table {
        assert!(!harm(all), "{name} is kept");
        assert!(harm(without), "{name} is broken, and nothing came of it");
    }
}
