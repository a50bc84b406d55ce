//! Commands from a small world, so that they meet: ids, births and addresses repeat, most epochs are the present ones.

use proptest::{collection::vec, option, prelude::*};

use crate::{
    cluster::{
        Change, ClusterState, Command, Member, Move, Restart, SettingsPatch,
        world::{addresses, form},
    },
    config::{Backend, CacheConfig, ConfigPatch},
    ids::{Epoch, Incarnation, Mid, NamespaceId, NodeId, RangeId},
};

/// One range and one node of it; some epochs and memberships are wrong.
#[derive(Clone, Debug)]
pub(super) struct Pick {
    range: u16,
    node: u64,
    is_stale: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    AddPending,
    CancelPending,
    Promote,
    Removed,
    Handover,
    Reset,
}

/// A command that is made complete from the state that it meets.
#[derive(Clone, Debug)]
pub(super) enum Draft {
    /// `birth` and `host` of a node that is new, unless given.
    Register {
        birth: Option<u64>,
        host: Option<u64>,
        weight: u32,
    },
    Start {
        node: u64,
        birth: u64,
        boots: u64,
        zone: u8,
    },
    /// `owners` are counted off among the active nodes, unless they are `raw`.
    Plan {
        owners: Vec<Vec<u64>>,
        absent: Vec<u64>,
        age: u64,
        is_raw: bool,
    },
    Ranges(Step, Vec<Pick>),
    Down {
        node: u64,
        alive: Vec<u64>,
        is_stale: bool,
    },
    Complete(Command),
}

pub(super) fn draft() -> impl Strategy<Value = Draft> {
    let node = 1..8_u64;
    let picks = vec((0..5_u16, node.clone(), prop::bool::weighted(0.1)), 1..6);
    let picks = picks.prop_map(|picks| {
        picks.into_iter().map(|(range, node, is_stale)| Pick { range, node, is_stale }).collect::<Vec<_>>()
    });
    let step = prop_oneof![
        4 => Just(Step::AddPending),
        1 => Just(Step::CancelPending),
        4 => Just(Step::Promote),
        2 => Just(Step::Removed),
        2 => Just(Step::Handover),
        1 => Just(Step::Reset),
    ];
    prop_oneof![
        2 => (option::of(101..110_u64), option::of(1..7_u64), 0..3_u32)
            .prop_map(|(birth, host, weight)| Draft::Register { birth, host, weight }),
        4 => (node.clone(), 0..3_u64, 0..3_u8).prop_flat_map(|(node, boots, zone)| {
            prop_oneof![6 => Just(100 + node), 1 => 101..110_u64]
                .prop_map(move |birth| Draft::Start { node, birth, boots, zone })
        }),
        3 => (vec(vec(node.clone(), 1..4), 4), vec(node.clone(), 0..2), 0..2_u64, prop::bool::weighted(0.2))
            .prop_map(|(owners, absent, age, is_raw)| Draft::Plan { owners, absent, age, is_raw }),
        14 => (step, picks).prop_map(|(step, picks)| Draft::Ranges(step, picks)),
        3 => (node.clone(), vec(node, 0..8), prop::bool::weighted(0.1))
            .prop_map(|(node, alive, is_stale)| Draft::Down { node, alive, is_stale }),
        4 => of_members().prop_map(Draft::Complete),
        6 => of_configs().prop_map(Draft::Complete),
    ]
}

fn of_members() -> impl Strategy<Value = Command> {
    let node = || (1..8_u64).prop_map(NodeId);
    let weight = option::of(prop_oneof![Just(0), 1..300_u32, Just(10_001)]);
    prop_oneof![
        2 => (node(), any::<bool>()).prop_map(|(node, cancel)| Command::Drain { node, cancel }),
        1 => (node(), any::<bool>()).prop_map(|(node, force)| Command::RemoveNode { node, force }),
        1 => (node(), weight).prop_map(|(node, weight)| Command::SetWeight { node, weight }),
        1 => Just(Command::CancelMoves),
    ]
}

fn of_configs() -> impl Strategy<Value = Command> {
    let namespace = || (0..40_u64).prop_map(NamespaceId);
    let backend = Backend::Memory;
    let settings = (option::of(0..7_u8), option::of(0..7_u8), option::of(0..90_000_u32)).prop_map(
        |(replication_factor, min_in_sync, reset_after_s)| SettingsPatch {
            replication_factor,
            min_in_sync,
            reset_after_s,
            ..SettingsPatch::default()
        },
    );
    let config = |cleanup_interval| ConfigPatch { cleanup_interval: Some(cleanup_interval), ..ConfigPatch::default() };
    prop_oneof![
        (0..4_u8).prop_map(|n| Command::CreateNamespace { name: ["a", "b", "c", "not one"][usize::from(n)].into() }),
        namespace().prop_map(|namespace| Command::RemoveNamespace { namespace }),
        namespace().prop_map(move |namespace| Command::Clear { namespace, backend }),
        namespace().prop_map(move |namespace| Command::Silence { namespace, backend }),
        (namespace(), 0..40_u64).prop_map(move |(namespace, since)| Command::EndSilence { namespace, backend, since }),
        (namespace(), 0..200_000_u64).prop_map(move |(namespace, interval)| Command::PatchConfig {
            namespace,
            backend,
            patch: config(interval),
            default_backend: None,
        }),
        namespace().prop_map(|namespace| Command::PutConfig { namespace, config: CacheConfig::default() }),
        settings.prop_map(|patch| Command::PatchSettings { patch }),
        Just(form(2)),
    ]
}

