use super::*;
use crate::{
    cluster::{
        AccessCommand, AccessKey, AccessRejection, Addresses, Change, Command, KeySecret, Member, Move, NodeState,
        Outcome, Proposal, Rejection, Reply, RequestId, Scopes, SecretHash, Seed, Settings, SettingsPatch,
    },
    config::{Backend, CacheConfig, ConfigPatch},
    ids::{ClusterId, Epoch, Generation, Incarnation, KeyId, Mid, NamespaceId, NodeId, RangeId},
};

/// Bytes written by the first version that had a format. They must stay readable for ever.
const GOLDEN_V1: &str = concat!(
    "01f0bdf3d589cf959a124d0108030202010b03010206623a3734303006623a37353030017a960101020c000006633a37",
    "34303006633a373530300179640002030101010103000003010101010300000103020101010102010764656661756c74",
    "00040674656e616e74010005020100000080808032904e901cac020000010400000080808032ac02901cac0200000601",
    "00010108050000000501000202050200000503000304050400040505050005000080808032ac02901cac020000060506",
    "000102000507010a",
);

/// Bytes of [`sample`]. They must stay readable for ever.
const GOLDEN_V2: &str = concat!(
    "02f0bdf3d589cf959a124d0112050f0d04010b03010206623a3734303006623a37353030017a9601020500020c030103",
    "06623a3734303006623a37353030017a960101050128030d03010406623a3734303006623a37353030017a9601010c00",
    "0416000006633a3734303006633a37353030017964000000020501010301050205030b000005010201020501030b0001",
    "05020201020102010302010764656661756c740000060674656e616e7401000701000108020100000080808032904e90",
    "1cac02000000010600000080808032ac02901cac02000000090100030201e80707090109016b010100010674656e616e",
    "740102612a05010601070201010101010101010101010101010101010101010101010101010101010101010108020202",
    "020202020202020202020202020202020202020202020202020202020200112f05000000050100020205020002030503",
    "0002040504000005050003060506000407050700080805080005000080808032ac02901cac0200000009050900010400",
    "050a000602050b000601050c0000050d0000050e0000050f000005100000051100000664000006650001010102066600",
    "02030667000304066800040506690005000080808032904e901cac0200000006066a000607066b00070809066c00080a",
    "066d0100066e0101066f0102010670010301067101040106720105067301060174067401070675010806760109070677",
    "010a0678010b01740679010c0174067a010d0174067b010e0102067c010f01067d01100174067e011100067f01110101",
    "7406800101110207",
);

fn addresses(host: &str) -> Addresses {
    Addresses { rpc: format!("{host}:7400"), health: format!("{host}:7500") }
}

fn form(seeds: u64) -> Command {
    let seed = |id| Seed { id: NodeId(id), birth: 10 + id, addresses: addresses("a") };
    Command::Form {
        cluster: ClusterId(0x1234_5678_9abc_def0),
        hash_seed: 77,
        range_bits: 1,
        seeds: (1..=seeds).map(seed).collect(),
        config: CacheConfig::default(),
        default_backend: Backend::Memory,
    }
}

fn start(id: u64) -> Command {
    let (zone, addresses) = ("z".into(), addresses("b"));
    Command::NodeStart { node: NodeId(id), birth: 10 + id, boot: 3, addresses, zone, weight: 150 }
}

fn applied(commands: Vec<Command>) -> ClusterState {
    let mut state = ClusterState::default();
    for (at, command) in commands.into_iter().enumerate() {
        let request = RequestId { proposer: 5, n: at as u64 };
        let _ = state.apply(at as u64 + 1, &Proposal { request, command });
        assert_eq!(state.broken_invariants(), Vec::<String>::new());
    }
    state
}

