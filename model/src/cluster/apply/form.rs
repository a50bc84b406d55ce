//! The first entry of a cluster.

use std::collections::BTreeSet;

use super::nodes::WEIGHT_PLAIN;
use crate::{
    cluster::{
        command::{Outcome, Rejection, Reply, Seed},
        state::{ClusterState, ConfigRecord, Namespace, Node, NodeState, RangeRecord},
    },
    config::{Backend, CacheConfig, check_backend, check_config},
    ids::{ClusterId, NamespaceId},
    key::DEFAULT_NAMESPACE,
};

/// The fields of `Command::Form`.
pub(super) struct Formation<'a> {
    pub(super) cluster: ClusterId,
    pub(super) hash_seed: u64,
    pub(super) range_bits: u8,
    pub(super) seeds: &'a [Seed],
    pub(super) config: &'a CacheConfig,
    pub(super) default_backend: Backend,
}

impl ClusterState {
    pub(super) fn form(&mut self, index: u64, formation: Formation<'_>) -> Outcome {
        if self.is_formed() {
            return Err(Rejection::AlreadyFormed);
        }
        check(&formation)?;
        self.cluster = formation.cluster;
        self.hash_seed = formation.hash_seed;
        self.range_bits = formation.range_bits;
        self.ranges = vec![RangeRecord::default(); 1 << formation.range_bits];
        self.nodes = formation.seeds.iter().map(|seed| (seed.id, founder(seed))).collect();
        self.next_node = formation.seeds.iter().map(|seed| seed.id.0).max().unwrap_or(0) + 1;
        self.nodes_changed_at = index;
        let namespace = NamespaceId(index);
        self.namespaces.insert(namespace, Namespace::named(DEFAULT_NAMESPACE));
        let record = ConfigRecord { config: formation.config.clone(), version: index };
        self.configs.insert((namespace, formation.config.backend), record);
        self.default_backend = Some(formation.default_backend);
        Ok(Reply::Done)
    }
}

fn check(formation: &Formation<'_>) -> Result<(), Rejection> {
    let bad = |fault: &str| Err(Rejection::BadFormation(fault.to_owned()));
    if formation.cluster == ClusterId(0) {
        return bad("the cluster's id is zero");
    }
    if !(1..=16).contains(&formation.range_bits) {
        return bad("the number of ranges is 2^1 to 2^16");
    }
    if formation.seeds.is_empty() {
        return bad("there are no seeds");
    }
    let mut ids = BTreeSet::new();
    let mut births = BTreeSet::new();
    for seed in formation.seeds {
        if seed.id.0 == 0 || seed.id.0 == u64::MAX || !ids.insert(seed.id) || !births.insert(seed.birth) {
            return bad("the seeds' ids and births are not distinct");
        }
    }
    check_config(formation.config).map_err(Rejection::BadConfig)?;
    check_backend(formation.default_backend).map_err(Rejection::BadConfig)
}

fn founder(seed: &Seed) -> Node {
    Node {
        birth: seed.birth,
        boot: 0,
        incarnation: None,
        addresses: seed.addresses.clone(),
        zone: String::new(),
        weight: WEIGHT_PLAIN,
        state: NodeState::Joining,
        touched_at: 0,
        set_weight: None,
    }
}
