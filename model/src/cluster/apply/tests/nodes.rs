use crate::{
    cluster::{
        Command, Member, NodeState, Rejection, Reply, RequestId, WEIGHT_MAX, ZONE_BYTES_MAX,
        world::{World, addresses, form, register, set_plan, start},
    },
    config::{Backend, CacheConfig, Strategy},
    ids::{ClusterId, Epoch, Incarnation, Mid, NodeId},
};

#[test]
fn nothing_is_accepted_before_the_cluster_is_formed() {
    let mut world = World::unformed();
    for command in [
        register(1, "a"),
        start(1, 1),
        set_plan(vec![], 0),
        Command::Handover { moves: vec![] },
        Command::CancelMoves,
        Command::CreateNamespace { name: "x".into() },
        Command::RemoveNamespace { namespace: Default::default() },
        Command::Clear { namespace: Default::default(), backend: Backend::Memory },
        Command::PutConfig { namespace: Default::default(), config: CacheConfig::default() },
    ] {
        assert_eq!(world.refused(command), Rejection::NotFormed);
    }
}

#[test]
fn forming_makes_seeds_ranges_and_the_default_namespace() {
    let mut world = World::formed(3);
    let state = &world.state;
    assert_eq!((state.cluster, state.hash_seed, state.next_node), (ClusterId(9), 7, 4));
    assert!(state.nodes.values().all(|node| node.state == NodeState::Joining && node.incarnation.is_none()));
    assert_eq!(state.ranges.len(), 4);
    assert!(state.ranges.iter().all(|record| record.epoch == Epoch(0) && record.primary.is_none()));
    assert_eq!(state.namespace_id("default").unwrap().0, 1);
    assert_eq!(state.config_of(world.default_namespace(), Backend::Memory), (CacheConfig::default(), 1));
    assert_eq!(world.refused(form(1)), Rejection::AlreadyFormed);
}

#[test]
fn a_formation_out_of_bounds_is_refused() {
    type Change = fn(&mut Command);
    let changes: [(&str, Change); 6] = [
        ("zero", |c| {
            if let Command::Form { cluster, .. } = c {
                *cluster = ClusterId(0)
            }
        }),
        ("2^1", |c| {
            if let Command::Form { range_bits, .. } = c {
                *range_bits = 0
            }
        }),
        ("2^16", |c| {
            if let Command::Form { range_bits, .. } = c {
                *range_bits = 17
            }
        }),
        ("no seeds", |c| {
            if let Command::Form { seeds, .. } = c {
                seeds.clear()
            }
        }),
        ("distinct", |c| {
            if let Command::Form { seeds, .. } = c {
                seeds[1].id = seeds[0].id
            }
        }),
        ("strategy", |c| {
            if let Command::Form { config, .. } = c {
                config.strategy = Strategy::WriteThrough
            }
        }),
    ];
    for (word, change) in changes {
        let mut command = form(3);
        change(&mut command);
        let rejection = World::unformed().refused(command);
        assert!(rejection.to_string().contains(word), "{word}: {rejection}");
    }
}

#[test]
fn registering_again_with_the_same_birth_gives_the_same_id() {
    let mut world = World::formed(3);
    assert_eq!(world.register(500, "n9"), Ok(Reply::Registered(NodeId(4), None)));
    assert_eq!(world.register(500, "n9"), Ok(Reply::Registered(NodeId(4), None)));
    assert_eq!(world.register(101, "n1"), Ok(Reply::Registered(NodeId(1), None)), "a founder too");
    assert_eq!(world.register(501, "n10"), Ok(Reply::Registered(NodeId(5), None)));
    assert_eq!(world.state.nodes[&NodeId(4)].state, NodeState::Joining);
}

#[test]
fn a_wiped_node_comes_back_under_a_new_id_and_takes_its_old_place_empty() {
    let mut world = World::serving(3);
    let index = world.state.applied + 1;
    assert_eq!(world.register(700, "n2"), Ok(Reply::Registered(NodeId(4), Some(NodeId(2)))));
    assert_eq!(world.state.nodes[&NodeId(2)].state, NodeState::Gone);
    assert_eq!(world.state.nodes_changed_at, index);
    let record = world.range(1).clone();
    assert_eq!((record.epoch, record.primary, record.resets), (Epoch(index), Some(NodeId(4)), 1));
    assert_eq!(record.in_sync, [Member { node: NodeId(4), mid: Mid(index) }]);

    assert_eq!(world.register(700, "n2"), Ok(Reply::Registered(NodeId(4), Some(NodeId(2)))), "asked again");
    assert_eq!(world.refused(register(102, "n2")), Rejection::NodeGone(NodeId(2)));
    assert_eq!(world.refused(start(2, 9)), Rejection::NodeGone(NodeId(2)));

    world
        .apply(Command::NodeStart {
            node: NodeId(4),
            birth: 700,
            boot: 1,
            addresses: addresses("n2"),
            zone: String::new(),
            weight: 100,
        })
        .unwrap();
    let record = world.range(1);
    assert_eq!((record.resets, record.in_sync[0].mid.0), (1, world.state.applied), "one loss is counted once");
}

