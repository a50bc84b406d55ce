use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

fn nodes() -> impl Strategy<Value = Vec<Candidate>> {
    let weight = prop_oneof![
        4 => Just(100_u32), 2 => 0..400_u32, 1 => select(vec![1, 10_000, u32::MAX])
    ];
    vec((1..40_u64, weight, select(vec!["", "a", "b", "c", "d"])), 0..14)
        .prop_map(|nodes| nodes.into_iter().map(|(id, weight, zone)| node(id, weight, zone)).collect())
        .prop_map(|mut nodes: Vec<Candidate>| {
            nodes.sort_by_key(|node| node.id);
            nodes.dedup_by_key(|node| node.id);
            nodes
        })
}

/// By max-flow over zones: the zone rule can hold iff what every zone may hold at once suffices.
fn zones_can_hold(nodes: &[Candidate], bits: u8, copies: usize) -> bool {
    let ranges = 1_u64 << bits;
    let quotas = with_quotas(nodes, bits, copies);
    let mut by_zone = std::collections::BTreeMap::new();
    for (node, quota) in &quotas {
        *by_zone.entry(node.zone.as_str()).or_insert(0) += quota.members_cap;
    }
    by_zone.len() >= copies && by_zone.values().map(|cap| (*cap).min(ranges)).sum::<u64>() >= ranges * copies as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_placement_is_sound(nodes in nodes(), bits in 1..8_u8, copies in 1..6_usize, seed: u64) {
        assert_sound(&nodes, bits, copies, &place(&nodes, bits, copies, seed, None));
    }

    #[test]
    fn every_placement_on_top_of_another_is_sound(
        before in nodes(), after in nodes(), bits in 1..8_u8, copies in 1..6_usize, fewer in 1..6_usize, seed: u64,
    ) {
        let first = place(&before, bits, fewer, seed, None);
        let second = place(&after, bits, copies, seed, Some(&first.owners));
        assert_sound(&after, bits, copies, &second);
        let third = place(&before, bits, copies, seed, Some(&second.owners));
        assert_sound(&before, bits, copies, &third);
    }

    #[test]
    fn any_garbage_for_a_previous_placement_is_survived(
        nodes in nodes(), garbage in vec(vec(0..60_u64, 0..8), 16), copies in 1..4_usize, seed: u64,
    ) {
        let garbage: Vec<Vec<NodeId>> =
            garbage.into_iter().map(|ids| ids.into_iter().map(NodeId).collect()).collect();
        assert_sound(&nodes, 4, copies, &place(&nodes, 4, copies, seed, Some(&garbage)));
    }

    #[test]
    fn placing_again_moves_nothing(nodes in nodes(), bits in 1..8_u8, copies in 1..4_usize, seed: u64) {
        let first = place(&nodes, bits, copies, seed, None);
        if !first.zone_rule_relaxed {
            prop_assert_eq!(&place(&nodes, bits, copies, seed, Some(&first.owners)), &first);
        }
    }

    #[test]
    fn zones_are_kept_apart_whenever_two_copies_can_be(nodes in nodes(), bits in 4..8_u8, seed: u64) {
        // Three zones at least, so that the primaries, which are placed first, cannot force the issue.
        let zones: std::collections::BTreeSet<_> =
            nodes.iter().filter(|node| node.weight > 0).map(|node| node.zone.as_str()).collect();
        if zones.len() >= 3 && zones_can_hold(&nodes, bits, 2) {
            prop_assert!(!place(&nodes, bits, 2, seed, None).zone_rule_relaxed);
        }
    }
}