/// What [`GOLDEN_V1`] holds, as the first version would have seen it.
fn sample_v1() -> ClusterState {
    let mut state = applied(vec![
        form(1),
        start(1),
        Command::SetPlan { owners: vec![vec![NodeId(1)]; 2], computed_at: 2, absent: Default::default() },
        Command::CreateNamespace { name: "tenant".into() },
        Command::Clear { namespace: NamespaceId(4), backend: Backend::Memory },
        Command::PatchConfig {
            namespace: NamespaceId(4),
            backend: Backend::Memory,
            patch: ConfigPatch { max_items: Some(300), ..ConfigPatch::default() },
            default_backend: Some(Backend::Memory),
        },
        Command::Register { birth: 12, addresses: addresses("c"), zone: "y".into(), weight: 100 },
        Command::RemoveNamespace { namespace: NamespaceId(1) },
    ]);
    for node in state.nodes.values_mut() {
        node.touched_at = 0;
    }
    state.barrier_at = 0;
    state.settings = Settings { replication_factor: 1, min_in_sync: 1, ..Settings::default() };
    state
}

/// A state in which every part holds something, and every kind of answer.
fn sample() -> ClusterState {
    let (namespace, backend) = (NamespaceId(6), Backend::Memory);
    let to = |range, to| Move { range: RangeId(range), epoch: Epoch(5), to: NodeId(to) };
    let owners = vec![vec![NodeId(1), NodeId(2)], vec![NodeId(2)]];
    let settings = SettingsPatch {
        replication_factor: Some(3),
        min_in_sync: Some(2),
        moves_paused: Some(true),
        fill_bytes_per_s: Some(1_000),
        rehome_after_s: Some(7),
        reset_after_s: Some(9),
    };
    let promoted = Change { range: RangeId(0), epoch: Epoch(5), member: Member { node: NodeId(3), mid: Mid(11) } };
    let mut state = applied(vec![
        form(3),
        start(1),
        start(2),
        start(3),
        Command::SetPlan { owners, computed_at: 4, absent: [NodeId(3)].into() },
        Command::CreateNamespace { name: "tenant".into() },
        Command::Clear { namespace, backend },
        Command::Silence { namespace, backend },
        Command::PatchConfig {
            namespace,
            backend,
            patch: ConfigPatch { max_items: Some(300), ..ConfigPatch::default() },
            default_backend: Some(backend),
        },
        Command::Register { birth: 22, addresses: addresses("c"), zone: "y".into(), weight: 100 },
        Command::AddPending { moves: vec![to(0, 3), to(1, 3)] },
        Command::Promote { changes: vec![promoted] },
        Command::PatchSettings { patch: settings },
        Command::SetWeight { node: NodeId(2), weight: Some(40) },
        Command::Drain { node: NodeId(1), cancel: false },
        Command::Access(AccessCommand::Put { id: KeyId(9), key: access_key() }),
        Command::Access(AccessCommand::Rotate { id: KeyId(9), hash: SecretHash([2; 32]), old_ends_at_ms: 8 }),
        Command::Access(AccessCommand::NoteUses { uses: vec![(KeyId(9), 7)] }),
    ]);
    let named = (100..).map(|n| RequestId { proposer: 6, n });
    state.answered.extend(named.zip(outcomes()));
    state
}

fn access_key() -> AccessKey {
    AccessKey {
        name: "k".into(),
        scopes: Scopes { read: true, write: true, admin: false },
        namespaces: vec!["tenant".into()],
        patterns: vec!["a*".into()],
        created_at_ms: 5,
        expires_at_ms: Some(6),
        last_used_ms: None,
        secrets: vec![KeySecret { hash: SecretHash([1; 32]), ends_at_ms: None }],
    }
}

