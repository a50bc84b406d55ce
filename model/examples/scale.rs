//! The figures of docs/scale.md: balance, moved share, size of the replicated state, cost of its changes.
//!
//! `cargo run --release -p ringhold-model --example scale -- [nodes] [range bits] [copies] [million keys]`

use std::{collections::BTreeMap, time::Instant};

use ringhold_model::{
    ClusterId, NamespaceId, NodeId,
    cluster::{Addresses, ClusterState, Command, Proposal, RequestId, Seed, SettingsPatch},
    config::{Backend, CacheConfig},
    key::{key_hash, range_of},
};

const DEFAULTS: [u64; 4] = [1_000, 13, 2, 10];

struct Cluster(ClusterState);

impl Cluster {
    fn of(nodes: u64, range_bits: u8, copies: u8) -> Self {
        let mut cluster = Self(ClusterState::default());
        cluster.apply(Command::Form {
            cluster: ClusterId(1),
            hash_seed: 42,
            range_bits,
            seeds: vec![Seed { id: NodeId(1), birth: 1, addresses: addresses(1) }],
            config: CacheConfig::default(),
            default_backend: Backend::Memory,
        });
        let patch = SettingsPatch { replication_factor: Some(copies), ..SettingsPatch::default() };
        cluster.apply(Command::PatchSettings { patch });
        cluster.start(1);
        (2..=nodes).for_each(|n| cluster.join(n));
        cluster
    }

    fn apply(&mut self, command: Command) {
        let index = self.0.applied + 1;
        let outcome = self.0.apply(index, &Proposal { request: RequestId::default(), command });
        outcome.expect("the rule book takes it");
    }

    fn join(&mut self, n: u64) {
        self.apply(Command::Register { birth: n, addresses: addresses(n), zone: zone(n), weight: 100 });
        self.start(n);
    }

    fn start(&mut self, n: u64) {
        let (node, birth, addresses, zone) = (NodeId(n), n, addresses(n), zone(n));
        self.apply(Command::NodeStart { node, birth, boot: 1, addresses, zone, weight: 100 });
    }

    fn plan(&mut self) -> f64 {
        let began = Instant::now();
        let owners = self.0.target().owners;
        let took = began.elapsed().as_secs_f64();
        self.apply(Command::SetPlan { owners, computed_at: self.0.applied, absent: Default::default() });
        took
    }

    fn owners(&self) -> &[Vec<NodeId>] {
        &self.0.plan.as_ref().expect("planned").owners
    }
}

fn addresses(n: u64) -> Addresses {
    Addresses {
        rpc: format!("10.0.{}.{}:7400", n / 250, n % 250),
        health: format!("10.0.{}.{}:7480", n / 250, n % 250),
    }
}

fn zone(n: u64) -> String {
    format!("zone-{}", n % 3)
}

fn spread(counts: &BTreeMap<NodeId, u64>, nodes: u64) -> String {
    let (least, most) = (counts.values().min().copied().unwrap_or(0), counts.values().max().copied().unwrap_or(0));
    let fair = counts.values().sum::<u64>() as f64 / nodes as f64;
    format!("fair {fair:.1}, least {least}, most {most} ({:.2} of fair)", most as f64 / fair)
}

fn main() {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [nodes, bits, copies, millions] = std::array::from_fn(|at| given.get(at).copied().unwrap_or(DEFAULTS[at]));
    println!("{nodes} nodes in 3 zones, {} ranges, {copies} copies, {millions} million keys", 1_u64 << bits);

    let mut cluster = Cluster::of(nodes, bits as u8, copies as u8);
    println!("first plan: {:.2} s", cluster.plan());
    let (mut primaries, mut all) = (BTreeMap::new(), BTreeMap::new());
    for owners in cluster.owners() {
        *primaries.entry(owners[0]).or_insert(0) += 1;
        owners.iter().for_each(|owner| *all.entry(*owner).or_insert(0) += 1);
    }
    println!("primaries a node: {}", spread(&primaries, nodes));
    println!("copies a node:    {}", spread(&all, nodes));
    let mut keys = BTreeMap::new();
    for n in 0..millions * 1_000_000 {
        let hash = key_hash(42, NamespaceId(1), &format!("user:{n}"));
        let range = range_of(hash, bits as u8);
        *keys.entry(cluster.owners()[usize::from(range.0)][0]).or_insert(0) += 1;
    }
    println!("keys a primary:   {}", spread(&keys, nodes));

    let bytes = cluster.0.to_bytes().expect("a state is written");
    println!("replicated state: {} bytes, {:.1} a range", bytes.len(), bytes.len() as f64 / (1_u64 << bits) as f64);
    let began = Instant::now();
    let copied = cluster.0.clone();
    println!("copying it: {:.2} ms; reading it: {:.2} ms", began.elapsed().as_secs_f64() * 1e3, {
        let began = Instant::now();
        ClusterState::from_bytes(&bytes).expect("and read");
        began.elapsed().as_secs_f64() * 1e3
    });
    drop(copied);

    let before = cluster.owners().to_vec();
    cluster.join(nodes + 1);
    let took = cluster.plan();
    let moved: usize =
        before.iter().zip(cluster.owners()).map(|(old, new)| new.iter().filter(|id| !old.contains(id)).count()).sum();
    let total = before.iter().map(Vec::len).sum::<usize>();
    println!(
        "one node joins: planned in {took:.2} s; {moved} of {total} copies move, {:.2} times the newcomer's fair share",
        moved as f64 / (total as f64 / (nodes + 1) as f64)
    );
}
