//! Balance and movement in numbers. `cargo test figures -- --nocapture` prints the tables.

use super::*;

const BITS: u8 = 10;
const RANGES: f64 = 1024.0;

/// Load of the busiest node over the fair load.
fn busiest(nodes: &[Candidate], placement: &Placement, copies: usize) -> (f64, f64) {
    let fair = RANGES / nodes.len() as f64;
    let most = |load: &dyn Fn(NodeId) -> u64| nodes.iter().map(|node| load(node.id)).max().unwrap() as f64;
    (most(&|id| primaries(placement, id)) / fair, most(&|id| members(placement, id)) / fair / copies as f64)
}

#[test]
fn figures_of_balance_and_movement_stay_close_to_the_ideal() {
    println!("1024 ranges; busiest node: load / fair; moved: copies filled / least possible");
    println!("nodes copies | busiest primary, member | join: moved ideal ratio | leave: moved ideal ratio");
    for copies in 1..=3_usize {
        for count in [3, 5, 10, 50_u64] {
            let nodes = plain(count);
            let placement = place(&nodes, BITS, copies, SEED, None);
            assert_sound(&nodes, BITS, copies, &placement);
            let (primary, member) = busiest(&nodes, &placement, copies);

            let more = plain(count + 1);
            let joined = place(&more, BITS, copies, SEED, Some(&placement.owners));
            assert_sound(&more, BITS, copies, &joined);
            let (join, join_ideal) = (moved(&placement, &joined), RANGES * copies as f64 / (count + 1) as f64);

            let fewer: Vec<_> = nodes.iter().filter(|node| node.id != NodeId(2)).cloned().collect();
            let left = place(&fewer, BITS, copies, SEED, Some(&placement.owners));
            assert_sound(&fewer, BITS, copies, &left);
            // With as many copies as nodes nothing can replace what the leaver held.
            let leave_ideal = if fewer.len() < copies { 0 } else { members(&placement, NodeId(2)) };
            let leave = moved(&placement, &left);

            let (join_ratio, leave_ratio) = (join as f64 / join_ideal, leave as f64 / leave_ideal.max(1) as f64);
            println!(
                "{count:5} {copies:6} | {primary:7.3} {member:14.3} | {join:11} {join_ideal:5.0} {join_ratio:5.2} \
                 | {leave:12} {leave_ideal:5} {leave_ratio:5.2}"
            );
            let rounding = count as f64 / RANGES;
            assert!(primary <= 1.05 + rounding && member <= 1.05 + rounding, "{count} nodes, {copies} copies");
            assert!(join_ratio <= 1.15, "join: {join} of {join_ideal}");
            assert!(leave_ratio <= 1.15, "leave: {leave} of {leave_ideal}");
        }
    }
}

#[test]
fn a_cluster_that_grows_and_shrinks_step_by_step_stays_balanced() {
    let mut placement = place(&plain(1), BITS, 1, SEED, None);
    let mut total = 0;
    for count in 2..=20 {
        let next = place(&plain(count), BITS, 1, SEED, Some(&placement.owners));
        total += moved(&placement, &next);
        placement = next;
        assert_sound(&plain(count), BITS, 1, &placement);
    }
    let ideal: f64 = (2..=20).map(|count| RANGES / f64::from(count)).sum();
    println!("grown from 1 to 20 nodes: {total} ranges moved, ideal {ideal:.0}");
    assert!(total as f64 <= ideal * 1.05, "{total} of {ideal}");
    for count in (1..20).rev() {
        placement = place(&plain(count), BITS, 1, SEED, Some(&placement.owners));
        assert_sound(&plain(count), BITS, 1, &placement);
    }
}

#[test]
fn a_changed_weight_moves_about_the_difference() {
    let mut nodes = plain(5);
    let before = place(&nodes, BITS, 1, SEED, None);
    nodes[0].weight = 200;
    let after = place(&nodes, BITS, 1, SEED, Some(&before.owners));
    assert_sound(&nodes, BITS, 1, &after);
    let ideal = RANGES * 2.0 / 6.0 - primaries(&before, NodeId(1)) as f64;
    let moved = moved(&before, &after) as f64;
    println!("weight 100 to 200 on one of 5 nodes: {moved} ranges moved, ideal {ideal:.0}");
    assert!(moved <= ideal * 1.15, "{moved} of {ideal}");
}
