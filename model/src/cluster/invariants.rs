//! What holds in every state that the rule book can reach. Tests and the simulation ask after each step.

use std::collections::BTreeSet;

use super::{
    apply::WEIGHT_MAX,
    state::{ClusterState, NodeState, RangeRecord},
};
use crate::{
    config::check_backend,
    ids::{Incarnation, Mid, NodeId},
    key::DEFAULT_NAMESPACE,
};

impl ClusterState {
    /// Every invariant that this state breaks, in words; empty for a sound state.
    pub fn broken_invariants(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if !self.is_formed() {
            return broken;
        }
        if self.ranges.len() != 1 << self.range_bits {
            broken.push(format!("{} ranges for {} bits", self.ranges.len(), self.range_bits));
        }
        for (at, record) in self.ranges.iter().enumerate() {
            self.check_range(record, &mut |fault| broken.push(format!("range {at}: {fault}")));
        }
        self.check_nodes(&mut broken);
        self.check_plan(&mut broken);
        self.check_namespaces(&mut broken);
        broken.extend(self.settings.check().err());
        self.check_keys(&mut broken);
        for (what, at) in [
            ("nodes_changed_at", self.nodes_changed_at),
            ("barrier_at", self.barrier_at),
            ("keys_changed_at", self.keys_changed_at),
        ] {
            if at > self.applied {
                broken.push(format!("{what} {at} at {}", self.applied));
            }
        }
        broken
    }

    fn check_keys(&self, broken: &mut Vec<String>) {
        for (id, key) in &self.keys {
            broken.extend(key.check().err().map(|fault| format!("key {id}: {fault}")));
            let present = key.secrets.iter().filter(|secret| secret.ends_at_ms.is_none()).count();
            if present != 1 || key.secrets.len() > 2 {
                broken.push(format!("key {id}: {present} present texts of {}", key.secrets.len()));
            }
        }
    }

    fn check_range(&self, record: &RangeRecord, broken: &mut impl FnMut(String)) {
        let Some(primary) = record.primary else {
            if *record != RangeRecord::default() {
                broken("no primary, but not untouched".to_owned());
            }
            return;
        };
        if !record.in_sync.iter().any(|member| member.node == primary) {
            broken(format!("primary {primary} is not in sync"));
        }
        if record.epoch.0 == 0 || record.epoch.0 > self.applied {
            broken(format!("epoch {} at {}", record.epoch, self.applied));
        }
        let mut seen = BTreeSet::new();
        for member in record.in_sync.iter().chain(&record.pending) {
            if !seen.insert(member.node) {
                broken(format!("node {} is a member twice", member.node));
            }
            self.check_member(member.node, member.mid, broken);
        }
    }

    fn check_member(&self, id: NodeId, mid: Mid, broken: &mut impl FnMut(String)) {
        if mid.0 == 0 || mid.0 > self.applied {
            broken(format!("mid {mid} of node {id} at {}", self.applied));
        }
        match self.nodes.get(&id) {
            None => broken(format!("member {id} is unknown")),
            Some(node) if node.state == NodeState::Gone => broken(format!("member {id} is gone")),
            // Memory does not outlive an incarnation, so no membership does.
            Some(node) if node.incarnation.is_some_and(|Incarnation(began)| mid.0 < began) => {
                broken(format!("member {id} was added at {mid}, before its process began"));
            }
            Some(_) => {}
        }
    }

    fn check_nodes(&self, broken: &mut Vec<String>) {
        let mut births = BTreeSet::new();
        for (id, node) in &self.nodes {
            if id.0 >= self.next_node {
                broken.push(format!("node {id} is not below the next id {}", self.next_node));
            }
            if !births.insert(node.birth) {
                broken.push(format!("two nodes have the birth {}", node.birth));
            }
            if matches!(node.state, NodeState::Active | NodeState::Leaving) && node.incarnation.is_none() {
                broken.push(format!("node {id} is {:?} but never started", node.state));
            }
            if node.touched_at > self.applied {
                broken.push(format!("node {id} was touched at {}, which is still to come", node.touched_at));
            }
            if node.weight() > WEIGHT_MAX {
                broken.push(format!("node {id} has the weight {}", node.weight()));
            }
        }
    }

    fn check_plan(&self, broken: &mut Vec<String>) {
        let Some(plan) = &self.plan else { return };
        if plan.id > self.applied || plan.owners.len() != self.ranges.len() {
            broken.push(format!("plan {} for {} ranges at {}", plan.id, plan.owners.len(), self.applied));
        }
        for (at, owners) in plan.owners.iter().enumerate() {
            let distinct: BTreeSet<_> = owners.iter().collect();
            if owners.is_empty() || distinct.len() != owners.len() {
                broken.push(format!("range {at} is planned for {owners:?}"));
            }
            if let Some(id) = owners.iter().find(|id| plan.absent.contains(id)) {
                broken.push(format!("range {at} is planned for node {id}, which the plan leaves out"));
            }
        }
        if self.ranges.iter().any(|record| record.primary.is_none()) {
            broken.push("there is a plan, but not every range is assigned".to_owned());
        }
    }

    fn check_namespaces(&self, broken: &mut Vec<String>) {
        if self.namespace_id(DEFAULT_NAMESPACE).is_none() {
            broken.push("the namespace `default` is missing".to_owned());
        }
        let names: BTreeSet<_> = self.namespaces.values().map(|namespace| &namespace.name).collect();
        if names.len() != self.namespaces.len() {
            broken.push("two namespaces have one name".to_owned());
        }
        for (id, namespace) in &self.namespaces {
            let generations = namespace.generations.iter().map(|(backend, generation)| (backend, generation.0));
            let silences =
                namespace.silent.iter().flat_map(|(backend, clears)| clears.iter().map(move |at| (backend, *at)));
            if namespace.silent.values().any(BTreeSet::is_empty) {
                broken.push(format!("namespace {id} is silent for nobody"));
            }
            for (backend, at) in generations.chain(silences) {
                if at <= id.0 || at > self.applied || check_backend(*backend).is_err() {
                    broken.push(format!("namespace {id} was cleared or silenced on {backend:?} at {at}"));
                }
            }
        }
        for ((namespace, backend), record) in &self.configs {
            if !self.namespaces.contains_key(namespace) || record.config.backend != *backend {
                broken.push(format!("a config of namespace {namespace} is filed wrongly"));
            }
        }
    }
}
