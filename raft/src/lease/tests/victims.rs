//! Nodes that cannot reach each other: what becomes of the one that goes.

use ringhold_model::{NodeId, wire::LeaseRefusal};

use super::world::{LEASE, World};
use crate::lease::Rules;

/// For so long a node has to be the one to go before it does, and a look for the leader to notice.
const HEARING: u64 = LEASE / 4 + 50;

/// Nodes 2 and 3 share a range and cannot reach each other; all hold leases.
fn cut() -> World {
    let mut world = World::settled(Rules::default());
    world.range(&[2, 3]);
    world.pass_with(LEASE, &[1, 2, 3]);
    world.renew_reporting(2, &[3]).unwrap();
    world.renew_reporting(3, &[2]).unwrap();
    world.pass(HEARING);
    world
}

#[test]
fn the_victim_loses_its_lease_is_removed_and_comes_back() {
    let mut world = cut();
    for _ in 0..11 {
        assert_eq!(world.renew_reporting(3, &[2]), Err(LeaseRefusal::Leaving));
        world.renew_reporting(2, &[3]).unwrap();
        world.pass(100);
    }
    assert!(!world.leases().holds(NodeId(3)));
    let taking = world.take_from(3).expect("its lease ended");
    let index = world.entry();
    world.book.placed(taking, index);
    world.state.ranges[0].in_sync.truncate(1);
    world.node(3).touched_at = index;
    assert_eq!(world.renew_acting_by(3, index - 1), Err(LeaseRefusal::Behind(index)));
    assert_eq!(world.renew_reporting(3, &[2]), Ok(()), "they share nothing any more");
}

#[test]
fn the_victim_is_spared_when_nobody_reports_it_any_more() {
    let mut world = cut();
    assert_eq!(world.renew_reporting(3, &[]), Err(LeaseRefusal::Leaving), "2 still says so");
    world.renew_reporting(2, &[]).unwrap();
    world.look();
    world.renew(3).unwrap();
}

#[test]
fn reports_about_nodes_that_share_nothing_or_hold_no_lease_do_nothing() {
    let mut world = World::settled(Rules::default());
    world.range(&[2, 3]);
    world.renew_reporting(1, &[2]).unwrap();
    world.renew_reporting(2, &[3]).unwrap();
    world.pass(HEARING);
    assert_eq!(world.renew_reporting(2, &[3]), Ok(()), "1 and 2 share no range");
    assert_eq!(world.renew(3), Ok(()), "3 held no lease: its removal is on its way anyway");
    world.pass(HEARING);
    assert_eq!(world.renew(3), Err(LeaseRefusal::Leaving), "now it does");
}

#[test]
fn everyone_is_heard_before_anyone_goes() {
    let mut world = World::settled(Rules::default());
    world.range(&[1, 3]);
    world.range(&[2, 3]);
    world.pass_with(LEASE, &[1, 2, 3]);
    world.renew_reporting(3, &[2]).unwrap();
    world.pass(HEARING - 100);
    world.renew_reporting(3, &[1, 2]).unwrap();
    world.renew_reporting(2, &[3]).unwrap();
    world.renew_reporting(1, &[3]).unwrap();
    world.pass(HEARING - 100);
    assert_eq!(world.renew_reporting(2, &[3]), Ok(()));
    assert_eq!(world.renew_reporting(3, &[1, 2]), Ok(()), "not yet");
    world.pass(100);
    assert_eq!(world.renew_reporting(3, &[1, 2]), Err(LeaseRefusal::Leaving));
    assert_eq!(world.renew_reporting(2, &[3]), Ok(()));
}

#[test]
fn a_reporter_that_is_cut_off_itself_stays_the_victim_without_a_lease() {
    let mut world = World::settled(Rules::default());
    world.range(&[1, 3]);
    world.range(&[2, 3]);
    world.pass_with(LEASE, &[1, 2, 3]);
    world.renew_reporting(3, &[1, 2]).unwrap();
    world.pass(HEARING);
    for _ in 0..20 {
        assert_eq!(world.renew_reporting(3, &[1, 2]), Err(LeaseRefusal::Leaving));
        world.pass_with(100, &[1, 2]);
    }
    assert!(world.take_from(3).is_ok());
}