/// Every kind of answer, with texts that no change of wording touches.
fn outcomes() -> Vec<Outcome> {
    let text = || "t".to_owned();
    let rejections = vec![
        Rejection::AlreadyFormed,
        Rejection::NotFormed,
        Rejection::UnknownNode(NodeId(1)),
        Rejection::NodeGone(NodeId(1)),
        Rejection::OldStart(NodeId(1)),
        Rejection::OldPlan,
        Rejection::BadPlan(text()),
        Rejection::UnknownNamespace,
        Rejection::BadNamespaceName,
        Rejection::TooManyNamespaces(7),
        Rejection::DefaultNamespace,
        Rejection::BadConfig(text()),
        Rejection::BadNode(text()),
        Rejection::BadFormation(text()),
        Rejection::LastCopies { node: NodeId(1), ranges: 2 },
        Rejection::OldIncarnation(NodeId(1)),
        Rejection::BadSettings(text()),
        Rejection::Access(AccessRejection::Unknown),
        Rejection::Access(AccessRejection::Bad(text())),
        Rejection::Access(AccessRejection::TooMany(7)),
    ];
    let replies = vec![
        Reply::Done,
        Reply::Registered(NodeId(1), Some(NodeId(2))),
        Reply::Started(Incarnation(3)),
        Reply::Namespace(NamespaceId(4)),
        Reply::Cleared(Generation(5)),
        Reply::Config(CacheConfig::default(), 6),
        Reply::Moved(7),
        Reply::Ranges { touched: 8, reset: 9 },
        Reply::Silenced(10),
    ];
    replies.into_iter().map(Ok).chain(rejections.into_iter().map(Err)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn the_sample_holds_something_everywhere() {
    let state = sample();
    assert!(state.barrier_at > 0 && state.nodes_changed_at > 0 && state.default_backend.is_some());
    assert!(state.nodes.values().any(|node| node.set_weight.is_some()));
    assert!(state.nodes.values().any(|node| node.touched_at > 0));
    assert!(state.nodes.values().any(|node| node.state == NodeState::Leaving));
    assert!(state.ranges.iter().any(|record| record.pending.is_some()));
    assert!(state.ranges.iter().any(|record| record.in_sync.len() > 1));
    assert!(!state.plan.as_ref().unwrap().absent.is_empty());
    assert!(
        state.namespaces.values().any(|namespace| !namespace.silent.is_empty() && !namespace.generations.is_empty())
    );
    assert_ne!(state.settings, Settings::default());
    assert!(state.keys_changed_at > 0 && state.keys.values().any(|key| key.last_used_ms.is_some()));
}

#[test]
fn bytes_of_the_first_format_stay_readable() {
    assert_eq!(ClusterState::from_bytes(&unhex(GOLDEN_V1)), Ok(sample_v1()));
    let longer = [unhex(GOLDEN_V1).as_slice(), &[0, 0]].concat();
    assert_eq!(ClusterState::from_bytes(&longer), Err(FormatFault::TrailingBytes(2)));
}

#[test]
fn bytes_of_the_second_format_stay_readable_and_are_still_written() {
    assert_eq!(hex(&sample().to_bytes().unwrap()), GOLDEN_V2, "a changed format needs a version and a migration");
    assert_eq!(ClusterState::from_bytes(&unhex(GOLDEN_V2)), Ok(sample()));
}

#[test]
fn a_cluster_of_the_first_format_goes_on() {
    let mut state = ClusterState::from_bytes(&unhex(GOLDEN_V1)).unwrap();
    let mut again = start(1);
    if let Command::NodeStart { boot, .. } = &mut again {
        *boot = 4;
    }
    state.apply(9, &Proposal { request: RequestId::default(), command: again }).unwrap();
    assert_eq!(state.nodes[&NodeId(1)].touched_at, 9, "its memory was lost with the old process");
    assert_eq!(state.target().owners, vec![vec![NodeId(1)]; 2]);
}

#[test]
fn an_unknown_version_is_named() {
    let mut bytes = sample().to_bytes().unwrap();
    bytes[0] = 9;
    let fault = ClusterState::from_bytes(&bytes).unwrap_err();
    assert_eq!(fault, FormatFault::UnknownVersion { found: 9 });
    assert!(fault.to_string().contains("format 9"), "{fault}");
}

#[test]
fn damaged_bytes_are_an_error_and_never_a_panic() {
    let bytes = sample().to_bytes().unwrap();
    assert_eq!(ClusterState::from_bytes(&[]), Err(FormatFault::Empty));
    for end in 1..bytes.len() {
        assert!(ClusterState::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    let longer = [bytes.as_slice(), &[0, 0]].concat();
    assert_eq!(ClusterState::from_bytes(&longer), Err(FormatFault::TrailingBytes(2)));
    for at in 1..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let _ = ClusterState::from_bytes(&flipped);
        }
    }
}
