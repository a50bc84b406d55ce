//! Placements that must never change: running clusters would move their ranges on an upgrade.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::*;

/// One number for a whole placement.
fn fold(placement: &Placement) -> u64 {
    placement.owners.iter().flatten().fold(0, |fold, id| xxh3_64_with_seed(&id.0.to_le_bytes(), fold))
}

#[test]
fn five_nodes_and_1024_ranges_are_placed_as_ever() {
    let placement = place(&plain(5), 10, 1, SEED, None);
    let first: Vec<_> = placement.owners.iter().take(16).map(|owners| owners[0].0).collect();
    assert_eq!((fold(&placement), first), (12867402878005196449, vec![2, 2, 2, 2, 5, 5, 5, 2, 2, 5, 5, 5, 5, 2, 2, 5]));
    assert_eq!(fold(&place(&plain(5), 10, 3, SEED, None)), 13546364324853036482);
}

#[test]
fn zones_and_weights_are_placed_as_ever() {
    let nodes = [node(1, 100, "a"), node(2, 200, "a"), node(3, 100, "b"), node(4, 100, "b"), node(9, 150, "c")];
    assert_eq!(fold(&place(&nodes, 10, 2, SEED, None)), 13344274297990030078);
}

#[test]
fn a_join_and_a_leave_are_placed_as_ever() {
    let five = place(&plain(5), 10, 2, SEED, None);
    let six = place(&plain(6), 10, 2, SEED, Some(&five.owners));
    assert_eq!(fold(&six), 8365138520973443919);
    assert_eq!(fold(&place(&plain(5), 10, 2, SEED, Some(&six.owners))), 16144234864322149037);
}