/// `draft` as a command to a cluster in this state.
pub(super) fn command(state: &ClusterState, draft: &Draft) -> Command {
    match draft {
        Draft::Register { birth, host, weight } => Command::Register {
            birth: birth.unwrap_or(100 + state.next_node),
            addresses: addresses(&format!("n{}", host.unwrap_or(state.next_node))),
            zone: String::new(),
            weight: weight * 100,
        },
        Draft::Start { node, birth, boots, zone } => Command::NodeStart {
            node: NodeId(*node),
            birth: *birth,
            boot: (state.nodes.get(&NodeId(*node)).map_or(1, |node| node.boot) + boots).saturating_sub(1),
            addresses: addresses(&format!("n{node}")),
            zone: format!("z{zone}"),
            weight: 100,
        },
        Draft::Plan { owners, absent, age, is_raw } => {
            let active = state.candidates();
            let node = |n: u64| match active.get(n as usize % active.len().max(1)).filter(|_| !is_raw) {
                Some(node) => node.id,
                None => NodeId(n),
            };
            Command::SetPlan {
                owners: owners.iter().map(|ids| ids.iter().copied().map(node).collect()).collect(),
                computed_at: state.applied.saturating_sub(*age),
                absent: absent.iter().copied().map(node).collect(),
            }
        }
        Draft::Ranges(step, picks) => of_ranges(state, *step, picks),
        Draft::Down { node, alive, is_stale } => Command::NodeDown {
            node: NodeId(*node),
            incarnation: run(state, *node, *is_stale),
            alive: alive.iter().map(|id| (NodeId(*id), run(state, *id, *is_stale))).collect(),
        },
        Draft::Complete(command) => of_namespace(state, command.clone()),
    }
}

/// Most namespaces and silences are present ones.
fn of_namespace(state: &ClusterState, mut command: Command) -> Command {
    use Command::{Clear, EndSilence, PatchConfig, PutConfig, RemoveNamespace, Silence};
    if let Clear { namespace, .. }
    | EndSilence { namespace, .. }
    | PatchConfig { namespace, .. }
    | PutConfig { namespace, .. }
    | RemoveNamespace { namespace }
    | Silence { namespace, .. } = &mut command
        && namespace.0 % 4 != 0
    {
        let nth = namespace.0 as usize % state.namespaces.len();
        *namespace = state.namespaces.keys().nth(nth).copied().unwrap_or_default();
    }
    if let EndSilence { namespace, backend, since } = &mut command
        && *since % 4 != 0
    {
        let clears = state.namespaces.get(namespace).and_then(|ns| ns.silent.get(backend));
        *since = clears.and_then(|clears| clears.first()).copied().unwrap_or_default();
    }
    command
}

fn of_ranges(state: &ClusterState, step: Step, picks: &[Pick]) -> Command {
    let moves = || picks.iter().map(|pick| to_node(state, pick)).collect::<Vec<_>>();
    let to_members = || picks.iter().map(|pick| to_member(state, pick)).collect();
    let pending = || picks.iter().map(|pick| of_member(state, pick, true)).collect();
    let in_sync = || picks.iter().map(|pick| of_member(state, pick, false)).collect();
    match step {
        Step::AddPending => Command::AddPending { moves: moves() },
        Step::Handover => Command::Handover { moves: to_members() },
        Step::Reset => Command::Reset { restarts: moves().into_iter().map(|step| to_restart(state, step)).collect() },
        Step::CancelPending => Command::CancelPending { changes: pending() },
        Step::Promote => Command::Promote { changes: pending() },
        Step::Removed => Command::Removed { changes: in_sync() },
    }
}

fn to_restart(state: &ClusterState, Move { range, epoch, to }: Move) -> Restart {
    Restart { range, epoch, to, members: state.range(range).map_or_else(Vec::new, |record| record.in_sync.clone()) }
}

fn to_node(state: &ClusterState, pick: &Pick) -> Move {
    let range = RangeId(pick.range);
    let epoch = state.range(range).map_or(Epoch(0), |record| record.epoch);
    Move { range, epoch: Epoch(epoch.0.saturating_sub(u64::from(pick.is_stale))), to: NodeId(pick.node) }
}

fn to_member(state: &ClusterState, pick: &Pick) -> Move {
    Move { to: of_member(state, pick, false).member.node, ..to_node(state, pick) }
}

fn of_member(state: &ClusterState, pick: &Pick, is_pending: bool) -> Change {
    let Move { range, epoch, .. } = to_node(state, &Pick { is_stale: false, ..pick.clone() });
    let record = state.range(range);
    let nth = |in_sync: &Vec<Member>| in_sync.get(pick.node as usize % in_sync.len().max(1)).copied();
    let found = record.and_then(|record| if is_pending { record.pending } else { nth(&record.in_sync) });
    let member = found.unwrap_or(Member { node: NodeId(pick.node), mid: Mid(epoch.0) });
    let mid = Mid(member.mid.0.saturating_sub(u64::from(pick.is_stale)));
    Change { range, epoch, member: Member { mid, ..member } }
}

fn run(state: &ClusterState, node: u64, is_stale: bool) -> Incarnation {
    let current = state.nodes.get(&NodeId(node)).and_then(|node| node.incarnation).unwrap_or_default();
    Incarnation(current.0.saturating_sub(u64::from(is_stale)))
}