#[test]
fn wiping_a_node_twice_before_it_started_counts_one_loss() {
    let mut world = World::serving(3);
    world.register(700, "n2").unwrap();
    assert_eq!(world.register(701, "n2"), Ok(Reply::Registered(NodeId(5), Some(NodeId(4)))));
    assert_eq!(world.range(1).primary, Some(NodeId(5)));
    assert_eq!(world.range(1).resets, 1);
}

#[test]
fn a_node_without_an_address_replaces_nobody() {
    let mut world = World::formed(3);
    let nameless = |birth| Command::Register { birth, addresses: Default::default(), zone: "".into(), weight: 100 };
    assert_eq!(world.apply(nameless(1)), Ok(Reply::Registered(NodeId(4), None)));
    assert_eq!(world.apply(nameless(2)), Ok(Reply::Registered(NodeId(5), None)));
}

#[test]
fn a_start_is_checked_against_birth_and_boot() {
    let mut world = World::formed(3);
    let stranger = Command::NodeStart {
        node: NodeId(1),
        birth: 999,
        boot: 1,
        addresses: addresses("n1"),
        zone: String::new(),
        weight: 100,
    };
    assert_eq!(world.refused(stranger), Rejection::UnknownNode(NodeId(1)));
    assert_eq!(world.refused(start(8, 1)), Rejection::UnknownNode(NodeId(8)));
    let began = world.state.applied + 1;
    assert_eq!(world.start(1, 5), Ok(Reply::Started(Incarnation(began))));
    assert_eq!(world.start(1, 5), Ok(Reply::Started(Incarnation(began))), "the same start, sent twice");
    assert_eq!(world.refused(start(1, 4)), Rejection::OldStart(NodeId(1)));
    assert_eq!(world.state.nodes[&NodeId(1)].state, NodeState::Active);
}

#[test]
fn a_restart_empties_what_the_node_alone_held() {
    let mut world = World::serving(2);
    let before = world.range(1).clone();
    let index = world.state.applied + 1;
    assert_eq!(world.start(1, 2), Ok(Reply::Started(Incarnation(index))));
    for range in [0, 2] {
        let record = world.range(range);
        assert_eq!((record.epoch, record.primary, record.resets), (Epoch(index), Some(NodeId(1)), 1));
        assert_eq!(record.in_sync, [Member { node: NodeId(1), mid: Mid(index) }]);
    }
    assert_eq!(*world.range(1), before, "ranges of others are untouched");
}

#[test]
fn a_start_brings_new_addresses_and_tells_planners_of_new_weights() {
    let mut world = World::serving(2);
    let changed_at = world.state.nodes_changed_at;
    world.start(1, 2).unwrap();
    assert_eq!(world.state.nodes_changed_at, changed_at, "a plain restart voids no plan");
    let moved = Command::NodeStart {
        node: NodeId(1),
        birth: 101,
        boot: 3,
        addresses: addresses("elsewhere"),
        zone: "z1".into(),
        weight: 200,
    };
    world.apply(moved).unwrap();
    let node = &world.state.nodes[&NodeId(1)];
    assert_eq!((node.addresses.rpc.as_str(), node.zone.as_str(), node.weight), ("elsewhere:7400", "z1", 200));
    assert_eq!(world.state.nodes_changed_at, world.state.applied);
}

#[test]
fn zones_and_weights_have_bounds() {
    let mut world = World::formed(1);
    let with = |zone: String, weight| Command::Register { birth: 5, addresses: addresses("x"), zone, weight };
    assert!(matches!(world.refused(with(String::new(), WEIGHT_MAX + 1)), Rejection::BadNode(_)));
    assert!(matches!(world.refused(with("z".repeat(ZONE_BYTES_MAX + 1), 100)), Rejection::BadNode(_)));
    assert!(world.apply(with("z".repeat(ZONE_BYTES_MAX), 0)).is_ok());
}

#[test]
fn a_proposal_that_comes_again_is_answered_and_not_applied() {
    let mut world = World::formed(1);
    let request = RequestId { proposer: 3, n: 1 };
    let first = world.apply_named(request, register(50, "x"));
    assert_eq!(first, Ok(Reply::Registered(NodeId(2), None)));
    let again = world.apply_named(request, register(51, "y"));
    assert_eq!(again, first, "the name counts, not the content");
    assert_eq!(world.state.nodes.len(), 2);

    let refused = RequestId { proposer: 3, n: 2 };
    assert_eq!(world.apply_named(refused, form(1)), Err(Rejection::AlreadyFormed));
    assert_eq!(world.apply_named(refused, register(52, "z")), Err(Rejection::AlreadyFormed));
}

#[test]
fn answers_are_forgotten_oldest_first() {
    let mut world = World::formed(1);
    let named = |n| RequestId { proposer: 3, n };
    let create = |n: u64| Command::CreateNamespace { name: format!("ns{}", n % 7) };
    for n in 0..=super::super::ANSWERS_MAX as u64 {
        world.apply_named(named(n), create(n)).unwrap();
    }
    assert_eq!(world.state.answered.len(), super::super::ANSWERS_MAX);
    assert_eq!(world.apply_named(named(1), form(1)), world.apply(create(1)), "the oldest still known");
    assert_eq!(world.apply_named(named(0), form(1)), Err(Rejection::AlreadyFormed), "forgotten");
}
